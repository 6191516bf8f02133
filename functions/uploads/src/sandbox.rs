//! Where hostile bytes are read: a child process of the media worker that has the one file and nothing else.
//!
//! The child gets the file as its standard input and a file of its own as its standard output; no environment, so no credentials.
//! Before it looks at a byte it gives up the right to open files and sockets and to start programs, and takes limits on its
//! memory and time (`media::confine`). What it found out it says in one line of JSON on its standard error. A child that dies,
//! whatever of, is a file that is refused.

use std::{
    fs::File,
    io::{self, Seek},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use domain::{
    Chapters, ContentType, EnclosureSettings, MediaFormat, Picture, Recording, Rejection, RejectionCode,
    TranscriptSummary,
};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, BufReader},
    process::Command,
    time::timeout,
};

/// What the media worker's program is told to be the child.
pub const CHILD: &str = "parse";
/// How long a child may take. A worker has fifteen minutes for two long tasks, and for fetching and storing the file.
const LONGEST: Duration = Duration::from_secs(360);
/// How long a report may be, in bytes.
const LONGEST_REPORT: u64 = 4 << 20;

/// What the child does with its file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Task {
    /// Finds out what the file is. Writes a recording's waveform.
    Examine {
        /// What it was announced as: what it is meant to be where its bytes do not tell.
        announced: ContentType,
    },
    /// Writes the MP3 of a master.
    EncodeEnclosure {
        /// How.
        settings: EnclosureSettings,
    },
    /// Writes the artwork that is in a recording.
    ExtractArtwork {
        /// Which format the recording has.
        format: MediaFormat,
    },
    /// Writes a picture at a size for web pages.
    ResizeArtwork,
    /// Writes a transcript in another format.
    WriteTranscript {
        /// Which.
        format: MediaFormat,
    },
}

/// What the child says.
#[derive(Debug, Serialize, Deserialize)]
pub enum Report {
    /// The file cannot be used, and why.
    Refused(Rejection),
    /// The file is a recording.
    Recording {
        /// Which format it has.
        format: MediaFormat,
        /// What was found out.
        recording: Box<Recording>,
        /// The chapters that are in it.
        chapters: Option<Chapters>,
        /// Whether there is artwork in it.
        has_artwork: bool,
    },
    /// The file is artwork.
    Picture {
        /// Which format it has.
        format: MediaFormat,
        /// What was found out.
        picture: Picture,
    },
    /// The file is a transcript.
    Transcript {
        /// Which format it has.
        format: MediaFormat,
        /// What was found out.
        summary: TranscriptSummary,
    },
    /// The file is chapters in JSON.
    Chapters(Chapters),
    /// What was asked for is written.
    Written {
        /// In which format.
        format: MediaFormat,
    },
}

/// Starts children.
#[derive(Debug, Clone)]
pub struct Sandbox {
    program: PathBuf,
}

impl Sandbox {
    /// Starts `program`, the media worker's.
    pub fn new(program: PathBuf) -> Self {
        Self { program }
    }

    /// Has a child do `task` with `input`, and write to `output`, both from their beginnings.
    ///
    /// # Errors
    /// When no child can be started, or this process's own files fail. What the file is to blame for is a [`Report::Refused`].
    pub async fn run(&self, task: &Task, input: &File, output: &File) -> Result<Report, io::Error> {
        let (mut input, mut output) = (input.try_clone()?, output.try_clone()?);
        input.rewind()?;
        output.set_len(0)?;
        output.rewind()?;
        let mut child = Command::new(&self.program)
            .args([CHILD, &serde_json::to_string(task)?])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(input))
            .stdout(Stdio::from(output))
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;

        let mut said = String::new();
        let stderr = child.stderr.take().ok_or_else(|| io::Error::other("a child without standard error"))?;
        let end = timeout(LONGEST, async {
            BufReader::new(stderr).take(LONGEST_REPORT).read_to_string(&mut said).await?;
            child.wait().await
        });
        let Ok(end) = end.await else {
            child.kill().await?;
            return Ok(Report::Refused(takes_too_long()));
        };
        let status = end?;
        match serde_json::from_str(said.trim_end()) {
            Ok(report) if status.success() => Ok(report),
            _ => {
                tracing::warn!(%status, said = said.chars().take(500).collect::<String>(), ?task, "a child died");
                Ok(Report::Refused(if is_out_of_time(status) { takes_too_long() } else { unreadable() }))
            }
        }
    }
}

#[cfg(unix)]
fn is_out_of_time(status: std::process::ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;

    /// Sent by Linux when the time on the processor is used up.
    const SIGXCPU: i32 = 24;
    status.signal() == Some(SIGXCPU)
}

fn takes_too_long() -> Rejection {
    Rejection {
        code: RejectionCode::TakesTooLong,
        detail: "Looking into the file takes longer than it may. Export it again, shorter or as MP3, and upload the new file."
            .to_owned(),
    }
}

fn unreadable() -> Rejection {
    Rejection {
        code: RejectionCode::Damaged,
        detail:
            "The file is damaged so badly that it cannot be read. Export it again and upload the new file."
                .to_owned(),
    }
}

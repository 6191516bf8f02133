//! What is made of an upload, before anything of it is kept: files in this process's own temporary folder.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    path::Path,
};

use domain::{
    Chapters, ChaptersSummary, ContentType, EnclosureSettings, MediaContent, MediaFile, MediaFormat,
    Rejection, Rendition, RenditionPurpose,
};
use storage::Measure;
use tempfile::NamedTempFile;

use crate::sandbox::{Report, Sandbox, Task};

/// An upload that was looked into.
pub(crate) struct Examined {
    pub(crate) format: MediaFormat,
    pub(crate) content: MediaContent,
    pub(crate) renditions: Vec<Made>,
}

/// A rendition, and where it is until it is kept.
pub(crate) struct Made {
    pub(crate) rendition: Rendition,
    file: NamedTempFile,
}

impl Made {
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }
}

/// Looks into `file`, and makes what belongs to it.
///
/// # Errors
/// When this process's own files fail; the inner error when the upload is at fault.
pub(crate) async fn examine(
    sandbox: &Sandbox,
    file: &File,
    announced: &ContentType,
    settings: EnclosureSettings,
) -> Result<Result<Examined, Rejection>, io::Error> {
    let mut workshop = Workshop { sandbox, file, made: Vec::new() };
    let waveform = NamedTempFile::new()?;
    let found =
        match sandbox.run(&Task::Examine { announced: announced.clone() }, file, waveform.as_file()).await? {
            Report::Recording { format, recording, chapters, has_artwork } => {
                // Of what is not decoded here there is none.
                if waveform.as_file().metadata()?.len() > 0 {
                    workshop.keep(RenditionPurpose::Waveform, MediaFormat::Json, waveform)?;
                }
                if let Some(chapters) = &chapters {
                    workshop.write_chapters(chapters)?;
                }
                if has_artwork {
                    // Artwork that cannot be read is no reason to refuse a recording.
                    workshop.make(RenditionPurpose::Artwork, &Task::ExtractArtwork { format }).await?.ok();
                }
                let encode = Task::EncodeEnclosure { settings };
                if format.is_master()
                    && let Err(rejection) = workshop.make(RenditionPurpose::Enclosure, &encode).await?
                {
                    return Ok(Err(rejection));
                }
                (format, MediaContent::Recording(*recording))
            }
            Report::Picture { format, picture } => {
                if let Err(rejection) = workshop.make(RenditionPurpose::Web, &Task::ResizeArtwork).await? {
                    return Ok(Err(rejection));
                }
                (format, MediaContent::Picture(picture))
            }
            Report::Transcript { format, summary } => {
                for format in [MediaFormat::WebVtt, MediaFormat::SubRip, MediaFormat::Json] {
                    let task = Task::WriteTranscript { format };
                    if let Err(rejection) = workshop.make(RenditionPurpose::Transcript, &task).await? {
                        return Ok(Err(rejection));
                    }
                }
                (format, MediaContent::Transcript(summary))
            }
            Report::Chapters(chapters) => {
                workshop.write_chapters(&chapters)?;
                (MediaFormat::Json, MediaContent::Chapters(ChaptersSummary::of(&chapters)))
            }
            Report::Refused(rejection) => return Ok(Err(rejection)),
            Report::Written { .. } => return Err(io::Error::other("the child did something else")),
        };

    let (format, content) = found;
    Ok(Ok(Examined { format, content, renditions: workshop.made }))
}

struct Workshop<'a> {
    sandbox: &'a Sandbox,
    file: &'a File,
    made: Vec<Made>,
}

impl Workshop<'_> {
    /// Has a child make a rendition.
    async fn make(
        &mut self,
        purpose: RenditionPurpose,
        task: &Task,
    ) -> Result<Result<(), Rejection>, io::Error> {
        let output = NamedTempFile::new()?;
        match self.sandbox.run(task, self.file, output.as_file()).await? {
            Report::Written { format } => Ok(Ok(self.keep(purpose, format, output)?)),
            Report::Refused(rejection) => Ok(Err(rejection)),
            _ => Err(io::Error::other("the child did something else")),
        }
    }

    fn write_chapters(&mut self, chapters: &Chapters) -> Result<(), io::Error> {
        let mut output = NamedTempFile::new()?;
        output.write_all(&serde_json::to_vec(chapters)?)?;
        self.keep(RenditionPurpose::Chapters, MediaFormat::Json, output)
    }

    fn keep(
        &mut self,
        purpose: RenditionPurpose,
        format: MediaFormat,
        mut output: NamedTempFile,
    ) -> Result<(), io::Error> {
        let file = measure(output.as_file_mut(), format)?;
        self.made.push(Made { rendition: Rendition { purpose, file }, file: output });
        Ok(())
    }
}

fn measure(file: &mut File, format: MediaFormat) -> Result<MediaFile, io::Error> {
    file.rewind()?;
    let mut measure = Measure::default();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        match buffer.get(..read) {
            Some([]) | None => break,
            Some(bytes) => measure.update(bytes),
        }
    }
    Ok(measure.finish().map_err(io::Error::other)?.of(format))
}

//! The child: one hostile file in, one file and one line of JSON out. Runs confined; see [`crate::sandbox`].

use std::{
    fs::File,
    io::{self, BufWriter, Read, Seek, Write},
    os::fd::AsFd,
    process::ExitCode,
    time::Duration,
};

use domain::{
    Chapters, ContentType, Decibels, EnclosureSettings, Loudness, MediaFormat, Picture, Recording, Rejection,
    RejectionCode, Tags, TranscriptSummary,
};
use media::{
    ArtworkError, ArtworkRefusal, EnclosureBitRate, EnclosureLoudness, EnclosureOptions, EnclosureTags,
    EncodeError, Limits, Mark, ProbeError, Refusal, Transcript, TranscriptRefusal,
};

use crate::sandbox::{Report, Task};

/// What the child may use: less than the function has, whatever the file claims.
const LIMITS: Limits = Limits { memory_bytes: 400 << 20, cpu_seconds: 300, written_bytes: 2 << 30 };
/// Pixels of a side of artwork for web pages.
const WEB_SIDE_PX: u16 = 600;
/// How many bytes tell a picture or a transcript from a recording.
const SNIFFED: u64 = 4 << 10;
/// As many bytes as no transcript may have.
const MORE_THAN_A_TRANSCRIPT: u64 = 11 << 20;
/// As many bytes as chapters may have.
const LARGEST_CHAPTERS: u64 = 5 << 20;
/// What pictures begin with: JPEG, PNG, GIF, TIFF.
const PICTURES: [&[u8]; 5] = [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"II*\0", b"MM\0*"];

/// Does `task` from standard input to standard output, and says on standard error what came of it.
pub fn run(task: &str) -> ExitCode {
    match work(task).and_then(|report| Ok(serde_json::to_writer(io::stderr(), &report)?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The parent writes it to its log.
            writeln!(io::stderr(), "{error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn work(task: &str) -> Result<Report, io::Error> {
    let task = serde_json::from_str(task)?;
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    media::confine(&LIMITS).map_err(io::Error::other)?;

    let done = match task {
        Task::Examine { announced } => examine(input, output, &announced),
        Task::EncodeEnclosure { settings } => encode_enclosure(input, output, settings),
        Task::ExtractArtwork { format } => extract_artwork(input, output, format),
        Task::ResizeArtwork => resize_artwork(input, output),
        Task::WriteTranscript { format } => write_transcript(&input, output, format),
    };
    match done {
        Err(Broken::Refused(rejection)) => Ok(Report::Refused(rejection)),
        Err(Broken::Local(error)) => Err(error),
        Ok(report) => Ok(report),
    }
}

/// Why a task was not done.
enum Broken {
    /// The file is at fault.
    Refused(Rejection),
    /// This process is.
    Local(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Local(error)
    }
}

impl From<ProbeError> for Broken {
    fn from(error: ProbeError) -> Self {
        match error {
            ProbeError::Refused(refusal) => {
                Self::Refused(Rejection { code: code(refusal), detail: refusal.to_string() })
            }
            ProbeError::Unreadable(error) => Self::Local(error),
        }
    }
}

impl From<ArtworkError> for Broken {
    fn from(error: ArtworkError) -> Self {
        match error {
            ArtworkError::Refused(refusal) => {
                Self::Refused(Rejection { code: artwork_code(refusal), detail: refusal.to_string() })
            }
            ArtworkError::Unreadable(error) | ArtworkError::Unwritable(error) => Self::Local(error),
        }
    }
}

impl From<TranscriptRefusal> for Broken {
    fn from(refusal: TranscriptRefusal) -> Self {
        let code = match refusal {
            TranscriptRefusal::EmptyFile => RejectionCode::EmptyFile,
            TranscriptRefusal::TooLarge => RejectionCode::TooLarge,
            _ => RejectionCode::InvalidTranscript,
        };
        Self::Refused(Rejection { code, detail: refusal.to_string() })
    }
}

impl From<EncodeError> for Broken {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::Unreadable(error) | EncodeError::Unwritable(error) => Self::Local(error),
            EncodeError::TooLong => Self::Refused(Rejection {
                code: RejectionCode::TooLarge,
                detail: "The master plays for more than 24 hours. Cut it into episodes, and upload each."
                    .to_owned(),
            }),
            EncodeError::NoMaster(_) | EncodeError::Damaged | EncodeError::Encoder(_) => {
                ProbeError::from(Refusal::Damaged).into()
            }
        }
    }
}

fn examine(mut input: File, output: File, announced: &ContentType) -> Result<Report, Broken> {
    let mut start = Vec::new();
    (&input).take(SNIFFED).read_to_end(&mut start)?;
    input.rewind()?;
    let looks_like_text = start.starts_with(b"WEBVTT") || start.windows(5).any(|bytes| bytes == b" --> ");
    let looks_like_json = start.trim_ascii_start().starts_with(b"{");

    match announced.kind() {
        _ if PICTURES.iter().any(|magic| start.starts_with(magic)) => examine_artwork(input),
        _ if looks_like_json => examine_chapters(&input),
        _ if looks_like_text => examine_transcript(&input),
        // A recording that was announced as something else is refused for that, not for being a broken picture.
        "image" if media::probe(input.try_clone()?).is_err() => examine_artwork(input),
        "text" if media::probe(input.try_clone()?).is_err() => examine_transcript(&input),
        _ => examine_recording(input, output),
    }
}

fn examine_recording(mut input: File, output: File) -> Result<Report, Broken> {
    let probed = media::probe(input.try_clone()?)?;
    let heard = media::listen(input.try_clone()?, &probed)?;
    let tags = media::read_tags(&mut input, probed.format)?;
    if let Some(waveform) = &heard.waveform {
        serde_json::to_writer(BufWriter::new(output), waveform).map_err(io::Error::from)?;
    }
    let loudness = heard.loudness.ok().and_then(|loudness| {
        Some(Loudness {
            integrated_lufs: Decibels::from(loudness.integrated_lufs?),
            true_peak_dbtp: Decibels::from(loudness.true_peak_dbtp?),
        })
    });

    Ok(Report::Recording {
        format: probed.format,
        recording: Box::new(Recording {
            duration_milliseconds: u64::try_from(probed.duration.as_millis()).unwrap_or(u64::MAX),
            codec: probed.codec.as_str().to_owned(),
            video_codec: probed.video.map(|video| video.codec.as_str().to_owned()),
            bit_rate: probed.bit_rate,
            channels: probed.channels,
            sample_rate_hz: probed.sample_rate_hz,
            loudness,
            tags: Tags {
                title: tags.title,
                artist: tags.artist,
                album: tags.album,
                date: tags.date,
                comment: tags.comment,
            },
        }),
        chapters: Chapters::found_in_file(tags.chapters.into_iter().map(found)).ok(),
        has_artwork: tags.artwork.is_some(),
    })
}

/// A chapter as the file has it.
fn found(mark: Mark) -> (u64, Option<u64>, Option<String>, Option<String>) {
    let milliseconds = |moment: Duration| u64::try_from(moment.as_millis()).unwrap_or(u64::MAX);
    (milliseconds(mark.starts_at), mark.ends_at.map(milliseconds), mark.title, mark.url)
}

fn encode_enclosure(
    mut master: File,
    mut output: File,
    settings: EnclosureSettings,
) -> Result<Report, Broken> {
    let probed = media::probe(master.try_clone()?)?;
    let tags = media::read_tags(&mut master, probed.format)?;
    let kilobits = settings.bit_rate.bits_per_second() / 1000;
    let options = EnclosureOptions {
        bit_rate: EnclosureBitRate::from_kilobits(kilobits)
            .ok_or_else(|| io::Error::other("a bit rate that MP3 does not have"))?,
        loudness: match settings.is_loudness_normalized {
            true => EnclosureLoudness::Podcast,
            false => EnclosureLoudness::AsRecorded,
        },
        tags: EnclosureTags {
            title: tags.title,
            artist: tags.artist,
            album: tags.album,
            date: tags.date,
            chapters: tags.chapters,
            artwork: tags.artwork,
        },
    };
    master.rewind()?;
    media::encode_enclosure(master, &probed, &options, &mut output)?;
    Ok(Report::Written { format: MediaFormat::Mp3 })
}

/// As it is in the file: players show it as it is, too.
fn extract_artwork(mut input: File, mut output: File, format: MediaFormat) -> Result<Report, Broken> {
    let artwork = media::read_tags(&mut input, format)?.artwork;
    let artwork = artwork.ok_or_else(|| io::Error::other("the artwork is gone"))?;
    let format = match artwork.content_type {
        "image/png" => MediaFormat::Png,
        _ => MediaFormat::Jpeg,
    };
    output.write_all(&artwork.bytes)?;
    Ok(Report::Written { format })
}

fn examine_artwork(input: File) -> Result<Report, Broken> {
    let media::Picture { format, side_px } = media::examine_artwork(input)?;
    Ok(Report::Picture { format, picture: Picture { side_px } })
}

fn resize_artwork(input: File, output: File) -> Result<Report, Broken> {
    media::resize_artwork(input, WEB_SIDE_PX, &mut BufWriter::new(output))?;
    Ok(Report::Written { format: MediaFormat::Jpeg })
}

fn examine_transcript(input: &File) -> Result<Report, Broken> {
    let transcript = read_transcript(input)?;
    let ends_at = transcript.cues().iter().map(|cue| cue.end.milliseconds()).max();
    Ok(Report::Transcript {
        format: transcript.format(),
        summary: TranscriptSummary {
            cues: u32::try_from(transcript.cues().len()).unwrap_or(u32::MAX),
            ends_at_milliseconds: ends_at.unwrap_or_default(),
        },
    })
}

fn examine_chapters(input: &File) -> Result<Report, Broken> {
    let refused = |code, detail| Broken::Refused(Rejection { code, detail });
    let mut bytes = Vec::new();
    input.take(LARGEST_CHAPTERS + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_CHAPTERS {
        let detail =
            "The chapters have more than 5 MiB. Leave out what apps do not show, and upload them again.";
        return Err(refused(RejectionCode::TooLarge, detail.to_owned()));
    }
    match serde_json::from_slice(&bytes) {
        Ok(chapters) => Ok(Report::Chapters(chapters)),
        Err(error) => Err(refused(
            RejectionCode::InvalidChapters,
            format!(
                "The file is not Podcasting 2.0 chapters in JSON, version 1.2: {error}. Mend that, and upload it again."
            ),
        )),
    }
}

fn write_transcript(input: &File, mut output: File, format: MediaFormat) -> Result<Report, Broken> {
    let transcript = read_transcript(input)?;
    let text = match format {
        MediaFormat::WebVtt => transcript.to_web_vtt(),
        MediaFormat::SubRip => transcript.to_sub_rip(),
        _ => transcript.to_json(),
    };
    output.write_all(text.as_bytes())?;
    Ok(Report::Written { format })
}

fn read_transcript(input: &File) -> Result<Transcript, Broken> {
    let mut bytes = Vec::new();
    input.take(MORE_THAN_A_TRANSCRIPT).read_to_end(&mut bytes)?;
    Ok(media::read_transcript(&bytes)?)
}

fn code(refusal: Refusal) -> RejectionCode {
    match refusal {
        Refusal::EmptyFile => RejectionCode::EmptyFile,
        Refusal::NotAudio => RejectionCode::NotAudio,
        Refusal::UnsupportedFormat => RejectionCode::UnsupportedFormat,
        Refusal::UnsupportedCodec => RejectionCode::UnsupportedCodec,
        Refusal::Fragmented => RejectionCode::Fragmented,
        Refusal::NoAudioTrack => RejectionCode::NoAudioTrack,
        Refusal::SeveralTracks => RejectionCode::SeveralTracks,
        Refusal::Video => RejectionCode::Video,
        Refusal::Encrypted => RejectionCode::Encrypted,
        Refusal::Truncated => RejectionCode::Truncated,
        Refusal::Damaged => RejectionCode::Damaged,
        Refusal::TooShort => RejectionCode::TooShort,
    }
}

fn artwork_code(refusal: ArtworkRefusal) -> RejectionCode {
    match refusal {
        ArtworkRefusal::EmptyFile => RejectionCode::EmptyFile,
        ArtworkRefusal::NotAPicture => RejectionCode::NotAPicture,
        ArtworkRefusal::UnsupportedFormat | ArtworkRefusal::Animated => RejectionCode::UnsupportedFormat,
        ArtworkRefusal::UnsupportedCoding => RejectionCode::UnsupportedCodec,
        ArtworkRefusal::NotSquare { .. } => RejectionCode::NotSquare,
        ArtworkRefusal::WrongSize { .. } => RejectionCode::WrongDimensions,
        ArtworkRefusal::Cmyk | ArtworkRefusal::Greyscale | ArtworkRefusal::Transparent => {
            RejectionCode::WrongColors
        }
        ArtworkRefusal::FileTooLarge | ArtworkRefusal::TooMuchMetadata => RejectionCode::TooLarge,
        ArtworkRefusal::Truncated => RejectionCode::Truncated,
        ArtworkRefusal::Damaged => RejectionCode::Damaged,
    }
}

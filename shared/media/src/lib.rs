//! What the bytes of an upload really are, and how they sound: a file in, facts out. The file's name and declared type are
//! never asked.
//!
//! Files are hostile until proven otherwise. This crate knows no store and no network: it reads the file that it is given.

mod artwork;
mod confine;
mod enclosure;
#[cfg(test)]
mod ffmpeg;
mod listen;
mod pieces;
mod probe;
mod tags;
mod transcript;

pub use artwork::{ArtworkError, ArtworkRefusal, Picture, examine_artwork, resize_artwork};
pub use confine::{ConfineError, Limits, confine};
pub use enclosure::{
    EnclosureBitRate, EnclosureLoudness, EnclosureOptions, EnclosureTags, EncodeError, Encoded,
    encode_enclosure,
};
pub use listen::{Heard, Loudness, Unheard, Waveform, listen};
pub use probe::{Codec, ProbeError, Probed, Refusal, Video, VideoCodec, probe};
pub use tags::{EmbeddedArtwork, Mark, Tags, read_tags};
pub use transcript::{Cue, Transcript, TranscriptRefusal, read_transcript};

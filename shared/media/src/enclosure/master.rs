//! The samples of a master. FLAC goes through a crate. WAV does not: its samples lie there as they are, and the crate's demuxer
//! overflows on files that lie.

use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek, SeekFrom},
    ops::Range,
};

use domain::MediaFormat;
use symphonia::{
    core::{
        codecs::audio::{AudioDecoder, AudioDecoderOptions},
        errors::Error,
        formats::{FormatOptions, FormatReader, TrackType},
        io::{MediaSourceStream, ReadOnlySource},
    },
    default::{codecs::FlacDecoder, formats::FlacReader},
};

use super::EncodeError;
use crate::{
    Probed,
    pieces::{Pieces, array},
    tags,
};

/// How many frames of WAV are read at once.
const FRAMES: usize = 4_096;
/// No sound is louder. Some float files are louder than 1, and noise read as floats is anything.
const LOUDEST: f32 = 16.0;

pub(super) enum Master {
    Wav(Wav),
    Flac(Box<Flac>),
}

impl Master {
    /// # Errors
    /// [`EncodeError::Damaged`] where it is not what was probed.
    pub(super) fn open(mut file: File, probed: &Probed) -> Result<Self, EncodeError> {
        let start = tags::skip_id3v2(&mut file).map_err(EncodeError::Unreadable)?;
        Ok(match probed.format {
            MediaFormat::Wav => Self::Wav(Wav::open(file, start, probed)?),
            MediaFormat::Flac => Self::Flac(Box::new(Flac::open(file, start, probed)?)),
            other => return Err(EncodeError::NoMaster(other)),
        })
    }

    /// Which loudspeaker each channel is for, where the file says it: one bit each, in the order of the channels.
    pub(super) fn speakers(&self) -> Option<u32> {
        match self {
            Self::Wav(wav) => wav.speakers,
            Self::Flac(_) => None,
        }
    }

    /// The next samples, the channels' in turn.
    pub(super) fn next(&mut self) -> Result<Option<Vec<f32>>, EncodeError> {
        let mut samples = match self {
            Self::Wav(wav) => wav.next()?,
            Self::Flac(flac) => flac.next()?,
        };
        for sample in samples.iter_mut().flatten() {
            *sample = if sample.is_finite() { sample.clamp(-LOUDEST, LOUDEST) } else { 0.0 };
        }
        Ok(samples)
    }
}

pub(super) struct Wav {
    samples: BufReader<io::Take<File>>,
    coding: Coding,
    channels: usize,
    speakers: Option<u32>,
}

#[derive(Clone, Copy)]
enum Coding {
    Integer8,
    Integer16,
    Integer24,
    Integer32,
    Float32,
    Float64,
}

impl Coding {
    fn bytes(self) -> usize {
        match self {
            Self::Integer8 => 1,
            Self::Integer16 => 2,
            Self::Integer24 => 3,
            Self::Integer32 | Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    fn samples(self, bytes: &[u8]) -> Vec<f32> {
        fn each<const N: usize>(bytes: &[u8], sample: impl Fn([u8; N]) -> f32) -> Vec<f32> {
            let (samples, _) = bytes.as_chunks::<N>();
            samples.iter().map(|bytes| sample(*bytes)).collect()
        }
        const FULL_SCALE: f32 = 2_147_483_648.0;

        let integer = |bytes| i32::from_le_bytes(bytes) as f32 / FULL_SCALE;
        match self {
            Self::Integer8 => each(bytes, |[byte]| (f32::from(byte) - 128.0) / 128.0),
            Self::Integer16 => each(bytes, |[a, b]| integer([0, 0, a, b])),
            Self::Integer24 => each(bytes, |[a, b, c]| integer([0, a, b, c])),
            Self::Integer32 => each(bytes, integer),
            Self::Float32 => each(bytes, f32::from_le_bytes),
            Self::Float64 => each(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
        }
    }
}

impl Wav {
    fn open(mut file: File, start: u64, probed: &Probed) -> Result<Self, EncodeError> {
        let ((coding, speakers), part) =
            find_samples(&mut file, start).map_err(EncodeError::Unreadable)?.ok_or(EncodeError::Damaged)?;
        file.seek(SeekFrom::Start(part.start)).map_err(EncodeError::Unreadable)?;
        let channels = usize::from(probed.channels);
        Ok(Self { samples: BufReader::new(file.take(part.end - part.start)), coding, channels, speakers })
    }

    fn next(&mut self) -> Result<Option<Vec<f32>>, EncodeError> {
        let bytes_per_frame = self.coding.bytes() * self.channels;
        let mut bytes = Vec::with_capacity(FRAMES * bytes_per_frame);
        (&mut self.samples)
            .take((FRAMES * bytes_per_frame) as u64)
            .read_to_end(&mut bytes)
            .map_err(EncodeError::Unreadable)?;
        let frames = bytes.len() / bytes_per_frame;
        bytes.truncate(frames * bytes_per_frame);
        Ok((frames > 0).then(|| self.coding.samples(&bytes)))
    }
}

/// How samples are coded, and which loudspeakers they are for.
type Format = (Coding, Option<u32>);

/// The format of the samples, and where they are; also beyond 4 GB (RF64).
fn find_samples(file: &mut File, start: u64) -> io::Result<Option<(Format, Range<u64>)>> {
    let mut pieces = Pieces::new(file)?;
    let mut format = None;
    let mut long_len = None;
    let mut position = start + 12;
    while let Some([a, b, c, d, size @ ..]) = pieces.array::<8>(position)? {
        let body = position + 8;
        let len = u32::from_le_bytes(size);
        match &[a, b, c, d] {
            b"ds64" => long_len = pieces.array(body + 8)?.map(u64::from_le_bytes),
            b"fmt " => format = read_format(&pieces.bytes(body, len.min(40).into())?),
            b"data" => {
                let there = pieces.len() - body;
                let len = match (len, long_len) {
                    (u32::MAX, Some(len)) => len,
                    (u32::MAX, None) | (0, _) => there,
                    (len, _) => len.into(),
                };
                return Ok(format.map(|format| (format, body..body.saturating_add(len))));
            }
            _ => {}
        }
        position = body + u64::from(len) + u64::from(len % 2);
    }
    Ok(None)
}

fn read_format(format: &[u8]) -> Option<Format> {
    const EXTENSIBLE: u16 = 0xfffe;

    let ([c0, c1, _, _, _, _, _, _, _, _, _, _, _, _, b0, b1], extension) =
        format.split_first_chunk::<16>()?;
    let bits = u16::from_le_bytes([*b0, *b1]);
    let mut kind = u16::from_le_bytes([*c0, *c1]);
    let mut speakers = None;
    if let (EXTENSIBLE, [_, _, _, _, s0, s1, s2, s3, k0, k1, ..]) = (kind, extension) {
        kind = u16::from_le_bytes([*k0, *k1]);
        speakers = Some(u32::from_le_bytes([*s0, *s1, *s2, *s3]));
    }
    let coding = match (kind, bits) {
        (1, 8) => Coding::Integer8,
        (1, 16) => Coding::Integer16,
        (1, 24) => Coding::Integer24,
        (1, 32) => Coding::Integer32,
        (3, 32) => Coding::Float32,
        (3, 64) => Coding::Float64,
        _ => return None,
    };
    Some((coding, speakers))
}

pub(super) struct Flac {
    reader: FlacReader<'static>,
    decoder: FlacDecoder,
    channels: usize,
}

impl Flac {
    fn open(mut file: File, start: u64, probed: &Probed) -> Result<Self, EncodeError> {
        let (description, frames_start) =
            find_frames(&mut file, start).map_err(EncodeError::Unreadable)?.ok_or(EncodeError::Damaged)?;
        file.seek(SeekFrom::Start(frames_start)).map_err(EncodeError::Unreadable)?;

        // The demuxer keeps all metadata in memory, so it is shown none but the stream's description.
        let head = [&b"fLaC\x80\0\0\x22"[..], &description].concat();
        let source = Box::new(ReadOnlySource::new(Cursor::new(head).chain(file)));
        let stream = MediaSourceStream::new(source, Default::default());
        let reader = FlacReader::try_new(stream, FormatOptions::default()).map_err(decoding_failed)?;
        let parameters = reader
            .default_track(TrackType::Audio)
            .and_then(|track| track.codec_params.as_ref()?.audio())
            .ok_or(EncodeError::Damaged)?;
        let decoder =
            FlacDecoder::try_new(parameters, &AudioDecoderOptions::default()).map_err(decoding_failed)?;
        Ok(Self { reader, decoder, channels: probed.channels.into() })
    }

    fn next(&mut self) -> Result<Option<Vec<f32>>, EncodeError> {
        let Some(packet) = self.reader.next_packet().map_err(decoding_failed)? else { return Ok(None) };
        let decoded = self.decoder.decode(&packet).map_err(decoding_failed)?;
        if decoded.num_planes() != self.channels {
            return Err(EncodeError::Damaged);
        }
        let mut samples = Vec::new();
        decoded.copy_to_vec_interleaved(&mut samples);
        Ok(Some(samples))
    }
}

/// The description of the stream, and where its first frame starts.
fn find_frames(file: &mut File, start: u64) -> io::Result<Option<([u8; 34], u64)>> {
    file.seek(SeekFrom::Start(start))?;
    let Some([b'f', b'L', b'a', b'C', _, 0, 0, 34]) = array(&mut *file)? else { return Ok(None) };
    let Some(description) = array(&mut *file)? else { return Ok(None) };

    let mut pieces = Pieces::new(file)?;
    let mut position = start + 4;
    while let Some([kind, a, b, c]) = pieces.array(position)? {
        position += 4 + u64::from(u32::from_be_bytes([0, a, b, c]));
        if kind & 0x80 != 0 {
            return Ok(Some((description, position)));
        }
    }
    Ok(None)
}

fn decoding_failed(error: Error) -> EncodeError {
    match error {
        Error::IoError(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            EncodeError::Unreadable(error)
        }
        _ => EncodeError::Damaged,
    }
}

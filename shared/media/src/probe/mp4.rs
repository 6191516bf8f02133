//! AAC in MPEG-4, with or without moving pictures: boxes in boxes (ISO/IEC 14496-12), of which the tables of each track are
//! added up.

mod boxes;
mod sample_description;

use std::{ops::Range, time::Duration};

use domain::MediaFormat;

use self::{
    boxes::{Boxes, Mp4Box, find_child},
    sample_description::{SampleDescription, VideoDescription},
};
use super::{Codec, Coding, Ear, Film, ProbeError, Refusal, Sound, Video, duration, source::Source};

/// The index of a day of sound is some 20 MB. Of padding, one of this length is searched in seconds.
const LONGEST_INDEX: u64 = 256 * 1024 * 1024;

/// No AAC packet that this takes carries more: 1024, doubled by spectral band replication.
const MOST_SAMPLES_PER_PACKET: u128 = 2048;

/// An AAC packet has at most 6,144 bits for each channel.
const LONGEST_PACKET: u64 = 8 * 1024;

pub(super) fn walk(source: &mut Source, start: u64, ear: Option<&mut dyn Ear>) -> Result<Sound, ProbeError> {
    let mut movie = None;
    let mut media_len = 0;
    let mut boxes = Boxes::new(start..source.len());
    while let Some(Mp4Box { kind, body }) = boxes.next(source)? {
        match &kind {
            b"moov" => movie = movie.or(Some(body)),
            b"mdat" => media_len += body.end - body.start,
            b"moof" => return Err(Refusal::Fragmented.into()),
            _ => {}
        }
    }

    // The index is written last: without one the recording was cut off.
    let movie = movie.ok_or(Refusal::Truncated)?;
    if movie.end - movie.start > LONGEST_INDEX {
        return Err(Refusal::Damaged.into());
    }
    let tracks = Tracks::find(source, movie)?;
    let sound = tracks.measure(source, media_len)?;
    if let Some(ear) = ear {
        tracks.audio.play(source, ear)?;
    }
    Ok(sound)
}

struct Tracks {
    audio: Track,
    video: Option<(Track, VideoDescription)>,
}

impl Tracks {
    fn find(source: &mut Source, movie: Range<u64>) -> Result<Self, ProbeError> {
        if find_child(source, movie.clone(), *b"mvex")?.is_some() {
            return Err(Refusal::Fragmented.into());
        }
        let header = find_child(source, movie.clone(), *b"mvhd")?.ok_or(Refusal::Damaged)?;
        let movie_ticks_per_second = ticks_per_second(source, header)?;

        let mut audio = None;
        let mut video = None;
        let mut boxes = Boxes::new(movie);
        while let Some(Mp4Box { kind, body: track }) = boxes.next(source)? {
            if kind != *b"trak" {
                continue;
            }
            let media = find_child(source, track.clone(), *b"mdia")?.ok_or(Refusal::Damaged)?;
            let handler = find_child(source, media.clone(), *b"hdlr")?.ok_or(Refusal::Damaged)?;
            let tables = match find_child(source, media.clone(), *b"minf")? {
                Some(information) => find_child(source, information, *b"stbl")?,
                None => None,
            };
            let tables = tables.ok_or(Refusal::Damaged)?;
            let header = find_child(source, media, *b"mdhd")?.ok_or(Refusal::Damaged)?;
            let ticks_per_second = ticks_per_second(source, header)?;
            let found = Track { movie_ticks_per_second, ticks_per_second, track, tables };
            match &source.array(handler.start + 8)? {
                b"soun" if audio.is_some() => return Err(Refusal::SeveralTracks.into()),
                b"soun" => audio = Some(found),
                b"vide" => {
                    let description = VideoDescription::read(source, found.tables.clone())?;
                    video = video.or(description.map(|description| (found, description)));
                }
                _ => {}
            }
        }
        Ok(Self { audio: audio.ok_or(Refusal::NoAudioTrack)?, video })
    }

    fn measure(&self, source: &mut Source, media_len: u64) -> Result<Sound, ProbeError> {
        let mut sound = self.audio.sound(source)?;
        let mut bytes = sound.bytes;
        if let Some((track, description)) = &self.video {
            let pictures = track.totals(source)?;
            bytes = bytes.saturating_add(pictures.bytes);
            sound.film = Some(Film {
                video: description.video(&pictures, track.ticks_per_second),
                duration: track.ends_at(source)?.max(self.audio.ends_at(source)?),
            });
            sound.format = MediaFormat::Mp4;
        }
        if bytes > media_len {
            return Err(Refusal::Truncated.into());
        }
        Ok(sound)
    }
}

impl VideoDescription {
    fn video(&self, pictures: &Totals, ticks_per_second: u32) -> Video {
        let rate = u128::from(pictures.packets) * 1_000 * u128::from(ticks_per_second);
        let rate = rate.checked_div(pictures.ticks.into()).unwrap_or(0);
        Video {
            codec: self.codec,
            width: self.width,
            height: self.height,
            frame_rate_millihertz: u32::try_from(rate).unwrap_or(u32::MAX),
        }
    }
}

/// A track, found but not yet measured.
struct Track {
    /// Of edits; 14496-12, 8.2.2.
    movie_ticks_per_second: u32,
    ticks_per_second: u32,
    track: Range<u64>,
    tables: Range<u64>,
}

/// What the tables of a track add up to.
struct Totals {
    packets: u64,
    ticks: u64,
    bytes: u64,
}

/// What of a track is played (`elst`).
#[derive(Default)]
struct Edits {
    /// Nothing before the track begins, in ticks of the movie.
    wait: u64,
    /// How much of the track is played, in ticks of the movie. Zero when all of it is.
    played: u64,
    /// Where in the track playing begins, in ticks of the track.
    begins_at: u64,
}

impl Track {
    fn sound(&self, source: &mut Source) -> Result<Sound, ProbeError> {
        let description = SampleDescription::read(source, self.tables.clone())?;
        let Totals { packets, ticks, bytes } = self.totals(source)?;

        let samples =
            u128::from(ticks) * u128::from(description.sample_rate_hz) / u128::from(self.ticks_per_second);
        if samples > MOST_SAMPLES_PER_PACKET * u128::from(packets) {
            return Err(Refusal::Damaged.into());
        }
        let edits = self.edits(source)?;
        Ok(Sound {
            format: MediaFormat::M4a,
            codec: Codec::Aac,
            ticks: self.played_ticks(&edits, ticks),
            ticks_per_second: self.ticks_per_second,
            bytes,
            channels: description.channels,
            sample_rate_hz: description.sample_rate_hz,
            film: None,
        })
    }

    /// Hands every packet to `ear`, chunk by chunk: `stco` or `co64` says where each starts, `stsc` how many packets it has,
    /// `stsz` how long they are.
    fn play(&self, source: &mut Source, ear: &mut dyn Ear) -> Result<(), ProbeError> {
        let description = SampleDescription::read(source, self.tables.clone())?;
        let lead_in = u128::from(self.edits(source)?.begins_at) * u128::from(description.sample_rate_hz)
            / u128::from(self.ticks_per_second);
        ear.begin(
            Coding::Aac {
                config: description.audio_config,
                is_high_efficiency: description.is_high_efficiency,
            },
            u64::try_from(lead_in).unwrap_or(u64::MAX),
        );

        let mut sizes = self.sizes(source)?;
        let mut runs = self.runs(source)?;
        let mut chunks = source.twin()?;
        let (entries, width) = self.chunks(&mut chunks)?;
        for (chunk, entry) in (1..).zip(entries) {
            let mut position = chunk_offset(&mut chunks, entry, width)?;
            for _ in 0..runs.packets_in(chunk)? {
                let Some(len) = sizes.next()? else { return Ok(()) };
                let wanted = usize::try_from(len.min(LONGEST_PACKET)).unwrap_or(0);
                ear.hear(source.bytes(position, wanted)?);
                position = position.saturating_add(len);
            }
        }
        Ok(())
    }

    fn totals(&self, source: &mut Source) -> Result<Totals, ProbeError> {
        let (timed_packets, ticks) = self.sum_durations(source)?;
        let (packets, bytes) = self.sum_sizes(source)?;
        self.check_offsets(source)?;
        if timed_packets != packets {
            return Err(Refusal::Damaged.into());
        }
        Ok(Totals { packets, ticks, bytes })
    }

    /// When the track has been played, counted from the beginning of the movie.
    fn ends_at(&self, source: &mut Source) -> Result<Duration, ProbeError> {
        let (_, ticks) = self.sum_durations(source)?;
        let edits = self.edits(source)?;
        let wait = duration(edits.wait, self.movie_ticks_per_second)?.unwrap_or_default();
        let played = duration(self.played_ticks(&edits, ticks), self.ticks_per_second)?.unwrap_or_default();
        Ok(wait.saturating_add(played))
    }

    fn played_ticks(&self, edits: &Edits, ticks: u64) -> u64 {
        let played = u128::from(edits.played) * u128::from(self.ticks_per_second)
            / u128::from(self.movie_ticks_per_second);
        match u64::try_from(played).unwrap_or(u64::MAX) {
            0 => ticks,
            played => played.min(ticks),
        }
    }

    /// How many packets have a duration, and how long they are together (`stts`).
    fn sum_durations(&self, source: &mut Source) -> Result<(u64, u64), ProbeError> {
        let table = find_child(source, self.tables.clone(), *b"stts")?.ok_or(Refusal::Damaged)?;
        let mut packets = 0_u64;
        let mut ticks = 0_u64;
        for entry in entries(source, &table, 4, 8)? {
            let count = u64::from(u32::from_be_bytes(source.array(entry)?));
            let duration = u64::from(u32::from_be_bytes(source.array(entry + 4)?));
            packets = packets.saturating_add(count);
            ticks = ticks.saturating_add(count * duration);
        }
        Ok((packets, ticks))
    }

    /// How many packets there are, and how many bytes they take.
    fn sum_sizes(&self, source: &mut Source) -> Result<(u64, u64), ProbeError> {
        let mut sizes = self.sizes(source)?;
        if sizes.of_all > 0 {
            return Ok((sizes.left, sizes.left * sizes.of_all));
        }
        let mut packets = 0;
        let mut bytes = 0;
        while let Some(len) = sizes.next()? {
            packets += 1;
            bytes += len;
        }
        Ok((packets, bytes))
    }

    fn sizes(&self, source: &mut Source) -> Result<Sizes, ProbeError> {
        let table = find_child(source, self.tables.clone(), *b"stsz")?.ok_or(Refusal::Damaged)?;
        let of_all = u64::from(u32::from_be_bytes(source.array(table.start + 4)?));
        let left = u64::from(u32::from_be_bytes(source.array(table.start + 8)?));
        if of_all == 0 {
            let _all_there = entries(source, &table, 8, 4)?;
        }
        Ok(Sizes { source: source.twin()?, of_all, left, entry: table.start + 12 })
    }

    fn runs(&self, source: &mut Source) -> Result<Runs, ProbeError> {
        let table = find_child(source, self.tables.clone(), *b"stsc")?.ok_or(Refusal::Damaged)?;
        let left = entries(source, &table, 4, 12)?.count() as u64;
        Ok(Runs { source: source.twin()?, entry: table.start + 8, left, packets: 0 })
    }

    /// Where the offsets of the chunks are, and how many bytes each takes.
    fn chunks(&self, source: &mut Source) -> Result<(impl Iterator<Item = u64> + use<>, usize), ProbeError> {
        let (table, width) = match find_child(source, self.tables.clone(), *b"stco")? {
            Some(table) => (table, 4),
            None => (find_child(source, self.tables.clone(), *b"co64")?.ok_or(Refusal::Damaged)?, 8),
        };
        Ok((entries(source, &table, 4, width)?, width))
    }

    /// Every chunk starts inside the file.
    fn check_offsets(&self, source: &mut Source) -> Result<(), ProbeError> {
        let (entries, width) = self.chunks(source)?;
        for entry in entries {
            if chunk_offset(source, entry, width)? >= source.len() {
                return Err(Refusal::Truncated.into());
            }
        }
        Ok(())
    }

    /// Edits leave out what the encoder added at both ends.
    fn edits(&self, source: &mut Source) -> Result<Edits, ProbeError> {
        let mut edits = Edits::default();
        let Some(list) = find_child(source, self.track.clone(), *b"edts")? else { return Ok(edits) };
        let Some(list) = find_child(source, list, *b"elst")? else { return Ok(edits) };
        let is_wide = source.array(list.start)? == [1];

        let mut is_first = true;
        for entry in entries(source, &list, 4, if is_wide { 20 } else { 12 })? {
            let (ticks, begins_at) = if is_wide {
                let begins_at = i64::from_be_bytes(source.array(entry + 8)?);
                (u64::from_be_bytes(source.array(entry)?), begins_at)
            } else {
                let begins_at = i32::from_be_bytes(source.array(entry + 4)?);
                (u32::from_be_bytes(source.array(entry)?).into(), begins_at.into())
            };
            if begins_at == -1 {
                edits.wait = edits.wait.saturating_add(ticks);
                continue;
            }
            edits.played = edits.played.saturating_add(ticks);
            if std::mem::take(&mut is_first) {
                edits.begins_at = u64::try_from(begins_at).unwrap_or(0);
            }
        }
        Ok(edits)
    }
}

/// The lengths of packets, one after the other (`stsz`).
struct Sizes {
    source: Source,
    /// Zero when each has its own.
    of_all: u64,
    left: u64,
    entry: u64,
}

impl Sizes {
    fn next(&mut self) -> Result<Option<u64>, ProbeError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        if self.of_all > 0 {
            return Ok(Some(self.of_all));
        }
        let len = u32::from_be_bytes(self.source.array(self.entry)?);
        self.entry += 4;
        Ok(Some(len.into()))
    }
}

/// Runs of chunks with as many packets each (`stsc`).
struct Runs {
    source: Source,
    entry: u64,
    left: u64,
    packets: u32,
}

impl Runs {
    /// How many packets a chunk has. Chunks are asked for in their order, from the first on.
    fn packets_in(&mut self, chunk: u32) -> Result<u32, ProbeError> {
        while self.left > 0 && u32::from_be_bytes(self.source.array(self.entry)?) <= chunk {
            self.packets = u32::from_be_bytes(self.source.array(self.entry + 4)?);
            self.entry += 12;
            self.left -= 1;
        }
        Ok(self.packets)
    }
}

fn chunk_offset(source: &mut Source, entry: u64, width: usize) -> Result<u64, ProbeError> {
    Ok(if width == 4 {
        u32::from_be_bytes(source.array(entry)?).into()
    } else {
        u64::from_be_bytes(source.array(entry)?)
    })
}

/// The time scale in an `mvhd` or `mdhd`: never zero.
fn ticks_per_second(source: &mut Source, header: Range<u64>) -> Result<u32, ProbeError> {
    let is_wide = source.array(header.start)? == [1];
    match u32::from_be_bytes(source.array(header.start + if is_wide { 20 } else { 12 })?) {
        0 => Err(Refusal::Damaged.into()),
        ticks => Ok(ticks),
    }
}

/// Where the entries of a table are, whose number is at `count_at` in its body.
///
/// # Errors
/// [`Refusal::Damaged`] when the table has no room for as many as it says.
fn entries(
    source: &mut Source,
    table: &Range<u64>,
    count_at: u64,
    entry_len: usize,
) -> Result<impl Iterator<Item = u64> + use<>, ProbeError> {
    let count = u64::from(u32::from_be_bytes(source.array(table.start + count_at)?));
    let first = table.start + count_at + 4;
    let end = first + count * entry_len as u64;
    if end > table.end {
        return Err(Refusal::Damaged.into());
    }
    Ok((first..end).step_by(entry_len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::tests::{AAC_M4A, FRAGMENTED_M4A, probe_bytes, replaced};

    /// The fixture with a number inside a box changed: `at` counts from the box's kind.
    fn with_number(kind: &[u8; 4], at: usize, number: u32) -> Vec<u8> {
        let mut bytes = AAC_M4A.to_vec();
        let found = bytes.windows(4).position(|window| window == kind).unwrap();
        bytes[found + at..found + at + 4].copy_from_slice(&number.to_be_bytes());
        bytes
    }

    fn number(kind: &[u8; 4], at: usize) -> u32 {
        let found = AAC_M4A.windows(4).position(|window| window == kind).unwrap();
        u32::from_be_bytes(AAC_M4A[found + at..found + at + 4].try_into().unwrap())
    }

    fn without(kind: &[u8; 4]) -> Vec<u8> {
        replaced(AAC_M4A, kind, b"free")
    }

    fn milliseconds(bytes: &[u8]) -> Result<u128, Refusal> {
        Ok(probe_bytes(bytes)?.duration.as_millis())
    }

    #[test]
    fn edits_leave_out_what_the_encoder_added() {
        assert_eq!(milliseconds(AAC_M4A), Ok(2_000));
        assert_eq!(milliseconds(&without(b"edts")), Ok(2_064));
    }

    #[test]
    fn edits_cannot_make_it_longer() {
        assert_eq!(milliseconds(&with_number(b"elst", 12, u32::MAX)), Ok(2_064));
    }

    #[test]
    fn what_follows_or_lies_between_does_not_matter() {
        let bytes = [AAC_M4A, b"\0\0\0\x0cfree\0\0\0\0\0\0\0\0"].concat();
        assert_eq!(milliseconds(&bytes), Ok(2_000));
    }

    #[test]
    fn fragments_are_refused() {
        assert_eq!(milliseconds(FRAGMENTED_M4A), Err(Refusal::Fragmented));
    }

    #[test]
    fn a_file_without_its_index_is_truncated() {
        assert_eq!(milliseconds(&without(b"moov")), Err(Refusal::Truncated));
    }

    #[test]
    fn tracks_are_told_apart() {
        assert_eq!(milliseconds(&replaced(AAC_M4A, b"soun", b"vide")), Err(Refusal::Video));
        assert_eq!(milliseconds(&replaced(AAC_M4A, b"soun", b"text")), Err(Refusal::NoAudioTrack));
        assert_eq!(milliseconds(&without(b"trak")), Err(Refusal::NoAudioTrack));

        let pictures = replaced(&replaced(AAC_M4A, b"soun", b"vide"), b"mp4a", b"jpeg");
        assert_eq!(milliseconds(&pictures), Err(Refusal::NoAudioTrack));
    }

    #[test]
    fn only_aac_in_the_clear_is_taken() {
        assert_eq!(milliseconds(&replaced(AAC_M4A, b"mp4a", b"enca")), Err(Refusal::Encrypted));
        assert_eq!(milliseconds(&replaced(AAC_M4A, b"mp4a", b"alac")), Err(Refusal::UnsupportedCodec));
    }

    #[test]
    fn a_box_longer_than_the_file_is_truncated() {
        for kind in [b"moov", b"mdat"] {
            let found = AAC_M4A.windows(4).position(|window| window == kind).unwrap();
            let mut bytes = AAC_M4A.to_vec();
            bytes[found - 4..found].copy_from_slice(&0x7fff_ffff_u32.to_be_bytes());
            assert_eq!(milliseconds(&bytes), Err(Refusal::Truncated));
        }
    }

    #[test]
    fn a_box_longer_than_its_parent_is_damage() {
        for kind in [b"trak", b"mdia", b"stbl", b"stsz", b"esds"] {
            let found = AAC_M4A.windows(4).position(|window| window == kind).unwrap();
            for len in [u32::MAX, 7] {
                let mut bytes = AAC_M4A.to_vec();
                bytes[found - 4..found].copy_from_slice(&len.to_be_bytes());
                assert!(matches!(milliseconds(&bytes), Err(Refusal::Damaged | Refusal::Truncated)));
            }
        }
    }

    #[test]
    fn tables_that_lie_are_damage() {
        let packets = number(b"stsz", 12);
        for bytes in [
            with_number(b"stsz", 12, u32::MAX),
            with_number(b"stsz", 12, packets - 1),
            with_number(b"stts", 8, u32::MAX),
            with_number(b"stts", 12, packets + 1),
            with_number(b"stts", 16, u32::MAX),
            with_number(b"mdhd", 16, 0),
            with_number(b"mdhd", 16, 1),
            with_number(b"mvhd", 16, 0),
        ] {
            assert_eq!(milliseconds(&bytes), Err(Refusal::Damaged));
        }
    }

    #[test]
    fn packets_beyond_the_end_are_truncated() {
        assert_eq!(milliseconds(&with_number(b"stsz", 8, u32::MAX)), Err(Refusal::Truncated));
        assert_eq!(milliseconds(&with_number(b"stco", 12, u32::MAX)), Err(Refusal::Truncated));
    }
}

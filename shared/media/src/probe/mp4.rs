//! AAC in MPEG-4: boxes in boxes (ISO/IEC 14496-12), of which the tables of the one audio track are added up.

mod boxes;
mod sample_description;

use std::ops::Range;

use self::{
    boxes::{Boxes, Mp4Box, find_child},
    sample_description::SampleDescription,
};
use super::{Codec, ProbeError, Refusal, Sound, source::Source};

/// The index of a day of sound is some 20 MB. Of padding, one of this length is searched in seconds.
const LONGEST_INDEX: u64 = 256 * 1024 * 1024;

/// No AAC packet that this takes carries more: 1024, doubled by spectral band replication.
const MOST_SAMPLES_PER_PACKET: u128 = 2048;

pub(super) fn walk(source: &mut Source, start: u64) -> Result<Sound, ProbeError> {
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
    let track = find_audio_track(source, movie)?;
    let sound = track.sound(source)?;
    if sound.bytes > media_len {
        return Err(Refusal::Truncated.into());
    }
    Ok(sound)
}

/// An audio track, found but not yet measured.
struct Track {
    /// Of edits; 14496-12, 8.2.2.
    movie_ticks_per_second: u32,
    track: Range<u64>,
    media: Range<u64>,
    tables: Range<u64>,
}

fn find_audio_track(source: &mut Source, movie: Range<u64>) -> Result<Track, ProbeError> {
    if find_child(source, movie.clone(), *b"mvex")?.is_some() {
        return Err(Refusal::Fragmented.into());
    }
    let header = find_child(source, movie.clone(), *b"mvhd")?.ok_or(Refusal::Damaged)?;
    let movie_ticks_per_second = ticks_per_second(source, header)?;

    let mut audio = None;
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
        match &source.array(handler.start + 8)? {
            b"soun" if audio.is_some() => return Err(Refusal::SeveralTracks.into()),
            b"soun" => audio = Some(Track { movie_ticks_per_second, track, media, tables }),
            b"vide" if !sample_description::is_still_picture(source, tables)? => {
                return Err(Refusal::Video.into());
            }
            _ => {}
        }
    }
    Ok(audio.ok_or(Refusal::NoAudioTrack)?)
}

impl Track {
    fn sound(self, source: &mut Source) -> Result<Sound, ProbeError> {
        let description = SampleDescription::read(source, self.tables.clone())?;
        let header = find_child(source, self.media.clone(), *b"mdhd")?.ok_or(Refusal::Damaged)?;
        let ticks_per_second = ticks_per_second(source, header)?;
        let (timed_packets, media_ticks) = self.sum_durations(source)?;
        let (packets, bytes) = self.sum_sizes(source)?;
        self.check_offsets(source)?;

        let samples =
            u128::from(media_ticks) * u128::from(description.sample_rate_hz) / u128::from(ticks_per_second);
        if timed_packets != packets || samples > MOST_SAMPLES_PER_PACKET * u128::from(packets) {
            return Err(Refusal::Damaged.into());
        }
        let edited_ticks = self.sum_edits(source, ticks_per_second)?;
        Ok(Sound {
            codec: Codec::Aac,
            ticks: edited_ticks.map_or(media_ticks, |edited| edited.min(media_ticks)),
            ticks_per_second,
            bytes,
            channels: description.channels,
            sample_rate_hz: description.sample_rate_hz,
        })
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

    /// How many packets there are, and how many bytes they take (`stsz`).
    fn sum_sizes(&self, source: &mut Source) -> Result<(u64, u64), ProbeError> {
        let table = find_child(source, self.tables.clone(), *b"stsz")?.ok_or(Refusal::Damaged)?;
        let size_of_all = u64::from(u32::from_be_bytes(source.array(table.start + 4)?));
        if size_of_all > 0 {
            let packets = u64::from(u32::from_be_bytes(source.array(table.start + 8)?));
            return Ok((packets, packets * size_of_all));
        }
        let mut packets = 0;
        let mut bytes = 0;
        for entry in entries(source, &table, 8, 4)? {
            packets += 1;
            bytes += u64::from(u32::from_be_bytes(source.array(entry)?));
        }
        Ok((packets, bytes))
    }

    /// Every run of packets starts inside the file (`stco`, `co64`).
    fn check_offsets(&self, source: &mut Source) -> Result<(), ProbeError> {
        let len = source.len();
        if let Some(table) = find_child(source, self.tables.clone(), *b"stco")? {
            for entry in entries(source, &table, 4, 4)? {
                if u64::from(u32::from_be_bytes(source.array(entry)?)) >= len {
                    return Err(Refusal::Truncated.into());
                }
            }
            return Ok(());
        }
        let table = find_child(source, self.tables.clone(), *b"co64")?.ok_or(Refusal::Damaged)?;
        for entry in entries(source, &table, 4, 8)? {
            if u64::from_be_bytes(source.array(entry)?) >= len {
                return Err(Refusal::Truncated.into());
            }
        }
        Ok(())
    }

    /// How much is played: edits leave out what the encoder added at both ends (`elst`). Nothing when all of it is played.
    fn sum_edits(&self, source: &mut Source, ticks_per_second: u32) -> Result<Option<u64>, ProbeError> {
        let Some(edits) = find_child(source, self.track.clone(), *b"edts")? else { return Ok(None) };
        let Some(list) = find_child(source, edits, *b"elst")? else { return Ok(None) };
        let is_wide = source.array(list.start)? == [1];

        let mut movie_ticks = 0_u64;
        for entry in entries(source, &list, 4, if is_wide { 20 } else { 12 })? {
            let (duration, is_empty) = if is_wide {
                (u64::from_be_bytes(source.array(entry)?), source.array(entry + 8)? == [0xff; 8])
            } else {
                (u32::from_be_bytes(source.array(entry)?).into(), source.array(entry + 4)? == [0xff; 4])
            };
            if !is_empty {
                movie_ticks = movie_ticks.saturating_add(duration);
            }
        }
        let ticks =
            u128::from(movie_ticks) * u128::from(ticks_per_second) / u128::from(self.movie_ticks_per_second);
        Ok(Some(u64::try_from(ticks).unwrap_or(u64::MAX)).filter(|ticks| *ticks > 0))
    }
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

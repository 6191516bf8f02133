//! Vorbis in Ogg: pages with checksums, each saying how many samples have been played at its end (RFC 3533; Vorbis I, 4.2
//! and A.2).

use symphonia::core::{checksum::Crc32, io::Monitor};

use super::{Codec, ProbeError, Refusal, Sound, source::Source};

const HEADER_LEN: usize = 27;
const LARGEST_PAGE: usize = HEADER_LEN + 255 + 255 * 255;

pub(super) fn walk(source: &mut Source, start: u64) -> Result<Sound, ProbeError> {
    let mut position = start;
    let (vorbis, serial) = {
        let page = Page::read(source, position)?;
        position += page.len;
        (Vorbis::read(page.body)?, page.serial)
    };

    let comments = Page::read(source, position)?;
    if comments.is_first {
        return Err(if comments.body.starts_with(b"\x80theora") {
            Refusal::Video
        } else {
            Refusal::SeveralTracks
        }
        .into());
    }
    if !comments.body.starts_with(b"\x03vorbis") {
        return Err(Refusal::Damaged.into());
    }

    let mut begins_at = None;
    let mut ends_at = 0;
    let mut most_samples = 0;
    let mut bytes = 0;
    let mut is_complete = false;
    while !is_complete {
        let page = Page::read(source, position)?;
        if page.serial != serial {
            return Err(Refusal::SeveralTracks.into());
        }
        position += page.len;
        bytes += page.body.len() as u64;
        most_samples += u64::from(vorbis.most_samples_per_packet) * page.packets;
        if let Some(samples) = page.samples_at_end.filter(|samples| *samples > 0) {
            begins_at.get_or_insert(samples.saturating_sub(most_samples));
            ends_at = samples;
        }
        is_complete = page.is_last;
    }

    if source.find(position)? == Some(*b"OggS") {
        return Err(Refusal::SeveralTracks.into());
    }
    let samples = ends_at.saturating_sub(begins_at.unwrap_or(0));
    if samples > most_samples {
        return Err(Refusal::Damaged.into());
    }
    Ok(Sound {
        codec: Codec::Vorbis,
        ticks: samples,
        ticks_per_second: vorbis.sample_rate_hz,
        bytes,
        channels: vorbis.channels,
        sample_rate_hz: vorbis.sample_rate_hz,
    })
}

struct Page<'a> {
    is_first: bool,
    is_last: bool,
    /// Nothing when no packet ends on this page.
    samples_at_end: Option<u64>,
    serial: u32,
    /// How many packets end on this page.
    packets: u64,
    body: &'a [u8],
    len: u64,
}

impl<'a> Page<'a> {
    /// # Errors
    /// [`Refusal::Truncated`] when the file ends before the page does, [`Refusal::Damaged`] when the checksum is wrong.
    fn read(source: &'a mut Source, position: u64) -> Result<Self, ProbeError> {
        let bytes = source.bytes(position, LARGEST_PAGE)?;
        let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(Refusal::Truncated)?;
        let [b'O', b'g', b'g', b'S', 0, flags, fields @ ..] = header else {
            return Err(Refusal::Damaged.into());
        };
        let [g0, g1, g2, g3, g4, g5, g6, g7, s0, s1, s2, s3, _, _, _, _, c0, c1, c2, c3, segments] = *fields;
        let (lacing, rest) = rest.split_at_checked(segments.into()).ok_or(Refusal::Truncated)?;
        let body_len = lacing.iter().map(|len| usize::from(*len)).sum();
        let body = rest.get(..body_len).ok_or(Refusal::Truncated)?;

        // The checksum covers the page with zeros in its own place.
        let (before_checksum, _) = header.split_at(22);
        let mut checksum = Crc32::new(0);
        for covered in [before_checksum, &[0, 0, 0, 0, segments], lacing, body] {
            checksum.process_buf_bytes(covered);
        }
        if checksum.crc() != u32::from_le_bytes([c0, c1, c2, c3]) {
            return Err(Refusal::Damaged.into());
        }
        Ok(Self {
            is_first: flags & 2 != 0,
            is_last: flags & 4 != 0,
            samples_at_end: u64::try_from(i64::from_le_bytes([g0, g1, g2, g3, g4, g5, g6, g7])).ok(),
            serial: u32::from_le_bytes([s0, s1, s2, s3]),
            packets: lacing.iter().filter(|len| **len < 255).count() as u64,
            body,
            len: (HEADER_LEN + lacing.len() + body.len()) as u64,
        })
    }
}

struct Vorbis {
    channels: u32,
    sample_rate_hz: u32,
    most_samples_per_packet: u32,
}

impl Vorbis {
    /// Reads the identification header.
    fn read(packet: &[u8]) -> Result<Self, Refusal> {
        if packet.starts_with(b"\x80theora") {
            return Err(Refusal::Video);
        }
        let Some(fields) = packet.strip_prefix(b"\x01vorbis\0\0\0\0") else {
            return Err(Refusal::UnsupportedCodec);
        };
        let Some([channels, r0, r1, r2, r3, _, _, _, _, _, _, _, _, _, _, _, _, block_sizes, 1]) =
            fields.first_chunk()
        else {
            return Err(Refusal::Damaged);
        };
        Ok(Self {
            channels: (*channels).into(),
            sample_rate_hz: u32::from_le_bytes([*r0, *r1, *r2, *r3]),
            most_samples_per_packet: 1 << (block_sizes >> 4).saturating_sub(1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::tests::{OPUS_OGG, VORBIS_OGG, probe_bytes};

    const FIRST: u8 = 2;
    const LAST: u8 = 4;

    /// A page with one packet, whose checksum is right.
    fn page(flags: u8, samples_at_end: i64, packet: &[u8]) -> Vec<u8> {
        let lacing = [vec![255; packet.len() / 255], vec![(packet.len() % 255) as u8]].concat();
        let mut page = [
            b"OggS\0".as_slice(),
            &[flags],
            &samples_at_end.to_le_bytes(),
            &[7, 0, 0, 0, 0, 0, 0, 0],
            &[0; 4],
            &[lacing.len() as u8],
            &lacing,
            packet,
        ]
        .concat();
        let mut checksum = Crc32::new(0);
        checksum.process_buf_bytes(&page);
        page[22..26].copy_from_slice(&checksum.crc().to_le_bytes());
        page
    }

    /// 8 kHz, mono, packets of at most 1,024 samples.
    fn identification() -> Vec<u8> {
        let packet = [b"\x01vorbis\0\0\0\0\x01\x40\x1f\0\0".as_slice(), &[0; 12], b"\xb8\x01"];
        page(FIRST, 0, &packet.concat())
    }

    fn comments() -> Vec<u8> {
        page(0, 0, b"\x03vorbis")
    }

    /// `count` packets that play 512 samples each, counted from `start` on.
    fn sound(start: i64, count: i64) -> Vec<u8> {
        (1..=count)
            .map(|packet| page(if packet == count { LAST } else { 0 }, start + packet * 512, &[0; 40]))
            .collect::<Vec<_>>()
            .concat()
    }

    fn milliseconds(bytes: &[u8]) -> Result<u128, Refusal> {
        Ok(probe_bytes(bytes)?.duration.as_millis())
    }

    #[test]
    fn the_last_page_says_how_long_it_is() {
        assert_eq!(milliseconds(&[identification(), comments(), sound(0, 125)].concat()), Ok(8_000));
    }

    #[test]
    fn a_stream_may_be_cut_from_a_longer_one() {
        let bytes = [identification(), comments(), sound(1 << 40, 125)].concat();
        let milliseconds = milliseconds(&bytes).unwrap();
        assert!((8_000..8_300).contains(&milliseconds), "{milliseconds}");
    }

    #[test]
    fn a_length_that_packets_cannot_fill_is_damage() {
        let lie = page(LAST, 1 << 40, &[0; 40]);
        let bytes = [identification(), comments(), page(0, 512, &[0; 40]), lie].concat();
        assert_eq!(milliseconds(&bytes), Err(Refusal::Damaged));
    }

    #[test]
    fn only_vorbis_is_taken() {
        assert_eq!(milliseconds(OPUS_OGG), Err(Refusal::UnsupportedCodec));
        assert_eq!(milliseconds(&page(FIRST, 0, b"\x80theora\x03\x02\x01")), Err(Refusal::Video));
        let with_video = [identification(), page(FIRST, 0, b"\x80theora\x03\x02\x01")].concat();
        assert_eq!(milliseconds(&with_video), Err(Refusal::Video));
    }

    #[test]
    fn one_stream_is_taken() {
        let sibling = [identification(), identification(), comments(), sound(0, 125)].concat();
        assert_eq!(milliseconds(&sibling), Err(Refusal::SeveralTracks));
        assert_eq!(milliseconds(&[VORBIS_OGG, VORBIS_OGG].concat()), Err(Refusal::SeveralTracks));
    }

    #[test]
    fn a_stream_without_its_last_page_is_truncated() {
        let whole = [identification(), comments(), sound(0, 125)].concat();
        let last_page = page(LAST, 0, &[0; 40]).len();
        assert_eq!(milliseconds(&whole[..whole.len() - last_page]), Err(Refusal::Truncated));
        assert_eq!(milliseconds(&whole[..whole.len() - 1]), Err(Refusal::Truncated));
    }

    #[test]
    fn a_flipped_bit_is_damage() {
        for at in [60, 200, VORBIS_OGG.len() - 10] {
            let mut bytes = VORBIS_OGG.to_vec();
            bytes[at] ^= 1;
            assert_eq!(milliseconds(&bytes), Err(Refusal::Damaged), "byte {at}");
        }
    }
}

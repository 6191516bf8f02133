//! Vorbis and Opus in Ogg: pages with checksums, each saying how many samples have been played at its end (RFC 3533;
//! Vorbis I, 4.2 and A.2; RFC 7845).

use domain::MediaFormat;
use symphonia::core::{checksum::Crc32, io::Monitor};

use super::{Codec, Coding, Ear, ProbeError, Refusal, Sound, source::Source};

const HEADER_LEN: usize = 27;
const LARGEST_PAGE: usize = HEADER_LEN + 255 + 255 * 255;

/// Of a packet no more than this is kept. Comments with a picture are longer, and nobody hears them.
const LONGEST_PACKET: usize = 256 * 1024;

pub(super) fn walk(
    source: &mut Source,
    start: u64,
    mut ear: Option<&mut dyn Ear>,
) -> Result<Sound, ProbeError> {
    let mut position = start;
    let (stream, serial) = {
        let page = Page::read(source, position)?;
        position += page.len;
        (Stream::read(page.body)?, page.serial)
    };

    let comments = Page::read(source, position)?;
    if comments.is_first {
        return Err(
            if comments.body.starts_with(THEORA) { Refusal::Video } else { Refusal::SeveralTracks }.into()
        );
    }
    if !comments.body.starts_with(stream.comments()) {
        return Err(Refusal::Damaged.into());
    }

    let mut packets = Packets::default();
    let mut begins_at = None;
    let mut ends_at = 0;
    let mut played = 0;
    let mut most_samples = 0;
    let mut bytes = 0;
    let mut is_complete = false;
    while !is_complete {
        let page = Page::read(source, position)?;
        if page.serial != serial {
            return Err(Refusal::SeveralTracks.into());
        }
        position += page.len;
        packets.read(&page, |number, packet| {
            if number < stream.header_packets() {
                if let Some(ear) = &mut ear
                    && number + 1 == stream.header_packets()
                {
                    let (coding, lead_in) = stream.coding(packet);
                    ear.begin(coding, lead_in);
                }
                return;
            }
            bytes += packet.len() as u64;
            played += stream.samples(packet);
            most_samples += stream.most_samples_per_packet();
            if let Some(ear) = &mut ear {
                ear.hear(packet);
            }
        });
        if let Some(samples) = page.samples_at_end.filter(|samples| *samples > 0) {
            begins_at.get_or_insert(samples.saturating_sub(played));
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
    Ok(stream.sound(samples, bytes))
}

const THEORA: &[u8] = b"\x80theora";

/// What the first packet says of all the others.
enum Stream {
    Vorbis(Vorbis),
    Opus(Opus),
}

impl Stream {
    fn read(packet: &[u8]) -> Result<Self, Refusal> {
        if packet.starts_with(THEORA) {
            return Err(Refusal::Video);
        }
        if let Some(fields) = packet.strip_prefix(b"OpusHead") {
            return Ok(Self::Opus(Opus::read(fields)?));
        }
        let Some(fields) = packet.strip_prefix(b"\x01vorbis\0\0\0\0") else {
            return Err(Refusal::UnsupportedCodec);
        };
        Ok(Self::Vorbis(Vorbis::read(packet, fields)?))
    }

    /// What the second packet starts with.
    fn comments(&self) -> &'static [u8] {
        match self {
            Self::Vorbis(_) => b"\x03vorbis",
            Self::Opus(_) => b"OpusTags",
        }
    }

    /// How many packets come between the first one and the sound.
    fn header_packets(&self) -> u64 {
        match self {
            Self::Vorbis(_) => 2,
            Self::Opus(_) => 1,
        }
    }

    /// How to decode, once the last packet before the sound is here; and what to leave out.
    fn coding(&self, last_header: &[u8]) -> (Coding, u64) {
        match self {
            Self::Vorbis(vorbis) => {
                (Coding::Vorbis { headers: [&vorbis.identification, last_header].concat() }, 0)
            }
            Self::Opus(opus) => {
                (Coding::Opus { channels: opus.channels.into(), gain: opus.gain }, opus.pre_skip.into())
            }
        }
    }

    /// How long a packet plays: of Opus it is known, of Vorbis the longest it can be.
    fn samples(&self, packet: &[u8]) -> u64 {
        match self {
            Self::Vorbis(vorbis) => vorbis.most_samples_per_packet,
            Self::Opus(_) => opus_samples(packet),
        }
    }

    fn most_samples_per_packet(&self) -> u64 {
        match self {
            Self::Vorbis(vorbis) => vorbis.most_samples_per_packet,
            Self::Opus(_) => MOST_OPUS_SAMPLES,
        }
    }

    fn sound(self, samples: u64, bytes: u64) -> Sound {
        match self {
            Self::Vorbis(vorbis) => Sound {
                format: MediaFormat::OggVorbis,
                codec: Codec::Vorbis,
                ticks: samples,
                ticks_per_second: vorbis.sample_rate_hz,
                bytes,
                channels: vorbis.channels,
                sample_rate_hz: vorbis.sample_rate_hz,
                film: None,
            },
            Self::Opus(opus) => Sound {
                format: MediaFormat::OggOpus,
                codec: Codec::Opus,
                ticks: samples.saturating_sub(opus.pre_skip.into()),
                ticks_per_second: OPUS_RATE_HZ,
                bytes,
                channels: opus.channels.into(),
                sample_rate_hz: OPUS_RATE_HZ,
                film: None,
            },
        }
    }
}

/// Packets put together from pages.
#[derive(Default)]
struct Packets {
    /// How many have ended.
    ended: u64,
    unfinished: Vec<u8>,
}

impl Packets {
    fn read(&mut self, page: &Page, mut each: impl FnMut(u64, &[u8])) {
        // What a page goes on with may have begun on one that is not there, and the other way round.
        if !page.goes_on {
            self.unfinished.clear();
        }
        let mut is_lost = page.goes_on && self.unfinished.is_empty();
        let mut rest = page.body;
        for len in page.lacing {
            let (segment, after) = rest.split_at_checked(usize::from(*len)).unwrap_or((rest, &[]));
            rest = after;
            let room = LONGEST_PACKET.saturating_sub(self.unfinished.len());
            self.unfinished.extend_from_slice(segment.get(..room).unwrap_or(segment));
            if *len == 255 {
                continue;
            }
            if !std::mem::take(&mut is_lost) {
                each(self.ended, &self.unfinished);
                self.ended += 1;
            }
            self.unfinished.clear();
        }
    }
}

struct Page<'a> {
    /// Whether it starts inside a packet.
    goes_on: bool,
    is_first: bool,
    is_last: bool,
    /// Nothing when no packet ends on this page.
    samples_at_end: Option<u64>,
    serial: u32,
    /// How long the pieces of packets are; one of 255 bytes is not the last of its packet.
    lacing: &'a [u8],
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
            goes_on: flags & 1 != 0,
            is_first: flags & 2 != 0,
            is_last: flags & 4 != 0,
            samples_at_end: u64::try_from(i64::from_le_bytes([g0, g1, g2, g3, g4, g5, g6, g7])).ok(),
            serial: u32::from_le_bytes([s0, s1, s2, s3]),
            lacing,
            body,
            len: (HEADER_LEN + lacing.len() + body.len()) as u64,
        })
    }
}

struct Vorbis {
    identification: Vec<u8>,
    channels: u32,
    sample_rate_hz: u32,
    most_samples_per_packet: u64,
}

impl Vorbis {
    fn read(packet: &[u8], fields: &[u8]) -> Result<Self, Refusal> {
        let Some([channels, r0, r1, r2, r3, _, _, _, _, _, _, _, _, _, _, _, _, block_sizes, 1]) =
            fields.first_chunk()
        else {
            return Err(Refusal::Damaged);
        };
        Ok(Self {
            identification: packet.to_vec(),
            channels: (*channels).into(),
            sample_rate_hz: u32::from_le_bytes([*r0, *r1, *r2, *r3]),
            most_samples_per_packet: 1 << (block_sizes >> 4).saturating_sub(1),
        })
    }
}

/// Opus counts at this rate whatever the recording was made at.
const OPUS_RATE_HZ: u32 = 48_000;

/// Of 120 ms (RFC 6716, 3.2.5).
const MOST_OPUS_SAMPLES: u64 = 5_760;

struct Opus {
    channels: u8,
    pre_skip: u16,
    gain: f32,
}

impl Opus {
    /// Reads what follows the magic signature (RFC 7845, 5.1).
    ///
    /// # Errors
    /// [`Refusal::UnsupportedCodec`] for more than two channels.
    fn read(fields: &[u8]) -> Result<Self, Refusal> {
        let Some([version, channels, s0, s1, _, _, _, _, g0, g1, mapping]) = fields.first_chunk() else {
            return Err(Refusal::Damaged);
        };
        if version & 0xf0 != 0 || *mapping != 0 {
            return Err(Refusal::UnsupportedCodec);
        }
        if !(1..=2).contains(channels) {
            return Err(Refusal::Damaged);
        }
        // In 256ths of a decibel.
        let gain = f32::from(i16::from_le_bytes([*g0, *g1])) / 256.0;
        Ok(Self {
            channels: *channels,
            pre_skip: u16::from_le_bytes([*s0, *s1]),
            gain: 10_f32.powf(gain / 20.0),
        })
    }
}

/// How many samples of each channel a packet plays; none where it cannot be one (RFC 6716, 3.1 and 3.2).
fn opus_samples(packet: &[u8]) -> u64 {
    let Some((toc, rest)) = packet.split_first() else { return 0 };
    let samples_per_frame = match toc >> 3 {
        config @ 0..12 => [480, 960, 1_920, 2_880].get(usize::from(config & 3)),
        config @ 12..16 => [480, 960].get(usize::from(config & 1)),
        config => [120, 240, 480, 960].get(usize::from(config & 3)),
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => rest.first().map_or(0, |count| u64::from(count & 0x3f)),
    };
    let samples = samples_per_frame.copied().unwrap_or(0) * frames;
    if samples > MOST_OPUS_SAMPLES { 0 } else { samples }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::tests::{VORBIS_OGG, probe_bytes};

    const FIRST: u8 = 2;
    const LAST: u8 = 4;

    /// A page with one packet, whose checksum is right.
    fn page(flags: u8, samples_at_end: i64, packet: &[u8]) -> Vec<u8> {
        let lacing = [vec![255; packet.len() / 255], vec![(packet.len() % 255) as u8]].concat();
        page_of(flags, samples_at_end, &lacing, packet)
    }

    fn page_of(flags: u8, samples_at_end: i64, lacing: &[u8], body: &[u8]) -> Vec<u8> {
        let mut page = [
            b"OggS\0".as_slice(),
            &[flags],
            &samples_at_end.to_le_bytes(),
            &[7, 0, 0, 0, 0, 0, 0, 0],
            &[0; 4],
            &[lacing.len() as u8],
            lacing,
            body,
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

    fn comments_and_setup() -> Vec<u8> {
        [page(0, 0, b"\x03vorbis"), page(0, 0, b"\x05vorbis")].concat()
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
        assert_eq!(
            milliseconds(&[identification(), comments_and_setup(), sound(0, 125)].concat()),
            Ok(8_000)
        );
    }

    #[test]
    fn a_stream_may_be_cut_from_a_longer_one() {
        let bytes = [identification(), comments_and_setup(), sound(1 << 40, 125)].concat();
        let milliseconds = milliseconds(&bytes).unwrap();
        assert!((8_000..8_300).contains(&milliseconds), "{milliseconds}");
    }

    #[test]
    fn a_length_that_packets_cannot_fill_is_damage() {
        let lie = page(LAST, 1 << 40, &[0; 40]);
        let bytes = [identification(), comments_and_setup(), page(0, 512, &[0; 40]), lie].concat();
        assert_eq!(milliseconds(&bytes), Err(Refusal::Damaged));
    }

    #[test]
    fn only_vorbis_and_opus_are_taken() {
        assert_eq!(milliseconds(&page(FIRST, 0, b"Speex   1.2")), Err(Refusal::UnsupportedCodec));
        assert_eq!(milliseconds(&page(FIRST, 0, b"\x80theora\x03\x02\x01")), Err(Refusal::Video));
        let with_video = [identification(), page(FIRST, 0, b"\x80theora\x03\x02\x01")].concat();
        assert_eq!(milliseconds(&with_video), Err(Refusal::Video));
    }

    /// Mono, with 312 samples before the sound.
    fn opus_head(channels: u8, mapping: u8) -> Vec<u8> {
        let mut packet = *b"OpusHead\x01\0\x38\x01\x80\xbb\0\0\0\0\0";
        packet[9] = channels;
        packet[18] = mapping;
        page(FIRST, 0, &packet)
    }

    fn opus_tags() -> Vec<u8> {
        page(0, 0, b"OpusTags")
    }

    /// `count` packets of 20 ms, counted from `start` on, the last of which ends `cut` samples early.
    fn opus_sound(start: i64, count: i64, cut: i64) -> Vec<u8> {
        const CELT_OF_20_MS: u8 = 31 << 3;
        let pages = (1..=count).map(|packet| {
            let (flags, cut) = if packet == count { (LAST, cut) } else { (0, 0) };
            page(flags, start + packet * 960 - cut, &[CELT_OF_20_MS, 0, 0])
        });
        pages.collect::<Vec<_>>().concat()
    }

    #[test]
    fn opus_plays_without_what_comes_before_and_after_the_sound() {
        let whole = |start| [opus_head(1, 0), opus_tags(), opus_sound(start, 100, 648)].concat();
        assert_eq!(milliseconds(&whole(0)), Ok(1_980));
        assert_eq!(milliseconds(&whole(1 << 40)), Ok(1_980));
    }

    #[test]
    fn opus_in_one_page_may_be_cut_at_its_end() {
        let sound = page_of(LAST, 48_312, &[1; 60], &[0xf8; 60]);

        assert_eq!(milliseconds(&[opus_head(1, 0), opus_tags(), sound].concat()), Ok(1_000));
    }

    #[test]
    fn opus_for_more_than_two_loudspeakers_is_not_taken() {
        for (channels, mapping, refusal) in
            [(6, 1, Refusal::UnsupportedCodec), (3, 0, Refusal::Damaged), (0, 0, Refusal::Damaged)]
        {
            assert_eq!(milliseconds(&opus_head(channels, mapping)), Err(refusal));
        }
    }

    #[test]
    fn opus_packets_say_how_long_they_are() {
        let known = [
            ([0, 0], 480),
            ([3 << 3, 0], 2_880),
            ([13 << 3 | 1, 0], 1_920),
            ([16 << 3 | 3, 48], 5_760),
            ([31 << 3 | 3, 0x80 | 3], 2_880),
            ([31 << 3 | 3, 63], 0),
        ];
        for (packet, samples) in known {
            assert_eq!(opus_samples(&packet), samples, "{packet:x?}");
        }
        assert_eq!((opus_samples(&[]), opus_samples(&[3])), (0, 0));
    }

    #[test]
    fn comments_may_be_longer_than_a_page() {
        const GOES_ON: u8 = 1;
        let beginning = [b"OpusTags", [b'x'; 502].as_slice()].concat();
        let first = page_of(0, -1, &[255, 255], &beginning);
        let bytes =
            [opus_head(1, 0), first, page(GOES_ON, 0, b"and an end"), opus_sound(0, 100, 648)].concat();

        assert_eq!(milliseconds(&bytes), Ok(1_980));
    }

    #[test]
    fn one_stream_is_taken() {
        let sibling = [identification(), identification(), comments_and_setup(), sound(0, 125)].concat();
        assert_eq!(milliseconds(&sibling), Err(Refusal::SeveralTracks));
        assert_eq!(milliseconds(&[VORBIS_OGG, VORBIS_OGG].concat()), Err(Refusal::SeveralTracks));
    }

    #[test]
    fn a_stream_without_its_last_page_is_truncated() {
        let whole = [identification(), comments_and_setup(), sound(0, 125)].concat();
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

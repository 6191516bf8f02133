//! HE-AAC that says of itself that it is AAC-LC, as old files and those from streams do: every packet ends with data for
//! the other half of the spectrum.

/// Whether the last element before the end of a packet, an ID_FIL, has such data in it (ISO/IEC 14496-3, 4.4.2.7).
pub(super) fn is_marked(packet: &[u8]) -> bool {
    const END: u32 = 0b111;
    const FILL: u32 = 0b110;
    const ESCAPE: usize = 15;
    const REPLICATION: [u32; 2] = [0b1101, 0b1110];
    const LONGEST: usize = 14 + 255;

    // After the end come zeros, up to the next byte.
    let Some(last) = packet.last().filter(|last| **last != 0) else { return false };
    let end = packet.len() * 8 - last.trailing_zeros() as usize;
    let Some(fill_end) = end.checked_sub(3).filter(|end| bits(packet, *end, 3) == END) else { return false };

    (1..=LONGEST).any(|len| {
        let Some(body) = fill_end.checked_sub(len * 8) else { return false };
        let is_counted = if len < ESCAPE {
            body >= 7 && bits(packet, body - 7, 7) == FILL << 4 | len as u32
        } else {
            body >= 15
                && bits(packet, body - 15, 7) == FILL << 4 | ESCAPE as u32
                && bits(packet, body - 8, 8) == len as u32 - 14
        };
        is_counted && REPLICATION.contains(&bits(packet, body, 4))
    })
}

/// At most eight bits, from the left.
fn bits(packet: &[u8], from: usize, count: usize) -> u32 {
    let byte = |at: usize| packet.get(at).copied().unwrap_or(0);
    let window = u16::from_be_bytes([byte(from / 8), byte(from / 8 + 1)]);
    u32::from(window << (from % 8)) >> (16 - count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::tests::noise;

    /// A packet of these elements, each a string of bits.
    fn packet(elements: &[&str]) -> Vec<u8> {
        let mut bits: Vec<char> = elements.concat().chars().collect();
        bits.resize(bits.len().next_multiple_of(8), '0');
        bits.chunks(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | u8::from(*bit == '1'))).collect()
    }

    const SOUND: &str = "0000101110101010001110001011010010101";

    #[test]
    fn replication_data_before_the_end_is_found() {
        let body = "1101".to_owned() + &"01100110".repeat(4);
        let short = packet(&[SOUND, "110", "0101", &body, "0000", "111"]);
        assert!(is_marked(&short));

        let body = "1110".to_owned() + &"10010110".repeat(39);
        let long = packet(&[SOUND, "110", "1111", "00011010", &body, "0000", "111"]);
        assert!(is_marked(&long));
    }

    #[test]
    fn other_filling_is_not_taken_for_it() {
        let body = "0000".to_owned() + &"01100110".repeat(4);
        assert!(!is_marked(&packet(&[SOUND, "110", "0101", &body, "0000", "111"])));
        assert!(!is_marked(&packet(&[SOUND, "111"])));
        for bytes in [&[][..], &[0], &[0, 0, 0], &[0xff]] {
            assert!(!is_marked(bytes));
        }
    }

    #[test]
    fn anything_else_seldom_looks_like_it() {
        let mut noise = noise(9);
        let marked = (0..2_000).filter(|_| is_marked(&noise.by_ref().take(400).collect::<Vec<_>>()));
        assert!(marked.count() < 100);
    }
}

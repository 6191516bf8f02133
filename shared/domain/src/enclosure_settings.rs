use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Invalid;

/// How the enclosure of a WAV or FLAC master is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EnclosureSettings {
    /// Bits per second of the MP3.
    pub bit_rate: BitRate,
    /// Whether it is brought to -16 LUFS, with no true peak above -1 dBTP.
    pub is_loudness_normalized: bool,
}

/// A constant bit rate that every player of MP3 knows, in bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u32", into = "u32")]
#[schemars(with = "u32", extend("enum" = BitRate::ALL))]
pub struct BitRate(u32);

impl BitRate {
    const ALL: [u32; 7] = [64_000, 96_000, 128_000, 160_000, 192_000, 256_000, 320_000];

    /// Bits per second.
    pub fn bits_per_second(self) -> u32 {
        self.0
    }
}

impl Default for BitRate {
    fn default() -> Self {
        Self(128_000)
    }
}

impl TryFrom<u32> for BitRate {
    type Error = Invalid;

    fn try_from(bits_per_second: u32) -> Result<Self, Invalid> {
        if Self::ALL.contains(&bits_per_second) {
            return Ok(Self(bits_per_second));
        }
        Err(Invalid::new("a bit rate is 64000, 96000, 128000, 160000, 192000, 256000 or 320000"))
    }
}

impl From<BitRate> for u32 {
    fn from(bit_rate: BitRate) -> Self {
        bit_rate.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_128_kilobits_as_loud_as_the_master() {
        let settings: EnclosureSettings = serde_json::from_str("{}").unwrap();
        assert_eq!((settings.bit_rate.bits_per_second(), settings.is_loudness_normalized), (128_000, false));
    }

    #[test]
    fn other_bit_rates_are_refused() {
        for bad in ["0", "127999", "320001", "-1", "\"128000\""] {
            assert!(serde_json::from_str::<BitRate>(bad).is_err(), "{bad}");
        }
    }
}

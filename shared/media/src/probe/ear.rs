//! Who listens while a file is walked through.

/// Hears the coded sound of a file, packet by packet.
pub(crate) trait Ear {
    /// Told once, before the first packet: how they are coded, and how many samples of each channel come before the sound
    /// and are not played.
    fn begin(&mut self, coding: Coding, lead_in: u64);

    /// One packet, or as much of it as a packet can have.
    fn hear(&mut self, packet: &[u8]);
}

/// What is needed to decode packets.
pub(crate) enum Coding {
    Mp3,
    /// The AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
    Aac {
        config: Vec<u8>,
        /// Whether the config says that half of the spectrum is made up from the other half (HE-AAC).
        is_high_efficiency: bool,
    },
    Pcm {
        sample: PcmSample,
        channels: usize,
        sample_rate_hz: u32,
    },
    /// The STREAMINFO block.
    Flac {
        description: [u8; 34],
    },
    /// The identification and the setup header, one after the other.
    Vorbis {
        headers: Vec<u8>,
    },
    Opus {
        channels: usize,
        /// What to multiply each sample with.
        gain: f32,
    },
}

/// How one plain sample is written, little end first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PcmSample {
    Unsigned8,
    Signed16,
    Signed24,
    Signed32,
    Float32,
    Float64,
}

impl PcmSample {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Unsigned8 => 1,
            Self::Signed16 => 2,
            Self::Signed24 => 3,
            Self::Signed32 | Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }
}

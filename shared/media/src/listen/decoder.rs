use opus_pure::OpusDecoder;
use symphonia::{
    core::{
        codecs::audio::{
            AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
            well_known::{CODEC_ID_AAC, CODEC_ID_FLAC, CODEC_ID_MP3, CODEC_ID_VORBIS},
        },
        packet::PacketRef,
        units::{Duration, Timestamp},
    },
    default::codecs::{AacDecoder, FlacDecoder, MpaDecoder, VorbisDecoder},
};

use crate::probe::{Coding, PcmSample};

const OPUS_RATE_HZ: u32 = 48_000;

/// 120 ms, the longest packet.
const MOST_OPUS_SAMPLES: usize = 5_760;

/// How decoded samples are to be read.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Never zero.
    pub(super) channels: usize,
    pub(super) sample_rate_hz: u32,
}

/// Packets in, samples out.
pub(super) enum Decoder {
    /// A decoder for mono or one for stereo, as the last frame had it.
    Mp3 {
        is_mono: bool,
        decoder: Box<MpaDecoder>,
    },
    Aac(Box<AacDecoder>),
    Other(Box<dyn AudioDecoder>),
    Opus {
        decoder: Box<OpusDecoder>,
        channels: usize,
        gain: f32,
    },
    Pcm {
        sample: PcmSample,
        shape: Shape,
    },
}

impl Decoder {
    /// Nothing where there is no decoder for it.
    pub(super) fn new(coding: Coding) -> Option<Self> {
        let options = AudioDecoderOptions::default();
        Some(match coding {
            Coding::Mp3 => Self::Mp3 { is_mono: false, decoder: mp3_decoder()? },
            Coding::Aac { config, .. } => {
                let parameters = parameters(CODEC_ID_AAC, config);
                Self::Aac(Box::new(AacDecoder::try_new(&parameters, &options).ok()?))
            }
            Coding::Flac { description } => {
                let parameters = parameters(CODEC_ID_FLAC, description.to_vec());
                Self::Other(Box::new(FlacDecoder::try_new(&parameters, &options).ok()?))
            }
            Coding::Vorbis { headers } => {
                let parameters = parameters(CODEC_ID_VORBIS, headers);
                Self::Other(Box::new(VorbisDecoder::try_new(&parameters, &options).ok()?))
            }
            Coding::Opus { channels, gain } => {
                let decoder = OpusDecoder::new(OPUS_RATE_HZ as i32, channels).ok()?;
                Self::Opus { decoder: Box::new(decoder), channels, gain }
            }
            Coding::Pcm { channels: 0, .. } => return None,
            Coding::Pcm { sample, channels, sample_rate_hz } => {
                Self::Pcm { sample, shape: Shape { channels, sample_rate_hz } }
            }
        })
    }

    pub(super) fn is_aac(&self) -> bool {
        matches!(self, Self::Aac(_))
    }

    /// Puts the samples of a packet behind `samples`, channel by channel. Nothing when it cannot be decoded.
    pub(super) fn decode(&mut self, packet: &[u8], samples: &mut Vec<f32>) -> Option<Shape> {
        match self {
            Self::Mp3 { is_mono, decoder } => {
                let [_, _, _, mode, ..] = packet else { return None };
                if *is_mono != (mode >> 6 == 3) {
                    *is_mono = !*is_mono;
                    *decoder = mp3_decoder()?;
                }
                decode(decoder.as_mut(), packet, samples)
            }
            Self::Aac(decoder) => decode(decoder.as_mut(), packet, samples),
            Self::Other(decoder) => decode(decoder.as_mut(), packet, samples),
            // An empty packet is one that was lost: nothing to hear.
            Self::Opus { .. } if packet.is_empty() => None,
            Self::Opus { decoder, channels, gain } => {
                samples.resize(MOST_OPUS_SAMPLES * *channels, 0.0);
                let decoded = decoder.decode(packet, MOST_OPUS_SAMPLES, samples).ok()?;
                samples.truncate(decoded * *channels);
                samples.iter_mut().for_each(|sample| *sample *= *gain);
                Some(Shape { channels: *channels, sample_rate_hz: OPUS_RATE_HZ })
            }
            Self::Pcm { sample, shape } => {
                samples.extend(packet.chunks_exact(sample.len()).map(|bytes| read(*sample, bytes)));
                Some(*shape)
            }
        }
    }
}

fn mp3_decoder() -> Option<Box<MpaDecoder>> {
    let parameters = parameters(CODEC_ID_MP3, Vec::new());
    Some(Box::new(MpaDecoder::try_new(&parameters, &AudioDecoderOptions::default()).ok()?))
}

fn parameters(codec: AudioCodecId, extra: Vec<u8>) -> AudioCodecParameters {
    let mut parameters = AudioCodecParameters::new();
    parameters.for_codec(codec).with_extra_data(extra.into_boxed_slice());
    parameters
}

fn decode(decoder: &mut dyn AudioDecoder, packet: &[u8], samples: &mut Vec<f32>) -> Option<Shape> {
    let packet = PacketRef::new(0, Timestamp::new(0), Duration::new(0), packet);
    let decoded = decoder.decode_ref(&packet).ok()?;
    let shape = Shape { channels: decoded.num_planes(), sample_rate_hz: decoded.spec().rate() };
    if shape.channels == 0 {
        return None;
    }
    decoded.copy_to_vec_interleaved(samples);
    Some(shape)
}

/// Full scale is 1.
fn read(sample: PcmSample, bytes: &[u8]) -> f32 {
    let bytes = bytes.iter().rev();
    let whole = bytes.fold(0_u64, |whole, byte| whole << 8 | u64::from(*byte));
    match sample {
        PcmSample::Unsigned8 => (whole as f32 - 128.0) / 128.0,
        PcmSample::Signed16 => f32::from(whole as u16 as i16) / 32_768.0,
        PcmSample::Signed24 => ((whole << 8) as u32 as i32) as f32 / 2_147_483_648.0,
        PcmSample::Signed32 => (whole as u32 as i32) as f32 / 2_147_483_648.0,
        PcmSample::Float32 => f32::from_bits(whole as u32),
        PcmSample::Float64 => f64::from_bits(whole) as f32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_in_every_way_that_they_are_written() {
        let half = [
            (PcmSample::Unsigned8, vec![192]),
            (PcmSample::Signed16, 16_384_i16.to_le_bytes().to_vec()),
            (PcmSample::Signed24, vec![0, 0, 0x40]),
            (PcmSample::Signed32, 0x4000_0000_i32.to_le_bytes().to_vec()),
            (PcmSample::Float32, 0.5_f32.to_le_bytes().to_vec()),
            (PcmSample::Float64, 0.5_f64.to_le_bytes().to_vec()),
        ];
        for (sample, bytes) in half {
            assert_eq!(read(sample, &bytes), 0.5, "{sample:?}");
        }
        assert_eq!(read(PcmSample::Unsigned8, &[0]), -1.0);
        assert_eq!(read(PcmSample::Signed16, &[0, 0x80]), -1.0);
        assert_eq!(read(PcmSample::Signed24, &[0, 0, 0x80]), -1.0);
        assert_eq!(read(PcmSample::Signed32, &[0, 0, 0, 0x80]), -1.0);
    }
}

//! MP3 frames, by LAME.

use mp3lame_encoder::{
    Bitrate, Builder, Encoder, FlushGap, InterleavedPcm, Mode, MonoPcm, Quality, VbrMode,
    max_required_buffer_size,
};
// Named for its feature: with it LAME's build knows the target when it is not this machine.
use mp3lame_sys as _;

use super::{EnclosureBitRate, EncodeError};

/// What LAME asks for at the end, and for the longest frame.
const FLUSH_LEN: usize = 7_200;

pub(super) struct Lame {
    encoder: Encoder,
    channels: usize,
    /// What samples are multiplied by, because LAME makes them quieter again.
    scale: f32,
    samples: Vec<f32>,
    out: Vec<u8>,
}

impl Lame {
    pub(super) fn new(
        bit_rate: EnclosureBitRate,
        channels: u8,
        sample_rate_hz: u32,
    ) -> Result<Self, EncodeError> {
        // LAME 3.100 takes these parts of the level at these bit rates, so that fewer decoders clip. Loudness is ours to choose.
        let lames_scale = match bit_rate.kilobits() {
            ..=160 => 0.95,
            192 => 0.97,
            _ => 1.0,
        };
        let bit_rate = match bit_rate {
            EnclosureBitRate::Kbps64 => Bitrate::Kbps64,
            EnclosureBitRate::Kbps96 => Bitrate::Kbps96,
            EnclosureBitRate::Kbps128 => Bitrate::Kbps128,
            EnclosureBitRate::Kbps160 => Bitrate::Kbps160,
            EnclosureBitRate::Kbps192 => Bitrate::Kbps192,
            EnclosureBitRate::Kbps256 => Bitrate::Kbps256,
            EnclosureBitRate::Kbps320 => Bitrate::Kbps320,
        };
        let build = || {
            Builder::new()
                .ok_or(mp3lame_encoder::BuildError::NoMem)?
                .with_num_channels(channels)?
                .with_sample_rate(sample_rate_hz)?
                .with_output_sample_rate(sample_rate_hz.try_into().ok())?
                .with_mode(if channels == 1 { Mode::Mono } else { Mode::JointStereo })?
                .with_vbr_mode(VbrMode::Off)?
                .with_brate(bit_rate)?
                .with_quality(Quality::VeryNice)?
                .with_to_write_vbr_tag(true)?
                .build()
        };
        let encoder = build().map_err(|error| EncodeError::Encoder(error.to_string()))?;
        Ok(Self {
            encoder,
            channels: channels.into(),
            scale: 1.0 / lames_scale,
            samples: Vec::new(),
            out: Vec::new(),
        })
    }

    /// The frames that are ready.
    pub(super) fn encode(&mut self, samples: &[f32]) -> Result<&[u8], EncodeError> {
        self.samples.clear();
        self.samples.extend(samples.iter().map(|sample| sample * self.scale));
        self.out.clear();
        // Without room LAME would take the length of none for one without limit.
        self.out.reserve(max_required_buffer_size(samples.len() / self.channels));
        let encoded = if self.channels == 1 {
            self.encoder.encode_to_vec(MonoPcm(&self.samples), &mut self.out)
        } else {
            self.encoder.encode_to_vec(InterleavedPcm(&self.samples), &mut self.out)
        };
        encoded.map_err(|error| EncodeError::Encoder(error.to_string()))?;
        Ok(&self.out)
    }

    /// The last frames, and what the first one, a blank so far, has to be: how long the sound is, and how much before and after
    /// it is not sound.
    pub(super) fn finish(mut self) -> Result<(Vec<u8>, Vec<u8>), EncodeError> {
        let mut last = Vec::with_capacity(FLUSH_LEN);
        // The other flush keeps the last samples for a file that goes on.
        self.encoder
            .flush_to_vec::<FlushGap>(&mut last)
            .map_err(|error| EncodeError::Encoder(error.to_string()))?;
        let mut first = Vec::with_capacity(self.encoder.lame_tag_size());
        self.encoder
            .lame_tag_encode_to_vec(&mut first)
            .ok_or_else(|| EncodeError::Encoder("no first frame".to_owned()))?;
        Ok((last, first))
    }
}

//! Another sample rate.

use rubato::{Fft, FixedSync, Indexing, Resampler, audioadapter_buffers::direct::InterleavedSlice};

use super::EncodeError;

/// How many frames are changed at once.
const CHUNK: usize = 4_096;

/// As long as it was, to the sample: the filter's delay is taken off the start and given back at the end.
pub(super) struct Resample {
    fft: Fft<f32>,
    channels: usize,
    rate_from: u64,
    rate_to: u64,
    /// Samples that wait for their chunk to be full.
    waiting: Vec<f32>,
    frames_in: u64,
    frames_out: u64,
    frames_to_skip: usize,
}

impl Resample {
    pub(super) fn new(rate_from: u32, rate_to: u32, channels: u8) -> Result<Self, EncodeError> {
        let channels = usize::from(channels);
        let fft = Fft::new(rate_from as usize, rate_to as usize, CHUNK, channels, FixedSync::Input)
            .map_err(|error| EncodeError::Encoder(error.to_string()))?;
        Ok(Self {
            frames_to_skip: fft.output_delay(),
            fft,
            channels,
            rate_from: rate_from.into(),
            rate_to: rate_to.into(),
            waiting: Vec::new(),
            frames_in: 0,
            frames_out: 0,
        })
    }

    pub(super) fn add(&mut self, samples: &[f32]) -> Result<Vec<f32>, EncodeError> {
        self.frames_in += (samples.len() / self.channels) as u64;
        self.waiting.extend_from_slice(samples);

        let mut out = Vec::new();
        let chunk_len = self.fft.input_frames_next() * self.channels;
        while self.waiting.len() >= chunk_len {
            let rest = self.waiting.split_off(chunk_len);
            let chunk = std::mem::replace(&mut self.waiting, rest);
            self.process(chunk, chunk_len, &mut out)?;
        }
        Ok(out)
    }

    pub(super) fn finish(&mut self) -> Result<Vec<f32>, EncodeError> {
        let frames = (self.frames_in * self.rate_to + self.rate_from / 2) / self.rate_from;
        let missing = usize::try_from(frames.saturating_sub(self.frames_out)).unwrap_or(0) * self.channels;

        let mut out = Vec::new();
        while out.len() < missing {
            let chunk = std::mem::take(&mut self.waiting);
            let len = chunk.len();
            self.process(chunk, len, &mut out)?;
        }
        out.truncate(missing);
        Ok(out)
    }

    /// One chunk, of which the first `len` samples are there and the others are silence.
    fn process(&mut self, mut chunk: Vec<f32>, len: usize, out: &mut Vec<f32>) -> Result<(), EncodeError> {
        let refused = |error: &dyn std::fmt::Display| EncodeError::Encoder(error.to_string());

        let frames = self.fft.input_frames_next();
        chunk.resize(frames * self.channels, 0.0);
        let input = InterleavedSlice::new(chunk.as_slice(), self.channels, frames)
            .map_err(|error| refused(&error))?;
        let partial = Indexing::new().partial_len(len / self.channels);
        let changed = self.fft.process(&input, Some(&partial)).map_err(|error| refused(&error))?.take_data();

        let skipped = self.frames_to_skip.min(changed.len() / self.channels);
        self.frames_to_skip -= skipped;
        let kept = changed.get(skipped * self.channels..).unwrap_or_default();
        self.frames_out += (kept.len() / self.channels) as u64;
        out.extend_from_slice(kept);
        Ok(())
    }
}

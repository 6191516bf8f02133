//! Keeps true peaks under a ceiling without clipping them: the sound gets quieter a hundredth of a second before a peak, and
//! comes back in some tenths.
//!
//! The sound goes through in blocks. Each has the gain that its own peaks allow. A block's gain becomes the least of those
//! around it, rises no faster than the release allows, and is averaged over the last blocks; inside a block it goes in a
//! straight line from the one to the next. Every block that takes part in an average has looked past the blocks at both ends of
//! that line, so no line is above what its block allows.

use std::collections::VecDeque;

use ebur128::{EbuR128, Mode};

use super::{EncodeError, loudness::refused};

/// −1 dB true peak.
pub(super) const CEILING: f64 = 0.891_250_938;

/// Frames.
const BLOCK: usize = 64;
/// Blocks: 9 to 16 ms.
const LOOK_AHEAD: usize = 8;
/// Which part of the way back to full level a block goes.
const RELEASE: f32 = 0.01;

pub(super) struct Limiter {
    meter: EbuR128,
    channels: usize,
    /// Samples that wait for their block to be full.
    waiting: Vec<f32>,
    /// Blocks that wait for those after them.
    blocks: VecDeque<Vec<f32>>,
    /// What the last blocks allow.
    allowed: VecDeque<f32>,
    /// What they get, before it is averaged.
    released: VecDeque<f32>,
    /// The gain at the end of the last block that went out.
    gain: Option<f32>,
}

impl Limiter {
    pub(super) fn new(channels: u8, sample_rate_hz: u32) -> Result<Self, EncodeError> {
        let meter = EbuR128::new(channels.into(), sample_rate_hz, Mode::TRUE_PEAK).map_err(refused)?;
        Ok(Self {
            meter,
            channels: channels.into(),
            waiting: Vec::new(),
            blocks: VecDeque::new(),
            allowed: VecDeque::new(),
            released: VecDeque::new(),
            gain: None,
        })
    }

    pub(super) fn add(&mut self, samples: &[f32]) -> Result<Vec<f32>, EncodeError> {
        self.waiting.extend_from_slice(samples);
        let block_len = BLOCK * self.channels;
        let whole = self.waiting.len() / block_len * block_len;
        let rest = self.waiting.split_off(whole);
        let samples = std::mem::replace(&mut self.waiting, rest);

        let mut out = Vec::with_capacity(whole);
        for block in samples.chunks_exact(block_len) {
            self.push(block.to_vec(), &mut out)?;
        }
        Ok(out)
    }

    pub(super) fn finish(&mut self) -> Result<Vec<f32>, EncodeError> {
        let block_len = BLOCK * self.channels;
        let left = self.blocks.len() * block_len + self.waiting.len();
        let mut last = std::mem::take(&mut self.waiting);
        last.resize(block_len, 0.0);

        let mut out = Vec::new();
        self.push(last, &mut out)?;
        while out.len() < left {
            self.push(vec![0.0; block_len], &mut out)?;
        }
        out.truncate(left);
        Ok(out)
    }

    fn push(&mut self, block: Vec<f32>, out: &mut Vec<f32>) -> Result<(), EncodeError> {
        /// The meter sees the last peaks of a block in the next one, so one more on either side.
        const AROUND: usize = LOOK_AHEAD + 3;

        self.meter.add_frames_f32(&block).map_err(refused)?;
        let mut peak = 0.0_f64;
        for channel in 0..self.meter.channels() {
            peak = peak.max(self.meter.prev_true_peak(channel).map_err(refused)?);
        }
        self.allowed.push_back(if peak > CEILING { (CEILING / peak) as f32 } else { 1.0 });
        self.blocks.push_back(block);
        if self.allowed.len() > AROUND {
            self.allowed.pop_front();
        }
        if self.blocks.len() <= LOOK_AHEAD + 1 {
            return Ok(());
        }

        let least = self.allowed.iter().copied().fold(1.0, f32::min);
        let released = match self.released.back() {
            Some(last) => least.min(last + (1.0 - last) * RELEASE),
            None => least,
        };
        self.released.push_back(released);
        if self.released.len() > LOOK_AHEAD {
            self.released.pop_front();
        }
        let end = self.released.iter().sum::<f32>() / self.released.len() as f32;
        let start = self.gain.replace(end).unwrap_or(end);
        if let Some(block) = self.blocks.pop_front() {
            let frames = block.chunks_exact(self.channels);
            out.extend(frames.enumerate().flat_map(|(at, frame)| {
                let gain = start + (end - start) * at as f32 / BLOCK as f32;
                frame.iter().map(move |sample| sample * gain)
            }));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two channels of noise, a click and a tone at three times full level.
    fn loud() -> Vec<f32> {
        (0..48_000_u32)
            .flat_map(|at| {
                let noise = (at.wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0 - 0.5;
                let tone = (at as f32 * 0.7).sin();
                let level = if (20_000..30_000).contains(&at) { 3.0 } else { 0.3 };
                let click = if at == 5_000 { 4.0 } else { 0.0 };
                [noise * level + click, tone * level]
            })
            .collect()
    }

    fn true_peak(samples: &[f32]) -> f64 {
        let mut meter = EbuR128::new(2, 48_000, Mode::TRUE_PEAK).unwrap();
        meter.add_frames_f32(samples).unwrap();
        meter.true_peak(0).unwrap().max(meter.true_peak(1).unwrap())
    }

    fn limited(samples: &[f32], piece: usize) -> Vec<f32> {
        let mut limiter = Limiter::new(2, 48_000).unwrap();
        let mut out = Vec::new();
        for samples in samples.chunks(piece) {
            out.extend(limiter.add(samples).unwrap());
        }
        out.extend(limiter.finish().unwrap());
        out
    }

    #[test]
    fn no_peak_is_above_the_ceiling() {
        let loud = loud();
        assert!(true_peak(&loud) > 3.0);
        let peak = true_peak(&limited(&loud, 1_000));
        assert!((0.8..=CEILING * 1.005).contains(&peak), "{peak}");
    }

    #[test]
    fn what_is_quiet_stays_as_it_is() {
        let quiet: Vec<f32> = loud().iter().map(|sample| sample * 0.1).collect();
        assert_eq!(limited(&quiet, 1_000), quiet);
    }

    #[test]
    fn length_and_sound_do_not_depend_on_the_pieces() {
        let loud = loud();
        for len in [2, 126, 128, 130, 20_002, loud.len()] {
            let whole = limited(&loud[..len], len);
            assert_eq!(whole.len(), len);
            assert_eq!(limited(&loud[..len], 26), whole);
        }
    }
}

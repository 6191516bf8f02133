//! How loud a master is, and what makes it as loud as a podcast.

use ebur128::{EbuR128, Mode};

use super::{EncodeError, limiter::CEILING};

/// LUFS, integrated.
const PODCAST: f64 = -16.0;
/// Decibels. What is quieter than that is no sound to raise.
const MOST_GAIN: f64 = 30.0;

/// Decibels that nobody hears.
const TOLERANCE: f64 = 0.2;

/// What happens to the samples of a master.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    /// What they are multiplied by.
    pub(super) gain: f32,
    /// Whether peaks are too high then.
    pub(super) is_limited: bool,
}

impl Level {
    pub(super) const AS_RECORDED: Self = Self { gain: 1.0, is_limited: false };
}

pub(super) struct Meter(EbuR128);

impl Meter {
    pub(super) fn new(channels: u8, sample_rate_hz: u32) -> Result<Self, EncodeError> {
        // The histogram keeps memory the same however long the master is.
        let mode = Mode::I | Mode::TRUE_PEAK | Mode::HISTOGRAM;
        EbuR128::new(channels.into(), sample_rate_hz, mode).map(Self).map_err(refused)
    }

    pub(super) fn add(&mut self, samples: &[f32]) -> Result<(), EncodeError> {
        self.0.add_frames_f32(samples).map_err(refused)
    }

    /// What makes the sound that was measured as loud as a podcast.
    pub(super) fn podcast_level(&self) -> Result<Level, EncodeError> {
        let missing = self.missing()?;
        let gain = ratio(missing.min(MOST_GAIN));
        let mut peak = 0.0_f64;
        for channel in 0..self.0.channels() {
            peak = peak.max(self.0.true_peak(channel).map_err(refused)?);
        }
        Ok(Level { gain: gain as f32, is_limited: peak * gain > CEILING })
    }

    /// A better level, where what was measured had `level` already and is not loud enough.
    pub(super) fn corrected(&self, level: Level) -> Result<Option<Level>, EncodeError> {
        let missing = self.missing()?;
        let gain = (level.gain * ratio(missing) as f32).min(ratio(MOST_GAIN) as f32);
        Ok((missing > TOLERANCE && gain > level.gain).then_some(Level { gain, ..level }))
    }

    /// Decibels; none of silence.
    fn missing(&self) -> Result<f64, EncodeError> {
        let loudness = self.0.loudness_global().map_err(refused)?;
        Ok(if loudness.is_finite() { PODCAST - loudness } else { 0.0 })
    }
}

fn ratio(decibels: f64) -> f64 {
    10_f64.powf(decibels / 20.0)
}

pub(super) fn refused(error: ebur128::Error) -> EncodeError {
    EncodeError::Encoder(error.to_string())
}

//! How a file sounds: its loudness after EBU R 128, and a waveform to look at.
//!
//! One pass over the packets that [`crate::probe`] walks through. Memory stays the same however long the file plays.

use std::{fs::File, time::Duration};

use ebur128::{EbuR128, Mode};
use serde::{Deserialize, Serialize};

use crate::probe::{Coding, Ear, ProbeError, Probed, Refusal, walk};

mod decoder;
mod high_efficiency;
mod waveform;

use decoder::{Decoder, Shape};
pub use waveform::Waveform;
use waveform::WaveformInProgress;

/// How a file sounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// How loud it is, or why nobody can tell.
    pub loudness: Result<Loudness, Unheard>,
    /// What it looks like. Nothing where nothing could be decoded.
    pub waveform: Option<Waveform>,
}

/// How loud a recording is. Digital silence has no loudness.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Loudness {
    /// Integrated, in LUFS (ITU-R BS.1770, EBU R 128). Nothing for what stays below -70.
    pub integrated_lufs: Option<f64>,
    /// The highest peak between the samples of any channel, in dBTP.
    pub true_peak_dbtp: Option<f64>,
    /// How much it varies, in LU (EBU Tech 3342).
    pub range_lu: Option<f64>,
}

/// Why a file that is in order is not heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Unheard {
    /// Half of the spectrum is made up from the other half, which is not decoded here; the half alone would be too quiet.
    #[error("The sound is HE-AAC, whose loudness is not measured.")]
    HighEfficiencyAac,
    /// More than two channels, or packets of an unusual length.
    #[error("The sound is AAC of an uncommon kind, whose loudness is not measured.")]
    UncommonAac,
}

/// Hears what is in `file`, of which `probed` is known.
///
/// Packets that cannot be decoded are left out.
///
/// # Errors
/// [`ProbeError::Refused`] when it is not what `probed` says, or when next to nothing can be decoded;
/// [`ProbeError::Unreadable`] when the disk fails.
pub fn listen(file: File, probed: &Probed) -> Result<Heard, ProbeError> {
    let mut listener = Listener::new(probed.duration);

    walk(file, Some(&mut listener))?;

    Ok(listener.heard()?)
}

/// Of a hundred packets, how many must be decodable.
const LEAST_DECODED_PERCENT: u64 = 10;

/// Samples beyond 60 dB over full scale are damage, and would drown everything else.
const LARGEST_SAMPLE: f32 = 1_000.0;

struct Listener {
    duration: Duration,
    decoder: Option<Decoder>,
    unheard: Option<Unheard>,
    /// Samples of each channel that are still to be left out.
    lead_in: u64,
    samples: Vec<f32>,
    gauges: Option<Gauges>,
    packets: u64,
    decoded_packets: u64,
    /// Packets that are HE-AAC, whatever the file says.
    high_efficiency_packets: u64,
}

/// What measures, from the first decoded samples on.
struct Gauges {
    shape: Shape,
    /// Samples of each channel that are still to be heard: what comes after them is not played.
    left: u64,
    loudness: EbuR128,
    waveform: WaveformInProgress,
}

impl Ear for Listener {
    fn begin(&mut self, coding: Coding, lead_in: u64) {
        self.lead_in = lead_in;
        let otherwise = match &coding {
            Coding::Aac { is_high_efficiency: true, .. } => {
                self.unheard = Some(Unheard::HighEfficiencyAac);
                return;
            }
            Coding::Aac { .. } => Some(Unheard::UncommonAac),
            _ => None,
        };
        self.decoder = Decoder::new(coding);
        if self.decoder.is_none() {
            self.unheard = otherwise;
        }
    }

    fn hear(&mut self, packet: &[u8]) {
        let Some(decoder) = &mut self.decoder else { return };
        self.packets += 1;
        if decoder.is_aac() && high_efficiency::is_marked(packet) {
            self.high_efficiency_packets += 1;
        }
        self.samples.clear();
        let Some(shape) = decoder.decode(packet, &mut self.samples) else { return };
        self.decoded_packets += 1;
        self.measure(shape);
    }
}

impl Listener {
    fn new(duration: Duration) -> Self {
        Self {
            duration,
            decoder: None,
            unheard: None,
            lead_in: 0,
            samples: Vec::new(),
            gauges: None,
            packets: 0,
            decoded_packets: 0,
            high_efficiency_packets: 0,
        }
    }

    fn measure(&mut self, shape: Shape) {
        if self.gauges.is_none() {
            self.gauges = Gauges::new(shape, self.duration);
        }
        let Some(gauges) = &mut self.gauges else { return };
        if shape.sample_rate_hz != gauges.shape.sample_rate_hz {
            return;
        }
        if shape.channels != gauges.shape.channels {
            self.samples = spread(&self.samples, shape.channels, gauges.shape.channels);
        }

        let channels = gauges.shape.channels;
        let skipped = self.lead_in.min((self.samples.len() / channels) as u64);
        self.lead_in -= skipped;
        let from = usize::try_from(skipped).unwrap_or(0) * channels;
        gauges.measure(self.samples.get_mut(from..).unwrap_or_default());
    }

    fn heard(self) -> Result<Heard, Refusal> {
        // One in some seventy packets of anything looks like HE-AAC.
        let is_high_efficiency = self.high_efficiency_packets > self.packets / 2;
        let unheard = self.unheard.or(is_high_efficiency.then_some(Unheard::HighEfficiencyAac));
        if let Some(unheard) = unheard {
            return Ok(Heard { loudness: Err(unheard), waveform: None });
        }
        if self.decoded_packets * 100 < self.packets * LEAST_DECODED_PERCENT {
            return Err(Refusal::Damaged);
        }
        let gauges = self.gauges.ok_or(Refusal::Damaged)?;
        Ok(Heard { loudness: Ok(gauges.loudness()), waveform: Some(gauges.waveform.finish()) })
    }
}

impl Gauges {
    fn new(shape: Shape, duration: Duration) -> Option<Self> {
        let channels = u32::try_from(shape.channels).ok()?;
        // With a histogram it need not remember every block.
        let mode = Mode::I | Mode::LRA | Mode::TRUE_PEAK | Mode::HISTOGRAM;
        let loudness = EbuR128::new(channels, shape.sample_rate_hz, mode).ok()?;
        let samples = (duration.as_nanos() * u128::from(shape.sample_rate_hz)).div_ceil(1_000_000_000);
        Some(Self {
            shape,
            left: u64::try_from(samples).unwrap_or(u64::MAX),
            loudness,
            waveform: WaveformInProgress::new(shape.sample_rate_hz),
        })
    }

    fn measure(&mut self, samples: &mut [f32]) {
        let channels = self.shape.channels;
        let frames = self.left.min((samples.len() / channels) as u64);
        self.left -= frames;
        let len = usize::try_from(frames).unwrap_or(0) * channels;
        let samples = samples.get_mut(..len).unwrap_or_default();

        for sample in &mut *samples {
            *sample = if sample.is_nan() { 0.0 } else { sample.clamp(-LARGEST_SAMPLE, LARGEST_SAMPLE) };
        }
        for frame in samples.chunks_exact(channels) {
            self.waveform.add(frame.iter().sum::<f32>() / channels as f32);
        }
        // Fails only for samples that are not a multiple of the channels.
        let _measured = self.loudness.add_frames_f32(samples);
    }

    fn loudness(&self) -> Loudness {
        let finite = |value: &f64| value.is_finite();
        let integrated_lufs = self.loudness.loudness_global().ok().filter(finite);
        let peaks = (0..self.loudness.channels()).filter_map(|channel| self.loudness.true_peak(channel).ok());
        let range = self.loudness.loudness_range().ok().filter(finite);
        Loudness {
            integrated_lufs,
            true_peak_dbtp: Some(20.0 * peaks.fold(0.0, f64::max).log10()).filter(finite),
            range_lu: integrated_lufs.and(range),
        }
    }
}

/// The same sound for another number of loudspeakers: the mean of `from` channels in each of `to`.
fn spread(samples: &[f32], from: usize, to: usize) -> Vec<f32> {
    samples
        .chunks_exact(from)
        .flat_map(|frame| std::iter::repeat_n(frame.iter().sum::<f32>() / from as f32, to))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::probe::{PcmSample, probe};

    const SECOND: usize = 48_000;

    fn listen_to_pcm(sample: PcmSample, channels: usize, packets: &[Vec<u8>]) -> Result<Heard, Refusal> {
        let mut listener = Listener::new(Duration::from_secs(10));
        listener.begin(Coding::Pcm { sample, channels, sample_rate_hz: 48_000 }, 0);
        for packet in packets {
            listener.hear(packet);
        }
        listener.heard()
    }

    fn tone(amplitude: f32) -> Vec<u8> {
        let at = |sample: usize| (sample as f32 * std::f32::consts::TAU * 997.0 / 48_000.0).sin() * amplitude;
        (0..5 * SECOND).flat_map(|sample| at(sample).to_le_bytes()).collect()
    }

    fn is_close(measured: Option<f64>, expected: f64) {
        assert!((measured.unwrap() - expected).abs() < 0.1, "{measured:?} is not {expected}");
    }

    #[test]
    fn a_tone_has_the_loudness_that_the_standard_says() {
        // EBU Tech 3341, case 1: of 1 kHz in stereo at -23 dBFS. In mono it is 3 LU less.
        let amplitude = 10_f32.powf(-23.0 / 20.0);
        let heard = listen_to_pcm(PcmSample::Float32, 1, &[tone(amplitude)]).unwrap();

        let loudness = heard.loudness.unwrap();
        is_close(loudness.integrated_lufs, -26.0);
        is_close(loudness.true_peak_dbtp, -23.0);
        is_close(loudness.range_lu, 0.0);
    }

    #[test]
    fn silence_has_no_loudness() {
        let heard = listen_to_pcm(PcmSample::Signed16, 2, &[vec![0; 5 * SECOND * 4]]).unwrap();

        let nothing = Loudness { integrated_lufs: None, true_peak_dbtp: None, range_lu: None };
        assert_eq!(heard.loudness, Ok(nothing));
        assert!(heard.waveform.unwrap().pairs().all(|pair| pair == (0, 0)));
    }

    #[test]
    fn what_is_not_a_number_is_silence() {
        let mut bytes = tone(0.1);
        bytes[40_000..40_004].copy_from_slice(&f32::NAN.to_le_bytes());
        bytes[80_000..80_004].copy_from_slice(&f32::INFINITY.to_le_bytes());

        let loudness = listen_to_pcm(PcmSample::Float32, 1, &[bytes]).unwrap().loudness.unwrap();

        assert!(loudness.integrated_lufs.unwrap() > -26.0);
        is_close(loudness.true_peak_dbtp, 60.0);
    }

    #[test]
    fn what_is_not_played_is_not_heard() {
        let mut listener = Listener::new(Duration::from_secs(2));
        let (sample, channels, sample_rate_hz) = (PcmSample::Float32, 1, 48_000);
        listener.begin(Coding::Pcm { sample, channels, sample_rate_hz }, SECOND as u64);
        let loud = vec![1_f32; SECOND].into_iter().flat_map(f32::to_le_bytes).collect::<Vec<u8>>();
        let quiet = vec![0_f32; 2 * SECOND].into_iter().flat_map(f32::to_le_bytes).collect::<Vec<u8>>();
        for packet in [&loud, &quiet, &loud] {
            listener.hear(packet);
        }

        assert_eq!(listener.heard().unwrap().loudness.unwrap().true_peak_dbtp, None);
    }

    #[test]
    fn nothing_decodable_is_damage() {
        let mut listener = Listener::new(Duration::from_secs(2));
        listener.begin(Coding::Opus { channels: 1, gain: 1.0 }, 312);
        for _ in 0..100 {
            listener.hear(&[0xff; 3]);
        }

        assert_eq!(listener.heard(), Err(Refusal::Damaged));
    }

    #[test]
    fn high_efficiency_is_not_measured() {
        let mut listener = Listener::new(Duration::from_secs(2));
        listener.begin(Coding::Aac { config: vec![0x2b, 0x92, 0x08, 0x00], is_high_efficiency: true }, 0);
        listener.hear(&[0; 100]);

        let heard = listener.heard().unwrap();
        assert_eq!(heard, Heard { loudness: Err(Unheard::HighEfficiencyAac), waveform: None });
    }

    #[test]
    fn more_than_two_channels_of_aac_are_not_measured() {
        let mut listener = Listener::new(Duration::from_secs(2));
        listener.begin(Coding::Aac { config: vec![0x11, 0xb0], is_high_efficiency: false }, 0);

        assert_eq!(listener.heard().unwrap().loudness, Err(Unheard::UncommonAac));
    }

    #[test]
    fn frames_in_mono_and_stereo_may_alternate() {
        let mut listener = Listener::new(Duration::from_secs(1));
        listener.samples = vec![0.5, 0.5];
        listener.measure(Shape { channels: 2, sample_rate_hz: 48_000 });
        listener.samples = vec![0.25; 4];
        listener.measure(Shape { channels: 1, sample_rate_hz: 48_000 });

        assert_eq!(listener.samples, [0.25; 8]);
    }

    #[test]
    fn heard_survives_the_way_between_processes() {
        let heard = listen_to_pcm(PcmSample::Float32, 1, &[tone(0.1)]).unwrap();
        let json = serde_json::to_string(&heard).unwrap();
        assert_eq!(serde_json::from_str::<Heard>(&json).unwrap().waveform, heard.waveform);
    }

    #[test]
    fn what_was_probed_is_heard() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(crate::probe::tests::CONSTANT_RATE_MP3).unwrap();
        let probed = probe(file.try_clone().unwrap()).unwrap();

        let loudness = listen(file, &probed).unwrap().loudness.unwrap();

        assert!(loudness.integrated_lufs.is_some_and(|lufs| (-40.0..-10.0).contains(&lufs)), "{loudness:?}");
    }
}

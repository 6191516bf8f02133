use serde::{Deserialize, Serialize};

/// The most pairs of a waveform, however long the sound.
const MOST_PAIRS: usize = 4_000;

/// What a waveform starts with: some 5 ms.
const FEWEST_SAMPLES_PER_PIXEL: u32 = 256;

/// The lowest and the highest sample of each stretch of the sound, all channels mixed. As JSON it is what audiowaveform
/// writes and players read (waveform data format, version 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waveform {
    version: u8,
    channels: u8,
    sample_rate: u32,
    samples_per_pixel: u32,
    bits: u8,
    length: u32,
    data: Vec<i8>,
}

impl Waveform {
    /// The lowest and highest sample of each stretch, in 128ths of full scale.
    pub fn pairs(&self) -> impl Iterator<Item = (i8, i8)> {
        self.data.as_chunks().0.iter().map(|[lowest, highest]| (*lowest, *highest))
    }

    /// How many samples of each channel a stretch has.
    pub fn samples_per_pixel(&self) -> u32 {
        self.samples_per_pixel
    }
}

/// A waveform whose sound goes on. When it has too many pairs, two become one.
pub(super) struct WaveformInProgress {
    sample_rate: u32,
    samples_per_pixel: u32,
    pairs: Vec<Pair>,
    unfinished: Pair,
    /// How many samples `unfinished` has.
    samples: u32,
}

#[derive(Clone, Copy)]
struct Pair {
    lowest: f32,
    highest: f32,
}

impl Pair {
    const NOTHING: Self = Self { lowest: f32::INFINITY, highest: f32::NEG_INFINITY };

    fn and(self, other: Self) -> Self {
        Self { lowest: self.lowest.min(other.lowest), highest: self.highest.max(other.highest) }
    }
}

impl WaveformInProgress {
    pub(super) fn new(sample_rate: u32) -> Self {
        Self {
            sample_rate,
            samples_per_pixel: FEWEST_SAMPLES_PER_PIXEL,
            pairs: Vec::with_capacity(MOST_PAIRS),
            unfinished: Pair::NOTHING,
            samples: 0,
        }
    }

    pub(super) fn add(&mut self, sample: f32) {
        self.unfinished = self.unfinished.and(Pair { lowest: sample, highest: sample });
        self.samples += 1;
        if self.samples < self.samples_per_pixel {
            return;
        }
        if self.pairs.len() == MOST_PAIRS {
            // The pair that was full is half full now.
            self.halve();
        } else {
            self.end_pair();
        }
    }

    pub(super) fn finish(mut self) -> Waveform {
        if self.samples > 0 {
            if self.pairs.len() == MOST_PAIRS {
                self.halve();
            }
            self.end_pair();
        }
        let to_eight_bits = |sample: f32| (sample * 128.0) as i8;
        let samples = self.pairs.iter().flat_map(|pair| [pair.lowest, pair.highest]);
        Waveform {
            version: 2,
            channels: 1,
            sample_rate: self.sample_rate,
            samples_per_pixel: self.samples_per_pixel,
            bits: 8,
            length: self.pairs.len() as u32,
            data: samples.map(to_eight_bits).collect(),
        }
    }

    fn end_pair(&mut self) {
        self.pairs.push(std::mem::replace(&mut self.unfinished, Pair::NOTHING));
        self.samples = 0;
    }

    fn halve(&mut self) {
        let (twos, _) = self.pairs.as_chunks();
        self.pairs = twos.iter().map(|[first, second]| first.and(*second)).collect();
        self.samples_per_pixel = self.samples_per_pixel.saturating_mul(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waveform(samples: impl Iterator<Item = f32>) -> Waveform {
        let mut waveform = WaveformInProgress::new(8_000);
        samples.for_each(|sample| waveform.add(sample));
        waveform.finish()
    }

    #[test]
    fn pairs_are_the_lowest_and_the_highest() {
        let samples = (0..600).map(|at| match at {
            3 => 0.5,
            255 => -1.0,
            256 => 1.5,
            _ => 0.25,
        });
        assert_eq!(waveform(samples).pairs().collect::<Vec<_>>(), [(-128, 64), (32, 127), (32, 32)]);
    }

    #[test]
    fn the_document_is_the_one_that_players_read() {
        let json = serde_json::to_string(&waveform([0.5, -0.5].into_iter())).unwrap();
        let expected = r#"{"version":2,"channels":1,"sample_rate":8000,"samples_per_pixel":256,"bits":8,"length":1,"data":[-64,64]}"#;
        assert_eq!(json, expected);
    }

    #[test]
    fn pairs_are_few_however_long_the_sound() {
        for (samples, samples_per_pixel, pairs) in [
            (256 * 4_000, 256, 4_000),
            (256 * 4_000 + 1, 512, 2_001),
            (256 * 4_000 + 256, 512, 2_001),
            (256 * 8_000 + 100, 1_024, 2_001),
            (10_000_000, 4_096, 2_442),
        ] {
            let waveform = waveform((0..samples).map(|at| if at == samples - 1 { 1.0 } else { -0.5 }));
            assert_eq!((waveform.samples_per_pixel(), waveform.pairs().count()), (samples_per_pixel, pairs));
            assert_eq!(waveform.pairs().filter(|pair| *pair == (-64, -64)).count(), pairs - 1);
            assert_eq!(waveform.pairs().last().unwrap().1, 127);
        }
    }
}

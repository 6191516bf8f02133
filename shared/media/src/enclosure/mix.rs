//! Fewer channels: more than two become stereo (after ITU-R BS.775-3, annex 4).

/// How loud each channel is in the left and in the right one. Nothing for mono and stereo, which stay as they are.
pub(super) struct Mix {
    pub(super) channels: u8,
    parts: Vec<[f32; 2]>,
}

impl Mix {
    /// `speakers` has one bit for each channel, as WAVE has them; without it, channels come in the usual order.
    pub(super) fn new(channels: u8, speakers: Option<u32>) -> Self {
        const LAYOUTS: [u32; 6] = [0x7, 0x33, 0x37, 0x3f, 0x70f, 0x63f];

        let usual = channels.checked_sub(3).and_then(|at| LAYOUTS.get(usize::from(at)).copied());
        let Some(usual) = usual else { return Self { channels: channels.min(2), parts: Vec::new() } };
        let is_complete = |speakers: &u32| speakers.count_ones() == u32::from(channels);
        let speakers = speakers.filter(is_complete).unwrap_or(usual);

        let mut parts: Vec<[f32; 2]> =
            (0..u32::BITS).filter(|bit| speakers >> bit & 1 != 0).map(speaker_parts).collect();
        // All channels at full level together are full level.
        let sum = |side: fn(&[f32; 2]) -> f32| parts.iter().map(side).sum::<f32>();
        let loudest = sum(|[left, _]| *left).max(sum(|[_, right]| *right)).max(1.0);
        for [left, right] in &mut parts {
            *left /= loudest;
            *right /= loudest;
        }
        Self { channels: 2, parts }
    }

    pub(super) fn mix(&self, samples: Vec<f32>) -> Vec<f32> {
        if self.parts.is_empty() {
            return samples;
        }
        let frames = samples.chunks_exact(self.parts.len());
        frames
            .flat_map(|frame| {
                frame.iter().zip(&self.parts).fold([0.0, 0.0], |[left, right], (sample, part)| {
                    let [to_left, to_right] = part;
                    [left + sample * to_left, right + sample * to_right]
                })
            })
            .collect()
    }
}

/// Of the loudspeaker with this bit.
fn speaker_parts(bit: u32) -> [f32; 2] {
    const HALF_POWER: f32 = std::f32::consts::FRAC_1_SQRT_2;

    match bit {
        // Front left, front right.
        0 => [1.0, 0.0],
        1 => [0.0, 1.0],
        // Low frequency effects are left out.
        3 => [0.0, 0.0],
        // Back, side and top left; front left of centre.
        4 | 6 | 9 | 12 | 15 => [HALF_POWER, 0.0],
        // The same on the right.
        5 | 7 | 10 | 14 | 17 => [0.0, HALF_POWER],
        // In the middle.
        _ => [HALF_POWER, HALF_POWER],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mono_and_stereo_stay() {
        for channels in [1, 2] {
            let mix = Mix::new(channels, None);
            assert_eq!(mix.channels, channels);
            assert_eq!(mix.mix(vec![0.5, -0.5]), [0.5, -0.5]);
        }
    }

    #[test]
    fn surround_becomes_stereo_that_cannot_clip() {
        for channels in 3..=8 {
            let mix = Mix::new(channels, None);
            let loudest = mix.mix(vec![1.0; channels.into()]);
            assert_eq!(mix.channels, 2);
            assert!(loudest.iter().all(|sample| (0.5..=1.000_1).contains(sample)), "{channels}: {loudest:?}");
        }
    }

    #[test]
    fn the_left_stays_left_and_the_centre_is_in_both() {
        let mix = Mix::new(6, None);
        let [left, right] = mix.mix(vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0]).try_into().unwrap();
        assert!(left > 0.3 && right == 0.0);
        let [left, right] = mix.mix(vec![0.0, 0.0, 1.0, 0.0, 0.0, 0.0]).try_into().unwrap();
        assert!(left > 0.2 && left == right);
        assert_eq!(mix.mix(vec![0.0, 0.0, 0.0, 1.0, 0.0, 0.0]), [0.0, 0.0], "low frequency effects");
    }

    #[test]
    fn the_file_may_name_its_loudspeakers() {
        let quadro_sides = Mix::new(4, Some(0x603));
        let [left, right] = quadro_sides.mix(vec![0.0, 0.0, 1.0, 0.0]).try_into().unwrap();
        assert!(left > 0.3 && right == 0.0);
    }
}

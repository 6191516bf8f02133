//! What is on the page: a section a file.

pub mod decisions;
pub mod exit;
pub mod export;
pub mod functions;
pub mod instructions;
pub mod rendering;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// `12.31 s`, `3.61 ms`, `21.5 µs`, `0.4 µs`.
pub fn readable(duration: Duration) -> String {
    let microseconds = duration.as_secs_f64() * 1e6;
    match microseconds {
        ..1e3 => format!("{microseconds:.1} µs"),
        ..1e6 => format!("{:.2} ms", microseconds / 1e3),
        _ => format!("{:.2} s", microseconds / 1e6),
    }
}

/// How many times `base` is in it.
pub fn ratio(of: Duration, base: Duration) -> f64 {
    of.as_secs_f64() / base.as_secs_f64()
}

/// The quickest of many rounds: what else the machine did in the others is not what is measured.
pub fn fastest<T>(mut work: impl FnMut() -> T) -> Duration {
    let began = Instant::now();
    let mut best = Duration::MAX;
    let mut rounds = 0_u32;
    while rounds < 5 || began.elapsed().as_millis() < 700 {
        let started = Instant::now();
        black_box(work());
        best = best.min(started.elapsed());
        rounds = rounds.saturating_add(1);
    }
    best
}

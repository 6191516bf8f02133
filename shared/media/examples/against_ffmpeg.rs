//! How fast files are probed and heard, beside ffprobe and ffmpeg on the same files in the same run:
//!
//! ```sh
//! cargo run --release -p media --example against_ffmpeg [FILE…]
//! ```
//!
//! Without files it makes ten minutes of speech in every format. The last line is the most memory that this process took.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark fails by panicking")]

use std::{
    env, fs,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use media::{listen, probe};

const SPEECH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/local/demo/acme-welcome.mp3");

const FORMATS: [(&str, &str); 8] = [
    ("cbr.mp3", "-c:a libmp3lame -b:a 128k"),
    ("vbr.mp3", "-c:a libmp3lame -q:a 4"),
    ("aac.m4a", "-c:a aac -b:a 128k"),
    ("pcm.wav", "-c:a pcm_s16le"),
    ("flac.flac", "-c:a flac"),
    ("vorbis.ogg", "-c:a libvorbis -q:a 4"),
    ("speech.opus", "-c:a libopus -b:a 24k -application voip"),
    ("music.opus", "-c:a libopus -b:a 96k"),
];

fn main() {
    let given: Vec<PathBuf> = env::args().skip(1).map(PathBuf::from).collect();
    let directory = tempfile::tempdir().unwrap();
    let files = if given.is_empty() { make(directory.path()) } else { given };

    println!("{:<14} {:>9} {:>14} {:>14} {:>7}", "", "seconds", "s/s here", "s/s ffmpeg", "ratio");
    for file in files {
        let (seconds, here) = time_here(&file);
        let there = time_there(&file);
        let speed = |took: Duration| seconds / took.as_secs_f64();
        let name = file.file_name().unwrap().to_string_lossy();
        println!(
            "{name:<14} {seconds:>9.0} {:>14.0} {:>14.0} {:>7.2}",
            speed(here),
            speed(there),
            there.as_secs_f64() / here.as_secs_f64()
        );
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("no peak memory known"));
}

fn make(directory: &Path) -> Vec<PathBuf> {
    FORMATS
        .map(|(name, coding)| {
            let path = directory.join(name);
            let arguments =
                ["-v", "error", "-stream_loop", "-1", "-i", SPEECH, "-t", "600", "-ac", "2", "-ar", "48000"];
            let status =
                Command::new("ffmpeg").args(arguments).args(coding.split_whitespace()).arg(&path).status();
            assert!(status.unwrap().success(), "{name}");
            path
        })
        .to_vec()
}

/// How many seconds the file plays, and how long it took to probe and hear it.
fn time_here(file: &Path) -> (f64, Duration) {
    let started = Instant::now();
    let probed = probe(File::open(file).unwrap()).unwrap();
    listen(File::open(file).unwrap(), &probed).unwrap();
    (probed.duration.as_secs_f64(), started.elapsed())
}

/// The same with both programs: all packets counted, loudness and true peak measured.
fn time_there(file: &Path) -> Duration {
    let started = Instant::now();
    let run = |command: &mut Command| {
        assert!(command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
    };
    run(Command::new("ffprobe").args(["-v", "error", "-show_format", "-show_streams"]).arg(file));
    let meter = ["-vn", "-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-"];
    run(Command::new("ffmpeg").args(["-nostats", "-i"]).arg(file).args(meter));
    started.elapsed()
}

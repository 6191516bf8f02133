//! Durations, loudness and peaks of files that ffmpeg makes, held against what ffprobe and ffmpeg say of them. Both must be
//! installed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use domain::MediaFormat;
use media::{Heard, Loudness, Probed, VideoCodec, listen, probe};

const SPEECH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/local/demo/acme-welcome.mp3");

/// What is recorded: an input of ffmpeg, eight seconds of it.
struct Recording {
    name: &'static str,
    input: &'static [&'static str],
}

/// A sweep on the left, noise that comes and goes on the right: neither loudness nor peaks are the same anywhere.
const SWEEP_AND_NOISE: &str =
    "aevalsrc='0.5*sin(2*PI*t*(150+400*t))|0.6*(random(0)-0.5)*abs(sin(t))':d=8:s=48000";

const SPEECH_IN_MONO: Recording = Recording { name: "speech", input: &["-i", SPEECH] };
const TONES_AND_NOISE: Recording =
    Recording { name: "tones_and_noise", input: &["-f", "lavfi", "-i", SWEEP_AND_NOISE] };

fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program} must be installed: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// What ffprobe says of a file, or of each packet of its sound.
fn ffprobe(path: &Path, entries: &str) -> Vec<f64> {
    let path = path.to_str().unwrap();
    let arguments =
        ["-v", "error", "-select_streams", "a:0", "-show_entries", entries, "-of", "csv=p=0", path];
    let output = String::from_utf8(run("ffprobe", &arguments).stdout).unwrap();
    output.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect()
}

/// What ffmpeg's meter says at its end. It counts silence as -70 LUFS. Opus is decoded by libopus: ffmpeg's own decoder does
/// not conform.
fn metered(path: &Path) -> Loudness {
    let decoder: &[&str] =
        if path.extension().is_some_and(|name| name == "opus") { &["-c:a", "libopus"] } else { &[] };
    let path = path.to_str().unwrap();
    let meter = ["-vn", "-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-"];
    let arguments = [&["-hide_banner", "-nostats"], decoder, &["-i", path], &meter].concat();
    let output = String::from_utf8(run("ffmpeg", &arguments).stderr).unwrap();
    let (_, summary) = output.rsplit_once("Summary:").unwrap();
    let value = |label: &str| {
        let (_, rest) = summary.split_once(label).unwrap();
        rest.split_whitespace().next().unwrap().parse::<f64>().ok()
    };
    Loudness {
        integrated_lufs: value("I:").filter(|lufs| *lufs > -70.0),
        true_peak_dbtp: value("Peak:").filter(|peak| peak.is_finite()),
        range_lu: value("LRA:"),
    }
}

fn make(directory: &Path, name: &str, input: &[&str], output: &[&str]) -> PathBuf {
    let path = directory.join(name);
    let arguments = [
        &["-v", "error", "-y"],
        input,
        &["-t", "8", "-map_metadata", "-1"],
        output,
        &[path.to_str().unwrap()],
    ];
    run("ffmpeg", &arguments.concat());
    path
}

fn probe_and_listen(path: &Path) -> (Probed, Heard) {
    let probed = probe(File::open(path).unwrap()).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let heard =
        listen(File::open(path).unwrap(), &probed).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    (probed, heard)
}

fn assert_close(what: &str, path: &Path, ours: Option<f64>, theirs: Option<f64>, tolerance: f64) {
    let is_close = match (ours, theirs) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() <= tolerance,
        (ours, theirs) => ours == theirs,
    };
    assert!(is_close, "{what} of {path:?}: {ours:?}, and ffmpeg says {theirs:?}");
}

/// Both programs on one file. Duration within 50 ms, loudness within 0.2 LU, range within 1 LU.
fn assert_agreement(path: &Path) -> (Probed, Loudness, Loudness) {
    let (probed, heard) = probe_and_listen(path);
    let ours = heard.loudness.unwrap();
    let theirs = metered(path);

    assert_close("duration", path, Some(probed.duration.as_secs_f64()), duration(path), 0.05);
    assert_close("loudness", path, ours.integrated_lufs, theirs.integrated_lufs, 0.2);
    assert_close("range", path, ours.range_lu, theirs.range_lu, 1.0);
    let waveform = heard.waveform.unwrap();
    let pixels = probed.duration.as_secs_f64() * f64::from(probed.sample_rate_hz)
        / f64::from(waveform.samples_per_pixel());
    let pairs = waveform.pairs().count();
    assert!((pairs as f64 - pixels).abs() < pixels / 50.0 + 1.0, "{path:?}: {pairs} pairs, not {pixels}");
    (probed, ours, theirs)
}

/// Of an MP3 without a header ffprobe guesses; there and everywhere its packets know.
fn duration(path: &Path) -> Option<f64> {
    if path.to_str().unwrap().contains("without_header") {
        return Some(ffprobe(path, "packet=duration_time").iter().sum());
    }
    ffprobe(path, "format=duration").first().copied()
}

/// Makes the recording in every shape and holds what we hear against ffmpeg. Peaks may differ by so many dB.
fn assert_heard(recording: &Recording, file: (&str, MediaFormat), output: &[&str], peak_tolerance: f64) {
    let directory = tempfile::tempdir().unwrap();
    for [channels, rate] in SHAPES {
        let (name, format) = file;
        let name = format!("{}_{channels}_{rate}_{name}", recording.name);
        let shape = ["-ac", channels, "-ar", rate];
        let path = make(directory.path(), &name, recording.input, &[&shape, output].concat());

        let (probed, ours, theirs) = assert_agreement(&path);

        // Opus always plays at 48 kHz.
        let rate = if format == MediaFormat::OggOpus { "48000" } else { rate };
        assert_eq!((probed.format, probed.channels.to_string().as_str()), (format, channels));
        assert_eq!(probed.sample_rate_hz.to_string(), rate);
        assert_close("true peak", &path, ours.true_peak_dbtp, theirs.true_peak_dbtp, peak_tolerance);
    }
}

const SHAPES: [[&str; 2]; 4] = [["1", "44100"], ["2", "48000"], ["1", "22050"], ["2", "44100"]];
const LOSSLESS: f64 = 0.5;
/// Decoders need not agree on the last bit.
const LOSSY: f64 = 1.0;

#[test]
fn constant_rate_mp3_sounds_as_ffmpeg_hears_it() {
    for recording in [SPEECH_IN_MONO, TONES_AND_NOISE] {
        assert_heard(
            &recording,
            ("cbr.mp3", MediaFormat::Mp3),
            &["-c:a", "libmp3lame", "-b:a", "96k"],
            LOSSY,
        );
    }
}

#[test]
fn variable_rate_mp3_sounds_as_ffmpeg_hears_it() {
    for recording in [SPEECH_IN_MONO, TONES_AND_NOISE] {
        let vbr = ["-c:a", "libmp3lame", "-q:a", "4"];
        assert_heard(&recording, ("vbr.mp3", MediaFormat::Mp3), &vbr, LOSSY);
        let without_header = [vbr.as_slice(), &["-write_xing", "0", "-id3v2_version", "0"]].concat();
        assert_heard(&recording, ("vbr_without_header.mp3", MediaFormat::Mp3), &without_header, LOSSY);
    }
}

#[test]
fn m4a_sounds_as_ffmpeg_hears_it() {
    for recording in [SPEECH_IN_MONO, TONES_AND_NOISE] {
        assert_heard(&recording, ("aac.m4a", MediaFormat::M4a), &["-c:a", "aac", "-b:a", "96k"], LOSSY);
        let index_first = ["-c:a", "aac", "-b:a", "64k", "-movflags", "faststart"];
        assert_heard(&recording, ("index_first.m4a", MediaFormat::M4a), &index_first, LOSSY);
    }
}

#[test]
fn wav_sounds_as_ffmpeg_hears_it() {
    for recording in [SPEECH_IN_MONO, TONES_AND_NOISE] {
        for codec in ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"] {
            assert_heard(&recording, (&format!("{codec}.wav"), MediaFormat::Wav), &["-c:a", codec], LOSSLESS);
        }
    }
}

#[test]
fn flac_sounds_as_ffmpeg_hears_it() {
    for recording in [SPEECH_IN_MONO, TONES_AND_NOISE] {
        assert_heard(
            &recording,
            ("flac.flac", MediaFormat::Flac),
            &["-c:a", "flac", "-sample_fmt", "s16"],
            LOSSLESS,
        );
        assert_heard(
            &recording,
            ("flac24.flac", MediaFormat::Flac),
            &["-c:a", "flac", "-sample_fmt", "s32"],
            LOSSLESS,
        );
    }
}

#[test]
fn ogg_vorbis_sounds_as_ffmpeg_hears_it() {
    for recording in [SPEECH_IN_MONO, TONES_AND_NOISE] {
        assert_heard(
            &recording,
            ("vorbis.ogg", MediaFormat::OggVorbis),
            &["-c:a", "libvorbis", "-q:a", "3"],
            LOSSY,
        );
    }
}

/// Speech at few bits is SILK, at more hybrid, and music is CELT.
#[test]
fn ogg_opus_sounds_as_ffmpeg_hears_it() {
    for recording in [SPEECH_IN_MONO, TONES_AND_NOISE] {
        for (bits, application) in [("12k", "voip"), ("24k", "voip"), ("96k", "audio")] {
            let opus = ["-ar", "48000", "-c:a", "libopus", "-b:a", bits, "-application", application];
            let name = format!("{bits}.opus");
            assert_heard(&recording, (&name, MediaFormat::OggOpus), &opus, LOSSY);
        }
    }
}

const MOVING: &[&str] = &["-f", "lavfi", "-i", "testsrc2=d=8:s=320x180:r=25"];

#[test]
fn mp4_video_sounds_as_ffmpeg_hears_it() {
    let directory = tempfile::tempdir().unwrap();
    for (encoder, codec) in [("libx264", VideoCodec::H264), ("libx265", VideoCodec::Hevc)] {
        for recording in [SPEECH_IN_MONO, TONES_AND_NOISE] {
            let name = format!("{}_{encoder}.mp4", recording.name);
            let input = [MOVING, recording.input].concat();
            let output = ["-c:v", encoder, "-preset", "ultrafast", "-c:a", "aac", "-b:a", "96k"];
            let path = make(directory.path(), &name, &input, &output);

            let (probed, _, _) = assert_agreement(&path);

            assert_eq!((probed.format, probed.codec.as_str()), (MediaFormat::Mp4, "aac"));
            let video = probed.video.unwrap();
            assert_eq!((video.codec, video.width, video.height), (codec, 320, 180));
            assert_eq!(video.frame_rate_millihertz, 25_000);
        }
    }
}

#[test]
fn a_video_plays_as_long_as_its_longest_track() {
    let directory = tempfile::tempdir().unwrap();
    let input = [MOVING, &["-t", "5"], SPEECH_IN_MONO.input].concat();
    let path = make(directory.path(), "short_sound.mp4", &input, &["-c:v", "libx264", "-c:a", "aac"]);

    let (probed, heard) = probe_and_listen(&path);

    assert_close("duration", &path, Some(probed.duration.as_secs_f64()), duration(&path), 0.05);
    assert_close(
        "loudness",
        &path,
        heard.loudness.unwrap().integrated_lufs,
        metered(&path).integrated_lufs,
        0.2,
    );
}

#[test]
fn a_cover_does_not_make_a_recording_a_video() {
    let directory = tempfile::tempdir().unwrap();
    let cover = ["-f", "lavfi", "-i", "color=red:s=64x64:d=1"];
    let input = [SPEECH_IN_MONO.input, &cover].concat();
    let maps = ["-map", "0:a", "-map", "1:v", "-c:a", "aac", "-frames:v", "1"];
    for (name, cover) in [
        ("attached.m4a", ["-c:v", "png", "-disposition:v", "attached_pic"].as_slice()),
        ("attached_jpeg.m4a", &["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-disposition:v", "attached_pic"]),
        ("jpeg_track.mp4", &["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"]),
        ("png_track.mp4", &["-c:v", "png"]),
    ] {
        let path = make(directory.path(), name, &input, &[&maps, cover].concat());
        let (probed, _) = probe_and_listen(&path);
        assert_eq!((probed.format, probed.video), (MediaFormat::M4a, None), "{name}");
    }
}

#[test]
fn video_that_apps_do_not_play_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let input = [MOVING, SPEECH_IN_MONO.input].concat();
    let path = make(directory.path(), "mpeg4.mp4", &input, &["-c:v", "mpeg4", "-c:a", "aac"]);
    assert_eq!(probe(File::open(path).unwrap()).unwrap_err().to_string(), media::Refusal::Video.to_string());
}

#[test]
fn silence_has_no_loudness() {
    let directory = tempfile::tempdir().unwrap();
    let silence = ["-f", "lavfi", "-i", "anullsrc=r=44100:cl=stereo"];
    for (name, codec) in [("silence.wav", "pcm_s16le"), ("silence.mp3", "libmp3lame"), ("silence.m4a", "aac")]
    {
        let path = make(directory.path(), name, &silence, &["-c:a", codec]);

        let (_, heard) = probe_and_listen(&path);

        assert_eq!(metered(&path).integrated_lufs, None);
        assert_eq!(heard.loudness.unwrap().integrated_lufs, None, "{name}");
        assert!(heard.waveform.unwrap().pairs().all(|pair| pair == (0, 0)), "{name}");
    }
}

/// The waveform's own extremes, held against the samples that ffmpeg decodes.
#[test]
fn the_waveform_has_the_samples_extremes() {
    let directory = tempfile::tempdir().unwrap();
    let path = make(directory.path(), "speech.wav", SPEECH_IN_MONO.input, &["-ac", "1", "-ar", "22050"]);
    let samples = run("ffmpeg", &["-v", "error", "-i", path.to_str().unwrap(), "-f", "s16le", "-"]).stdout;
    let samples: Vec<i16> = samples.as_chunks().0.iter().copied().map(i16::from_le_bytes).collect();

    let waveform = probe_and_listen(&path).1.waveform.unwrap();

    let stretches = samples.chunks(waveform.samples_per_pixel() as usize);
    assert_eq!(stretches.len(), waveform.pairs().count());
    for (stretch, pair) in stretches.zip(waveform.pairs()) {
        let extremes = (stretch.iter().min().unwrap() / 256, stretch.iter().max().unwrap() / 256);
        assert_eq!((i16::from(pair.0), i16::from(pair.1)), extremes);
    }
}

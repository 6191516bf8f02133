//! Makes the MP3 that podcast apps play of a master: a WAV or FLAC file.
//!
//! The master is decoded once to measure how loud it is and once to encode it, and in between where its peaks are limited.
//! Memory does not grow with its length. The same master and options give the same bytes.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    time::Duration,
};

use domain::MediaFormat;

use crate::{EmbeddedArtwork, Mark, Probed};

mod lame;
mod limiter;
mod loudness;
mod master;
mod mix;
mod resample;
mod tag;

use self::{
    lame::Lame,
    limiter::Limiter,
    loudness::{Level, Meter},
    master::Master,
    mix::Mix,
    resample::Resample,
};

/// The longest master that is encoded.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How an enclosure is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnclosureOptions {
    /// How many bits a second of sound takes.
    pub bit_rate: EnclosureBitRate,
    /// How loud it is.
    pub loudness: EnclosureLoudness,
    /// What it says about itself.
    pub tags: EnclosureTags,
}

/// A constant bit rate of MP3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EnclosureBitRate {
    /// 64 kbit/s: speech, mono.
    Kbps64,
    /// 96 kbit/s.
    Kbps96,
    /// 128 kbit/s: what most podcasts have.
    Kbps128,
    /// 160 kbit/s.
    Kbps160,
    /// 192 kbit/s: music.
    Kbps192,
    /// 256 kbit/s.
    Kbps256,
    /// 320 kbit/s: all that MP3 can.
    Kbps320,
}

impl EnclosureBitRate {
    /// Every one, ascending.
    pub const ALL: [Self; 7] = [
        Self::Kbps64,
        Self::Kbps96,
        Self::Kbps128,
        Self::Kbps160,
        Self::Kbps192,
        Self::Kbps256,
        Self::Kbps320,
    ];

    /// The one with so many thousand bits a second.
    pub fn from_kilobits(kilobits: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|bit_rate| bit_rate.kilobits() == kilobits)
    }

    /// Thousands of bits a second.
    pub fn kilobits(self) -> u32 {
        match self {
            Self::Kbps64 => 64,
            Self::Kbps96 => 96,
            Self::Kbps128 => 128,
            Self::Kbps160 => 160,
            Self::Kbps192 => 192,
            Self::Kbps256 => 256,
            Self::Kbps320 => 320,
        }
    }
}

/// How loud an enclosure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EnclosureLoudness {
    /// As loud as the master.
    AsRecorded,
    /// −16 LUFS integrated (ITU-R BS.1770), as podcast apps ask for. What would then exceed −1 dBTP is limited, a hundredth of a
    /// second ahead. Silence stays silent: it is raised by 30 dB at most.
    Podcast,
}

/// What an enclosure says about itself, in ID3v2.4.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnclosureTags {
    /// The episode's title.
    pub title: Option<String>,
    /// Who made it.
    pub artist: Option<String>,
    /// The show's title.
    pub album: Option<String>,
    /// When it was released: a year, or more of RFC 3339 without an offset.
    pub date: Option<String>,
    /// The chapters, at most 1,000, in their order. One without an end ends where the next one starts.
    pub chapters: Vec<Mark>,
    /// The picture.
    pub artwork: Option<EmbeddedArtwork>,
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// Bytes written.
    pub bytes: u64,
    /// How long it plays, to the sample.
    pub duration: Duration,
    /// 1 or 2.
    pub channels: u8,
    /// Samples per second of one channel: 44,100 or 48,000.
    pub sample_rate_hz: u32,
    /// By how many decibels the sound was raised or lowered.
    pub gain_db: f64,
    /// Whether peaks had to be limited.
    pub is_limited: bool,
}

/// No enclosure was made. What was written so far is of no use.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Only WAV and FLAC are masters.
    #[error("a {} file is no master", .0.extension())]
    NoMaster(MediaFormat),
    /// More than a day.
    #[error("the master is longer than 24 hours")]
    TooLong,
    /// The master is not what was probed, or cannot be decoded.
    #[error("the master is damaged")]
    Damaged,
    /// The master cannot be read now.
    #[error("cannot read the master")]
    Unreadable(#[source] io::Error),
    /// The enclosure cannot be written now.
    #[error("cannot write the enclosure")]
    Unwritable(#[source] io::Error),
    /// A library refused what it should take.
    #[error("cannot encode: {0}")]
    Encoder(String),
}

/// Encodes a master, from wherever it is positioned, to an MP3 from where `to` is positioned on.
///
/// Mono stays mono; more than two channels become stereo. 44.1 and 48 kHz stay; other sample rates become 44.1 kHz where they
/// are multiples of 11,025 Hz and 48 kHz else: MP3 has more, but not with every bit rate, nor in every app.
///
/// # Errors
/// [`EncodeError::Damaged`], [`EncodeError::NoMaster`] and [`EncodeError::TooLong`] will come next time too.
pub fn encode_enclosure(
    master: File,
    probed: &Probed,
    options: &EnclosureOptions,
    to: &mut (impl Write + Seek),
) -> Result<Encoded, EncodeError> {
    if !matches!(probed.format, MediaFormat::Wav | MediaFormat::Flac) {
        return Err(EncodeError::NoMaster(probed.format));
    }
    if probed.duration > LONGEST {
        return Err(EncodeError::TooLong);
    }

    let level = match options.loudness {
        EnclosureLoudness::AsRecorded => Level::AS_RECORDED,
        EnclosureLoudness::Podcast => podcast_level(&master, probed)?,
    };

    let mut sound = Sound::open(&master, probed, level)?;
    let start = to.stream_position().map_err(EncodeError::Unwritable)?;
    to.write_all(&tag::render(&options.tags, probed.duration)?).map_err(EncodeError::Unwritable)?;
    let frames_start = to.stream_position().map_err(EncodeError::Unwritable)?;
    let mut lame = Lame::new(options.bit_rate, sound.channels, sound.sample_rate_hz)?;
    let mut samples_written = 0;
    while let Some(samples) = sound.next()? {
        samples_written += samples.len() as u64;
        to.write_all(lame.encode(&samples)?).map_err(EncodeError::Unwritable)?;
    }

    // The first frame says how many samples to skip at either end, which is known only now.
    let (last, first) = lame.finish()?;
    to.write_all(&last).map_err(EncodeError::Unwritable)?;
    let end = to.stream_position().map_err(EncodeError::Unwritable)?;
    to.seek(SeekFrom::Start(frames_start)).map_err(EncodeError::Unwritable)?;
    to.write_all(&first).map_err(EncodeError::Unwritable)?;
    to.seek(SeekFrom::Start(end)).map_err(EncodeError::Unwritable)?;

    let Sound { channels, sample_rate_hz, .. } = sound;
    let frames = samples_written / u64::from(channels);
    Ok(Encoded {
        bytes: end - start,
        duration: Duration::from_nanos(frames * 1_000_000_000 / u64::from(sample_rate_hz)),
        channels,
        sample_rate_hz,
        gain_db: 20.0 * f64::from(level.gain).log10(),
        is_limited: level.is_limited,
    })
}

/// The level that makes a master as loud as a podcast.
fn podcast_level(master: &File, probed: &Probed) -> Result<Level, EncodeError> {
    /// A limiter takes loudness too. Speech needs no correction or one; each is another pass over the master.
    const MOST_CORRECTIONS: usize = 3;

    let mut level = measure(master, probed, Level::AS_RECORDED)?.podcast_level()?;
    for _ in 0..MOST_CORRECTIONS {
        if !level.is_limited {
            break;
        }
        match measure(master, probed, level)?.corrected(level)? {
            Some(corrected) => level = corrected,
            None => break,
        }
    }
    Ok(level)
}

fn measure(master: &File, probed: &Probed, level: Level) -> Result<Meter, EncodeError> {
    let mut sound = Sound::open(master, probed, level)?;
    let mut meter = Meter::new(sound.channels, sound.sample_rate_hz)?;
    while let Some(samples) = sound.next()? {
        meter.add(&samples)?;
    }
    Ok(meter)
}

/// The master's sound as it will be encoded.
struct Sound {
    master: Master,
    mix: Mix,
    resample: Option<Resample>,
    gain: f32,
    limiter: Option<Limiter>,
    frames_left: u64,
    channels: u8,
    sample_rate_hz: u32,
    is_at_end: bool,
}

impl Sound {
    fn open(master: &File, probed: &Probed, level: Level) -> Result<Self, EncodeError> {
        let file = master.try_clone().map_err(EncodeError::Unreadable)?;
        let master = Master::open(file, probed)?;
        let mix = Mix::new(probed.channels, master.speakers());
        let channels = mix.channels;
        let sample_rate_hz = if probed.sample_rate_hz.is_multiple_of(11_025) { 44_100 } else { 48_000 };
        let resample = (sample_rate_hz != probed.sample_rate_hz)
            .then(|| Resample::new(probed.sample_rate_hz, sample_rate_hz, channels))
            .transpose()?;
        let limiter = level.is_limited.then(|| Limiter::new(channels, sample_rate_hz)).transpose()?;
        Ok(Self {
            master,
            mix,
            resample,
            gain: level.gain,
            limiter,
            frames_left: LONGEST.as_secs() * u64::from(probed.sample_rate_hz),
            channels,
            sample_rate_hz,
            is_at_end: false,
        })
    }

    /// The next samples, the channels' in turn.
    fn next(&mut self) -> Result<Option<Vec<f32>>, EncodeError> {
        if self.is_at_end {
            return Ok(None);
        }
        let mut samples = match self.master.next()? {
            Some(samples) => {
                let samples = self.mix.mix(samples);
                let frames = samples.len() as u64 / u64::from(self.channels);
                self.frames_left = self.frames_left.checked_sub(frames).ok_or(EncodeError::TooLong)?;
                match &mut self.resample {
                    Some(resample) => resample.add(&samples)?,
                    None => samples,
                }
            }
            None => {
                self.is_at_end = true;
                self.resample.as_mut().map(Resample::finish).transpose()?.unwrap_or_default()
            }
        };

        for sample in &mut samples {
            *sample *= self.gain;
        }
        if let Some(limiter) = &mut self.limiter {
            samples = limiter.add(&samples)?;
            if self.is_at_end {
                samples.extend(limiter.finish()?);
            }
        }
        Ok(Some(samples))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use super::*;
    use crate::{
        ProbeError, Refusal,
        ffmpeg::{Folder, ffmpeg_says, ffprobe},
        probe, read_tags,
    };

    fn options() -> EnclosureOptions {
        EnclosureOptions {
            bit_rate: EnclosureBitRate::Kbps128,
            loudness: EnclosureLoudness::AsRecorded,
            tags: EnclosureTags::default(),
        }
    }

    /// Encodes to `enclosure.mp3` in this folder.
    fn encode(folder: &Folder, master: File, options: &EnclosureOptions) -> (Encoded, PathBuf) {
        let probed = probe(master.try_clone().unwrap()).unwrap();
        let path = folder.path("enclosure.mp3");
        let encoded = encode_enclosure(master, &probed, options, &mut File::create(&path).unwrap()).unwrap();
        assert_eq!(encoded.bytes, fs::metadata(&path).unwrap().len());
        (encoded, path)
    }

    fn seconds(path: &Path) -> f64 {
        ffprobe("-show_entries format=duration", path)[0].parse().unwrap()
    }

    /// Integrated loudness in LUFS and the true peak in dB, by ffmpeg.
    fn loudness(folder: &Folder, name: &str) -> (f64, f64) {
        let report = ffmpeg_says(folder, &format!("-i {name} -af ebur128=peak=true -f null -"));
        let (_, summary) = report.rsplit_once("Summary:").unwrap();
        let number = |name: &str| -> f64 {
            let (_, rest) = summary.split_once(name).unwrap();
            rest.split_whitespace().next().unwrap().parse().unwrap()
        };
        (number("I:"), number("Peak:"))
    }

    #[test]
    fn every_master_becomes_an_mp3_of_the_same_length() {
        let masters = [
            ("8000 -ac 1 -c:a pcm_u8", "wav", 1, 48_000),
            ("44100 -ac 1 -c:a pcm_s16le", "wav", 1, 44_100),
            ("48000 -ac 2 -c:a pcm_s24le", "wav", 2, 48_000),
            ("96000 -ac 2 -c:a pcm_f32le", "wav", 2, 48_000),
            ("88200 -ac 2 -c:a pcm_f64le", "wav", 2, 44_100),
            ("48000 -ac 6 -c:a pcm_s32le", "wav", 2, 48_000),
            ("32000 -ac 1 -c:a pcm_s16le -rf64 always", "wav", 1, 48_000),
            ("44100 -ac 2 -c:a flac", "flac", 2, 44_100),
            ("96000 -ac 1 -sample_fmt s32 -c:a flac", "flac", 1, 48_000),
            ("48000 -ac 6 -c:a flac", "flac", 2, 48_000),
            ("11025 -ac 1 -c:a flac", "flac", 1, 44_100),
        ];
        for (coding, extension, channels, sample_rate_hz) in masters {
            let folder = Folder::new();
            let master = folder.make(&format!(
                "-f lavfi -i sine=frequency=440:duration=3.217 -ar {coding} master.{extension}"
            ));
            let duration = probe(master.try_clone().unwrap()).unwrap().duration;
            let (encoded, path) = encode(&folder, master, &options());

            assert_eq!((encoded.channels, encoded.sample_rate_hz), (channels, sample_rate_hz), "{coding}");
            let off = encoded.duration.as_secs_f64() - duration.as_secs_f64();
            assert!(off.abs() < 0.000_1, "{coding}: {off}");
            assert!((seconds(&path) - duration.as_secs_f64()).abs() < 0.05, "{coding}: {}", seconds(&path));
            let probed = probe(File::open(&path).unwrap()).unwrap();
            assert_eq!((probed.channels, probed.sample_rate_hz), (channels, sample_rate_hz), "{coding}");
            let stream = ffprobe("-show_entries stream=codec_name,bit_rate", &path);
            assert_eq!(stream, ["mp3", "128000"], "{coding}");

            // Gapless: what is decoded has as many samples as the master.
            folder.make("-i enclosure.mp3 -c:a pcm_s16le decoded.wav");
            let decoded = probe(File::open(folder.path("decoded.wav")).unwrap()).unwrap().duration;
            assert!(decoded.abs_diff(duration) < Duration::from_micros(100), "{coding}: {decoded:?}");
        }
    }

    #[test]
    fn the_sound_is_the_masters() {
        for coding in ["44100 -c:a pcm_s16le", "96000 -c:a pcm_f32le", "8000 -c:a pcm_u8"] {
            let folder = Folder::new();
            let master =
                folder.make(&format!("-f lavfi -i sine=frequency=440:duration=3 -ar {coding} master.wav"));
            encode(&folder, master, &options());
            // The difference of the two is quieter than either by 30 dB.
            let difference =
                "[0]aresample=48000[a];[1]aresample=48000,volume=-1[b];[a][b]amix=normalize=0,volumedetect";
            let report = ffmpeg_says(
                &folder,
                &format!("-i master.wav -i enclosure.mp3 -lavfi {difference} -f null -"),
            );
            let (_, level) = report.split_once("mean_volume: ").unwrap();
            let level: f64 = level.split_whitespace().next().unwrap().parse().unwrap();
            assert!(level < -51.0, "{coding}: {level} dB, of a tone at -21 dB");
        }
    }

    #[test]
    fn every_bit_rate_is_what_it_says() {
        let folder = Folder::new();
        folder.make("-f lavfi -i anoisesrc=duration=2:seed=7:amplitude=0.3 -ac 2 master.wav");
        for bit_rate in EnclosureBitRate::ALL {
            let master = File::open(folder.path("master.wav")).unwrap();
            let (_, path) = encode(&folder, master, &EnclosureOptions { bit_rate, ..options() });
            let stream = ffprobe("-show_entries stream=bit_rate", &path);
            assert_eq!(stream, [(bit_rate.kilobits() * 1_000).to_string()]);
            assert_eq!(EnclosureBitRate::from_kilobits(bit_rate.kilobits()), Some(bit_rate));
        }
    }

    #[test]
    fn loudness_becomes_that_of_a_podcast() {
        // Noise that comes and goes has the pauses and peaks of speech.
        let speech = "anoisesrc=duration=12:seed=3:color=pink,tremolo=f=0.7:d=0.9";
        let masters = [
            ("sine=frequency=440:duration=12".to_owned(), "-ac 1", Some(false)),
            (format!("{speech},volume=-20dB"), "-ac 1", None),
            (format!("{speech},volume=6dB"), "-ac 2", None),
            ("aevalsrc='0.02*sin(880*t)+0.5*lt(mod(t,1.7),0.002)':d=12".to_owned(), "-ac 1", Some(true)),
            (
                "aevalsrc='0.05*random(0)+0.6*lt(mod(t,0.9),0.003)|0.05*random(1)':d=12".to_owned(),
                "-ac 2",
                Some(true),
            ),
        ];
        for (sound, channels, is_limited) in masters {
            let folder = Folder::new();
            let master = folder.make(&format!("-f lavfi -i {sound} {channels} -c:a pcm_f32le master.wav"));
            let options = EnclosureOptions {
                loudness: EnclosureLoudness::Podcast,
                bit_rate: EnclosureBitRate::Kbps320,
                ..options()
            };
            let (encoded, _) = encode(&folder, master, &options);

            let (integrated, peak) = loudness(&folder, "enclosure.mp3");
            assert!((integrated + 16.0).abs() <= 0.5, "{sound}: {integrated} LUFS, {encoded:?}");
            // The encoder itself may add a little.
            assert!(peak <= -0.5, "{sound}: {peak} dBTP, {encoded:?}");
            assert!(
                is_limited.is_none_or(|is_limited| encoded.is_limited == is_limited),
                "{sound}: {encoded:?}"
            );
        }
    }

    #[test]
    fn silence_is_not_raised() {
        let folder = Folder::new();
        let master = folder.make("-f lavfi -i anullsrc -t 2 master.wav");
        let (encoded, _) =
            encode(&folder, master, &EnclosureOptions { loudness: EnclosureLoudness::Podcast, ..options() });
        assert_eq!((encoded.gain_db, encoded.is_limited), (0.0, false));
    }

    #[test]
    fn tags_and_chapters_come_back() {
        let folder = Folder::new();
        let master = folder.make("-f lavfi -i sine=duration=4 master.wav");
        folder.make("-f lavfi -i color=size=64x64:duration=1 -frames:v 1 cover.png");
        let cover = fs::read(folder.path("cover.png")).unwrap();
        let mark = |start, title: &str, url: Option<&str>| Mark {
            starts_at: Duration::from_millis(start),
            ends_at: None,
            title: Some(title.to_owned()),
            url: url.map(str::to_owned),
        };
        let tags = EnclosureTags {
            title: Some("Ebbe und Flut: Teil 1 — 潮".to_owned()),
            artist: Some("Mira".to_owned()),
            album: Some("Shorelines".to_owned()),
            date: Some("2025-03-01".to_owned()),
            chapters: vec![
                mark(0, "Opening", None),
                mark(1_500, "Café", Some("https://harbour.example/cafe")),
                mark(3_000, "Close", None),
            ],
            artwork: Some(EmbeddedArtwork { content_type: "image/png", bytes: cover }),
        };
        let (_, path) = encode(&folder, master, &EnclosureOptions { tags: tags.clone(), ..options() });

        let chapters = ffprobe("-show_entries chapter=start_time,end_time:chapter_tags=title", &path);
        let expected = [
            "0.000000", "1.500000", "Opening", "1.500000", "3.000000", "Café", "3.000000", "4.000000",
            "Close",
        ];
        assert_eq!(chapters, expected);
        let texts = ffprobe("-show_entries format_tags=title,artist,album,date", &path);
        assert_eq!(texts, ["Ebbe und Flut: Teil 1 — 潮", "Mira", "Shorelines", "2025-03-01"]);

        let read = read_tags(&mut File::open(&path).unwrap(), MediaFormat::Mp3).unwrap();
        assert_eq!((&read.title, &read.artist, &read.album), (&tags.title, &tags.artist, &tags.album));
        assert_eq!((read.date, read.artwork), (tags.date, tags.artwork));
        let ends = [1_500, 3_000, 4_000].map(|end| Some(Duration::from_millis(end)));
        let expected: Vec<Mark> =
            tags.chapters.into_iter().zip(ends).map(|(mark, ends_at)| Mark { ends_at, ..mark }).collect();
        assert_eq!(read.chapters, expected);
    }

    #[test]
    fn a_thousand_chapters_come_back_in_order() {
        let folder = Folder::new();
        let master = folder.make("-f lavfi -i sine=duration=4 master.wav");
        let chapters: Vec<Mark> = (0..1_000)
            .map(|number| Mark {
                starts_at: Duration::from_millis(number * 4),
                ends_at: Some(Duration::from_millis(number * 4 + 4)),
                title: Some(format!("Chapter {number}")),
                url: None,
            })
            .collect();
        let tags = EnclosureTags { chapters: chapters.clone(), ..EnclosureTags::default() };
        let (_, path) = encode(&folder, master, &EnclosureOptions { tags, ..options() });

        let read = read_tags(&mut File::open(&path).unwrap(), MediaFormat::Mp3).unwrap();
        assert_eq!(read.chapters, chapters);
    }

    #[test]
    fn the_same_master_gives_the_same_bytes() {
        let folder = Folder::new();
        folder.make("-f lavfi -i anoisesrc=duration=3:seed=5 -ar 96000 -ac 2 -c:a flac master.flac");
        let tags = EnclosureTags { title: Some("Again".to_owned()), ..EnclosureTags::default() };
        let options = EnclosureOptions { loudness: EnclosureLoudness::Podcast, tags, ..options() };
        let encode_once = || {
            let (_, path) = encode(&folder, File::open(folder.path("master.flac")).unwrap(), &options);
            fs::read(path).unwrap()
        };
        assert!(encode_once() == encode_once());
    }

    #[test]
    fn only_masters_of_a_day_at_most_are_encoded() {
        let folder = Folder::new();
        let master = folder.make("-f lavfi -i sine=duration=2 master.wav");
        let probed = probe(master.try_clone().unwrap()).unwrap();
        let refusal = |probed: &Probed| {
            let mut to = io::Cursor::new(Vec::new());
            encode_enclosure(master.try_clone().unwrap(), probed, &options(), &mut to).unwrap_err()
        };

        let mp3 = Probed { format: MediaFormat::Mp3, ..probed.clone() };
        assert!(matches!(refusal(&mp3), EncodeError::NoMaster(MediaFormat::Mp3)));
        let long = Probed { duration: LONGEST + Duration::from_secs(1), ..probed.clone() };
        assert!(matches!(refusal(&long), EncodeError::TooLong));
        let other = Probed { format: MediaFormat::Flac, ..probed };
        assert!(matches!(refusal(&other), EncodeError::Damaged));
    }

    #[test]
    fn a_truncated_master_is_refused_before() {
        for name in ["master.wav", "master.flac"] {
            let folder = Folder::new();
            folder.make(&format!("-f lavfi -i sine=duration=3 {name}"));
            let whole = fs::read(folder.path(name)).unwrap();
            let path = folder.write("cut", &whole[..whole.len() / 2]);
            let refused = probe(File::open(path).unwrap());
            assert!(matches!(refused, Err(ProbeError::Refused(Refusal::Truncated))), "{name}: {refused:?}");
        }
    }

    /// Also when the file changed after the probe, which says what it was before.
    #[test]
    fn a_damaged_master_gets_an_answer() {
        for name in ["master.wav", "master.flac"] {
            let folder = Folder::new();
            let master = folder.make(&format!("-f lavfi -i anoisesrc=duration=1.2:seed=1 -ar 8000 {name}"));
            let probed = probe(master).unwrap();
            let whole = fs::read(folder.path(name)).unwrap();
            for at in (0..120).chain((120..whole.len()).step_by(977)) {
                let mut bytes = whole.clone();
                bytes[at] ^= 0xff;
                let damaged = File::open(folder.write("damaged", &bytes)).unwrap();
                let mut to = io::Cursor::new(Vec::new());
                if let Ok(encoded) = encode_enclosure(damaged, &probed, &options(), &mut to) {
                    assert!(encoded.duration <= Duration::from_secs(10), "{name} {at}: {encoded:?}");
                }
            }
        }
    }
}

//! Transcripts of an episode: WebVTT and SubRip in; WebVTT, SubRip and the JSON of the Podcasting 2.0 namespace out.
//!
//! What is kept is who says what, and when. Markup is dropped, and what would be read as markup where there is none gets a
//! space, so that a cue is the same words in each format and in apps that take them for HTML.

use domain::{MediaFormat, Offset};

mod cue_text;
mod read;
mod write;

/// The largest transcript that is read: 10 MiB, some days of speech.
const MOST_BYTES: usize = 10 << 20;

/// The most cues of one transcript: a word each for five hours.
const MOST_CUES: usize = 50_000;

/// Ten lines for each cue; CR LF counts twice.
const MOST_LINE_ENDS: usize = 20 * MOST_CUES;

/// Who says what, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    format: MediaFormat,
    cues: Vec<Cue>,
}

/// Some words of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// When they are first shown.
    pub start: Offset,
    /// When they are last shown; not before the start.
    pub end: Offset,
    /// Who says them, if the file tells: one line.
    pub speaker: Option<String>,
    /// The words: one line or more, none of them empty.
    pub text: String,
}

/// Why a file cannot be a transcript. Shown as one plain sentence, or two, that say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TranscriptRefusal {
    /// No bytes, or white space.
    #[error("The file is empty. Export the transcript again and upload the new file.")]
    EmptyFile,
    /// Larger than is read.
    #[error(
        "The transcript has more than 10 MiB. Upload one that holds the words and times of this episode alone."
    )]
    TooLarge,
    /// Bytes that are no text.
    #[error("The file is not text in UTF-8. Save it as WebVTT or SubRip in UTF-8.")]
    NotText,
    /// Text, but of another kind.
    #[error("The file is not a transcript. Upload a WebVTT (.vtt) or SubRip (.srt) file.")]
    NotATranscript,
    /// Times without words, or neither.
    #[error("There are no words in the transcript. Export it again with its text.")]
    NoCues,
    /// More cues than are read, or lines than so many cues have.
    #[error(
        "The transcript has more than 50000 cues, or ten times as many lines. Export it with longer cues."
    )]
    TooManyCues,
    /// A cue without times, or text between cues.
    #[error(
        "Line {line} should be a time such as 00:01:02.500 --> 00:01:05.000. Write it above the words, without an empty line between."
    )]
    NoTimes {
        /// Counted from 1.
        line: usize,
    },
    /// A time that cannot be read.
    #[error("Line {line} has a time that cannot be read. Write it like 00:01:02.500 --> 00:01:05.000.")]
    BadTimes {
        /// Counted from 1.
        line: usize,
    },
    /// A cue that ends before it starts.
    #[error("The cue on line {line} ends before it starts. Correct its times.")]
    EndsBeforeStart {
        /// Counted from 1.
        line: usize,
    },
    /// Two cues that run into each other.
    #[error("Line {line} has times in the middle of a cue. Put an empty line before it.")]
    NoEmptyLine {
        /// Counted from 1.
        line: usize,
    },
}

/// Reads a transcript in WebVTT (W3C) or SubRip, whichever `bytes` are, in UTF-8, or in UTF-16 that says so. Cues come by
/// when they start and may overlap; those without words are dropped.
///
/// Speakers are those of `<v Name>`, and in SubRip those of `Name: ` where two cues or more begin with that name.
///
/// # Errors
/// [`TranscriptRefusal`], with the line where one is at fault.
pub fn read_transcript(bytes: &[u8]) -> Result<Transcript, TranscriptRefusal> {
    read::read(bytes)
}

impl Transcript {
    /// Which format it came in.
    pub fn format(&self) -> MediaFormat {
        self.format
    }

    /// Its cues, by when they start. There is at least one.
    pub fn cues(&self) -> &[Cue] {
        &self.cues
    }

    /// As WebVTT, with speakers as `<v Name>`. Reading it gives the same cues.
    pub fn to_web_vtt(&self) -> String {
        write::web_vtt(&self.cues)
    }

    /// As SubRip, with speakers as `Name: `, as the Podcasting 2.0 namespace says. Reading it gives the same times and
    /// words, and speakers where they are clear.
    pub fn to_sub_rip(&self) -> String {
        write::sub_rip(&self.cues)
    }

    /// As the Podcasting 2.0 namespace's JSON, version 1.0.0: `segments` with `speaker`, `startTime`, `endTime`, `body`.
    pub fn to_json(&self) -> String {
        write::json(&self.cues)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Transcript {
        read_transcript(text.as_bytes()).unwrap()
    }

    fn refused(text: &str) -> TranscriptRefusal {
        read_transcript(text.as_bytes()).unwrap_err()
    }

    fn cue(start: u64, end: u64, speaker: Option<&str>, text: &str) -> Cue {
        Cue {
            start: Offset::from_milliseconds(start).unwrap(),
            end: Offset::from_milliseconds(end).unwrap(),
            speaker: speaker.map(str::to_owned),
            text: text.to_owned(),
        }
    }

    /// Words of the only cue of a file in WebVTT, and of one in SubRip.
    fn words(payload: &str) -> [String; 2] {
        let times = "00:00:01.000 --> 00:00:02.000";
        [format!("WEBVTT\n\n{times}\n{payload}\n"), format!("1\n{times}\n{payload}\n")].map(|text| {
            let transcript = read(&text);
            assert_eq!(transcript.cues().len(), 1, "{payload}");
            transcript.cues()[0].text.clone()
        })
    }

    const WEB_VTT: &str = "\
WEBVTT - Spring Tide
Kind: captions

NOTE
Not for the listener.

STYLE
::cue { color: red }

REGION
id:bottom

opening
00:01.500 --> 00:00:04.000 align:start position:10%
<v Ada>Welcome to <i>Tide Tables</i>,
where the sea &amp; the moon meet.

00:00:04.000 --> 00:00:06.000
<v.loud Bo Ek>Good <00:00:05.000>morning!</v> <v Ada>Hello.

100:00:00.000 --> 100:00:00.000
The end.
";

    const SUB_RIP: &str = "\
1
00:00:01,500 --> 00:00:04,000
Ada: Welcome to <font color=\"red\">Tide Tables</font>,
where the sea & the moon meet.

2
00:00:04,000 --> 00:00:06,000  X1:40 X2:600
{\\an8}Bo Ek: Good morning!

3
00:00:06,000 --> 00:00:07,000
Ada: One thing: it rains.

4
00:00:07,000 --> 00:00:08,000
Note: not a name, said once.
";

    #[test]
    fn web_vtt_is_read() {
        let transcript = read(WEB_VTT);
        assert_eq!(transcript.format(), MediaFormat::WebVtt);
        assert_eq!(
            transcript.cues(),
            [
                cue(1_500, 4_000, Some("Ada"), "Welcome to Tide Tables,\nwhere the sea & the moon meet."),
                cue(4_000, 6_000, Some("Bo Ek"), "Good morning!"),
                cue(4_000, 6_000, Some("Ada"), "Hello."),
                cue(360_000_000, 360_000_000, None, "The end."),
            ]
        );
    }

    #[test]
    fn sub_rip_is_read() {
        let transcript = read(SUB_RIP);
        assert_eq!(transcript.format(), MediaFormat::SubRip);
        assert_eq!(
            transcript.cues(),
            [
                cue(1_500, 4_000, Some("Ada"), "Welcome to Tide Tables,\nwhere the sea & the moon meet."),
                cue(4_000, 6_000, None, "Bo Ek: Good morning!"),
                cue(6_000, 7_000, Some("Ada"), "One thing: it rains."),
                cue(7_000, 8_000, None, "Note: not a name, said once."),
            ]
        );
    }

    #[test]
    fn a_transcript_is_written_in_each_format() {
        let transcript = read(
            "WEBVTT\n\n00:00.500 --> 00:02.000\n<v Ada>Ebb &lt; flow\n\n00:02.000 --> 01:00:00.000\nSea\nair",
        );
        assert_eq!(
            transcript.to_web_vtt(),
            "WEBVTT\n\n00:00:00.500 --> 00:00:02.000\n<v Ada>Ebb &lt; flow\n\n00:00:02.000 --> 01:00:00.000\nSea\nair\n"
        );
        assert_eq!(
            transcript.to_sub_rip(),
            "1\n00:00:00,500 --> 00:00:02,000\nAda: Ebb < flow\n\n2\n00:00:02,000 --> 01:00:00,000\nSea\nair\n"
        );
        assert_eq!(
            transcript.to_json(),
            r#"{"version":"1.0.0","segments":[{"speaker":"Ada","startTime":0.5,"endTime":2,"body":"Ebb < flow"},{"startTime":2,"endTime":3600,"body":"Sea\nair"}]}"#
        );
    }

    #[test]
    fn files_of_every_system_are_read() {
        for text in [WEB_VTT, SUB_RIP] {
            let expected = read(text);
            for ends in ["\r\n", "\r"] {
                assert_eq!(read(&text.replace('\n', ends)), expected);
            }
            assert_eq!(read(&format!("\u{feff}{text}")), expected);

            let units = format!("\u{feff}{text}");
            let little: Vec<u8> = units.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = units.encode_utf16().flat_map(u16::to_be_bytes).collect();
            for bytes in [&little, &big] {
                assert_eq!(read_transcript(bytes), Ok(expected.clone()));
                assert_eq!(read_transcript(&bytes[..bytes.len() - 1]), Err(TranscriptRefusal::NotText));
                assert_eq!(read_transcript(&bytes[2..]), Err(TranscriptRefusal::NotText));
            }
        }
    }

    #[test]
    fn what_is_no_transcript_is_refused() {
        for (bytes, refusal) in [
            (&b""[..], TranscriptRefusal::EmptyFile),
            (b"\xef\xbb\xbf \r\n", TranscriptRefusal::EmptyFile),
            (b"caf\xe9", TranscriptRefusal::NotText),
            (b"WEBVTT\n\n00:01.000 --> 00:02.000\ncaf\xe9\n", TranscriptRefusal::NotText),
            (b"\x89PNG\r\n\x1a\n", TranscriptRefusal::NotText),
            (b"<!DOCTYPE html>\n<title>404</title>\n", TranscriptRefusal::NotATranscript),
            (b"{\"version\":\"1.0.0\",\"segments\":[]}", TranscriptRefusal::NotATranscript),
            (b"Ada: Welcome.\n\nBo: Hello.\n", TranscriptRefusal::NotATranscript),
            (b"WEBVTTX\n", TranscriptRefusal::NotATranscript),
            (b"WEBVTT\n", TranscriptRefusal::NoCues),
            (b"WEBVTT\n\n00:01.000 --> 00:02.000\n<i> </i>\n", TranscriptRefusal::NoCues),
        ] {
            assert_eq!(read_transcript(bytes), Err(refusal), "{:?}", bytes.escape_ascii().to_string());
        }
    }

    #[test]
    fn a_refusal_names_the_line() {
        let with = |line: &str| SUB_RIP.replacen("00:00:04,000 --> 00:00:06,000  X1:40 X2:600", line, 1);
        for bad in [
            "4 --> 6",
            "00:00:04,000 -->",
            "00:60:00,000 --> 00:61:00,000",
            "1000:00:00,000 --> 1000:00:00,001",
            "00:00:04,000 --> 00:00:0x,000",
            "0:0:0:4,0 --> 0:0:0:6,0",
            "00:00:04,0001234567 --> 00:00:06,000",
        ] {
            assert_eq!(refused(&with(bad)), TranscriptRefusal::BadTimes { line: 7 }, "{bad}");
        }
        assert_eq!(
            refused(&with("00:00:04,000 --> 00:00:03,999")),
            TranscriptRefusal::EndsBeforeStart { line: 7 }
        );
        assert_eq!(refused(&with("from 4 to 6")), TranscriptRefusal::NoTimes { line: 6 });
        assert_eq!(
            refused(&SUB_RIP.replacen("meet.\n\n", "meet.\n", 1)),
            TranscriptRefusal::NoEmptyLine { line: 6 }
        );
        assert_eq!(
            refused(&format!("{WEB_VTT}\nText\nwithout times\n")),
            TranscriptRefusal::NoTimes { line: 24 }
        );
        assert_eq!(
            TranscriptRefusal::BadTimes { line: 7 }.to_string(),
            "Line 7 has a time that cannot be read. Write it like 00:01:02.500 --> 00:01:05.000."
        );
    }

    #[test]
    fn markup_is_dropped_and_words_in_brackets_are_kept() {
        for (payload, web_vtt, sub_rip) in [
            ("<b>a</b><c.yellow.bg>b</c><lang de>c</lang><ruby>d<rt>e</rt></ruby>", "abcde", "abcde"),
            ("<I>a<br/>b", "ab", "ab"),
            ("I <3 radio", "I <3 radio", "I <3 radio"),
            ("<applause> thank you", "< applause> thank you", "< applause> thank you"),
            ("<script>alert(1)</script>", "< script>alert(1)< /script>", "< script>alert(1)< /script>"),
            ("&lt;script&gt; &amp;amp;", "< script> &amp;", "&lt;script&gt; &amp;amp;"),
            ("a --&gt; b", "a -- > b", "a --&gt; b"),
            ("a <b", "a < b", "a < b"),
            ("a <b and <i>c", "a < b and c", "a < b and c"),
            ("{\\i1}a{b}", "a{b}", "a{b}"),
            ("a\u{1}b\tc\u{feff}", "ab c", "ab c"),
        ] {
            assert_eq!(words(payload), [web_vtt, sub_rip], "{payload}");
        }
    }

    #[test]
    fn cues_come_by_when_they_start_and_may_overlap() {
        let transcript = read("WEBVTT\n\n00:05.000 --> 00:09.000\nb\n\n00:01.000 --> 00:06.000\na\n");
        assert_eq!(transcript.cues(), [cue(1_000, 6_000, None, "a"), cue(5_000, 9_000, None, "b")]);
    }

    #[test]
    fn a_transcript_has_its_bounds() {
        let times = "00:00.000 --> 00:01.000\n";
        let many = |many: usize| format!("WEBVTT\n\n{}", format!("{times}a\n\n").repeat(many));
        assert_eq!(read(&many(MOST_CUES)).cues().len(), MOST_CUES);
        assert_eq!(refused(&many(MOST_CUES + 1)), TranscriptRefusal::TooManyCues);
        assert_eq!(
            refused(&format!("WEBVTT\n\n{times}{}", "<v a>b".repeat(MOST_CUES + 1))),
            TranscriptRefusal::TooManyCues
        );
        assert_eq!(refused(&"\n".repeat(MOST_BYTES)), TranscriptRefusal::EmptyFile);
        assert_eq!(
            refused(&format!("WEBVTT{}", "\r".repeat(MOST_BYTES - 6))),
            TranscriptRefusal::TooManyCues
        );
        assert_eq!(refused(&"a".repeat(MOST_BYTES + 1)), TranscriptRefusal::TooLarge);
    }

    /// Each bracket is looked behind for a while only, or this would take hours.
    #[test]
    fn brackets_without_an_end_cost_no_more_than_their_length() {
        let brackets = format!("WEBVTT\n\n00:00.000 --> 00:01.000\n{}", "<{\\&".repeat(1 << 18));
        assert_eq!(read(&brackets).cues().len(), 1);
    }

    /// Cues as a file could have them: words with everything in them that any format takes for more than words.
    fn cues() -> impl Strategy<Value = Vec<(u64, u64, Option<String>, String)>> {
        let piece = prop::sample::select(vec![
            "<",
            ">",
            "&",
            "&amp;",
            "-->",
            "--",
            "{\\",
            "}",
            "<b>",
            "</v>",
            "<v ",
            "Ada: ",
            "Note:",
            ":",
            "\n",
            "\n\n",
            " ",
            "a",
            "é",
            "1",
            "WEBVTT",
            "NOTE",
            "\u{a0}",
            "\u{2028}",
            "\u{1}",
            "<00:01.000>",
            "\\",
            "/",
        ]);
        let text = prop::collection::vec(piece, 1..12).prop_map(|pieces| pieces.concat());
        let speaker = prop::option::of(text.clone());
        prop::collection::vec((0..3_599_000_000_u64, 0..900_000_u64, speaker, text), 1..6)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(cues in cues()) {
            let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let lines = |text: &str| {
                let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
                lines.join("\n")
            };
            let mut file = String::from("WEBVTT\n");
            for (start, len, speaker, text) in &cues {
                let time = |at: u64| format!("{:02}:{:02}:{:02}.{:03}", at / 3_600_000, at / 60_000 % 60, at / 1_000 % 60, at % 1_000);
                let voice = speaker.as_ref().map(|speaker| format!("<v {} >", escaped(speaker).replace('\n', " ")));
                file += &format!("\n{} --> {}\n{}{}\n", time(*start), time(start + len), voice.unwrap_or_default(), escaped(&lines(text)));
            }
            let transcript = match read_transcript(file.as_bytes()) {
                Ok(transcript) => transcript,
                // Nothing but white space was said.
                Err(refusal) => {
                    prop_assert_eq!(refusal, TranscriptRefusal::NoCues);
                    return Ok(());
                }
            };

            let web_vtt = transcript.to_web_vtt();
            prop_assert_eq!(&read(&web_vtt), &transcript);
            prop_assert_eq!(read(&web_vtt).to_web_vtt(), web_vtt);

            // SubRip does not tell a speaker from a word before a colon.
            let said = |transcript: &Transcript| -> Vec<(Offset, Offset, String)> {
                let words = |cue: &Cue| match &cue.speaker {
                    Some(speaker) => format!("{speaker}: {}", cue.text),
                    None => cue.text.clone(),
                };
                let in_one_line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
                transcript.cues().iter().map(|cue| (cue.start, cue.end, in_one_line(words(cue)))).collect()
            };
            let sub_rip = read(&transcript.to_sub_rip());
            prop_assert_eq!(said(&sub_rip), said(&transcript));

            let json: serde_json::Value = serde_json::from_str(&transcript.to_json()).unwrap();
            for (segment, cue) in json["segments"].as_array().unwrap().iter().zip(transcript.cues()) {
                prop_assert_eq!(segment["body"].as_str(), Some(cue.text.as_str()));
                prop_assert_eq!(segment["speaker"].as_str(), cue.speaker.as_deref());
                prop_assert_eq!(serde_json::from_value::<Offset>(segment["startTime"].clone()).unwrap(), cue.start);
            }
            prop_assert_eq!(json["segments"].as_array().unwrap().len(), transcript.cues().len());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let _: Result<Transcript, TranscriptRefusal> = read_transcript(&bytes);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(WEBVTT\n\n)?(([0-9:., ]{0,12}-->[0-9:., ]{0,12}|[<>&{}/:v a-c]{0,9})\r?\n{1,2}){0,12}") {
            if let Ok(transcript) = read_transcript(text.as_bytes()) {
                prop_assert!(transcript.cues().is_sorted_by_key(|cue| cue.start));
                prop_assert!(transcript.cues().iter().all(|cue| cue.start <= cue.end && !cue.text.is_empty()));
            }
        }
    }
}

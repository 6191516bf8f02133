//! WebVTT, SubRip and JSON, the same bytes for the same cues.

use domain::Offset;
use serde::Serialize;

use super::Cue;

pub(super) fn web_vtt(cues: &[Cue]) -> String {
    let mut text = String::from("WEBVTT\n");
    for cue in cues {
        text.push('\n');
        push_times(&mut text, cue, '.');
        if let Some(speaker) = &cue.speaker {
            text.push_str("<v ");
            push_escaped(&mut text, speaker);
            text.push('>');
        }
        push_escaped(&mut text, &cue.text);
        text.push('\n');
    }
    text
}

pub(super) fn sub_rip(cues: &[Cue]) -> String {
    let mut text = String::new();
    for (number, cue) in (1..).zip(cues) {
        let separator = if number == 1 { "" } else { "\n" };
        text.push_str(&format!("{separator}{number}\n"));
        push_times(&mut text, cue, ',');
        if let Some(speaker) = &cue.speaker {
            text.push_str(&format!("{speaker}: "));
        }
        text.push_str(&format!("{}\n", cue.text));
    }
    text
}

#[derive(Serialize)]
struct Document<'cues> {
    version: &'static str,
    segments: Vec<Segment<'cues>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Segment<'cues> {
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<&'cues str>,
    start_time: Offset,
    end_time: Offset,
    body: &'cues str,
}

impl<'cues> Segment<'cues> {
    fn of(cue: &'cues Cue) -> Self {
        let Cue { start, end, speaker, text } = cue;
        Self { speaker: speaker.as_deref(), start_time: *start, end_time: *end, body: text }
    }
}

pub(super) fn json(cues: &[Cue]) -> String {
    let document = Document { version: "1.0.0", segments: cues.iter().map(Segment::of).collect() };
    // Text and finite numbers under fixed names: there is nothing in it that JSON cannot say.
    serde_json::to_string(&document).unwrap_or_default()
}

fn push_times(text: &mut String, cue: &Cue, point: char) {
    push_time(text, cue.start, point);
    text.push_str(" --> ");
    push_time(text, cue.end, point);
    text.push('\n');
}

fn push_time(text: &mut String, offset: Offset, point: char) {
    let milliseconds = offset.milliseconds();
    let (seconds, fraction) = (milliseconds / 1_000, milliseconds % 1_000);
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    text.push_str(&format!("{hours:02}:{minutes:02}:{:02}{point}{fraction:03}", seconds % 60));
}

fn push_escaped(text: &mut String, words: &str) {
    for character in words.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            other => text.push(other),
        }
    }
}

//! What a feed must be, besides what its types make sure of: rules that take two fields, or a show and its episodes, to see.
//!
//! What Apple Podcasts, PSP-1 or RSS 2.0 would refuse is an error and is not published; what they would rather have otherwise
//! is a warning.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use tenant_context::EpisodeId;

use crate::{
    Category, Episode, EpisodeType, Media, Show, ShowType, Visibility,
    podcasting::{License, Soundbite, Value},
};

/// A rule that a show or one of its episodes breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// The rule's stable name, such as `episode_number_missing`.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The episode that it is about; none is the show.
    pub episode_id: Option<EpisodeId>,
    /// The field that would put it right, as a JSON pointer (RFC 6901) into the show or episode.
    pub pointer: String,
    /// Who asks for it.
    pub standard: Standard,
    /// What would be right.
    pub detail: String,
}

/// What breaking a rule leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A directory or app refuses the feed or the episode.
    Error,
    /// It is taken, and could be better.
    Warning,
}

/// Who asks for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Standard {
    /// <https://www.rssboard.org/rss-specification>
    #[serde(rename = "RSS 2.0")]
    Rss2,
    /// <https://podcasters.apple.com/support/823-podcast-requirements>
    #[serde(rename = "Apple Podcasts")]
    Apple,
    /// <https://github.com/Podcast-Standards-Project/PSP-1-Podcast-RSS-Specification>
    #[serde(rename = "PSP-1")]
    Psp1,
    /// <https://podcastindex.org/namespace/1.0>
    #[serde(rename = "Podcasting 2.0")]
    Podcasting2,
}

impl Standard {
    /// What people call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rss2 => "RSS 2.0",
            Self::Apple => "Apple Podcasts",
            Self::Psp1 => "PSP-1",
            Self::Podcasting2 => "Podcasting 2.0",
        }
    }
}

/// The rules that `show` breaks, then those of each of its `episodes`, with the media that each has. An episode counts as
/// published or about to be.
pub fn feed_rules<'a>(
    show: &Show,
    episodes: impl IntoIterator<Item = (&'a Episode, Option<&'a Media>)>,
) -> Vec<Finding> {
    let mut report = Report::default();
    check_show(show, &mut report);
    let mut numbers = BTreeMap::new();
    for (episode, media) in episodes {
        report.episode_id = Some(episode.id.clone());
        check_media(media, &mut report);
        check_number(show, episode, &mut numbers, &mut report);
        let podcasting = &episode.podcasting;
        check_soundbites(&podcasting.soundbites, media, &mut report);
        check_terms(podcasting.license.as_ref(), podcasting.value.as_ref(), &mut report);
    }
    report.findings
}

#[derive(Default)]
struct Report {
    episode_id: Option<EpisodeId>,
    findings: Vec<Finding>,
}

impl Report {
    fn error(&mut self, rule: &'static str, pointer: &str, standard: Standard, detail: &str) {
        self.add(Severity::Error, rule, pointer, standard, detail);
    }

    fn warning(&mut self, rule: &'static str, pointer: &str, standard: Standard, detail: &str) {
        self.add(Severity::Warning, rule, pointer, standard, detail);
    }

    fn add(
        &mut self,
        severity: Severity,
        rule: &'static str,
        pointer: &str,
        standard: Standard,
        detail: &str,
    ) {
        self.findings.push(Finding {
            rule,
            severity,
            episode_id: self.episode_id.clone(),
            pointer: pointer.to_owned(),
            standard,
            detail: detail.to_owned(),
        });
    }
}

fn check_show(show: &Show, report: &mut Report) {
    let (listing, podcasting) = (&show.listing, &show.podcasting);
    if listing.artwork_id.is_none() {
        // No directory sees a private show.
        let severity = match show.visibility {
            Visibility::Public => Severity::Error,
            Visibility::Private => Severity::Warning,
        };
        report.add(
            severity,
            "artwork_missing",
            "/listing/artwork_id",
            Standard::Apple,
            "Give the show artwork: the media_id of a JPEG or PNG of 1400 to 3000 pixels in a square.",
        );
    }
    if let Some(at) = repeated(show.category, &listing.secondary_categories) {
        report.error(
            "category_repeated",
            &format!("/listing/secondary_categories/{at}"),
            Standard::Apple,
            "Name each category once.",
        );
    }
    if let Some(copyright) = &listing.copyright
        && says_more_than_a_name(copyright.as_str())
    {
        report.warning(
            "copyright_not_a_name",
            "/listing/copyright",
            Standard::Psp1,
            "Name who holds the rights, without the word copyright, its sign and a year.",
        );
    }
    if podcasting.locked.shows_owner && listing.owner.as_ref().is_none_or(|owner| owner.email.is_none()) {
        report.error(
            "owner_email_missing",
            "/listing/owner/email",
            Standard::Podcasting2,
            "Give the owner an e-mail address, or set podcasting.locked.shows_owner to false.",
        );
    }
    if let Some(frequency) = &podcasting.update_frequency {
        if frequency.rrule.as_ref().is_some_and(|rule| rule.counts()) && frequency.starts_at.is_none() {
            report.error(
                "update_frequency_start_missing",
                "/podcasting/update_frequency/starts_at",
                Standard::Podcasting2,
                "Say when the rule begins, since it has a COUNT.",
            );
        }
        if frequency.is_complete != listing.is_complete {
            report.warning(
                "complete_disagrees",
                "/podcasting/update_frequency/is_complete",
                Standard::Podcasting2,
                "Say the same here and in listing.is_complete.",
            );
        }
    }
    check_terms(podcasting.license.as_ref(), podcasting.value.as_ref(), report);
}

/// What a show and an episode both may say of license and payments.
fn check_terms(license: Option<&License>, value: Option<&Value>, report: &mut Report) {
    if license.is_some_and(|license| license.url.is_none() && !license.is_creative_commons()) {
        report.error(
            "license_url_missing",
            "/podcasting/license/url",
            Standard::Podcasting2,
            "Give the license's URL: only those of Creative Commons are known by their names.",
        );
    }
    if value.is_some_and(|value| value.recipients.is_empty()) {
        report.error(
            "value_recipient_missing",
            "/podcasting/value/recipients",
            Standard::Podcasting2,
            "Name at least one recipient.",
        );
    }
}

fn check_media(media: Option<&Media>, report: &mut Report) {
    match media {
        None => report.error(
            "enclosure_missing",
            "/media_id",
            Standard::Rss2,
            "Give the episode a media_id: the one of an upload that is ready.",
        ),
        Some(media) if media.recording().is_none() || media.enclosure().is_none() => report.error(
            "enclosure_format",
            "/media_id",
            Standard::Apple,
            "Give the episode media in MP3, M4A or MP4, which podcast apps play, or a WAV or FLAC master.",
        ),
        Some(_) => {}
    }
}

/// `numbers` are those of the episodes before, by season.
fn check_number(
    show: &Show,
    episode: &Episode,
    numbers: &mut BTreeMap<(Option<u32>, u32), EpisodeId>,
    report: &mut Report,
) {
    let listing = &episode.listing;
    let is_full = listing.kind == EpisodeType::Full;
    match &listing.number {
        None if is_full && show.listing.kind == ShowType::Serial => report.error(
            "episode_number_missing",
            "/listing/number",
            Standard::Apple,
            "Give the episode a number: the show is serial.",
        ),
        Some(number) if is_full => {
            let season = listing.season.as_ref().map(|season| season.number.get());
            if let Some(other) = numbers.insert((season, number.number.get()), episode.id.clone()) {
                report.warning(
                    "episode_number_repeated",
                    "/listing/number",
                    Standard::Apple,
                    &format!("Give the episode a number of its own: {other} has the same."),
                );
            }
        }
        _ => {}
    }
}

fn check_soundbites(soundbites: &[Soundbite], media: Option<&Media>, report: &mut Report) {
    let recording = media.and_then(Media::recording);
    for (at, soundbite) in soundbites.iter().enumerate() {
        if recording.is_some_and(|recording| soundbite.end_milliseconds() > recording.duration_milliseconds) {
            report.error(
                "soundbite_beyond_end",
                &format!("/podcasting/soundbites/{at}"),
                Standard::Podcasting2,
                "End the soundbite before the episode ends.",
            );
        }
        if !(15_000..=120_000).contains(&soundbite.duration_milliseconds.get()) {
            report.warning(
                "soundbite_length",
                &format!("/podcasting/soundbites/{at}/duration_milliseconds"),
                Standard::Podcasting2,
                "Let a soundbite play for 15 to 120 seconds.",
            );
        }
    }
}

/// Where the first category stands that is `first` or was there before.
fn repeated(first: Category, others: &[Category]) -> Option<usize> {
    let before = |at: usize| others.iter().take(at).chain([&first]);
    others.iter().enumerate().position(|(at, category)| before(at).any(|known| known == category))
}

fn says_more_than_a_name(copyright: &str) -> bool {
    let is_year = |word: &str| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit());
    copyright.to_lowercase().contains("copyright")
        || copyright.contains(['©', '℗'])
        || copyright.split(|character: char| !character.is_alphanumeric()).any(is_year)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        MediaFormat, Rendition, RenditionPurpose,
        episode::tests::{draft, media},
        show::tests,
    };
    use tenant_context::Timestamp;

    /// A public show with artwork.
    fn show() -> Show {
        let mut show = tests::show();
        let artwork = r#"{"listing": {"artwork_id": "med_01BX5ZZKBKACTAV9WEVGEMMVRZ"}}"#;
        show.apply(serde_json::from_str(artwork).unwrap(), Timestamp::EPOCH);
        show
    }

    fn rules(findings: &[Finding]) -> Vec<(&str, &str)> {
        findings.iter().map(|finding| (finding.rule, finding.pointer.as_str())).collect()
    }

    fn of_show(changes: &str) -> Vec<Finding> {
        let mut show = show();
        show.apply(serde_json::from_str(changes).unwrap(), Timestamp::EPOCH);
        feed_rules(&show, [])
    }

    fn of_episode(show_changes: &str, changes: &str) -> Vec<Finding> {
        let (mut show, mut episode) = (show(), draft());
        show.apply(serde_json::from_str(show_changes).unwrap(), Timestamp::EPOCH);
        episode.apply(serde_json::from_str(changes).unwrap(), None, Timestamp::EPOCH).unwrap();
        feed_rules(&show, [(&episode, Some(&media(MediaFormat::Mp3)))])
    }

    #[test]
    fn a_plain_show_breaks_no_rule() {
        assert_eq!(rules(&of_episode("{}", "{}")), []);
    }

    #[test]
    fn a_directory_wants_artwork() {
        let mut show = tests::show();
        for (visibility, severity) in
            [(Visibility::Public, Severity::Error), (Visibility::Private, Severity::Warning)]
        {
            show.visibility = visibility;
            let findings = feed_rules(&show, []);
            assert_eq!(rules(&findings), [("artwork_missing", "/listing/artwork_id")]);
            assert_eq!(findings[0].severity, severity);
        }
    }

    #[test]
    fn a_show_is_not_published_with() {
        for (changes, rule, pointer) in [
            (
                r#"{"listing": {"secondary_categories": ["History", "Science > Earth Sciences"]}}"#,
                "category_repeated",
                "/listing/secondary_categories/1",
            ),
            (
                r#"{"listing": {"secondary_categories": ["History", "History"]}}"#,
                "category_repeated",
                "/listing/secondary_categories/1",
            ),
            (
                r#"{"podcasting": {"locked": {"shows_owner": true}}}"#,
                "owner_email_missing",
                "/listing/owner/email",
            ),
            (
                r#"{"podcasting": {"update_frequency": {"text": "x", "rrule": "FREQ=DAILY;COUNT=3"}}}"#,
                "update_frequency_start_missing",
                "/podcasting/update_frequency/starts_at",
            ),
            (
                r#"{"podcasting": {"license": {"name": "our own"}}}"#,
                "license_url_missing",
                "/podcasting/license/url",
            ),
            (
                r#"{"podcasting": {"value": {"type": "lightning", "method": "keysend", "recipients": []}}}"#,
                "value_recipient_missing",
                "/podcasting/value/recipients",
            ),
        ] {
            let findings = of_show(changes);
            assert_eq!(rules(&findings), [(rule, pointer)], "{changes}");
            assert_eq!(findings[0].severity, Severity::Error, "{changes}");
        }
    }

    #[test]
    fn an_episode_is_not_published_with() {
        let serial = r#"{"listing": {"type": "serial"}}"#;
        let long = r#"{"podcasting": {"soundbites": [{"start_time_milliseconds": 0, "duration_milliseconds": 61501}]}}"#;
        for (show_changes, changes, rule, pointer) in [
            (serial, "{}", "episode_number_missing", "/listing/number"),
            ("{}", long, "soundbite_beyond_end", "/podcasting/soundbites/0"),
            (
                "{}",
                r#"{"podcasting": {"license": {"name": "our own"}}}"#,
                "license_url_missing",
                "/podcasting/license/url",
            ),
        ] {
            let findings = of_episode(show_changes, changes);
            assert_eq!(rules(&findings), [(rule, pointer)], "{changes}");
            assert_eq!(findings[0].severity, Severity::Error);
            assert_eq!(findings[0].episode_id, Some(draft().id));
        }
        assert_eq!(rules(&of_episode(serial, r#"{"listing": {"type": "bonus"}}"#)), []);
        assert_eq!(rules(&of_episode(serial, r#"{"listing": {"number": {"number": 1}}}"#)), []);
    }

    #[test]
    fn a_feed_needs_audio_that_apps_play() {
        let episode = draft();
        assert_eq!(rules(&feed_rules(&show(), [(&episode, None)])), [("enclosure_missing", "/media_id")]);
        let mut flac = media(MediaFormat::Flac);
        assert_eq!(
            rules(&feed_rules(&show(), [(&episode, Some(&flac))])),
            [("enclosure_format", "/media_id")]
        );
        let file = media(MediaFormat::Mp3).original;
        flac.renditions.push(Rendition { purpose: RenditionPurpose::Enclosure, file });
        assert_eq!(rules(&feed_rules(&show(), [(&episode, Some(&flac))])), []);
    }

    #[test]
    fn some_things_could_be_better() {
        let short = r#"{"podcasting": {"soundbites": [{"start_time_milliseconds": 0, "duration_milliseconds": 14999}]}}"#;
        let findings = [
            of_show(r#"{"listing": {"copyright": "© Harbour Radio"}}"#),
            of_show(r#"{"listing": {"copyright": "Harbour Radio 2026"}}"#),
            of_show(r#"{"podcasting": {"update_frequency": {"text": "Never again", "is_complete": true}}}"#),
            of_episode("{}", short),
        ];
        for findings in &findings {
            assert_eq!(rules(findings).len(), 1, "{findings:?}");
            assert!(findings.iter().all(|finding| finding.severity == Severity::Warning), "{findings:?}");
        }
    }

    #[test]
    fn two_episodes_do_not_share_a_number() {
        let mut first = draft();
        let number = r#"{"listing": {"number": {"number": 3}}}"#;
        first.apply(serde_json::from_str(number).unwrap(), None, Timestamp::EPOCH).unwrap();
        let second = Episode { id: "epi_01BX5ZZKBKACTAV9WEVGEMMVRZ".parse().unwrap(), ..first.clone() };
        let mut other_season = second.clone();
        other_season.listing.season = serde_json::from_str(r#"{"number": 2}"#).unwrap();
        let media = media(MediaFormat::Mp3);

        let findings = feed_rules(&show(), [(&first, Some(&media)), (&second, Some(&media))]);
        assert_eq!(rules(&findings), [("episode_number_repeated", "/listing/number")]);
        assert_eq!(findings[0].episode_id, Some(second.id));
        assert_eq!(rules(&feed_rules(&show(), [(&first, Some(&media)), (&other_season, Some(&media))])), []);
    }
}

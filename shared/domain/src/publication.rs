use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::{EpisodeId, Timestamp};

use crate::{EpisodeTitle, Invalid, MediaFormat, Show, Slug, Visibility};

/// What apps keep of an episode once they have seen it. GUID and file name are frozen when it is first published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Publication {
    /// The item's `guid`: the episode's id, or what it was known by where it was imported from.
    pub guid: String,
    /// The enclosure URL's last part, `<show-slug>.<title-slug>.<extension>`, ASCII.
    pub file_name: String,
    /// When the episode came or comes out.
    pub published_at: Timestamp,
    /// When it comes out for everybody, if only listeners with a feed token have it from `published_at` on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_at: Option<Timestamp>,
    /// When it leaves every feed by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When the episode was taken out of the feed, or cancelled before it came out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<Timestamp>,
}

/// Who may hear an episode of a public show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Whoever may hear the show.
    #[default]
    Everyone,
    /// Listeners with a feed token alone.
    Listeners,
}

/// When an episode is in which feeds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Release {
    /// When it comes out; now when absent.
    pub at: Option<Timestamp>,
    /// When it comes out for everybody: until then only listeners with a feed token have it. When it comes out, when absent.
    pub public_at: Option<Timestamp>,
    /// When it leaves every feed by itself; never when absent.
    pub expires_at: Option<Timestamp>,
}

impl Release {
    /// Whether an episode of `show` can be released so at the moment `now`.
    ///
    /// # Errors
    /// The field that is wrong, as a JSON pointer, and the rule.
    pub fn check(&self, show: &Show, now: Timestamp) -> Result<(), (&'static str, Invalid)> {
        let out_at = self.at.unwrap_or(now);
        if let Some(public_at) = self.public_at {
            if show.visibility == Visibility::Private || !show.has_listeners() {
                let rule = "only a public show that has a feed for listeners, too, comes out for them first: set has_listener_feed";
                return Err(("/public_at", Invalid::new(rule)));
            }
            if public_at < out_at {
                return Err((
                    "/public_at",
                    Invalid::new("everybody has an episode when listeners do, or later"),
                ));
            }
        }
        if self.expires_at.is_some_and(|expires_at| expires_at <= self.public_at.unwrap_or(out_at)) {
            return Err((
                "/expires_at",
                Invalid::new("an episode leaves the feeds after it came out in them"),
            ));
        }
        Ok(())
    }
}

impl Publication {
    /// When what feeds show of the episode changes by itself, each with a name of its own.
    pub fn moments(&self) -> impl Iterator<Item = (&'static str, Timestamp)> {
        let moments =
            [("out", Some(self.published_at)), ("public", self.public_at), ("expires", self.expires_at)];
        moments.into_iter().filter_map(|(name, at)| Some((name, at?)))
    }

    pub(crate) fn new(
        id: &EpisodeId,
        show: &Slug,
        title: &EpisodeTitle,
        format: MediaFormat,
        at: Timestamp,
    ) -> Self {
        Self {
            guid: id.to_string(),
            file_name: format!("{show}.{}.{}", title_slug(title), format.extension()),
            published_at: at,
            public_at: None,
            expires_at: None,
            withdrawn_at: None,
        }
    }

    /// The publication of an episode that was out elsewhere under `guid` since `published_at`. Its file name is a new one: it begins with
    /// the show's slug.
    ///
    /// # Errors
    /// [`Invalid`] for what is no GUID.
    pub fn imported(
        guid: &str,
        show: &Slug,
        title: &EpisodeTitle,
        format: MediaFormat,
        published_at: Timestamp,
    ) -> Result<Self, Invalid> {
        let is_guid = (1..=LONGEST_GUID).contains(&guid.len()) && !guid.chars().any(char::is_control);
        if !is_guid {
            return Err(Invalid::new("a GUID has 1 to 1000 bytes, none of them a control character"));
        }
        Ok(Self {
            guid: guid.to_owned(),
            file_name: format!("{show}.{}.{}", title_slug(title), format.extension()),
            published_at,
            public_at: None,
            expires_at: None,
            withdrawn_at: None,
        })
    }

    /// Whether the episode has been in the feed by now.
    pub(crate) fn came_out(&self, now: Timestamp) -> bool {
        self.published_at <= self.withdrawn_at.unwrap_or(now)
    }

    pub(crate) fn has_extension_of(&self, format: MediaFormat) -> bool {
        self.file_name.rsplit('.').next() == Some(format.extension())
    }
}

/// A GUID is a part of a key in the publication ledger, which holds 1,024 bytes.
const LONGEST_GUID: usize = 1_000;

/// Long enough to recognise, short enough for every file system with a show's slug before it.
const LONGEST_TITLE_SLUG: usize = 60;

/// The title in lower-case ASCII letters and digits, with single hyphens for whatever else was between them.
fn title_slug(title: &EpisodeTitle) -> String {
    let mut slug = String::new();
    for character in title.as_str().chars().flat_map(char::to_lowercase) {
        let mut utf8 = [0; 4];
        let letters = match character {
            'a'..='z' | '0'..='9' => &*character.encode_utf8(&mut utf8),
            _ if slug.is_empty() || slug.ends_with('-') => base_letters(character).unwrap_or_default(),
            _ => base_letters(character).unwrap_or("-"),
        };
        if slug.len() + letters.len() > LONGEST_TITLE_SLUG {
            break;
        }
        slug.push_str(letters);
    }

    match slug.trim_end_matches('-') {
        "" => "episode".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

/// What a letter of a European language is without its marks; empty for what only marks; `None` for all else.
fn base_letters(lower_case: char) -> Option<&'static str> {
    Some(match lower_case {
        '\u{300}'..='\u{36f}' | '\'' | '’' => "",
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ð' | 'ď' | 'đ' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slug_of(title: &str) -> String {
        title_slug(&title.parse().unwrap())
    }

    #[test]
    fn titles_become_ascii() {
        for (title, slug) in [
            ("Spring Tide", "spring-tide"),
            ("#1: What's a tide?", "1-whats-a-tide"),
            ("Über Ebbe & Flut, groß", "uber-ebbe-flut-gross"),
            ("Cafe\u{301} de l’Île", "cafe-de-lile"),
            ("../../etc/passwd", "etc-passwd"),
            ("潮汐", "episode"),
            ("潮汐 2", "2"),
            ("!!!", "episode"),
        ] {
            assert_eq!(slug_of(title), slug, "{title}");
        }
    }

    #[test]
    fn long_titles_are_cut() {
        assert_eq!(slug_of(&"a".repeat(255)).len(), LONGEST_TITLE_SLUG);
        assert_eq!(slug_of(&format!("{} b", "a".repeat(59))), "a".repeat(59));
    }
}

use serde::{Deserialize, Serialize};
use tenant_context::{EpisodeId, Timestamp};

use crate::{EpisodeTitle, MediaFormat, Slug};

/// What apps keep of an episode once they have seen it. GUID and file name are frozen when it is first published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// The item's `guid`: the episode's id.
    pub guid: String,
    /// The enclosure URL's last part, `<show-slug>.<title-slug>.<extension>`, ASCII.
    pub file_name: String,
    /// When the episode came or comes out.
    pub published_at: Timestamp,
    /// When the episode was taken out of the feed, or cancelled before it came out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<Timestamp>,
}

impl Publication {
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
            withdrawn_at: None,
        }
    }

    /// Whether the episode has been in the feed by now.
    pub(crate) fn came_out(&self, now: Timestamp) -> bool {
        self.published_at <= self.withdrawn_at.unwrap_or(now)
    }

    pub(crate) fn has_extension_of(&self, format: MediaFormat) -> bool {
        self.file_name.rsplit('.').next() == Some(format.extension())
    }
}

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

//! The Podcast Taxonomy, <https://podcasttaxonomy.com>: what people do for a podcast.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::Invalid;

/// A word of a list, read in any case.
macro_rules! listed {
    ($($(#[$doc:meta])* $name:ident $sentence:literal $all:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
        pub struct $name(&'static str);

        impl $name {
            /// All of them.
            pub fn all() -> impl Iterator<Item = Self> {
                $all.map(Self)
            }

            /// As feeds write it, in lower case.
            pub fn as_str(self) -> &'static str {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                Self::all().find(|known| known.0.eq_ignore_ascii_case(text)).ok_or(Invalid::new($sentence))
            }
        }

        // By hand: derived, it would want to borrow the word from its input.
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "description": $sentence,
                    "type": "string",
                    "enum": Self::all().collect::<Vec<_>>(),
                })
            }
        }
    )*};
}

listed! {
    /// A group of the Podcast Taxonomy.
    PersonGroup "a group is one of the Podcast Taxonomy's, such as cast or writing"
        TAXONOMY.iter().map(|(group, _)| *group);
    /// A role of the Podcast Taxonomy.
    PersonRole "a role is one of the Podcast Taxonomy's, such as host or guest"
        TAXONOMY.iter().flat_map(|(_, roles)| *roles).copied();
}

/// Groups and their roles. Two groups have an editor; it stands where it is first.
const TAXONOMY: &[(&str, &[&str])] = &[
    (
        "creative direction",
        &[
            "director",
            "assistant director",
            "executive producer",
            "senior producer",
            "producer",
            "associate producer",
            "development producer",
            "creative director",
        ],
    ),
    ("cast", &["host", "co-host", "guest host", "guest", "voice actor", "narrator", "announcer", "reporter"]),
    (
        "writing",
        &[
            "author",
            "editorial director",
            "co-writer",
            "writer",
            "songwriter",
            "guest writer",
            "story editor",
            "managing editor",
            "script editor",
            "script coordinator",
            "researcher",
            "editor",
            "fact checker",
            "translator",
            "transcriber",
            "logger",
        ],
    ),
    (
        "audio production",
        &[
            "studio coordinator",
            "technical director",
            "technical manager",
            "audio engineer",
            "remote recording engineer",
            "post production engineer",
        ],
    ),
    (
        "audio post-production",
        &[
            "audio editor",
            "sound designer",
            "foley artist",
            "composer",
            "theme music",
            "music production",
            "music contributor",
        ],
    ),
    (
        "administration",
        &[
            "production coordinator",
            "booking coordinator",
            "production assistant",
            "content manager",
            "marketing manager",
            "sales representative",
            "sales manager",
        ],
    ),
    ("visuals", &["graphic designer", "cover art designer"]),
    ("community", &["social media manager"]),
    ("misc", &["consultant", "intern"]),
    ("video production", &["camera operator", "lighting designer", "camera grip", "assistant camera"]),
    ("video post-production", &["assistant editor"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_once() {
        for role in PersonRole::all() {
            assert_eq!(role.as_str().to_uppercase().parse(), Ok(role));
            assert_eq!(PersonRole::all().filter(|other| *other == role).count(), 1, "{role}");
        }
        for group in PersonGroup::all() {
            assert_eq!(group.as_str().parse(), Ok(group));
        }
        assert_eq!((PersonGroup::all().count(), PersonRole::all().count()), (11, 62));
    }

    #[test]
    fn made_up_words_are_refused() {
        for bad in ["", "boss", "host ", "co host"] {
            assert!(bad.parse::<PersonRole>().is_err(), "{bad}");
        }
    }
}

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a feed is, other than what it is about (`podcast:medium`). Lists of other feeds' episodes are not made here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the namespace's own words")]
pub enum Medium {
    #[default]
    Podcast,
    Music,
    Video,
    Film,
    Audiobook,
    Newsletter,
    Blog,
    Course,
}

impl Medium {
    /// As feeds write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Podcast => "podcast",
            Self::Music => "music",
            Self::Video => "video",
            Self::Film => "film",
            Self::Audiobook => "audiobook",
            Self::Newsletter => "newsletter",
            Self::Blog => "blog",
            Self::Course => "course",
        }
    }
}

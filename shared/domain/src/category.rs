use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::Invalid;

/// One of Apple Podcasts' categories, with a subcategory of it or without. As text: `News` or `News > Daily News`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "String")]
pub struct Category {
    name: &'static str,
    subcategory: Option<&'static str>,
}

impl Category {
    /// Every category there is, each before its subcategories.
    pub fn all() -> impl Iterator<Item = Self> {
        CATEGORIES.iter().flat_map(|&(name, subcategories)| {
            let alone = Self { name, subcategory: None };
            let narrowed = subcategories.iter().map(move |&narrow| Self { name, subcategory: Some(narrow) });
            std::iter::once(alone).chain(narrowed)
        })
    }

    /// The category's name, as Apple spells it.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The subcategory's name, as Apple spells it.
    pub fn subcategory(self) -> Option<&'static str> {
        self.subcategory
    }
}

impl FromStr for Category {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (name, subcategory) = match text.split_once(" > ") {
            Some((name, subcategory)) => (name, Some(subcategory)),
            None => (text, None),
        };
        Self::all().find(|category| category.name == name && category.subcategory == subcategory).ok_or(
            Invalid::new("a category is one of Apple Podcasts' list, such as News or News > Daily News"),
        )
    }
}

// By hand: derived, it would want to borrow the names from its input.
impl<'de> Deserialize<'de> for Category {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Category {
    fn schema_name() -> Cow<'static, str> {
        "Category".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "One of Apple Podcasts' categories, with a subcategory of it or without.",
            "type": "string",
            "enum": Self::all().collect::<Vec<_>>(),
        })
    }
}

impl TryFrom<String> for Category {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Category> for String {
    fn from(category: Category) -> String {
        category.to_string()
    }
}

impl fmt::Display for Category {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.subcategory {
            None => formatter.write_str(self.name),
            Some(subcategory) => write!(formatter, "{} > {subcategory}", self.name),
        }
    }
}

/// Apple Podcasts categories: <https://podcasters.apple.com/support/1691-apple-podcasts-categories>.
const CATEGORIES: &[(&str, &[&str])] = &[
    ("Arts", &["Books", "Design", "Fashion & Beauty", "Food", "Performing Arts", "Visual Arts"]),
    ("Business", &["Careers", "Entrepreneurship", "Investing", "Management", "Marketing", "Non-Profit"]),
    ("Comedy", &["Comedy Interviews", "Improv", "Stand-Up"]),
    ("Education", &["Courses", "How To", "Language Learning", "Self-Improvement"]),
    ("Fiction", &["Comedy Fiction", "Drama", "Science Fiction"]),
    ("Government", &[]),
    (
        "Health & Fitness",
        &["Alternative Health", "Fitness", "Medicine", "Mental Health", "Nutrition", "Sexuality"],
    ),
    ("History", &[]),
    ("Kids & Family", &["Education for Kids", "Parenting", "Pets & Animals", "Stories for Kids"]),
    (
        "Leisure",
        &[
            "Animation & Manga",
            "Automotive",
            "Aviation",
            "Crafts",
            "Games",
            "Hobbies",
            "Home & Garden",
            "Video Games",
        ],
    ),
    ("Music", &["Music Commentary", "Music History", "Music Interviews"]),
    (
        "News",
        &[
            "Business News",
            "Daily News",
            "Entertainment News",
            "News Commentary",
            "Politics",
            "Sports News",
            "Tech News",
        ],
    ),
    (
        "Religion & Spirituality",
        &["Buddhism", "Christianity", "Hinduism", "Islam", "Judaism", "Religion", "Spirituality"],
    ),
    (
        "Science",
        &[
            "Astronomy",
            "Chemistry",
            "Earth Sciences",
            "Life Sciences",
            "Mathematics",
            "Natural Sciences",
            "Nature",
            "Physics",
            "Social Sciences",
        ],
    ),
    (
        "Society & Culture",
        &["Documentary", "Personal Journals", "Philosophy", "Places & Travel", "Relationships"],
    ),
    (
        "Sports",
        &[
            "Baseball",
            "Basketball",
            "Cricket",
            "Fantasy Sports",
            "Football",
            "Golf",
            "Hockey",
            "Rugby",
            "Running",
            "Soccer",
            "Swimming",
            "Tennis",
            "Volleyball",
            "Wilderness",
            "Wrestling",
        ],
    ),
    ("TV & Film", &["After Shows", "Film History", "Film Interviews", "Film Reviews", "TV Reviews"]),
    ("Technology", &[]),
    ("True Crime", &[]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        for category in Category::all() {
            assert_eq!(category.to_string().parse(), Ok(category));
        }
        assert_eq!(Category::all().count(), 110);
    }

    #[test]
    fn a_subcategory_belongs_to_its_category() {
        for bad in [
            "",
            "news",
            "Daily News",
            "Arts > Daily News",
            "News > ",
            "News>Daily News",
            "News > Daily News > X",
        ] {
            assert!(bad.parse::<Category>().is_err(), "{bad:?}");
        }
    }
}

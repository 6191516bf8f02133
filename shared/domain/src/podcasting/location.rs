use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Invalid, ShortText, language::is_country, text::checked_text};

/// A place (`podcast:location`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Location {
    /// What people call it.
    pub name: ShortText,
    /// What it has to do with the show or episode.
    #[serde(default)]
    pub rel: LocationRelation,
    /// Where on Earth it is.
    #[serde(default)]
    pub geo: Option<Geo>,
    /// Which of OpenStreetMap's things it is.
    #[serde(default)]
    pub osm: Option<Osm>,
    /// The country that it is in.
    #[serde(default)]
    pub country: Option<Country>,
}

/// What a place has to do with a show or an episode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LocationRelation {
    /// It is about it.
    #[default]
    Subject,
    /// It is made there.
    Creator,
}

impl LocationRelation {
    /// As feeds write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Creator => "creator",
        }
    }
}

/// A geo URI (RFC 5870) in degrees, with an altitude in metres or without: `geo:52.52,13.405`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = r"^geo:-?[0-9]{1,2}(\.[0-9]{1,12})?,-?[0-9]{1,3}(\.[0-9]{1,12})?(,-?[0-9]{1,5}(\.[0-9]{1,12})?)?$"))]
pub struct Geo(String);

impl FromStr for Geo {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let coordinates: Vec<_> = text.strip_prefix("geo:").unwrap_or_default().split(',').collect();
        let is_place = match coordinates.as_slice() {
            [latitude, longitude] => is_degree(latitude, 90.0) && is_degree(longitude, 180.0),
            [latitude, longitude, altitude] => {
                is_degree(latitude, 90.0) && is_degree(longitude, 180.0) && is_degree(altitude, 99_999.0)
            }
            _ => false,
        };
        is_place
            .then(|| Self(text.to_owned()))
            .ok_or(Invalid::new("a place on Earth is a geo URI of degrees, such as geo:52.52,13.405"))
    }
}

checked_text!(Geo);

/// A decimal number, not further from zero than `most`.
fn is_degree(text: &str, most: f64) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    [(whole, 5), (decimals, 12)].iter().all(|(part, longest)| {
        (1..=*longest).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    }) && text.parse::<f64>().is_ok_and(|number| number.abs() <= most)
}

/// A node, way or relation of OpenStreetMap, in a version or as it is now: `R62422`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[NWR][0-9]{1,15}(#[0-9]{1,9})?$"))]
pub struct Osm(String);

impl FromStr for Osm {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_number = |text: &str, longest| {
            (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        let is_thing = text.strip_prefix(['N', 'W', 'R']).is_some_and(|id| match id.split_once('#') {
            Some((id, version)) => is_number(id, 15) && is_number(version, 9),
            None => is_number(id, 15),
        });
        is_thing
            .then(|| Self(text.to_owned()))
            .ok_or(Invalid::new("a thing of OpenStreetMap is N, W or R and its number, such as R62422"))
    }
}

checked_text!(Osm);

/// A country by its two letters (ISO 3166-1), in lower case; any case is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[A-Za-z]{2}$"))]
pub struct Country(String);

impl FromStr for Country {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        is_country(&text.to_ascii_uppercase())
            .then(|| Self(text.to_ascii_lowercase()))
            .ok_or(Invalid::new("a country is a two-letter code of ISO 3166-1, such as de"))
    }
}

checked_text!(Country);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_on_earth() {
        for good in ["geo:52.52,13.405", "geo:-27.86159,153.3169", "geo:0,0,-12.5", "geo:-90,180"] {
            assert_eq!(good.parse::<Geo>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "geo:",
            "52,13",
            "geo:91,0",
            "geo:0,181",
            "geo:1",
            "geo:1,2,3,4",
            "geo:1.,2",
            "geo:nan,0",
            "geo:1e1,2",
            "geo:+1,2",
        ] {
            assert!(bad.parse::<Geo>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn things_of_openstreetmap() {
        for good in ["R113314", "W43678282", "N1#12"] {
            assert_eq!(good.parse::<Osm>().unwrap().as_str(), good);
        }
        for bad in ["", "R", "X1", "r1", "R1#", "R 1", "R1#a"] {
            assert!(bad.parse::<Osm>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn countries_are_written_small() {
        assert_eq!("DE".parse::<Country>().unwrap().as_str(), "de");
        for bad in ["", "uk", "xx", "deu", "419"] {
            assert!(bad.parse::<Country>().is_err(), "{bad:?}");
        }
    }
}

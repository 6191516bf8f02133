use serde::{Deserialize, Serialize};

use crate::Error;

/// The name of a file in an archive: a relative path in slashes that every program unpacks below the folder it is told.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct EntryName(String);

impl EntryName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// How many bytes it has, as headers say it.
    pub(crate) fn len(&self) -> u16 {
        // What is longer is no name.
        u16::try_from(self.0.len()).unwrap_or(u16::MAX)
    }
}

impl TryFrom<String> for EntryName {
    type Error = Error;

    fn try_from(name: String) -> Result<Self, Error> {
        match fault(&name) {
            None => Ok(Self(name)),
            Some(reason) => Err(Error::Name { name, reason }),
        }
    }
}

impl From<EntryName> for String {
    fn from(name: EntryName) -> Self {
        name.0
    }
}

fn fault(name: &str) -> Option<&'static str> {
    if u16::try_from(name.len()).is_err() {
        return Some("it has more than 65535 bytes");
    }
    if name.contains('\\') {
        return Some("it has a backslash");
    }
    if name.chars().any(char::is_control) {
        return Some("it has a control character");
    }
    name.split('/')
        .any(|step| matches!(step, "" | "." | ".."))
        .then_some("each step of its path needs a name, and none is . or ..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_below_the_folder_it_is_unpacked_in() {
        let longest = "a".repeat(65_535);
        for good in ["a", "shows/Über uns/épisode 1.mp3", ".hidden", "a..b", "...", &longest] {
            assert_eq!(EntryName::try_from(good.to_owned()).unwrap().as_str(), good);
        }
        let too_long = "a".repeat(65_536);
        for bad in [
            "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/..", "a\\b", "a\nb", "a\0",
            &too_long,
        ] {
            let error = EntryName::try_from(bad.to_owned()).unwrap_err();
            assert!(matches!(&error, Error::Name { name, .. } if name == bad), "{error}");
        }
    }
}

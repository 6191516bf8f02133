//! Prefixed ULIDs: `ten_01J…`, `shw_01J…`.
//!
//! Every id matches `^[a-z]{3}_[0-9A-HJKMNP-TV-Z]{26}$` and nothing else gets in: IAM policy patterns treat `*` and `?`
//! as wildcards, and partition keys use `#` as their separator.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The text is not an id of the kind that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}_ followed by 26 upper-case Crockford base 32 characters")]
pub struct InvalidId {
    prefix: &'static str,
}

/// Where new ids get their randomness: 80 bits of it each.
pub trait Randomness {
    /// Fills `bytes` with unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);
}

fn is_crockford(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'H' | b'J' | b'K' | b'M' | b'N' | b'P'..=b'T' | b'V'..=b'Z')
}

fn new_ulid(at: Timestamp, randomness: &dyn Randomness) -> ulid::Ulid {
    let mut bytes = [0; 16];
    randomness.fill(&mut bytes);
    ulid::Ulid::from_parts(at.unix_milliseconds(), u128::from_be_bytes(bytes))
}

macro_rules! prefixed_ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend("pattern" = concat!("^", $prefix, "_[0-9A-HJKMNP-TV-Z]{26}$")))]
        pub struct $name(String);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id that sorts by `at`, to the millisecond.
            pub fn new(at: Timestamp, randomness: &dyn Randomness) -> Self {
                Self(format!("{}_{}", $prefix, new_ulid(at, randomness)))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|ulid| ulid.len() == 26 && ulid.bytes().all(is_crockford))
                    .map(|_| Self(text.to_owned()))
                    .ok_or(InvalidId { prefix: $prefix })
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    )*};
}

prefixed_ids! {
    /// A customer's space.
    TenancyId "ten";
    /// A person who signs in.
    UserId "usr";
    /// A machine client of a tenancy (OAuth 2.0 `client_id`).
    ClientId "key";
    /// A tenancy's own group; see [`crate::GroupRef`] for the system's.
    GroupId "grp";
    /// One sign-in; lives as long as its tokens.
    SessionId "ses";
    /// A podcast.
    ShowId "shw";
    /// One episode of a show.
    EpisodeId "epi";
    /// Bytes on their way in.
    UploadId "upl";
    /// The audio of an episode, once scanned and probed.
    MediaId "med";
    /// A person who holds a feed token of a private show.
    ListenerId "lsn";
    /// A copy of what a tenancy owns, made for it to take away.
    ExportId "exp";
    /// Shows and all that belongs to them, on their way in from elsewhere.
    ImportId "imp";
    /// Somebody's word that an access review is as it should be.
    AttestationId "att";
    /// One line of a tenancy's audit log.
    AuditEventId "aud";
    /// The deletion of an episode or a show, the erasure of a person, or the exit of a tenancy.
    DeletionId "del";
    /// Something that people must look into.
    IncidentId "inc";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        let text = "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        assert_eq!(text.parse::<TenancyId>().unwrap().to_string(), text);
    }

    #[test]
    fn nothing_else_gets_in() {
        for bad in [
            "",
            "ten_",
            "ten_*",
            "ten_??????????????????????????",
            "shw_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "TEN_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "ten_01arz3ndektsv4rrffq69g5fav",
            "ten_01ARZ3NDEKTSV4RRFFQ69G5FA",
            "ten_01ARZ3NDEKTSV4RRFFQ69G5FAVV",
            "ten_01ARZ3NDEKTSV4RRFFQ69G5FAI",
            "ten_01ARZ3NDEKTSV4RRFFQ69G5FA#",
            "ten_01ARZ3NDEKTSV4RRFFQ69G5FA/",
            "ten_01ARZ3NDEKTSV4RRFFQ69G5F%2F",
            "ten_01ARZ3NDEKTSV4RRFFQ69G5FА",
            " ten_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "ten_01ARZ3NDEKTSV4RRFFQ69G5FAV\n",
        ] {
            assert!(bad.parse::<TenancyId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn new_ids_sort_by_time() {
        struct Ones;
        impl Randomness for Ones {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.fill(0xff);
            }
        }
        let earlier = ShowId::new(Timestamp::from_unix_seconds(1_700_000_000), &Ones);
        let later = ShowId::new(Timestamp::from_unix_seconds(1_700_000_001), &Ones);
        assert!(earlier < later);
        assert_eq!(earlier.as_str().parse(), Ok(earlier));
    }
}

//! From how many networks a feed token is used: one that was passed on is used from many at once.

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use serde::{Deserialize, Serialize};
use tenant_context::Timestamp;

use crate::FeedToken;

/// A token that is used from more networks than this in one hour has been passed on. A listener alone moves between home, work
/// and a phone's network, and an app may fetch from some servers of its own.
pub const MOST_NETWORKS: usize = 10;

const HOUR: u64 = 60 * 60;
/// After so many hours from its start nothing is known of an hour.
const HOURS_REMEMBERED: u64 = 12;
const MARK_BYTES: usize = 8;

/// Where a request comes from, no closer than its network: an IPv4 /24, or an IPv6 /48.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// The first 24 bits.
    V4([u8; 3]),
    /// The first 48 bits.
    V6([u8; 6]),
}

/// What stands for a network beside one token, in one hour: 64 bits of an HMAC under the token, which nobody stores. So it leads
/// back to no network, and not from one hour or listener to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NetworkMark(String);

/// An hour in which the networks of a token are counted. Hours follow each other without a gap, from 1970-01-01T00:00:00Z on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListeningHour(u64);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, ..] = address.octets();
                Self::V6([a, b, c, d, e, f])
            }
        }
    }
}

impl Network {
    /// What stands for it beside `token`, in `hour`.
    pub fn mark(self, token: &FeedToken, hour: ListeningHour) -> NetworkMark {
        let network: &[u8] = match &self {
            Self::V4(bits) => bits,
            Self::V6(bits) => bits,
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, token.as_str().as_bytes());
        let tag = hmac::sign(&key, &[&hour.0.to_be_bytes(), network].concat());
        NetworkMark(URL_SAFE_NO_PAD.encode(tag.as_ref().get(..MARK_BYTES).unwrap_or_default()))
    }
}

impl NetworkMark {
    /// The mark as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ListeningHour {
    /// The hour that `moment` is in.
    pub fn of(moment: Timestamp) -> Self {
        Self(moment.unix_seconds() / HOUR)
    }

    /// Its first moment.
    pub fn starts_at(self) -> Timestamp {
        Timestamp::from_unix_seconds(self.0 * HOUR)
    }

    /// When its marks may be deleted.
    pub fn is_forgotten_at(self) -> Timestamp {
        Timestamp::from_unix_seconds((self.0 + HOURS_REMEMBERED) * HOUR)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn mark(address: &str, token: char, second: u64) -> String {
        let token = token.to_string().repeat(FeedToken::LENGTH).parse().unwrap();
        let hour = ListeningHour::of(Timestamp::from_unix_seconds(second));
        Network::from(address.parse::<IpAddr>().unwrap()).mark(&token, hour).as_str().to_owned()
    }

    #[test]
    fn neighbours_are_one_network_and_others_are_not() {
        for (one, other, is_one) in [
            ("192.0.2.1", "192.0.2.254", true),
            ("192.0.2.1", "192.0.3.1", false),
            ("192.0.2.1", "::ffff:192.0.2.9", true),
            ("2001:db8:1::1", "2001:db8:1:ffff::2", true),
            ("2001:db8:1::1", "2001:db8:2::1", false),
            ("32.1.13.1", "2001:d01::", false),
        ] {
            assert_eq!(mark(one, 'a', 0) == mark(other, 'a', 0), is_one, "{one} {other}");
        }
    }

    #[test]
    fn a_mark_is_of_one_token_and_one_hour() {
        let marks = [('a', 0), ('a', 3599), ('a', 3600), ('b', 0)].map(|(t, s)| mark("192.0.2.1", t, s));
        assert_eq!(marks[0], marks[1]);
        assert_eq!(BTreeSet::from(marks.clone()).len(), 3);
        assert!(marks.iter().all(|mark| mark.len() == 11), "{marks:?}");
    }

    #[test]
    fn an_hour_is_forgotten_within_a_day() {
        let hour = ListeningHour::of(Timestamp::from_unix_seconds(7300));
        assert_eq!(hour.starts_at(), Timestamp::from_unix_seconds(7200));
        let remembered = hour.is_forgotten_at().unix_seconds() - hour.starts_at().unix_seconds();
        assert!((2 * HOUR..24 * HOUR).contains(&remembered));
    }
}

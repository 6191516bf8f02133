use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use tenant_context::{ListenerId, ShowId, Timestamp};

use crate::{EmailAddress, Invalid, ListenerLabel, Show, SuspensionReason};

/// Somebody who may listen to a private show. Their feed token is kept apart, hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Listener {
    /// Its name inside the tenancy.
    pub id: ListenerId,
    /// The show they may listen to.
    pub show_id: ShowId,
    /// How the tenancy tells them from others. Personal data: sealed wherever it is stored.
    pub label: ListenerLabel,
    /// Where they get e-mail. Personal data: sealed wherever it is stored.
    pub email: Option<EmailAddress>,
    /// Until when, and whether, their token works.
    pub access: ListenerAccess,
    /// Why they are suspended, if they are. May be personal data: sealed wherever it is stored.
    pub suspension_reason: Option<SuspensionReason>,
    /// When their token was last found to be used from too many networks at once; none for never.
    pub found_shared_at: Option<Timestamp>,
    /// When their token was last used, to the hour; none for never. Not a change of theirs.
    pub last_used_at: Option<Timestamp>,
    /// When they were added.
    pub created_at: Timestamp,
    /// Counts changes, from 1; an `ETag` is made of it.
    pub version: u64,
}

/// Whether a listener's token works: decided anew, by the clock, whenever it is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ListenerAccess {
    /// When it stops working by itself; none for never.
    pub expires_at: Option<Timestamp>,
    /// Since when it is suspended; none when it is not.
    pub suspended_at: Option<Timestamp>,
}

/// Whether a listener may listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListenerState {
    /// Their feed URL works.
    Active,
    /// Somebody has stopped it; it works again when they are resumed.
    Suspended,
    /// It has stopped by itself.
    Expired,
}

/// What a listener starts with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewListener {
    /// How to tell them from others.
    pub label: ListenerLabel,
    /// Where they get e-mail. Nothing is sent there but a feed URL that somebody asked for with this address, where the show admits
    /// its domain.
    #[serde(default)]
    pub email: Option<EmailAddress>,
    /// When their feed URL stops working by itself: later than now. Absent for never.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// Changes to a listener; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ListenerChanges {
    /// How to tell them from others.
    pub label: Option<ListenerLabel>,
    /// Where they get e-mail; nowhere for `null`.
    #[serde(deserialize_with = "present")]
    pub email: Option<Option<EmailAddress>>,
    /// When their feed URL stops working by itself; at once for a moment that has passed, never for `null`.
    #[serde(deserialize_with = "present")]
    pub expires_at: Option<Option<Timestamp>>,
}

impl Listener {
    /// A listener of `show`.
    ///
    /// # Errors
    /// [`Invalid`] for a public show without a feed for listeners: everybody listens to it.
    pub fn new(id: ListenerId, show: &Show, new: NewListener, now: Timestamp) -> Result<Self, Invalid> {
        if !show.has_listeners() {
            return Err(Invalid::new(
                "a public show has listeners with feed tokens once has_listener_feed is set, a private show anyway",
            ));
        }
        Ok(Self {
            id,
            show_id: show.id.clone(),
            label: new.label,
            email: new.email,
            access: ListenerAccess { expires_at: new.expires_at, suspended_at: None },
            suspension_reason: None,
            found_shared_at: None,
            last_used_at: None,
            created_at: now,
            version: 1,
        })
    }
}

impl NewListener {
    /// Holds it to the clock.
    ///
    /// # Errors
    /// [`Invalid`] when they could never listen.
    pub fn check_at(&self, now: Timestamp) -> Result<(), Invalid> {
        match self.expires_at {
            Some(expires_at) if expires_at <= now => {
                Err(Invalid::new("a new listener expires later than now"))
            }
            _ => Ok(()),
        }
    }
}

impl ListenerAccess {
    /// What it comes to at `now`.
    pub fn state(self, now: Timestamp) -> ListenerState {
        if self.suspended_at.is_some() {
            ListenerState::Suspended
        } else if self.expires_at.is_some_and(|expires_at| expires_at <= now) {
            ListenerState::Expired
        } else {
            ListenerState::Active
        }
    }

    /// The same, stopped at `now`, unless it was before.
    #[must_use]
    pub fn suspended(self, now: Timestamp) -> Self {
        Self { suspended_at: self.suspended_at.or(Some(now)), ..self }
    }

    /// The same, stopped no more.
    #[must_use]
    pub fn resumed(self) -> Self {
        Self { suspended_at: None, ..self }
    }

    /// What holds while this changes over to `other`, or back: whichever is stricter.
    #[must_use]
    pub fn restricted_by(self, other: Self) -> Self {
        Self {
            expires_at: [self.expires_at, other.expires_at].into_iter().flatten().min(),
            suspended_at: [self.suspended_at, other.suspended_at].into_iter().flatten().min(),
        }
    }
}

/// Tells a `null` from an absent field.
fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Deserialize::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Visibility, show::tests::show};

    const NOON: Timestamp = Timestamp::EPOCH;

    fn later(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn only_a_private_show_has_listeners() {
        let listener = |show: &Show| {
            let id = "lsn_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
            let new = NewListener { label: "Ada’s phone".parse().unwrap(), email: None, expires_at: None };
            Listener::new(id, show, new, NOON)
        };
        assert!(listener(&show()).is_err());
        assert!(listener(&Show { visibility: Visibility::Private, ..show() }).is_ok());
    }

    #[test]
    fn access_ends_at_its_very_moment() {
        let access = ListenerAccess { expires_at: Some(later(60)), suspended_at: None };
        assert_eq!(access.state(later(59)), ListenerState::Active);
        assert_eq!(access.state(later(60)), ListenerState::Expired);
        assert_eq!(ListenerAccess::default().state(later(u64::MAX)), ListenerState::Active);
    }

    #[test]
    fn a_suspension_lasts_until_somebody_ends_it() {
        let access = ListenerAccess { expires_at: Some(later(60)), suspended_at: None };
        let suspended = access.suspended(later(10));
        assert_eq!(suspended.state(later(10)), ListenerState::Suspended);
        assert_eq!(suspended.suspended(later(20)), suspended);
        assert_eq!(suspended.resumed(), access);
        assert_eq!(suspended.resumed().state(later(60)), ListenerState::Expired);
    }

    #[test]
    fn while_access_changes_the_stricter_holds() {
        let sooner = ListenerAccess { expires_at: Some(later(60)), suspended_at: None };
        let suspended = ListenerAccess { expires_at: None, suspended_at: Some(later(9)) };
        let strictest = ListenerAccess { expires_at: Some(later(60)), suspended_at: Some(later(9)) };
        assert_eq!(sooner.restricted_by(suspended), strictest);
        assert_eq!(suspended.restricted_by(sooner), strictest);
        assert_eq!(sooner.restricted_by(ListenerAccess::default()), sooner);
    }

    #[test]
    fn nobody_is_added_who_could_never_listen() {
        let new = |expires_at| NewListener { label: "x".parse().unwrap(), email: None, expires_at };
        assert!(new(Some(NOON)).check_at(NOON).is_err());
        assert!(new(Some(later(1))).check_at(NOON).is_ok() && new(None).check_at(NOON).is_ok());
    }

    #[test]
    fn null_is_never_and_absent_is_as_before() {
        let changes = |json: &str| serde_json::from_str::<ListenerChanges>(json).unwrap().expires_at;
        assert_eq!(changes("{}"), None);
        assert_eq!(changes(r#"{"expires_at": null}"#), Some(None));
        assert_eq!(changes(r#"{"expires_at": "1970-01-01T00:01:00Z"}"#), Some(Some(later(60))));
    }
}

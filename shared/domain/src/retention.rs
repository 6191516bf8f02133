//! For how long what is deleted is kept, and when it is gone from everywhere.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenant_context::Timestamp;

use crate::Invalid;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long KMS waits before it destroys a key: the least that it takes.
pub const KEY_DESTROYED_AFTER: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long what was in a table yesterday can still be restored: thirty days of recovery, and the day that is under way.
pub const BACKUPS_KEPT: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// How many days are between a deletion and the destruction: 7 to 90, and 30 unless the agreement says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u16", into = "u16")]
#[schemars(extend("minimum" = 7, "maximum" = 90))]
pub struct Retention(u16);

/// What the members of a closing tenancy are told before its day. The later, the more urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reminder {
    /// Thirty days are left.
    ThirtyDays,
    /// Seven days are left.
    SevenDays,
    /// One day is left.
    OneDay,
}

/// When what was destroyed is gone from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoneDates {
    /// From every store.
    pub data_gone_at: Timestamp,
    /// The key is destroyed: what was sealed or encrypted under it can be read nowhere, backups included.
    pub key_gone_at: Option<Timestamp>,
    /// The last backup expires that has anything of it.
    pub backups_gone_at: Timestamp,
}

impl Retention {
    /// What holds where nothing else was agreed.
    pub const DEFAULT: Self = Self(30);

    /// So many days.
    ///
    /// # Errors
    /// [`Invalid`] for fewer than 7 and more than 90.
    pub fn of_days(days: u16) -> Result<Self, Invalid> {
        if (7..=90).contains(&days) {
            Ok(Self(days))
        } else {
            Err(Invalid::new("what is deleted is kept for 7 to 90 days"))
        }
    }

    /// How many days.
    pub fn days(self) -> u16 {
        self.0
    }

    /// The moment at which it is over: so many times 24 hours later.
    pub fn end(self, start: Timestamp) -> Timestamp {
        start.plus(DAY * u32::from(self.0))
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl TryFrom<u16> for Retention {
    type Error = Invalid;

    fn try_from(days: u16) -> Result<Self, Invalid> {
        Self::of_days(days)
    }
}

impl From<Retention> for u16 {
    fn from(retention: Retention) -> u16 {
        retention.days()
    }
}

impl Reminder {
    /// Every reminder there is, the least urgent first.
    pub const ALL: [Self; 3] = [Self::ThirtyDays, Self::SevenDays, Self::OneDay];

    /// How long before the day it is sent.
    pub fn before(self) -> Duration {
        match self {
            Self::ThirtyDays => DAY * 30,
            Self::SevenDays => DAY * 7,
            Self::OneDay => DAY,
        }
    }

    /// The most urgent reminder whose moment has come by `now`, before a day at `due_at`. One whose moment was before `start`
    /// would say something wrong, and is none.
    pub fn due(start: Timestamp, due_at: Timestamp, now: Timestamp) -> Option<Self> {
        let has_come = |reminder: &Self| {
            now < due_at && due_at <= now.plus(reminder.before()) && start.plus(reminder.before()) <= due_at
        };
        Self::ALL.into_iter().rev().find(has_come)
    }
}

impl GoneDates {
    /// As things stand, where destruction begins at `due_at`.
    pub fn planned(due_at: Timestamp, has_key: bool) -> Self {
        Self::actual(due_at, has_key.then(|| due_at.plus(KEY_DESTROYED_AFTER)))
    }

    /// Where nothing was left at `data_gone_at`, and the key is destroyed at `key_gone_at`.
    pub fn actual(data_gone_at: Timestamp, key_gone_at: Option<Timestamp>) -> Self {
        Self { data_gone_at, key_gone_at, backups_gone_at: data_gone_at.plus(BACKUPS_KEPT) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn seven_to_ninety_days_can_be_agreed() {
        for days in [7, 30, 90] {
            assert_eq!(Retention::of_days(days).unwrap().days(), days);
            assert_eq!(serde_json::from_str::<Retention>(&days.to_string()).unwrap().days(), days);
        }
        for days in [0, 6, 91, u16::MAX] {
            assert!(Retention::of_days(days).is_err());
            assert!(serde_json::from_str::<Retention>(&days.to_string()).is_err());
        }
        assert_eq!(Retention::default().days(), 30);
        let schema = schemars::schema_for!(Retention).to_value();
        assert_eq!((&schema["minimum"], &schema["maximum"]), (&7.into(), &90.into()));
    }

    #[test]
    fn thirty_days_are_thirty_days_across_a_leap_day_and_the_end_of_a_year() {
        for (start, end) in [
            ("2028-02-10T08:00:00Z", "2028-03-11T08:00:00Z"),
            ("2027-02-10T08:00:00Z", "2027-03-12T08:00:00Z"),
            ("2028-02-29T23:59:59.999Z", "2028-03-30T23:59:59.999Z"),
            ("2027-12-15T00:00:00Z", "2028-01-14T00:00:00Z"),
        ] {
            assert_eq!(Retention::DEFAULT.end(at(start)), at(end), "{start}");
        }
    }

    #[test]
    fn a_reminder_is_due_to_the_second() {
        let (start, due_at) = (at("2026-03-01T09:00:00Z"), at("2026-04-30T09:00:00Z"));
        for (now, reminder) in [
            ("2026-03-31T08:59:59Z", None),
            ("2026-03-31T09:00:00Z", Some(Reminder::ThirtyDays)),
            ("2026-04-23T08:59:59Z", Some(Reminder::ThirtyDays)),
            ("2026-04-23T09:00:00Z", Some(Reminder::SevenDays)),
            ("2026-04-29T08:59:59Z", Some(Reminder::SevenDays)),
            ("2026-04-29T09:00:00Z", Some(Reminder::OneDay)),
            ("2026-04-30T08:59:59Z", Some(Reminder::OneDay)),
            ("2026-04-30T09:00:00Z", None),
        ] {
            assert_eq!(Reminder::due(start, due_at, at(now)), reminder, "{now}");
        }
    }

    #[test]
    fn a_short_retention_has_no_reminder_of_more_days_than_there_are() {
        let start = at("2026-03-01T09:00:00Z");
        let due = |days| Reminder::due(start, Retention::of_days(days).unwrap().end(start), start);

        assert_eq!(due(30), Some(Reminder::ThirtyDays));
        assert_eq!(due(29), None);
        assert_eq!(due(7), Some(Reminder::SevenDays));
    }

    #[test]
    fn backups_outlive_the_data_and_the_key() {
        let due_at = Retention::DEFAULT.end(at("2026-01-01T00:00:00Z"));
        let gone = GoneDates::planned(due_at, true);

        assert_eq!(gone.data_gone_at, at("2026-01-31T00:00:00Z"));
        assert_eq!(gone.key_gone_at, Some(at("2026-02-07T00:00:00Z")), "day 37");
        assert_eq!(gone.backups_gone_at, at("2026-03-03T00:00:00Z"), "day 61");
        assert_eq!(GoneDates::planned(due_at, false).key_gone_at, None);
    }
}

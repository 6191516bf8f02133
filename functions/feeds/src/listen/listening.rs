//! Tells the store that a listener's token was used, and from where: once an hour each, and never in the way of an answer.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::FeedToken;
use storage::{LISTENING_NOTED_EVERY, Storage, StorageError};
use tenant_context::{ListenerId, ShowId, TenantContext, Timestamp};

use crate::listen::networks::Networks;

/// How long a listener waits for it at most.
const PATIENCE: Duration = Duration::from_secs(1);
/// Beyond this many listeners, or tokens, the oldest are forgotten, and the store is told once more, which it does not write down.
pub(crate) const MOST_REMEMBERED: usize = 10_000;

/// Where there is no room for one more, forgets what does not count any more; where that is not enough, everything.
pub(crate) fn make_room<K: Eq + Hash, V>(remembered: &mut HashMap<K, V>, counts: impl Fn(&V) -> bool) {
    if remembered.len() >= MOST_REMEMBERED {
        remembered.retain(|_, value| counts(value));
    }
    if remembered.len() >= MOST_REMEMBERED {
        remembered.clear();
    }
}

/// What the store was told by this instance of the function.
#[derive(Default)]
pub(crate) struct Listening {
    /// Who was noted when.
    noted: Mutex<HashMap<ListenerId, Timestamp>>,
    networks: Networks,
}

/// One use of a listener's token.
pub(crate) struct Use<'a> {
    pub(crate) context: &'a TenantContext,
    pub(crate) show: &'a ShowId,
    pub(crate) listener: &'a ListenerId,
    pub(crate) token: &'a FeedToken,
    pub(crate) called_from: Option<IpAddr>,
}

impl Listening {
    /// Notes that a listener uses their token. When the store does not answer, they hear what they came for all the same.
    pub(crate) async fn note(&self, storage: &Storage, used: &Use<'_>) {
        let noting = async { tokio::join!(self.note_time(storage, used), self.networks.note(storage, used)) };
        match tokio::time::timeout(PATIENCE, noting).await {
            Ok((time, network)) => {
                for error in [time.err(), network.err()].into_iter().flatten() {
                    tracing::warn!(%error, cause = ?error, "a listener's use was not noted");
                }
            }
            Err(_) => tracing::warn!("a listener's use was not noted in time"),
        }
    }

    async fn note_time(&self, storage: &Storage, used: &Use<'_>) -> Result<(), StorageError> {
        if !self.is_due(used.listener, storage.now()) {
            return Ok(());
        }
        storage.note_listening(used.context, used.show, used.listener).await
    }

    /// Whether the store was not told within the hour; from now on it was, whatever becomes of it.
    fn is_due(&self, listener: &ListenerId, now: Timestamp) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: &Timestamp| now < at.plus(LISTENING_NOTED_EVERY);
        if noted.get(listener).is_some_and(is_recent) {
            return false;
        }
        make_room(&mut noted, is_recent);
        noted.insert(listener.clone(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_noted_once_an_hour() {
        let listening = Listening::default();
        let (one, other) = ("lsn_01ARZ3NDEKTSV4RRFFQ69G5FAV", "lsn_01ARZ3NDEKTSV4RRFFQ69G5FAW");
        let is_due =
            |id: &str, seconds| listening.is_due(&id.parse().unwrap(), Timestamp::from_unix_seconds(seconds));
        assert!(is_due(one, 0) && is_due(other, 0));
        assert!(!is_due(one, 3599) && !is_due(other, 0));
        assert!(is_due(one, 3600) && !is_due(one, 3600));
    }

    #[test]
    fn what_is_remembered_stays_bounded() {
        let listening = Listening::default();
        for number in 0..3 * MOST_REMEMBERED {
            let id = format!("lsn_{number:026}").parse().unwrap();
            assert!(listening.is_due(&id, Timestamp::EPOCH));
        }
        assert!(listening.noted.lock().unwrap().len() <= MOST_REMEMBERED);
    }
}

//! Counts from how many networks each token is used in an hour, and has it looked at when there are too many.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use domain::{ListeningHour, MOST_NETWORKS, Network, NetworkMark};
use storage::{SecretHash, Storage, StorageError, WatchRequest};

use crate::listen::listening::{Use, make_room};

/// How many networks of a token the store is told of in an hour by one instance: those that it takes to know, and as many tries
/// to have the token looked at.
const MOST_TOLD: usize = 2 * MOST_NETWORKS;

/// What the store was told of each token, by its hash, in this hour.
#[derive(Default)]
pub(crate) struct Networks(Mutex<HashMap<String, Told>>);

struct Told {
    hour: ListeningHour,
    marks: Vec<NetworkMark>,
    /// Whether it is being looked at, so that no more need be told.
    is_watched: bool,
}

impl Networks {
    /// Notes from which network a token is used. The address itself is neither stored nor kept.
    pub(crate) async fn note(&self, storage: &Storage, used: &Use<'_>) -> Result<(), StorageError> {
        let Some(address) = used.called_from else { return Ok(()) };
        let now = storage.now();
        let hour = ListeningHour::of(now);
        let mark = Network::from(address).mark(used.token, hour);
        let token = SecretHash::of(used.token.as_str());
        if !self.is_new(token.as_str(), hour, &mark) {
            return Ok(());
        }

        if storage.note_network(used.context, used.show, &token, hour, &mark).await? {
            let (tenancy_id, listener_id) = (used.context.tenancy().clone(), used.listener.clone());
            storage.request_watch(&WatchRequest { tenancy_id, listener_id, as_of: now }).await?;
            self.mark_watched(token.as_str(), hour);
        }
        Ok(())
    }

    /// Whether the store was not told of this network and should be; from now on it was, whatever becomes of it.
    fn is_new(&self, token: &str, hour: ListeningHour, mark: &NetworkMark) -> bool {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut tokens, |told| told.hour == hour);
        let fresh = || Told { hour, marks: Vec::new(), is_watched: false };
        let told = tokens.entry(token.to_owned()).or_insert_with(fresh);
        if told.hour != hour {
            *told = fresh();
        }
        if told.is_watched || told.marks.len() >= MOST_TOLD || told.marks.contains(mark) {
            return false;
        }
        told.marks.push(mark.clone());
        true
    }

    fn mark_watched(&self, token: &str, hour: ListeningHour) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = tokens.get_mut(token).filter(|told| told.hour == hour) {
            told.is_watched = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use tenant_context::Timestamp;

    use super::*;
    use crate::listen::listening::MOST_REMEMBERED;

    fn hour(number: u64) -> ListeningHour {
        ListeningHour::of(Timestamp::from_unix_seconds(number * 3600))
    }

    fn mark(network: u8) -> NetworkMark {
        Network::V4([192, 0, network]).mark(&"a".repeat(32).parse().unwrap(), hour(0))
    }

    #[test]
    fn a_network_is_told_once_an_hour_for_each_token() {
        let networks = Networks::default();
        assert!(networks.is_new("a", hour(0), &mark(1)) && networks.is_new("b", hour(0), &mark(1)));
        assert!(!networks.is_new("a", hour(0), &mark(1)) && networks.is_new("a", hour(0), &mark(2)));
        assert!(networks.is_new("a", hour(1), &mark(1)) && !networks.is_new("a", hour(1), &mark(1)));
    }

    #[test]
    fn of_a_token_that_is_looked_at_nothing_is_told_until_the_next_hour() {
        let networks = Networks::default();
        assert!(networks.is_new("a", hour(0), &mark(1)));
        networks.mark_watched("a", hour(0));
        assert!(!networks.is_new("a", hour(0), &mark(2)));
        assert!(networks.is_new("a", hour(1), &mark(2)));
    }

    #[test]
    fn however_many_networks_there_are_few_are_told() {
        let networks = Networks::default();
        let told = (0..=u8::MAX).filter(|network| networks.is_new("a", hour(0), &mark(*network)));
        assert_eq!(told.count(), MOST_TOLD);
    }

    #[test]
    fn what_is_remembered_stays_bounded() {
        let networks = Networks::default();
        for token in 0..3 * MOST_REMEMBERED {
            assert!(networks.is_new(&token.to_string(), hour(0), &mark(1)));
        }
        assert!(networks.0.lock().unwrap().len() <= MOST_REMEMBERED);
    }
}

use serde::{Deserialize, Serialize};
use tenant_context::{ListenerId, ShowId, Timestamp};

use crate::{Invalid, ListenerLabel, Show, Visibility};

/// Somebody who may listen to a private show. Their feed token is kept apart, hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Its name inside the tenancy.
    pub id: ListenerId,
    /// The show they may listen to.
    pub show_id: ShowId,
    /// How the tenancy tells them from others. Personal data: sealed wherever it is stored.
    pub label: ListenerLabel,
    /// When they were added.
    pub created_at: Timestamp,
    /// Counts changes, from 1; an `ETag` is made of it.
    pub version: u64,
}

impl Listener {
    /// A listener of `show`.
    ///
    /// # Errors
    /// [`Invalid`] for a public show: everybody listens to it.
    pub fn new(id: ListenerId, show: &Show, label: ListenerLabel, now: Timestamp) -> Result<Self, Invalid> {
        match show.visibility {
            Visibility::Public => Err(Invalid::new("only a private show has listeners with feed tokens")),
            Visibility::Private => {
                Ok(Self { id, show_id: show.id.clone(), label, created_at: now, version: 1 })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::tests::show;

    #[test]
    fn only_a_private_show_has_listeners() {
        let listener = |show: &Show| {
            let id = "lsn_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
            Listener::new(id, show, "Ada’s phone".parse().unwrap(), Timestamp::EPOCH)
        };
        assert!(listener(&show()).is_err());
        assert!(listener(&Show { visibility: Visibility::Private, ..show() }).is_ok());
    }
}

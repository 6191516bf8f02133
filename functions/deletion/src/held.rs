//! What can be held, by id.

use std::str::FromStr;

use schemars::JsonSchema;
use tenant_context::{EpisodeId, InvalidId, ListenerId, ShowId, TenancyId, UserId};

/// The id of a tenancy, a show, an episode, a user or a listener.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(extend("pattern" = "^(ten|shw|epi|usr|lsn)_[0-9A-HJKMNP-TV-Z]{26}$"))]
pub(crate) struct HeldId(String);

impl HeldId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HeldId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let can_be_held = text.parse::<TenancyId>().is_ok()
            || text.parse::<ShowId>().is_ok()
            || text.parse::<EpisodeId>().is_ok()
            || text.parse::<UserId>().is_ok();
        match can_be_held {
            true => Ok(Self(text.to_owned())),
            false => text.parse::<ListenerId>().map(|_| Self(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_an_id_of_its_own_can_be_held_and_nothing_else() {
        for id in ["ten", "shw", "epi", "usr", "lsn"].map(|kind| format!("{kind}_01ARZ3NDEKTSV4RRFFQ69G5FAV"))
        {
            assert_eq!(id.parse::<HeldId>().unwrap().as_str(), id);
        }
        for bad in
            ["", "VERSION", "med_01ARZ3NDEKTSV4RRFFQ69G5FAV", "shw_*", "shw_01ARZ3NDEKTSV4RRFFQ69G5FAVV"]
        {
            assert!(bad.parse::<HeldId>().is_err(), "{bad}");
        }
    }
}

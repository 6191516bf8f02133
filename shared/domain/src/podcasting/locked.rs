use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether other hosts may import the feed (`podcast:locked`). A feed is locked unless somebody opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Locked {
    /// Whether they may not.
    pub is_locked: bool,
    /// Whether the tag names the owner's e-mail address, for whoever asks to move the feed. It is then open to everybody.
    pub shows_owner: bool,
}

impl Default for Locked {
    fn default() -> Self {
        Self { is_locked: true, shows_owner: false }
    }
}

//! What a schedule sends.

use serde::Deserialize;
use tenant_context::Timestamp;

/// A scheduled event of EventBridge.
#[derive(Debug, Deserialize)]
pub struct Tick {
    /// The moment that the event stands for. Whatever it starts goes by this, not by the clock.
    pub time: Timestamp,
}

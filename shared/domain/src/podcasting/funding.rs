use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ShortText, WebUrl};

/// A place to give money (`podcast:funding`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Funding {
    /// Where it is.
    pub url: WebUrl,
    /// What apps write on the button.
    pub text: ShortText,
}

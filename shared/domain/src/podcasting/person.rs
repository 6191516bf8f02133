use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ShortText, WebUrl,
    podcasting::{PersonGroup, PersonRole},
};

/// Somebody who is heard or helps to make it (`podcast:person`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Person {
    /// Their full name or alias.
    pub name: ShortText,
    /// What they do; a host when absent.
    #[serde(default)]
    pub role: Option<PersonRole>,
    /// Where in the making; the cast when absent.
    #[serde(default)]
    pub group: Option<PersonGroup>,
    /// A picture of them.
    #[serde(default)]
    pub img: Option<WebUrl>,
    /// A page about them.
    #[serde(default)]
    pub href: Option<WebUrl>,
}

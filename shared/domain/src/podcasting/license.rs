use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ShortText, WebUrl};

/// What others may do with a show or an episode (`podcast:license`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct License {
    /// A public license by its SPDX identifier, such as `cc-by-4.0`, or the name of one's own.
    pub name: ShortText,
    /// The license in full; needed unless it is one of Creative Commons.
    #[serde(default)]
    pub url: Option<WebUrl>,
}

impl License {
    /// Whether it is one of Creative Commons, by its SPDX identifier in any case.
    pub fn is_creative_commons(&self) -> bool {
        let name = self.name.as_str().to_ascii_lowercase();
        if name == "cc0-1.0" {
            return true;
        }
        let Some((terms, version)) = name.strip_prefix("cc-").and_then(|name| name.rsplit_once('-')) else {
            return false;
        };
        let terms_known = ["by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd"].contains(&terms);
        terms_known && ["1.0", "2.0", "2.5", "3.0", "4.0"].contains(&version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creative_commons_is_known_by_its_identifiers() {
        let is_known = |name: &str| License { name: name.parse().unwrap(), url: None }.is_creative_commons();
        for good in ["cc0-1.0", "cc-by-4.0", "CC-BY-NC-ND-4.0", "cc-by-sa-2.5"] {
            assert!(is_known(good), "{good}");
        }
        for bad in ["cc-by", "cc-by-5.0", "cc-nc-by-4.0", "house-license-v1", "cc-"] {
            assert!(!is_known(bad), "{bad}");
        }
    }
}

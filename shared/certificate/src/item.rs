use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{NotCanonical, canonical};

/// Something that was destroyed: a leaf of its store's tree.
///
/// The leaf is the item's canonical JSON, [`Item::line`]. One such line after the other, in the order in which they were appended, is
/// the list from which every proof can be made. Write a line before the item is destroyed: then the tree lacks nothing that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The store that it was in.
    pub store: String,
    /// Its key there.
    pub key: String,
    /// Its version, where the store has versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What its bytes hashed to, where that was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<crate::Digest>,
    /// How many bytes it had, where the store says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl Item {
    /// The leaf: one line without its end.
    ///
    /// # Errors
    /// [`NotCanonical`] for a size that JSON cannot carry.
    pub fn line(&self) -> Result<String, NotCanonical> {
        canonical(self)
    }

    /// The hash of the leaf, for [`crate::Tree::append_hash`] and for lists that must not say what was destroyed.
    ///
    /// # Errors
    /// [`NotCanonical`] for a size that JSON cannot carry.
    pub fn leaf(&self) -> Result<crate::Digest, NotCanonical> {
        Ok(crate::tree::leaf_hash(self.line()?.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_canonical_and_on_one_line() {
        let item = Item {
            store: "media_bucket".to_owned(),
            key: "ten_1/a\nb".to_owned(),
            version: Some("v1".to_owned()),
            sha256: None,
            bytes: Some(12),
        };
        let line = item.line().unwrap();
        assert_eq!(line, r#"{"bytes":12,"key":"ten_1/a\nb","store":"media_bucket","version":"v1"}"#);
        assert_eq!(serde_json::from_str::<Item>(&line).unwrap(), item);
        assert!(Item { bytes: Some(u64::MAX), ..item }.line().is_err());
    }
}

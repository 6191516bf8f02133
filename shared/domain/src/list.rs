use std::{borrow::Cow, ops::Deref};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::Invalid;

/// At most `MOST` things in an order: whatever is put into a show or an episode must leave it small enough to keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<T>", bound(deserialize = "T: Deserialize<'de>"))]
#[serde(into = "Vec<T>", bound(serialize = "T: Serialize + Clone"))]
pub struct List<T, const MOST: usize>(Vec<T>);

impl<T, const MOST: usize> Default for List<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MOST: usize> Deref for List<T, MOST> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T, const MOST: usize> TryFrom<Vec<T>> for List<T, MOST> {
    type Error = Invalid;

    fn try_from(things: Vec<T>) -> Result<Self, Invalid> {
        if things.len() > MOST {
            return Err(Invalid::new(format!("this list has at most {MOST} entries")));
        }
        Ok(Self(things))
    }
}

impl<T, const MOST: usize> From<List<T, MOST>> for Vec<T> {
    fn from(list: List<T, MOST>) -> Vec<T> {
        list.0
    }
}

impl<T: JsonSchema, const MOST: usize> JsonSchema for List<T, MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("List_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": generator.subschema_for::<T>(), "maxItems": MOST })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_as_long_as_it_may_be() {
        assert_eq!(*serde_json::from_str::<List<u8, 2>>("[1, 2]").unwrap(), [1, 2]);
        let error = serde_json::from_str::<List<u8, 2>>("[1, 2, 3]").unwrap_err();
        assert_eq!(error.to_string(), "this list has at most 2 entries");
    }
}

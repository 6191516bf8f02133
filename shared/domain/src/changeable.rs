//! Groups of fields that a show or an episode may do without.

use serde::{Deserialize, Deserializer};

/// Defines a group of fields, each with a default, and the changes that can be made to it: what is absent stays, and `null` is
/// the default again (as in RFC 7396).
macro_rules! changeable {
    (
        $(#[$meta:meta])* $name:ident,
        $(#[$changes_meta:meta])* $changes:ident {
            $($(#[$field_meta:meta])* $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(default)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        $(#[$changes_meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $changes {
            $(
                $(#[$field_meta])*
                #[serde(deserialize_with = "crate::changeable::or_default")]
                pub $field: Option<$type>,
            )*
        }

        impl $name {
            pub(crate) fn apply(&mut self, changes: $changes) {
                $(if let Some(new) = changes.$field {
                    self.$field = new;
                })*
            }
        }

        impl From<$changes> for $name {
            fn from(changes: $changes) -> Self {
                let mut new = Self::default();
                new.apply(changes);
                new
            }
        }
    };
}
pub(crate) use changeable;

/// Tells a `null`, which is the default, from an absent field.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::<T>::deserialize(deserializer).map(|value| Some(value.unwrap_or_default()))
}

use std::{num::NonZeroU32, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Invalid, List, ShortText, podcasting::ServiceSlug, text::checked_text};

/// Who is paid while somebody listens, and how (`podcast:value`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Value {
    /// The currency or payment layer, such as `lightning`.
    #[serde(rename = "type")]
    pub kind: ServiceSlug,
    /// How a payment travels, such as `keysend`.
    pub method: ServiceSlug,
    /// How much to pay for a minute, in the currency.
    #[serde(default)]
    pub suggested: Option<Amount>,
    /// Who is paid; at least one.
    pub recipients: List<ValueRecipient, 30>,
}

/// Who gets a part of each payment (`podcast:valueRecipient`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct ValueRecipient {
    /// Who it is.
    #[serde(default)]
    pub name: Option<ShortText>,
    /// What kind of address it is, such as `node`.
    #[serde(rename = "type")]
    pub kind: ServiceSlug,
    /// Where the payment goes.
    pub address: ShortText,
    /// How many shares of it.
    pub split: NonZeroU32,
    /// Whether it is a fee, taken before the others get their shares.
    #[serde(default)]
    pub is_fee: bool,
    /// The name of a record that goes with the payment.
    #[serde(default)]
    pub custom_key: Option<ShortText>,
    /// The record itself.
    #[serde(default)]
    pub custom_value: Option<ShortText>,
}

/// A sum of money, as text so that no digit is lost: `0.00000005`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = r"^[0-9]{1,12}(\.[0-9]{1,12})?$"))]
pub struct Amount(String);

impl FromStr for Amount {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let is_amount = [whole, decimals].iter().all(|digits| {
            (1..=12).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
        is_amount
            .then(|| Self(text.to_owned()))
            .ok_or(Invalid::new("an amount is a decimal number in a text, such as \"0.00000005\""))
    }
}

checked_text!(Amount);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_their_digits() {
        for good in ["0", "0.00000005000", "12"] {
            assert_eq!(good.parse::<Amount>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "1.", ".5", "-1", "1e3", "1,5", "1.2.3"] {
            assert!(bad.parse::<Amount>().is_err(), "{bad:?}");
        }
    }
}

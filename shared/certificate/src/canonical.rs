use serde::Serialize;
use serde_json::Value;

/// The largest whole number that every reader of JSON keeps (RFC 7493, 2.2).
const LARGEST: u64 = (1 << 53) - 1;

/// There is something in it that has no place in a certificate: a fraction, a number that is too large, `true`, `false` or `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("only texts, whole numbers up to 2^53 - 1, lists and objects can be signed")]
pub struct NotCanonical;

/// The canonical JSON (RFC 8785) of something made of texts, whole numbers, lists and objects.
///
/// # Errors
/// [`NotCanonical`] when there is something else in it.
pub fn canonical(value: &impl Serialize) -> Result<String, NotCanonical> {
    let value = serde_json::to_value(value).map_err(|_| NotCanonical)?;
    let mut json = String::new();
    write(&value, &mut json)?;
    Ok(json)
}

fn write(value: &Value, json: &mut String) -> Result<(), NotCanonical> {
    match value {
        Value::String(text) => write_text(text, json),
        Value::Number(number) => {
            let number = number.as_u64().filter(|number| *number <= LARGEST).ok_or(NotCanonical)?;
            json.push_str(&number.to_string());
        }
        Value::Array(values) => {
            json.push('[');
            for (index, value) in values.iter().enumerate() {
                separate(index, json);
                write(value, json)?;
            }
            json.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            json.push('{');
            for (index, (name, value)) in members.into_iter().enumerate() {
                separate(index, json);
                write_text(name, json);
                json.push(':');
                write(value, json)?;
            }
            json.push('}');
        }
        Value::Null | Value::Bool(_) => return Err(NotCanonical),
    }
    Ok(())
}

/// As ECMAScript writes it (RFC 8785, 3.2.2.2), which is how `serde_json` does.
fn write_text(text: &str, json: &mut String) {
    json.push_str(&Value::from(text).to_string());
}

fn separate(index: usize, json: &mut String) {
    if index > 0 {
        json.push(',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Result<String, NotCanonical> {
        canonical(&serde_json::from_str::<Value>(json).unwrap())
    }

    /// RFC 8785, 3.2.3.
    #[test]
    fn members_are_sorted_by_utf_16() {
        let names = r#"{
            "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
            "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
        }"#;
        let sorted = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
            \"\u{f6}\":\"Latin Small Letter O With Diaeresis\",\"\u{20ac}\":\"Euro Sign\",\
            \"\u{1f600}\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
        assert_eq!(of(names).unwrap(), sorted);
    }

    /// RFC 8785, 3.2.2.
    #[test]
    fn texts_are_written_as_ecmascript_does() {
        let text = r#""\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/""#;
        assert_eq!(of(text).unwrap(), r#""€$\u000f\nA'B\"\\\\\"/""#);
        assert_eq!(of(r#""\b\t\f\r\u007f\u2028""#).unwrap(), "\"\\b\\t\\f\\r\u{7f}\u{2028}\"");
    }

    #[test]
    fn there_is_no_white_space_and_order_is_kept_in_lists_alone() {
        let json = r#" { "b" : [ 2 , 1, { } , [ ] ] , "a" : { "d" : 0 , "c" : "" } } "#;
        assert_eq!(of(json).unwrap(), r#"{"a":{"c":"","d":0},"b":[2,1,{},[]]}"#);
    }

    #[test]
    fn numbers_are_whole_and_small_enough_for_every_reader() {
        assert_eq!(of("9007199254740991").unwrap(), "9007199254740991");
        for other in
            ["9007199254740992", "-1", "1.5", "1e2", "true", "false", "null", "[null]", r#"{"a":0.0}"#]
        {
            assert_eq!(of(other), Err(NotCanonical), "{other}");
        }
    }
}

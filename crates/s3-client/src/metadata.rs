//! User metadata in Metaflow's format: one JSON text in one header.
//!
//! Metaflow stores the whole dictionary as the output of Python's `json.dumps` in `x-amz-meta-metaflow-user-attributes`.
//! The text written here is the same byte for byte, so that each client reads and compares the metadata of the other.

use std::fmt::Write;

use s3_core::UserMetadata;
use serde_json::{Number, Value};

use crate::python_json::as_json;

/// The name of the one metadata item, without `x-amz-meta-`.
pub(crate) const NAME: &str = "metaflow-user-attributes";

/// Encodes the metadata item; `None` for values that are false in Python: null, `{}`, `[]`, `""`, 0, false.
pub(crate) fn encode(value: &Value) -> Option<String> {
    if is_falsy(value) {
        return None;
    }
    let mut text = String::new();
    write_value(&mut text, value);
    Some(text)
}

/// Decodes the metadata item; `None` without one.
///
/// Python writes values that JSON does not have: `NaN` and the infinities are read as null, an unpaired surrogate as
/// U+FFFD. An integer beyond 64 bits is read as the nearest float.
///
/// # Deviation
///
/// In Metaflow, an item that is not JSON is an error, and the object cannot be read. Here it counts as absent, with a
/// logged warning.
pub(crate) fn decode(user: &UserMetadata, url: &str) -> Option<Value> {
    let text = user.get(NAME)?;
    serde_json::from_str(text)
        .or_else(|_| serde_json::from_str(&as_json(text)))
        .inspect_err(|error| tracing::warn!(url, %error, "metadata item {NAME} is not JSON"))
        .ok()
}

fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

fn write_value(text: &mut String, value: &Value) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => write_number(text, number),
        Value::String(string) => write_string(text, string),
        Value::Array(items) => {
            write_list(text, ('[', ']'), items, write_value);
        }
        Value::Object(fields) => write_list(text, ('{', '}'), fields, |text, (name, value)| {
            write_string(text, name);
            text.push_str(": ");
            write_value(text, value);
        }),
    }
}

fn write_list<T>(
    text: &mut String,
    (open, close): (char, char),
    items: impl IntoIterator<Item = T>,
    write_item: impl Fn(&mut String, T),
) {
    text.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        write_item(text, item);
    }
    text.push(close);
}

/// Escapes everything outside printable ASCII; a character above U+FFFF becomes a surrogate pair.
fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for char in string.chars() {
        match char {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(char),
            _ => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    write!(text, "\\u{unit:04x}").expect("writing to a string never fails");
                }
            }
        }
    }
    text.push('"');
}

fn write_number(text: &mut String, number: &Number) {
    match number.as_f64() {
        Some(float) if number.is_f64() => text.push_str(&python_float(float)),
        _ => text.push_str(&number.to_string()),
    }
}

/// Formats a float as Python's `repr`: the shortest digits that round-trip, with an exponent below 1e-4 and from 1e16.
fn python_float(float: f64) -> String {
    let scientific = format!("{float:e}");
    let (digits, exponent) = scientific
        .split_once('e')
        .expect("the format of a finite float has an exponent");
    let exponent: i32 = exponent
        .parse()
        .expect("the exponent of a float is a small integer");
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let fixed = format!("{float}");
    if fixed.contains('.') {
        fixed
    } else {
        format!("{fixed}.0")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_text_is_the_same_as_pythons() {
        let cases = [
            (json!({"b": "1", "a": "2"}), r#"{"b": "1", "a": "2"}"#),
            (
                json!({"é": "刺身", "😀": "\u{7f}"}),
                r#"{"\u00e9": "\u523a\u8eab", "\ud83d\ude00": "\u007f"}"#,
            ),
            (
                json!({"x": "Space and !@#<>:/-+=&%\"'\\"}),
                r#"{"x": "Space and !@#<>:/-+=&%\"'\\"}"#,
            ),
            (
                json!({"c": "\n\r\t\u{8}\u{c}\u{1}"}),
                r#"{"c": "\n\r\t\b\f\u0001"}"#,
            ),
            (
                json!([1, null, true, {}, [], "a"]),
                r#"[1, null, true, {}, [], "a"]"#,
            ),
            (
                json!([-1, 18446744073709551615_u64]),
                "[-1, 18446744073709551615]",
            ),
        ];
        for (value, text) in cases {
            assert_eq!(encode(&value).as_deref(), Some(text));
            let user = UserMetadata::from([(NAME.to_owned(), text.to_owned())]);
            assert_eq!(decode(&user, "s3://b/k"), Some(value));
        }
    }

    #[test]
    fn floats_are_written_as_python_writes_them() {
        let cases = [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.25e-7, "1.25e-07"),
            (123_456_789.125, "123456789.125"),
            (5e-324, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (1.5878657653273753e-263, "1.5878657653273753e-263"),
        ];
        for (float, text) in cases {
            assert_eq!(python_float(float), text);
            let read: Value = serde_json::from_str(text).unwrap();
            assert_eq!(read.as_f64(), Some(float), "{text}");
        }
    }

    #[test]
    fn values_that_are_false_in_python_are_not_stored() {
        for value in [
            json!(null),
            json!({}),
            json!([]),
            json!(""),
            json!(0),
            json!(0.0),
            json!(false),
        ] {
            assert_eq!(encode(&value), None, "{value}");
        }
    }

    #[test]
    fn values_that_only_python_writes_do_not_hide_the_rest() {
        let text = r#"{"loss": NaN, "step": 7, "half": "\ud83d!", "big": 1180591620717411303424}"#;
        let user = UserMetadata::from([(NAME.to_owned(), text.to_owned())]);
        assert_eq!(
            decode(&user, "s3://b/k"),
            Some(
                json!({"loss": null, "step": 7, "half": "\u{fffd}!", "big": 1180591620717411303424.0})
            )
        );
    }

    #[test]
    fn an_item_that_is_not_json_counts_as_absent() {
        let user = UserMetadata::from([(NAME.to_owned(), "{not json".to_owned())]);
        assert_eq!(decode(&user, "s3://b/k"), None);
        assert_eq!(decode(&UserMetadata::new(), "s3://b/k"), None);
    }
}

//! Python semantics of recorded arguments: truth values, iteration, `json.dumps`.

use serde_json::{Map, Value};

use super::argument::Argument;

/// Returns whether `if value:` is true in Python.
#[must_use]
pub(crate) fn is_truthy(value: &Argument) -> bool {
    match value {
        Argument::Null => false,
        Argument::Bool(value) => *value,
        Argument::Number(number) => number.as_f64() != Some(0.0),
        Argument::Text(text) => !text.is_empty(),
        Argument::Bytes(bytes) | Argument::OtherBytes(bytes) => !bytes.is_empty(),
        Argument::List(items) | Argument::Tuple(items) | Argument::Set(items) => !items.is_empty(),
        Argument::Dict(members) | Argument::Items(members) => !members.is_empty(),
        _ => true,
    }
}

/// Returns the items of a Python `for` loop over the value; `None` if Python raises TypeError.
#[must_use]
pub(crate) fn iterate(value: &Argument) -> Option<Vec<Argument>> {
    let text = |text: &str| Argument::Text(text.to_owned());
    Some(match value {
        Argument::List(items)
        | Argument::Tuple(items)
        | Argument::Set(items)
        | Argument::Generator(items) => items.clone(),
        Argument::Text(string) => string
            .chars()
            .map(|c| text(c.encode_utf8(&mut [0; 4])))
            .collect(),
        Argument::Dict(members) => members.iter().map(|(name, _)| text(name)).collect(),
        Argument::Items(members) => members
            .iter()
            .map(|(name, value)| Argument::Tuple(vec![text(name), value.clone()]))
            .collect(),
        _ => return None,
    })
}

/// Returns the value as JSON; `None` if `json.dumps` raises TypeError.
#[must_use]
pub(crate) fn to_json(value: &Argument) -> Option<Value> {
    Some(match value {
        Argument::Null => Value::Null,
        Argument::Bool(value) => Value::Bool(*value),
        Argument::Number(number) => Value::Number(number.clone()),
        Argument::Text(text) => Value::String(text.clone()),
        Argument::List(items) | Argument::Tuple(items) => {
            Value::Array(items.iter().map(to_json).collect::<Option<_>>()?)
        }
        Argument::Dict(members) => {
            let member = |(name, value): &(String, Argument)| Some((name.clone(), to_json(value)?));
            Value::Object(members.iter().map(member).collect::<Option<Map<_, _>>>()?)
        }
        _ => return None,
    })
}

/// Writes JSON as `json.dumps` does: separators `", "` and `": "`, and non-ASCII characters escaped.
#[must_use]
pub(crate) fn dumps(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(dumps).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let member =
                |(name, value): (&String, &Value)| format!("{}: {}", quoted(name), dumps(value));
            let members: Vec<_> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(", "))
        }
        plain => plain.to_string(),
    }
}

fn quoted(text: &str) -> String {
    let mut json = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            ' '..='~' => json.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    json.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_written_as_python_writes_it() {
        let value = json!({"a": [1, null, true], "é": "刺\"\\\n😀\u{7f}"});
        assert_eq!(
            dumps(&value),
            r#"{"a": [1, null, true], "\u00e9": "\u523a\"\\\n\ud83d\ude00\u007f"}"#
        );
    }

    #[test]
    fn a_string_is_iterated_by_character() {
        let letters = iterate(&Argument::Text("né".to_owned())).unwrap();
        assert_eq!(
            letters,
            [
                Argument::Text("n".to_owned()),
                Argument::Text("é".to_owned())
            ]
        );
        assert_eq!(iterate(&Argument::Null), None);
    }
}

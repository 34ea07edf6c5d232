//! Parses the encodings of bodies in vectors, and formats bytes and texts for outcomes, as hashes or excerpts.

use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::fields::{Fields, exactly, text};
use super::malformed::{Malformed, Read};

/// Texts and bytes up to this length are shown in full.
const SHOWN: usize = 512;

/// Parses a BODY: a string, `{"utf8"}`, `{"hex"}` or `{"repeat": [unit, count]}`.
pub(crate) fn body(place: &str, value: &Value) -> Read<Vec<u8>> {
    if let Value::String(text) = value {
        return Ok(text.clone().into_bytes());
    }
    let mut fields = Fields::of(place, value)?;
    let bytes = if let Some(value) = fields.take("utf8") {
        text(place, &value)?.into_bytes()
    } else if let Some(value) = fields.take("hex") {
        unhex(place, &value)?
    } else {
        repeated(place, &fields.required("repeat")?)?.into_bytes()
    };
    fields.done()?;
    Ok(bytes)
}

/// Parses `[unit, count]`.
pub(crate) fn repeated(place: &str, value: &Value) -> Read<String> {
    let [unit, count] = exactly::<2>(place, value)?;
    let count = count
        .as_u64()
        .and_then(|count| usize::try_from(count).ok())
        .ok_or_else(|| Malformed::new(place, "the second member has to be a count"))?;
    Ok(text(place, unit)?.repeat(count))
}

pub(crate) fn unhex(place: &str, value: &Value) -> Read<Vec<u8>> {
    hex::decode(text(place, value)?).map_err(|error| Malformed::new(place, error))
}

/// Formats bytes as results do: as printable text, else hexadecimal, else length and digest.
pub(crate) fn show_bytes(bytes: &[u8]) -> Value {
    if bytes.len() > SHOWN {
        return json!({"len": bytes.len(), "sha1": sha1(bytes)});
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => json!({ "utf8": text }),
        _ => json!({"hex": hex::encode(bytes)}),
    }
}

/// Formats a text as results do: in full, or as its length in characters.
pub(crate) fn show_text(text: &str) -> Value {
    let length = text.chars().count();
    if length > SHOWN {
        json!({ "len": length })
    } else {
        json!(text)
    }
}

pub(crate) fn sha1(bytes: &[u8]) -> String {
    hex::encode(Sha1::digest(bytes))
}

/// Returns whether two byte strings in the form of results have the same bytes.
pub(crate) fn same_bytes(expected: &Value, actual: &Value) -> bool {
    match (digest(expected), digest(actual)) {
        (Some(expected), Some(actual)) => expected == actual,
        _ => expected == actual,
    }
}

/// Returns whether two texts in the form of results are the same.
pub(crate) fn same_text(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Object(_), Value::String(text)) => {
            *expected == json!({"len": text.chars().count()})
        }
        _ => expected == actual,
    }
}

/// Returns the length and digest of bytes in any of their three forms; `None` for other values, including null.
fn digest(shown: &Value) -> Option<(u64, String)> {
    let members = shown.as_object()?;
    let bytes = match (members.len(), members.get("utf8"), members.get("hex")) {
        (1, Some(Value::String(text)), None) => text.clone().into_bytes(),
        (1, None, Some(Value::String(digits))) => hex::decode(digits).ok()?,
        (2, None, None) => {
            let digest = members.get("sha1")?.as_str()?.to_owned();
            return Some((members.get("len")?.as_u64()?, digest));
        }
        _ => return None,
    };
    Some((bytes.len() as u64, sha1(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_compared_by_content() {
        let text = json!({"utf8": "abc"});
        assert!(same_bytes(&text, &json!({"hex": "616263"})));
        assert!(same_bytes(&json!({"len": 3, "sha1": sha1(b"abc")}), &text));
        assert!(!same_bytes(&json!({"len": 4, "sha1": sha1(b"abc")}), &text));
        assert!(!same_bytes(&Value::Null, &text));
        assert!(!same_bytes(&json!({"utf8": "abc", "extra": 1}), &text));
    }

    #[test]
    fn bodies_are_read_in_every_form_and_rejected_in_others() {
        assert_eq!(body("b", &json!("é")).unwrap(), "é".as_bytes());
        assert_eq!(body("b", &json!({"hex": "ff00"})).unwrap(), [0xff, 0]);
        assert_eq!(body("b", &json!({"repeat": ["ab", 2]})).unwrap(), b"abab");
        assert!(body("b", &json!({"base64": "eA=="})).is_err());
        assert!(body("b", &json!({"utf8": "x", "hex": "78"})).is_err());
    }
}

//! Parses the initial state of a scenario: objects, local files and faults.

use std::collections::BTreeMap;

use serde_json::Value;

use super::argument::Argument;
use super::content::body;
use super::fields::{Fields, list};
use super::malformed::{Malformed, Read};
use super::python::{dumps, to_json};

/// The user metadata name under which Metaflow stores user metadata.
const ENVELOPE: &str = "metaflow-user-attributes";

/// A stored object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The bytes.
    pub body: Vec<u8>,
    /// The content type, if one was stored.
    pub content_type: Option<String>,
    /// User metadata as in the headers.
    pub metadata: BTreeMap<String, String>,
    /// Server-side encryption.
    pub encryption: Option<String>,
}

impl Stored {
    /// Stores metadata in one header, as Metaflow does.
    pub fn set_metadata(&mut self, value: &Value) {
        self.metadata.insert(ENVELOPE.to_owned(), dumps(value));
    }

    /// Returns the header in which Metaflow stores metadata.
    #[must_use]
    pub fn envelope(&self) -> Option<&str> {
        self.metadata.get(ENVELOPE).map(String::as_str)
    }
}

/// A file or directory of `local/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalFile {
    /// A file with these bytes.
    File(Vec<u8>),
    /// A symbolic link to another name of `local/`.
    Symlink(String),
    /// An empty directory.
    Directory,
}

/// A response that the server sends instead of the real one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The number of times it applies.
    pub times: u32,
    /// The method it applies to; any if absent.
    pub method: Option<String>,
    /// The object key it applies to; any if absent.
    pub key: Option<String>,
    /// A text that the query must contain.
    pub query: Option<String>,
    /// The effect of the fault.
    pub effect: Effect,
}

/// The effect of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// An error response.
    ErrorResponse {
        /// The HTTP status.
        status: u16,
        /// S3's error code.
        code: String,
    },
    /// The body ends early.
    Truncate,
    /// The connection ends without a response.
    Drop,
}

pub(crate) fn objects(place: &str, value: Option<Value>) -> Read<BTreeMap<String, Stored>> {
    let Some(value) = value else {
        return Ok(BTreeMap::new());
    };
    let members = Fields::of(place, &value)?.rest();
    let read = |(key, value)| {
        let stored = object(&format!("{place}.{key}"), &value)?;
        Ok((key, stored))
    };
    members.into_iter().map(read).collect()
}

fn object(place: &str, value: &Value) -> Read<Stored> {
    let members = match value {
        Value::Object(members) if members.contains_key("body") => members,
        bare => {
            return Ok(Stored {
                body: body(place, bare)?,
                ..Stored::default()
            });
        }
    };
    let mut fields = Fields::of(place, &Value::Object(members.clone()))?;
    let mut stored = Stored {
        body: body(place, &fields.required("body")?)?,
        content_type: fields.optional_text("content_type")?,
        metadata: BTreeMap::new(),
        encryption: fields.optional_text("sse")?,
    };
    if let Some(raw) = fields.take("raw_metadata") {
        for (name, value) in Fields::of(format!("{place}.raw_metadata"), &raw)?.rest() {
            stored
                .metadata
                .insert(name.clone(), super::fields::text(place, &value)?);
        }
    }
    if let Some(metadata) = fields.take("metadata") {
        let metadata = to_json(&Argument::read(place, &metadata)?)
            .ok_or_else(|| Malformed::new(place, "metadata cannot be written as JSON"))?;
        stored.set_metadata(&metadata);
    }
    fields.done()?;
    Ok(stored)
}

/// Parses `{"count", "key", "body"}`: the key is a printf pattern for the number, from 0.
pub(crate) fn generated(place: &str, value: Option<Value>) -> Read<BTreeMap<String, Stored>> {
    let Some(value) = value else {
        return Ok(BTreeMap::new());
    };
    let mut fields = Fields::of(place, &value)?;
    let count = fields
        .optional_count("count")?
        .ok_or_else(|| Malformed::new(place, "`count` is missing"))?;
    let pattern = fields.text("key")?;
    let body = body(place, &fields.required("body")?)?;
    fields.done()?;
    (0..count)
        .map(|number| {
            let key = printf(&pattern, number)
                .ok_or_else(|| Malformed::new(place, format!("cannot expand `{pattern}`")))?;
            Ok((
                key,
                Stored {
                    body: body.clone(),
                    ..Stored::default()
                },
            ))
        })
        .collect()
}

/// Expands `%d`, `%i`, `%5d`, `%05d`, `%x`, `%s` and `%%`; all of them get the same number.
fn printf(pattern: &str, number: u64) -> Option<String> {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        let letter = after.find(|c: char| !c.is_ascii_digit())?;
        let (flags, conversion) = after.split_at(letter);
        let width = if flags.is_empty() {
            0
        } else {
            flags.parse().ok()?
        };
        let zeros = flags.starts_with('0');
        match (conversion.chars().next()?, zeros) {
            ('%', _) if flags.is_empty() => text.push('%'),
            ('d' | 'i', true) => text.push_str(&format!("{number:0width$}")),
            ('d' | 'i' | 's', false) => text.push_str(&format!("{number:width$}")),
            ('x', true) => text.push_str(&format!("{number:0width$x}")),
            ('x', false) => text.push_str(&format!("{number:width$x}")),
            _ => return None,
        }
        rest = &conversion[1..];
    }
    text.push_str(rest);
    Some(text)
}

pub(crate) fn local_files(place: &str, value: Option<Value>) -> Read<BTreeMap<String, LocalFile>> {
    let Some(value) = value else {
        return Ok(BTreeMap::new());
    };
    let members = Fields::of(place, &value)?.rest();
    let read = |(name, value)| {
        let file = local_file(&format!("{place}.{name}"), &value)?;
        Ok((name, file))
    };
    members.into_iter().map(read).collect()
}

fn local_file(place: &str, value: &Value) -> Read<LocalFile> {
    if value.get("symlink").is_none() && value.get("dir").is_none() {
        return body(place, value).map(LocalFile::File);
    }
    let mut fields = Fields::of(place, value)?;
    let target = fields.optional_text("symlink")?;
    let is_dir = fields.optional_bool("dir")?;
    fields.done()?;
    match (target, is_dir) {
        (Some(target), None) => Ok(LocalFile::Symlink(target)),
        (None, Some(true)) => Ok(LocalFile::Directory),
        _ => Err(Malformed::new(
            place,
            "neither a file, nor a symlink, nor a directory",
        )),
    }
}

pub(crate) fn faults(place: &str, value: Option<Value>) -> Read<Vec<Fault>> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let read = |(index, value)| fault(&format!("{place}[{index}]"), value);
    list(place, &value)?.iter().enumerate().map(read).collect()
}

fn fault(place: &str, value: &Value) -> Read<Fault> {
    let mut fields = Fields::of(place, value)?;
    let times = fields.optional_count("times")?.unwrap_or(1);
    let times = u32::try_from(times).map_err(|error| Malformed::new(place, error))?;
    let method = fields.optional_text("method")?;
    let key = fields.optional_text("key")?;
    let query = fields.optional_text("query")?;
    let action = fields.optional_text("action")?;
    let status = fields.optional_count("status")?;
    let code = fields.optional_text("code")?;
    fields.done()?;
    let effect = match (action.as_deref(), status) {
        (Some("truncate"), None) => Effect::Truncate,
        (Some("drop"), None) => Effect::Drop,
        (None, Some(status)) => {
            let status = u16::try_from(status).map_err(|error| Malformed::new(place, error))?;
            Effect::ErrorResponse {
                status,
                code: code.unwrap_or_default(),
            }
        }
        _ => {
            return Err(Malformed::new(
                place,
                "either a status or one of truncate and drop",
            ));
        }
    };
    Ok(Fault {
        times,
        method,
        key,
        query,
        effect,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_are_expanded_as_printf_does() {
        for (pattern, expected) in [
            ("k%d", "k7"),
            ("k%04d/x", "k0007/x"),
            ("%3d%%", "  7%"),
            ("plain", "plain"),
            ("%02d-%02d", "07-07"),
        ] {
            assert_eq!(printf(pattern, 7).as_deref(), Some(expected), "{pattern}");
        }
        assert_eq!(printf("%q", 7), None);
        assert_eq!(printf("%", 7), None);
    }

    #[test]
    fn metadata_is_stored_in_the_envelope() {
        let value = json!({"k": {"body": "x", "metadata": {"é": "1"}, "raw_metadata": {"o": "2"}}});
        let objects = objects("o", Some(value)).unwrap();
        assert_eq!(objects["k"].envelope(), Some(r#"{"\u00e9": "1"}"#));
        assert_eq!(objects["k"].metadata["o"], "2");
    }

    #[test]
    fn a_fault_has_exactly_one_effect() {
        let both = json!([{"action": "drop", "status": 503}]);
        assert!(faults("f", Some(both)).is_err());
        assert!(faults("f", Some(json!([{"method": "GET"}]))).is_err());
        assert!(faults("f", Some(json!([{"status": 503, "acton": 1}]))).is_err());
    }
}

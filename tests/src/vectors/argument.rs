//! [`Argument`]: parses an argument of a vector's step: JSON values, and encodings of bytes, streams and records.

use serde_json::{Number, Value};

use super::content::{body, repeated, unhex};
use super::fields::{Fields, exactly, list, text};
use super::malformed::{Malformed, Read};

/// An argument of a step, as a Python value.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// `None`.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer or a float.
    Number(Number),
    /// A string; placeholders such as `{B}` are not replaced.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// A tuple.
    Tuple(Vec<Self>),
    /// A dict.
    Dict(Vec<(String, Self)>),
    /// The pairs of a dict.
    Items(Vec<(String, Self)>),
    /// A generator.
    Generator(Vec<Self>),
    /// A set.
    Set(Vec<Self>),
    /// `bytes`.
    Bytes(Vec<u8>),
    /// `bytearray` or `memoryview`: bytes that the reference does not accept as a value.
    OtherBytes(Vec<u8>),
    /// An `S3GetObject`.
    GetObject(Record),
    /// An `S3PutObject`.
    PutObject(Record),
    /// Any object with these attributes.
    Namespace(Record),
    /// The result of an earlier step, or one member of it.
    Earlier {
        /// The step, from 0.
        step: usize,
        /// The member, if the result is a list.
        item: Option<usize>,
    },
    /// A stream of bytes in memory, and its position.
    BytesIo {
        /// All of its bytes.
        body: Vec<u8>,
        /// The number of bytes that were already read.
        seek: u64,
    },
    /// A stream of text.
    StringIo(String),
    /// An open file of `local/`.
    Open {
        /// The file's name.
        file: String,
        /// Python's mode.
        mode: String,
        /// The number of bytes that were already read.
        seek: u64,
    },
    /// A stream of bytes that cannot seek.
    NonSeekable,
    /// The path of a file of `local/`, as a string or as a `pathlib.Path`.
    Local(String),
    /// A `FlowSpec` instance.
    Flow(String),
    /// An object with `.parent.id` and `.id`.
    Run(String, String),
}

/// Named attributes of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record(Vec<(String, Argument)>);

impl Record {
    /// Returns an attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Argument> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    fn read(place: &str, value: &Value, known: &[&str]) -> Read<Self> {
        let members = Fields::of(place, value)?.rest();
        if let Some(name) = members
            .keys()
            .find(|name| !known.is_empty() && !known.contains(&name.as_str()))
        {
            return Err(Malformed::new(place, format!("unknown key `{name}`")));
        }
        named(place, members).map(Self)
    }
}

const GET_OBJECT: &[&str] = &["key", "offset", "length"];
const PUT_OBJECT: &[&str] = &[
    "key",
    "value",
    "path",
    "content_type",
    "encryption",
    "metadata",
];

impl Argument {
    /// Reads an argument.
    ///
    /// # Errors
    ///
    /// Unknown encodings, and encodings with invalid content.
    pub fn read(place: &str, value: &Value) -> Result<Self, Malformed> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(all(place, items)?),
            Value::Object(members) => match members.keys().find(|name| name.starts_with('$')) {
                None => Self::Dict(named(place, members.clone())?),
                Some(name) if members.len() == 1 => Self::encoded(place, name, &members[name])?,
                Some(name) => {
                    let what = format!("`{name}` has to stand alone, found {value}");
                    return Err(Malformed::new(place, what));
                }
            },
        })
    }

    fn encoded(place: &str, name: &str, value: &Value) -> Read<Self> {
        let place = &format!("{place}.{name}");
        Ok(match name {
            "$tuple" => Self::Tuple(all(place, list(place, value)?)?),
            "$gen" => Self::Generator(all(place, list(place, value)?)?),
            "$set" => Self::Set(all(place, list(place, value)?)?),
            "$dict" => Self::Dict(named(place, Fields::of(place.as_str(), value)?.rest())?),
            "$iter_items" => Self::Items(named(place, Fields::of(place.as_str(), value)?.rest())?),
            "$bytes" => Self::Bytes(unhex(place, value)?),
            "$bytearray" | "$memoryview" => Self::OtherBytes(unhex(place, value)?),
            "$repeat" => Self::Text(repeated(place, value)?),
            "$S3GetObject" => Self::GetObject(Record::read(place, value, GET_OBJECT)?),
            "$S3PutObject" => Self::PutObject(Record::read(place, value, PUT_OBJECT)?),
            "$ns" => Self::Namespace(Record::read(place, value, &[])?),
            "$result" => earlier(place, value)?,
            "$BytesIO" => bytes_io(place, value)?,
            "$StringIO" => Self::StringIo(text(place, value)?),
            "$open" => open(place, value)?,
            "$NonSeekable" => Self::NonSeekable,
            "$local" | "$Path" => Self::Local(text(place, value)?),
            "$flow" => Self::Flow(text(place, value)?),
            "$run" => {
                let [flow, run] = exactly::<2>(place, value)?;
                Self::Run(text(place, flow)?, text(place, run)?)
            }
            _ => return Err(Malformed::new(place, "unknown encoding")),
        })
    }

    /// Returns the attribute of this value with this name, if it has one.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Self> {
        match self {
            Self::GetObject(record) | Self::PutObject(record) | Self::Namespace(record) => {
                record.get(name)
            }
            _ => None,
        }
    }
}

fn all(place: &str, items: &[Value]) -> Read<Vec<Argument>> {
    let read = |(index, item)| Argument::read(&format!("{place}[{index}]"), item);
    items.iter().enumerate().map(read).collect()
}

fn named(place: &str, members: serde_json::Map<String, Value>) -> Read<Vec<(String, Argument)>> {
    members
        .into_iter()
        .map(|(name, value)| {
            let value = Argument::read(&format!("{place}.{name}"), &value)?;
            Ok((name, value))
        })
        .collect()
}

fn earlier(place: &str, value: &Value) -> Read<Argument> {
    let indexes: Option<Vec<usize>> = list(place, value)?
        .iter()
        .map(|index| index.as_u64().and_then(|index| usize::try_from(index).ok()))
        .collect();
    match indexes.as_deref() {
        Some(&[step]) => Ok(Argument::Earlier { step, item: None }),
        Some(&[step, item]) => Ok(Argument::Earlier {
            step,
            item: Some(item),
        }),
        _ => Err(Malformed::new(
            place,
            format!("expected [step] or [step, index], found {value}"),
        )),
    }
}

fn bytes_io(place: &str, value: &Value) -> Read<Argument> {
    let mut fields = Fields::of(place, value)?;
    let body = body(place, &fields.required("body")?)?;
    let seek = fields.optional_count("seek")?.unwrap_or(0);
    fields.done()?;
    Ok(Argument::BytesIo { body, seek })
}

fn open(place: &str, value: &Value) -> Read<Argument> {
    let mut fields = Fields::of(place, value)?;
    let file = fields.text("file")?;
    let mode = fields
        .optional_text("mode")?
        .unwrap_or_else(|| "rb".to_owned());
    fields.optional_bool("raw")?;
    let seek = fields.optional_count("seek")?.unwrap_or(0);
    fields.done()?;
    Ok(Argument::Open { file, mode, seek })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_encodings_and_members_are_rejected() {
        for value in [
            json!({"$tupel": []}),
            json!({"$tuple": [], "x": 1}),
            json!({"$bytes": "zz"}),
            json!({"$S3GetObject": {"key": "a", "ofset": 1}}),
            json!({"$result": [0, 1, 2]}),
            json!({"$run": ["flow"]}),
            json!([{"$BytesIO": {"body": "a", "sek": 1}}]),
        ] {
            assert!(Argument::read("a", &value).is_err(), "{value}");
        }
    }

    #[test]
    fn plain_values_and_encodings_nest() {
        let value = json!([{"$tuple": ["a", {"$repeat": ["x", 3]}]}, null]);
        let pair = Argument::Tuple(vec![
            Argument::Text("a".to_owned()),
            Argument::Text("xxx".to_owned()),
        ]);
        assert_eq!(
            Argument::read("a", &value).unwrap(),
            Argument::List(vec![pair, Argument::Null])
        );
    }
}

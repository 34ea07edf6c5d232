//! Parses the items of `put_many` and `put_files` in vectors: `(key, value)` pairs or `S3PutObject`s.

use serde_json::Value;

use super::argument::Argument;
use super::python::{is_truthy, iterate, to_json};
use super::untypable::{self, Untypable};

/// One item, unpacked as Python unpacks it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) key: Argument,
    pub(crate) value: Argument,
    pub(crate) path: Argument,
    pub(crate) content_type: Option<String>,
    pub(crate) encryption: Option<String>,
    pub(crate) metadata: Option<Value>,
}

impl Pair {
    /// Unpacks all items of an argument.
    pub(crate) fn all(items: &Argument) -> Result<Vec<Self>, Untypable> {
        iterate(items)
            .ok_or_else(untypable::not_iterable)?
            .iter()
            .map(Self::of)
            .collect()
    }

    fn of(item: &Argument) -> Result<Self, Untypable> {
        if let Argument::PutObject(record) = item {
            let get = |name| record.get(name).cloned().unwrap_or(Argument::Null);
            return Ok(Self {
                key: get("key"),
                value: get("value"),
                path: get("path"),
                content_type: text(&get("content_type")),
                encryption: text(&get("encryption")),
                metadata: metadata(&get("metadata"))?,
            });
        }
        let members = match item {
            Argument::Text(_) | Argument::List(_) | Argument::Tuple(_) => iterate(item),
            _ => None,
        };
        match members.as_deref() {
            Some([key, value, ..]) => Ok(Self {
                key: key.clone(),
                value: value.clone(),
                path: value.clone(),
                content_type: None,
                encryption: None,
                metadata: None,
            }),
            _ => Err(untypable::item(item)),
        }
    }
}

/// Returns a string unless it is empty.
pub(crate) fn text(value: &Argument) -> Option<String> {
    match value {
        Argument::Text(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

/// Returns metadata if it is truthy.
pub(crate) fn metadata(value: &Argument) -> Result<Option<Value>, Untypable> {
    if !is_truthy(value) {
        return Ok(None);
    }
    to_json(value).map(Some).ok_or_else(untypable::metadata)
}

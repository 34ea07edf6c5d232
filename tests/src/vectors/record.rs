//! Field names and defaults of Metaflow's record types: `S3GetObject`, `S3PutObject`, `RangeInfo`.
//!
//! Both sides have them as plain data; the vectors compare fields, order and defaults.

use serde_json::{Map, Value, json};

use super::argument::Argument;
use super::call::Step;
use super::python::to_json;
use super::untypable::{self, Untypable};

/// A record type: its name, its fields in order with their defaults, and the number of required fields.
struct Record {
    name: &'static str,
    fields: &'static [(&'static str, Option<i64>)],
    required: usize,
}

const RECORDS: [Record; 3] = [
    Record {
        name: "S3GetObject",
        fields: &[("key", None), ("offset", None), ("length", None)],
        required: 3,
    },
    Record {
        name: "S3PutObject",
        fields: &[
            ("key", None),
            ("value", None),
            ("path", None),
            ("content_type", None),
            ("encryption", None),
            ("metadata", None),
        ],
        required: 1,
    },
    Record {
        name: "RangeInfo",
        fields: &[
            ("total_size", None),
            ("request_offset", Some(0)),
            ("request_length", Some(-1)),
        ],
        required: 1,
    },
];

/// Matches any exception that ended a `with` block: its class is not compared.
pub(crate) const RAISED: &str = "*";

/// Constructs the record of a `$construct` step.
pub(crate) fn construct(step: &Step) -> Result<Value, Untypable> {
    let Some((Argument::Text(name), values)) = step.args.split_first() else {
        return Err(untypable::record());
    };
    let record = RECORDS
        .iter()
        .find(|record| record.name == name)
        .ok_or_else(untypable::record)?;
    if values.len() > record.fields.len() {
        return Err(untypable::record());
    }
    let mut fields = Map::new();
    for (index, (field, default)) in record.fields.iter().enumerate() {
        let named = step
            .kwargs
            .iter()
            .find(|(name, _)| name == field)
            .map(|(_, value)| value);
        let value = match (values.get(index), named) {
            (Some(_), Some(_)) => return Err(untypable::record()),
            (Some(value), None) | (None, Some(value)) => {
                to_json(value).ok_or_else(untypable::record)?
            }
            (None, None) if index < record.required => return Err(untypable::record()),
            (None, None) => json!(default),
        };
        fields.insert((*field).to_owned(), value);
    }
    let is_known =
        |(name, _): &(String, Argument)| record.fields.iter().any(|(field, _)| field == name);
    if !step.kwargs.iter().all(is_known) {
        return Err(untypable::record());
    }
    Ok(json!({"$namedtuple": name, "fields": fields}))
}

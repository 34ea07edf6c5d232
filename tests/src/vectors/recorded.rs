//! [`Recorded`]: parses the recorded outcome of a vector, and drops the fields that are not compared.

use serde_json::{Map, Value, json};

use super::fields::{Fields, list};
use super::malformed::{Malformed, Read};
use super::outcome::Outcome;
use super::vector::Scenario;

/// The outcome of the reference, in comparable form.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The outcome.
    pub outcome: Outcome,
}

/// The fields of a recorded `S3Object` that are compared unchanged.
const AS_IT_IS: [&str; 13] = [
    "$S3Object",
    "url",
    "key",
    "prefix",
    "exists",
    "downloaded",
    "size",
    "has_info",
    "content_type",
    "metadata",
    "encryption",
    "range_info",
    "blob",
];

impl Recorded {
    pub(crate) fn read(expected: &Value, scenario: &Scenario) -> Read<Self> {
        let mut fields = Fields::of("expected", expected)?;
        fields.take("wire");
        if let Some(error) = fields.take("constructor_error") {
            fields.done()?;
            let error = exception("expected.constructor_error", &error)?;
            return Ok(Self {
                outcome: Outcome::rejected(error),
            });
        }
        let recorded = fields.required("results")?;
        let recorded = list("expected.results", &recorded)?;
        if recorded.len() != scenario.steps.len() {
            let what = format!(
                "{} results for {} steps",
                recorded.len(),
                scenario.steps.len()
            );
            return Err(Malformed::new("expected.results", what));
        }
        let results = recorded
            .iter()
            .enumerate()
            .map(|(index, value)| result(&format!("expected.results[{index}]"), value))
            .collect::<Read<_>>()?;
        let final_state = match (scenario.final_state, fields.take("final_state")) {
            (true, Some(state)) => Some(stored_objects("expected.final_state", &state)?),
            (false, None) => None,
            (true, None) => return Err(Malformed::new("expected", "`final_state` is missing")),
            (false, Some(_)) => {
                return Err(Malformed::new(
                    "expected",
                    "`final_state` that was not requested",
                ));
            }
        };
        fields.done()?;
        Ok(Self {
            outcome: Outcome {
                constructor_error: None,
                results,
                final_state,
            },
        })
    }
}

fn result(place: &str, recorded: &Value) -> Read<Value> {
    let mut fields = Fields::of(place, recorded)?;
    match fields.take("ok") {
        None => exception(place, recorded),
        Some(value) => {
            fields.done()?;
            Ok(json!({"ok": returned(&format!("{place}.ok"), &value)?}))
        }
    }
}

/// Returns an exception without its message.
fn exception(place: &str, recorded: &Value) -> Read<Value> {
    let mut fields = Fields::of(place, recorded)?;
    let class = fields.text("exception")?;
    let kind = fields.text("kind")?;
    fields.take("headline");
    fields.take("message");
    fields.done()?;
    match kind.as_str() {
        "metaflow" | "python" => Ok(json!({"exception": class, "kind": kind})),
        _ => Err(Malformed::new(
            place,
            format!("unknown kind of exception `{kind}`"),
        )),
    }
}

fn returned(place: &str, recorded: &Value) -> Read<Value> {
    match recorded {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| returned(&format!("{place}[{index}]"), item))
            .collect::<Read<Vec<_>>>()
            .map(Value::Array),
        Value::Object(members) if members.contains_key("$S3Object") => object(place, recorded),
        Value::Object(members) if members.contains_key("$list_digest") => digest(place, recorded),
        other => Ok(other.clone()),
    }
}

fn object(place: &str, recorded: &Value) -> Read<Value> {
    let mut fields = Fields::of(place, recorded)?;
    let mut kept = Map::new();
    for name in AS_IT_IS {
        kept.insert(name.to_owned(), fields.required(name)?);
    }
    kept.insert("text".to_owned(), fields.required("text")?);
    let last_modified = match fields.required("last_modified")? {
        Value::Null => false,
        Value::String(_) => true,
        other => {
            return Err(Malformed::new(
                place,
                format!("last_modified cannot be {other}"),
            ));
        }
    };
    kept.insert("last_modified".to_owned(), Value::Bool(last_modified));
    let shown = fields.required("str")?;
    if !is_empty_object(&kept) {
        kept.insert("str".to_owned(), shown);
    }
    if kept["downloaded"] == Value::Bool(true) {
        fields.required("path_is_absolute")?;
        kept.insert("path_exists".to_owned(), fields.required("path_exists")?);
    }
    fields.done()?;
    Ok(Value::Object(kept))
}

/// Returns whether an object exists and is empty. The reference prints those as missing, so `str` is not compared.
pub(crate) fn is_empty_object(object: &Map<String, Value>) -> bool {
    object["exists"] == Value::Bool(true) && object["size"].as_u64() == Some(0)
}

fn digest(place: &str, recorded: &Value) -> Read<Value> {
    let mut outer = Fields::of(place, recorded)?;
    let mut fields = Fields::of(place, &outer.required("$list_digest")?)?;
    outer.done()?;
    let mut kept = Map::new();
    for name in ["count", "sha1_of_urls", "sorted_by_utf8_url"] {
        kept.insert(name.to_owned(), fields.required(name)?);
    }
    for name in ["first", "last"] {
        kept.insert(name.to_owned(), returned(place, &fields.required(name)?)?);
    }
    fields.done()?;
    Ok(json!({ "$list_digest": kept }))
}

fn stored_objects(place: &str, recorded: &Value) -> Read<Vec<Value>> {
    let known = ["key", "body", "content_type", "raw_metadata", "sse"];
    for (index, object) in list(place, recorded)?.iter().enumerate() {
        let place = format!("{place}[{index}]");
        let mut fields = Fields::of(place, object)?;
        fields.text("key")?;
        fields.required("body")?;
        for name in known {
            fields.take(name);
        }
        fields.done()?;
    }
    Ok(list(place, recorded)?.to_vec())
}

//! Compares two outcomes in JSON and returns the paths at which they differ.

use std::fmt;

use serde_json::Value;

use super::content::{same_bytes, same_text};
use super::record::RAISED;

/// One place where two outcomes differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The place, such as `/results/0/ok/url`.
    pub path: String,
    /// The expected value; `None` if there should be no value.
    pub expected: Option<Value>,
    /// The actual value; `None` if there is no value.
    pub actual: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: &Option<Value>| {
            value
                .as_ref()
                .map_or("nothing".to_owned(), Value::to_string)
        };
        write!(
            f,
            "{}: expected {}, got {}",
            self.path,
            show(&self.expected),
            show(&self.actual)
        )
    }
}

/// Returns every place where the two differ, as deep as both have the same structure.
#[must_use]
pub fn differences(expected: &Value, actual: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", expected, actual, &mut found);
    found
}

fn compare(path: &str, expected: &Value, actual: &Value, found: &mut Vec<Difference>) {
    match (expected, actual) {
        (Value::Array(left), Value::Array(right)) => {
            for index in 0..left.len().max(right.len()) {
                member(
                    &format!("{path}/{index}"),
                    left.get(index),
                    right.get(index),
                    found,
                );
            }
        }
        (Value::Object(left), Value::Object(right)) if !is_data(path) => {
            let more = right.keys().filter(|name| !left.contains_key(*name));
            for name in left.keys().chain(more) {
                let path = format!("{path}/{name}");
                member(&path, left.get(name), right.get(name), found);
            }
        }
        _ if is_same(path, expected, actual) => {}
        _ => found.push(Difference {
            path: path.to_owned(),
            expected: Some(expected.clone()),
            actual: Some(actual.clone()),
        }),
    }
}

fn member(path: &str, left: Option<&Value>, right: Option<&Value>, found: &mut Vec<Difference>) {
    match (left, right) {
        (Some(left), Some(right)) => compare(path, left, right, found),
        _ => found.push(Difference {
            path: path.to_owned(),
            expected: left.cloned(),
            actual: right.cloned(),
        }),
    }
}

/// Returns whether the value at this path is data: bytes, a text, or user metadata. Its structure is not compared.
fn is_data(path: &str) -> bool {
    matches!(
        leaf(path),
        "blob" | "body" | "text" | "metadata" | "raw_metadata"
    )
}

fn is_same(path: &str, expected: &Value, actual: &Value) -> bool {
    match leaf(path) {
        "blob" | "body" => same_bytes(expected, actual),
        "text" => same_text(expected, actual),
        // A `with` block that an exception ends: Rust has no exception class to compare.
        "exception" if actual.as_str() == Some(RAISED) => expected.is_string(),
        _ => expected == actual,
    }
}

fn leaf(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_difference_is_named() {
        let expected = json!({"results": [{"ok": {"size": 1, "blob": {"hex": "61"}}}, 1]});
        let actual = json!({"results": [{"ok": {"size": 2, "blob": {"utf8": "a"}, "x": null}}]});
        let found: Vec<_> = differences(&expected, &actual)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            found,
            [
                "/results/0/ok/size: expected 1, got 2",
                "/results/0/ok/x: expected nothing, got null",
                "/results/1: expected 1, got nothing",
            ]
        );
    }
}

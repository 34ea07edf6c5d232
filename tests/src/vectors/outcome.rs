//! [`Outcome`]: outcome of a scenario in JSON: the result of each step, and the objects stored at the end.

use serde_json::{Value, json};

use super::content::{sha1, show_bytes};
use super::seed::Stored;

/// Lists longer than this are compared by digest.
const LISTED: usize = 60;

/// The outcome of a client, in comparable form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The error of the constructor; `None` if there is a client.
    pub constructor_error: Option<Value>,
    /// One result per step.
    pub results: Vec<Value>,
    /// The objects of `{B}` by key, if they were read.
    pub final_state: Option<Vec<Value>>,
}

impl Outcome {
    /// Returns the outcome of a constructor that fails.
    #[must_use]
    pub fn rejected(error: Value) -> Self {
        Self {
            constructor_error: Some(error),
            ..Self::default()
        }
    }

    /// Returns the outcome as vectors write it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match (&self.constructor_error, &self.final_state) {
            (Some(error), _) => json!({ "constructor_error": error }),
            (None, None) => json!({ "results": self.results }),
            (None, Some(state)) => json!({"results": self.results, "final_state": state}),
        }
    }
}

/// Formats a list as results do: in full, or as a digest.
pub(crate) fn show_list(items: Vec<Value>) -> Value {
    if items.len() <= LISTED {
        return Value::Array(items);
    }
    let urls: Vec<&str> = items.iter().map(url).collect();
    let sorted = urls.is_sorted_by_key(|url| url.as_bytes());
    let digest = sha1(urls.join("\n").as_bytes());
    json!({"$list_digest": {
        "count": items.len(),
        "sha1_of_urls": digest,
        "sorted_by_utf8_url": sorted,
        "first": items.first(),
        "last": items.last(),
    }})
}

fn url(item: &Value) -> &str {
    let url = item
        .get("url")
        .or_else(|| item.get("$tuple").and_then(|pair| pair.get(1)));
    url.and_then(Value::as_str).unwrap_or_default()
}

/// Formats an object of the final state.
pub(crate) fn show_stored(key: &str, stored: &Stored) -> Value {
    let mut shown = json!({"key": key, "body": show_bytes(&stored.body)});
    if let Some(content_type) = stored
        .content_type
        .as_ref()
        .filter(|name| *name != "binary/octet-stream")
    {
        shown["content_type"] = json!(content_type);
    }
    if !stored.metadata.is_empty() {
        shown["raw_metadata"] = json!(stored.metadata);
    }
    if let Some(encryption) = &stored.encryption {
        shown["sse"] = json!(encryption);
    }
    shown
}

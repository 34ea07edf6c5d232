//! Results of the calls of the reference model: objects with URL, prefix, key, size and metadata.

use serde_json::{Value, json};

use super::quirk::{Quirk, Quirks};
use crate::vectors::content::{show_bytes, show_text};

/// An `S3Object`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Object {
    pub(crate) url: String,
    pub(crate) prefix: Option<String>,
    pub(crate) key: String,
    pub(crate) size: Option<u64>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) info: Option<Info>,
    /// The name of the local file: results with the same name share it.
    pub(crate) file: Option<String>,
}

/// The fields that a call with info sets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Info {
    pub(crate) content_type: String,
    pub(crate) metadata: Value,
    pub(crate) encryption: Option<String>,
    /// Total size, first byte, number of bytes.
    pub(crate) range: Option<(u64, u64, u64)>,
}

impl Object {
    /// Returns a missing object, with its key relative to `prefix`.
    pub(crate) fn missing(quirks: &Quirks, prefix: Option<&str>, url: &str) -> Self {
        let (prefix, key) = display(quirks, prefix, url);
        Self {
            url: url.to_owned(),
            prefix,
            key,
            size: None,
            body: None,
            info: None,
            file: None,
        }
    }

    /// Returns the object as JSON; `has_file` says whether a local file is available.
    pub(crate) fn show(&self, has_file: bool) -> Value {
        let mut shown = json!({
            "$S3Object": true,
            "url": self.url,
            "key": self.key,
            "prefix": self.prefix,
            "exists": self.size.is_some(),
            "downloaded": self.body.is_some(),
            "size": self.size,
            "has_info": self.info.is_some(),
            "content_type": self.info.as_ref().map(|info| &info.content_type),
            "metadata": self.info.as_ref().map(|info| &info.metadata),
            "encryption": self.info.as_ref().and_then(|info| info.encryption.as_ref()),
            "range_info": self.info.as_ref().and_then(|info| info.range).map(|(size, offset, length)| {
                json!({"total_size": size, "request_offset": offset, "request_length": length})
            }),
            "last_modified": self.info.is_some(),
            "blob": self.body.as_ref().map(|body| show_bytes(body)),
            "text": self.body.as_ref().map(|body| show_text(&String::from_utf8_lossy(body))),
        });
        if self.body.is_some() {
            shown["path_exists"] = json!(has_file);
        }
        if self.size != Some(0) {
            shown["str"] = json!(self.to_text());
        }
        shown
    }

    fn to_text(&self) -> String {
        let state = match (self.size, &self.body) {
            (None, _) => "object does not exist".to_owned(),
            (Some(size), Some(_)) => format!("{size} bytes, local"),
            (Some(size), None) => format!("{size} bytes, in S3"),
        };
        format!("<S3Object {} ({state})>", self.url)
    }
}

/// Returns the prefix that a result shows, and the key of a URL relative to it.
fn display(quirks: &Quirks, prefix: Option<&str>, url: &str) -> (Option<String>, String) {
    let Some(prefix) = prefix.filter(|prefix| *prefix != url) else {
        return (None, url.to_owned());
    };
    let directory = prefix.trim_end_matches('/');
    let mut start = directory.chars().count() + 1;
    let is_inside = url
        .strip_prefix(directory)
        .is_some_and(|rest| rest.starts_with('/'));
    if !is_inside && !quirks.has(Quirk::RecursivePrefix) {
        let parent = directory
            .rfind('/')
            .map_or("", |slash| &directory[..=slash]);
        start = parent.chars().count();
    }
    let key: String = url.chars().skip(start).collect();
    (
        Some(prefix.to_owned()),
        key.trim_end_matches('/').to_owned(),
    )
}

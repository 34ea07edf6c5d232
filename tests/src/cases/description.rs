//! The description of a case: `case.json`.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{derive, fields};

/// One folder.
#[derive(Clone, Debug)]
pub struct Case {
    /// The folder's name.
    pub name: String,
    /// The folder.
    pub(super) folder: PathBuf,
    /// The content of `case.json`.
    pub(super) json: Map<String, Value>,
}

/// Why a folder cannot be run.
#[derive(Debug)]
pub struct NotACase(pub(super) String);

impl fmt::Display for NotACase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Case {
    /// Reads a folder.
    ///
    /// # Errors
    ///
    /// There is neither a `case.json` nor a `CASE.md` that names a call, or `case.json` has fields that the format does
    /// not know.
    pub fn read(folder: &Path) -> Result<Self, NotACase> {
        let name = folder.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let path = folder.join("case.json");
        let json = match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .map_err(|error| NotACase(format!("case.json cannot be read: {error}")))?,
            Err(error) if path.exists() => {
                return Err(NotACase(format!("case.json cannot be read: {error}")));
            }
            Err(_) => derive::from_prose(folder)?,
        };
        let folder = folder.to_owned();
        let case = Self { name, folder, json };
        let wrong = fields::check(&case.json, &case.calls());
        match wrong.is_empty() {
            true => Ok(case),
            false => Err(NotACase(wrong.join("; "))),
        }
    }

    /// Returns the calls, each a name and its arguments. Each is made in a process of its own.
    pub(super) fn calls(&self) -> Vec<Vec<String>> {
        let calls = self.json.get("calls").and_then(Value::as_array);
        let words = |call: &Value| match call {
            Value::Array(words) => texts(words),
            Value::String(words) => words.split_whitespace().map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        calls
            .map(|calls| calls.iter().map(words).collect())
            .unwrap_or_default()
    }

    /// Returns an object of the description, empty if it is not there.
    pub(super) fn object(&self, name: &str) -> Map<String, Value> {
        let object = self.json.get(name).and_then(Value::as_object);
        object.cloned().unwrap_or_default()
    }

    pub(super) fn list(&self, name: &str) -> Vec<Value> {
        let list = self.json.get(name).and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    }

    /// Returns whether the client comes through TLS, with a certificate of a private authority.
    pub(super) fn is_tls(&self) -> bool {
        self.json.get("tls") == Some(&Value::Bool(true))
    }
}

pub(super) fn texts(values: &[Value]) -> Vec<String> {
    values.iter().map(text_of).collect()
}

/// Returns a text as it is, and a number as it is written.
pub(super) fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

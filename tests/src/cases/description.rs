//! [`Case`]: parses the description of a case, `case.json`.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{derive, fields};

/// A case: one folder with input files and a description.
#[derive(Clone, Debug)]
pub struct Case {
    /// The name of the folder.
    pub name: String,
    /// The folder.
    pub(super) folder: PathBuf,
    /// The content of `case.json`.
    pub(super) json: Map<String, Value>,
}

/// The reason why a folder cannot be run.
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
    /// There is neither a `case.json` nor a `CASE.md` that names a call, or `case.json` has unknown fields.
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

    /// Returns the calls, each a name and its arguments. Each call runs in its own process.
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

    /// Returns an object of the description; empty if it is missing.
    pub(super) fn object(&self, name: &str) -> Map<String, Value> {
        let object = self.json.get(name).and_then(Value::as_object);
        object.cloned().unwrap_or_default()
    }

    pub(super) fn list(&self, name: &str) -> Vec<Value> {
        let list = self.json.get(name).and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    }

    /// Returns whether the client connects with TLS, to a server with a certificate of a private authority.
    pub(super) fn is_tls(&self) -> bool {
        self.json.get("tls") == Some(&Value::Bool(true))
    }
}

pub(super) fn texts(values: &[Value]) -> Vec<String> {
    values.iter().map(text_of).collect()
}

/// Returns a text unchanged, and other values as JSON.
pub(super) fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

//! The description of a case: `case.json`.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::derive;

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
    /// There is neither a `case.json` nor a `CASE.md` that says what is called.
    pub fn read(folder: &Path) -> Result<Self, NotACase> {
        let name = folder.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let path = folder.join("case.json");
        let json = match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .map_err(|error| NotACase(format!("{}: {error}", path.display())))?,
            Err(_) => derive::from_prose(folder)?,
        };
        let folder = folder.to_owned();
        Ok(Self { name, folder, json })
    }

    /// Returns the calls, each a name and its arguments. Each is made in a process of its own.
    pub(super) fn calls(&self) -> Vec<Vec<String>> {
        let calls = self.json.get("calls").and_then(Value::as_array);
        let words = |call: &Value| {
            call.as_array()
                .map(|words| texts(words))
                .unwrap_or_default()
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
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    values.iter().map(text).collect()
}

//! Finds and parses Metaflow's JSON configuration files: `config.json` of the project and that of the profile.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Error, Result};

/// Returns the path of the project's file: `config.json` in the nearest directory `.metaflow` from `here` upwards.
pub(crate) fn project_file(here: &Path) -> Option<PathBuf> {
    here.ancestors()
        .map(|directory| directory.join(".metaflow"))
        .find(|directory| directory.is_dir())
        .map(|directory| directory.join("config.json"))
}

/// Returns the fields of both files; those of the project win.
pub(crate) fn read_files(
    lookup: &impl Fn(&str) -> Option<String>,
    project: Option<&Path>,
    read: impl Fn(&Path) -> io::Result<String>,
) -> Result<HashMap<String, String>> {
    let mut fields = read_profile(lookup, &read)?;
    if let Some(project) = project {
        fields.extend(read_project(project, &read)?);
    }
    Ok(fields)
}

fn read_project(
    path: &Path,
    read: &impl Fn(&Path) -> io::Result<String>,
) -> Result<HashMap<String, String>> {
    match read(path) {
        Ok(text) => parse_fields(path, &text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(HashMap::new()),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// Returns the fields of the profile's file, which may be missing unless a profile is named.
fn read_profile(
    lookup: &impl Fn(&str) -> Option<String>,
    read: &impl Fn(&Path) -> io::Result<String>,
) -> Result<HashMap<String, String>> {
    let profile = lookup("METAFLOW_PROFILE").filter(|profile| !profile.is_empty());
    let Some(directory) = config_directory(lookup) else {
        return Ok(HashMap::new());
    };
    let path = directory.join(match &profile {
        Some(profile) => format!("config_{profile}.json"),
        None => "config.json".to_owned(),
    });
    match read(&path) {
        Ok(text) => parse_fields(&path, &text),
        Err(error) if error.kind() == io::ErrorKind::NotFound && profile.is_none() => {
            Ok(HashMap::new())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::config(format!(
            "read {}: {error}\nhint: METAFLOW_PROFILE names this file: create it, or unset the variable",
            path.display()
        ))),
        Err(error) => Err(unreadable(&path, &error)),
    }
}

fn config_directory(lookup: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let home = || {
        lookup("HOME")
            .filter(|home| !home.is_empty())
            .map(PathBuf::from)
    };
    match lookup("METAFLOW_HOME").filter(|directory| !directory.is_empty()) {
        None => Some(home()?.join(".metaflowconfig")),
        Some(directory) if directory == "~" => home(),
        Some(directory) => match directory.strip_prefix("~/") {
            Some(rest) => Some(home()?.join(rest)),
            None => Some(PathBuf::from(directory)),
        },
    }
}

/// Parses the fields of a file: strings as they are, other values as JSON text.
fn parse_fields(path: &Path, text: &str) -> Result<HashMap<String, String>> {
    let fields: serde_json::Map<String, Value> = serde_json::from_str(text).map_err(|error| {
        Error::config(format!(
            "read {}: not a JSON object: {error}",
            path.display()
        ))
    })?;
    let as_text = |value| match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    };
    Ok(fields
        .into_iter()
        .map(|(name, value)| (name, as_text(value)))
        .collect())
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::config(format!("read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_nearest_project_counts() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::create_dir(root.path().join(".metaflow")).unwrap();
        let outer_file = root.path().join(".metaflow/config.json");
        assert_eq!(project_file(&inner), Some(outer_file));
        fs::create_dir(root.path().join("a/.metaflow")).unwrap();
        let inner_file = root.path().join("a/.metaflow/config.json");
        assert_eq!(project_file(&inner), Some(inner_file.clone()));
        let read = |path: &Path| fs::read_to_string(path);
        assert_eq!(
            read_files(&|_| None, Some(&inner_file), read).unwrap(),
            HashMap::new()
        );
        fs::write(&inner_file, "[]").unwrap();
        let error = read_files(&|_| None, Some(&inner_file), read).unwrap_err();
        assert!(
            error.to_string().contains("a/.metaflow/config.json"),
            "{error}"
        );
    }
}

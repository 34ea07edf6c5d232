//! Converts keys to paths of local files, and paths that `--encode-names` wrote back to keys.
//!
//! A key becomes a path below the destination, component by component. A component that is empty, `.` or `..` would
//! leave the destination or be lost; such a key fails, or is percent-encoded with `--encode-names`.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The path for a key below a destination directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LocalName {
    /// A file.
    File(PathBuf),
    /// A directory, for an empty object whose key ends in a slash.
    Directory(PathBuf),
}

/// Returns the path for a key below `directory`; `size` is that of the object.
pub(crate) fn local_name(
    directory: &Path,
    key: &str,
    size: Option<u64>,
    encode: bool,
) -> Result<LocalName, Failure> {
    let (names, is_directory) = match key.strip_suffix('/') {
        Some(names) if size == Some(0) => (names, true),
        _ => (key, false),
    };
    let mut path = directory.to_owned();
    for component in names.split('/') {
        if encode {
            path.push(encode_component(component));
            continue;
        }
        if let Some(problem) = problem(component) {
            let message = format!("the key cannot be a path: {problem}");
            return Err(Failure::local(message).with_hint("--encode-names writes it encoded"));
        }
        path.push(component);
    }
    Ok(match is_directory {
        true => LocalName::Directory(path),
        false => LocalName::File(path),
    })
}

/// Decodes the path of a file below a source directory, which `--encode-names` wrote, to a key.
pub(crate) fn decode_name(path: &str) -> Result<String, Failure> {
    let components = path.split('/').map(|component| {
        decode_component(component)
            .ok_or_else(|| Failure::local(format!("{component:?} is not an encoded name")))
    });
    Ok(components.collect::<Result<Vec<_>, _>>()?.join("/"))
}

fn problem(component: &str) -> Option<&'static str> {
    match component {
        "" => Some("a component is empty"),
        "." | ".." => Some("a component is . or .."),
        _ if component.contains('\0') => Some("a component has a NUL character"),
        _ => None,
    }
}

/// Encoded form of an empty component: no other component is encoded as a single percent sign.
const EMPTY: &str = "%";

fn encode_component(component: &str) -> String {
    match component {
        "" => EMPTY.to_owned(),
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => component.replace('%', "%25").replace('\0', "%00"),
    }
}

fn decode_component(component: &str) -> Option<String> {
    if component == EMPTY {
        return Some(String::new());
    }
    let mut pieces = component.split('%');
    let mut text = pieces.next()?.to_owned();
    for piece in pieces {
        let (code, rest) = piece.split_at_checked(2)?;
        text.push(match code {
            "25" => '%',
            "2E" => '.',
            "00" => '\0',
            _ => return None,
        });
        text.push_str(rest);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(key: &str, size: u64) -> Result<LocalName, Failure> {
        local_name(Path::new("d"), key, Some(size), false)
    }

    #[test]
    fn a_key_stays_below_the_destination_or_fails() {
        assert_eq!(
            plain("a/b c", 1).unwrap(),
            LocalName::File("d/a/b c".into())
        );
        assert_eq!(plain("a/", 0).unwrap(), LocalName::Directory("d/a".into()));
        for key in [
            "../x",
            "a/../../x",
            "/etc/passwd",
            "a//b",
            "./a",
            "a/.",
            "..",
            "a/",
            "a\0b",
        ] {
            assert!(plain(key, 1).is_err(), "{key}");
        }
        assert!(plain("/", 0).is_err() && plain("../", 0).is_err());
    }

    #[test]
    fn encoded_names_are_reversible_and_stay_below_the_destination() {
        for key in [
            "../x", "/a", "a//b", "./..", "100%", "%2E", "a/", "a\0b", "plain/é",
        ] {
            let LocalName::File(path) = local_name(Path::new("d"), key, Some(1), true).unwrap()
            else {
                panic!("{key} is a file");
            };
            let below = path.strip_prefix("d").unwrap().to_str().unwrap();
            assert!(
                !below.split('/').any(|name| matches!(name, "" | "." | "..")),
                "{below}"
            );
            assert_eq!(decode_name(below).unwrap(), key);
        }
        assert!(decode_name("50%x").is_err() && decode_name("%zz").is_err());
    }
}

//! Parses the path arguments of commands: `s3://bucket/key`, `s3:KEY` below the root, `-`, or a local path.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use s3_client::Root;
use s3_core::{S3Prefix, S3Url};

use crate::failure::Failure;
use crate::printable::printable;

/// The parsed path argument of `cp` or `mv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// `-`: standard input or output.
    Stdio,
    /// A local path.
    Local(PathBuf),
    /// A bucket, a prefix or a key.
    Remote(Remote),
}

/// `s3://bucket/key`, where the key may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) bucket: String,
    pub(crate) key: String,
}

impl Address {
    /// Parses an argument: `-`, `s3://…`, `s3:KEY` below the client's root, or a local path.
    pub(crate) fn parse(argument: &OsStr, root: &Root) -> Result<Self, Failure> {
        if argument == "-" {
            return Ok(Self::Stdio);
        }
        if argument.is_empty() {
            return Err(Failure::usage("an argument is empty"));
        }
        match argument.to_str() {
            Some(text) if has_scheme(text, "s3:") => Remote::parse(text, root).map(Self::Remote),
            _ => Ok(Self::Local(PathBuf::from(argument))),
        }
    }
}

impl Remote {
    /// Parses `s3://bucket/key`; with a root, also `s3:KEY` and `KEY` below it.
    pub(crate) fn parse(text: &str, root: &Root) -> Result<Self, Failure> {
        if has_scheme(text, "s3://") {
            let prefix =
                S3Prefix::parse(text).map_err(|error| Failure::usage(error.to_string()))?;
            return Ok(Self {
                bucket: prefix.bucket().to_owned(),
                key: prefix.prefix().to_owned(),
            });
        }
        let Some(root) = root.prefix() else {
            let message = format!("{text:?} is not an S3 address");
            return Err(Failure::usage(message)
                .with_hint("write s3://bucket/key; a bare key needs --s3root or --run"));
        };
        let key = if has_scheme(text, "s3:") {
            &text[3..]
        } else {
            text
        };
        let joined = match root.prefix() {
            "" => key.to_owned(),
            above => format!("{above}/{key}"),
        };
        Ok(Self {
            bucket: root.bucket().to_owned(),
            key: joined,
        })
    }

    /// Returns the URL of the object.
    pub(crate) fn url(&self) -> Result<S3Url, Failure> {
        if self.key.is_empty() {
            let message = format!("{self} is a bucket, not an object");
            return Err(Failure::usage(message).with_hint("add a key, or -r for all of it"));
        }
        self.with_key(&self.key)
    }

    /// Returns the URL of an object with another key in the same bucket.
    pub(crate) fn with_key(&self, key: &str) -> Result<S3Url, Failure> {
        S3Url::from_parts(&self.bucket, key).map_err(|error| Failure::usage(error.to_string()))
    }

    /// Returns the prefix of a listing of all keys that start with `key`.
    pub(crate) fn prefix(&self, key: &str) -> Result<S3Prefix, Failure> {
        S3Prefix::from_parts(&self.bucket, key).map_err(|error| Failure::usage(error.to_string()))
    }

    /// Returns the key as a directory: `p` and `p/` become `p/`; for the whole bucket it is empty.
    pub(crate) fn directory_key(&self) -> String {
        match self.key.is_empty() || self.key.ends_with('/') {
            true => self.key.clone(),
            false => format!("{}/", self.key),
        }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        match self.key.is_empty() {
            true => Ok(()),
            false => write!(f, "/{}", printable(&self.key)),
        }
    }
}

/// Returns a path as text for messages and records.
pub(crate) fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn has_scheme(text: &str, scheme: &str) -> bool {
    text.get(..scheme.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit_code::FailureClass;

    fn remote(bucket: &str, key: &str) -> Address {
        Address::Remote(Remote {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        })
    }

    #[test]
    fn keys_are_kept_verbatim_and_everything_else_is_a_path() {
        let parse = |text: &str| Address::parse(OsStr::new(text), &Root::Unset).unwrap();
        assert_eq!(parse("s3://b"), remote("b", ""));
        assert_eq!(parse("s3://b/"), remote("b", ""));
        assert_eq!(parse("S3://b/a%20b/../c//"), remote("b", "a%20b/../c//"));
        assert_eq!(parse("s3://b//x"), remote("b", "/x"));
        assert_eq!(parse("-"), Address::Stdio);
        assert_eq!(parse("./-"), Address::Local("./-".into()));
        let error = Address::parse(OsStr::new("s3://"), &Root::Unset).unwrap_err();
        assert_eq!(error.class, FailureClass::Usage);
    }

    #[test]
    fn a_root_makes_relative_keys() {
        let root = Root::s3root("s3://b/data").unwrap();
        let parse = |text: &str| Address::parse(OsStr::new(text), &root).unwrap();
        assert_eq!(parse("s3:a/x"), remote("b", "data/a/x"));
        assert_eq!(parse("s3://c/x"), remote("c", "x"));
        assert_eq!(parse("a/x"), Address::Local("a/x".into()));
        assert_eq!(Remote::parse("a/x", &root).unwrap().key, "data/a/x");
        assert!(Remote::parse("a/x", &Root::Unset).is_err());
    }
}

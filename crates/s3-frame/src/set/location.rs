//! [`SetLocation`]: the folder of a set and the names of its parts.

use s3_client::S3;
use s3_core::{S3Prefix, S3Url};

use crate::{Error, Result};

/// How parts are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// With as many digits as the last number, as dask numbers CSV objects: `07.part`.
    Padded,
    /// As dask numbers Parquet objects: `part.7.parquet`.
    #[cfg(feature = "parquet")]
    Plain,
}

/// The digits of a number when it is not known how many parts there will be.
const DIGITS: usize = 6;

/// The folder of a set and the names of its parts.
#[derive(Clone, Debug)]
pub(crate) struct SetLocation {
    folder: S3Prefix,
    /// Of the name of a part, what is before its number.
    before: String,
    after: String,
    is_default: bool,
    numbering: Numbering,
}

impl SetLocation {
    /// Reads `FOLDER`, or `FOLDER/x-*.csv`, where the star stands for the number. `default` is the name of parts in a
    /// folder, with a star too.
    pub(crate) fn parse(s3: &S3, text: &str, default: &str, numbering: Numbering) -> Result<Self> {
        let invalid = |reason: String| Error::Pattern {
            pattern: text.to_owned(),
            reason: format!("is not a place for a set: {reason}"),
        };
        let (folder, name) = match text.rsplit_once('/') {
            Some((folder, name)) if name.contains('*') => (folder, Some(name)),
            None if text.contains('*') => ("", Some(text)),
            _ => (text, None),
        };
        let name = name.filter(|name| *name != default);
        let (before, after) = name
            .unwrap_or(default)
            .split_once('*')
            .expect("it has a star");
        if folder.contains('*') || after.contains('*') {
            return Err(invalid("it has several stars".to_owned()));
        }
        let folder = s3
            .root()
            .resolve_prefix(Some(folder.trim_end_matches('/')))
            .map_err(|error| invalid(error.to_string()))?;
        if folder.prefix().is_empty() {
            return Err(invalid("it is a whole bucket".to_owned()));
        }
        Ok(Self {
            folder: folder.with_trailing_slash(),
            before: before.to_owned(),
            after: after.to_owned(),
            is_default: name.is_none(),
            numbering,
        })
    }

    pub(crate) fn folder(&self) -> &S3Prefix {
        &self.folder
    }

    /// Returns the URL of a part; `count` is how many there will be, if that is known.
    pub(crate) fn part(&self, number: u64, count: Option<u64>) -> Result<S3Url> {
        let width = match (self.numbering, count) {
            (Numbering::Padded, Some(count)) => count.saturating_sub(1).to_string().len(),
            (Numbering::Padded, None) => DIGITS,
            #[cfg(feature = "parquet")]
            (Numbering::Plain, _) => 1,
        };
        let name = format!("{}{number:0width$}{}", self.before, self.after);
        self.folder.join(&name).map_err(|error| Error::Pattern {
            pattern: name,
            reason: format!("is not a name of a part: {error}"),
        })
    }

    /// Returns whether a key is that of a part of this set, of whatever number.
    pub(crate) fn has(&self, url: &S3Url) -> bool {
        let name = self.folder.relative(url);
        let digits = name
            .and_then(|name| name.strip_prefix(self.before.as_str()))
            .and_then(|name| name.strip_suffix(self.after.as_str()));
        digits.is_some_and(|digits| {
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
    }

    /// Returns the URL of the manifest.
    pub(crate) fn manifest(&self) -> Result<S3Url> {
        let name = format!("{}*{}", self.before, self.after);
        manifest_of(&self.folder, (!self.is_default).then_some(name.as_str()))
    }
}

/// Returns the URL of the manifest of a set: beside its folder, where no pattern for the parts matches it.
///
/// It is `FOLDER.manifest.json` for the parts that a set has by default, and `FOLDER.NAME.manifest.json` for parts of
/// another name.
pub(super) fn manifest_of(folder: &S3Prefix, name: Option<&str>) -> Result<S3Url> {
    let text = folder.as_str().trim_end_matches('/');
    let url = match name {
        None => format!("{text}.manifest.json"),
        Some(name) => format!("{text}.{name}.manifest.json"),
    };
    S3Url::parse(&url).map_err(|error| Error::Pattern {
        pattern: folder.as_str().to_owned(),
        reason: format!("cannot have a manifest: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SetLocation> {
        let s3 = S3::in_memory().unwrap();
        SetLocation::parse(&s3, text, "*.part", Numbering::Padded)
    }

    #[test]
    fn a_folder_or_a_pattern_names_the_parts() {
        for (text, part, manifest) in [
            (
                "s3://b/set",
                "s3://b/set/03.part",
                "s3://b/set.manifest.json",
            ),
            (
                "s3://b/set/",
                "s3://b/set/03.part",
                "s3://b/set.manifest.json",
            ),
            (
                "s3://b/set/*.part",
                "s3://b/set/03.part",
                "s3://b/set.manifest.json",
            ),
            (
                "s3://b/a/x-*.csv",
                "s3://b/a/x-03.csv",
                "s3://b/a.x-*.csv.manifest.json",
            ),
        ] {
            let location = parse(text).unwrap();
            assert_eq!(location.part(3, Some(12)).unwrap().as_str(), part);
            assert_eq!(location.manifest().unwrap().as_str(), manifest);
        }
        for text in [
            "s3://b",
            "s3://b/*",
            "s3://b/*/x-*.csv",
            "s3://b/a/*-*",
            "a/*",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let unknown = parse("s3://b/set").unwrap().part(3, None).unwrap();
        assert_eq!(unknown.as_str(), "s3://b/set/000003.part");
    }

    #[test]
    fn only_numbers_are_names_of_parts() {
        let location = parse("s3://b/set").unwrap();
        for (key, is_part) in [
            ("set/0.part", true),
            ("set/0123.part", true),
            ("set/.part", false),
            ("set/a.part", false),
            ("set/1.part.bak", false),
            ("set/x/1.part", false),
        ] {
            let url = S3Url::from_parts("b", key).unwrap();
            assert_eq!(location.has(&url), is_part, "{key}");
        }
    }
}

//! [`SetLocation`]: folder of a set, names and numbers of its parts, and URL of its manifest.

use s3_client::S3;
use s3_core::{S3Prefix, S3Url};

use crate::{Error, Result};

/// The format of the numbers in part names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// Padded to as many digits as the last number, as dask names CSV objects: `07.part`.
    Padded,
    /// Not padded, as dask names Parquet objects: `part.7.parquet`.
    #[cfg(feature = "parquet")]
    Plain,
}

/// Number of digits if the number of parts is not known.
const DIGITS: usize = 6;
/// Maximum number of digits that always fit into 64 bits.
const MAX_DIGITS: usize = 19;

/// The part numbers of one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartNumbers {
    first: u64,
    /// Minimum number of digits.
    width: usize,
}

/// The folder of a set and the names of its parts.
#[derive(Clone, Debug)]
pub(crate) struct SetLocation {
    folder: S3Prefix,
    /// The text before the number in the name of a part.
    before: String,
    after: String,
    is_default: bool,
    numbering: Numbering,
}

impl SetLocation {
    /// Parses `FOLDER`, or `FOLDER/x-*.csv`, in which the asterisk stands for the number. `default` is the pattern of
    /// part names for `FOLDER`.
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

    /// Returns the numbers of the parts of a write; `count` is the number of parts, if it is known.
    ///
    /// They are greater than the numbers of the existing parts. If numbers are padded, the new keys also sort after the
    /// existing ones: after `2` comes `30`, not `03`.
    pub(crate) fn numbers<'a>(
        &self,
        existing: impl IntoIterator<Item = &'a S3Url>,
        count: Option<u64>,
    ) -> PartNumbers {
        let existing = existing.into_iter().filter_map(|url| {
            let digits = self.digits(url)?;
            Some((digits.parse::<u64>().ok()?, digits.len()))
        });
        let last = existing.max();
        match self.numbering {
            Numbering::Padded => padded(last, count),
            #[cfg(feature = "parquet")]
            Numbering::Plain => PartNumbers {
                first: last.map_or(0, |(number, _)| number.saturating_add(1)),
                width: 1,
            },
        }
    }

    /// Returns the URL of the part with this index within the write.
    pub(crate) fn part(&self, numbers: PartNumbers, index: u64) -> Result<S3Url> {
        let (number, width) = (numbers.first.saturating_add(index), numbers.width);
        let name = format!("{}{number:0width$}{}", self.before, self.after);
        self.folder.join(&name).map_err(|error| Error::Pattern {
            pattern: name,
            reason: format!("is not a name of a part: {error}"),
        })
    }

    /// Returns whether a key is that of a part of this set, with any number.
    pub(crate) fn has(&self, url: &S3Url) -> bool {
        self.digits(url).is_some()
    }

    /// Returns the number in the key of a part of this set; `None` for another key.
    fn digits<'a>(&self, url: &'a S3Url) -> Option<&'a str> {
        let digits = self
            .folder
            .relative(url)?
            .strip_prefix(self.before.as_str())?
            .strip_suffix(self.after.as_str())?;
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then_some(digits)
    }

    /// Returns the URL of the manifest.
    pub(crate) fn manifest(&self) -> Result<S3Url> {
        let name = format!("{}*{}", self.before, self.after);
        manifest_of(&self.folder, (!self.is_default).then_some(name.as_str()))
    }
}

/// Returns the numbers of `count` parts after the last existing part, given its number and number of digits.
fn padded(last: Option<(u64, usize)>, count: Option<u64>) -> PartNumbers {
    let least = if count.is_some() { 1 } else { DIGITS };
    let count = count.unwrap_or(1);
    let Some((number, digits)) = last else {
        let width = count.saturating_sub(1).to_string().len().max(least);
        return PartNumbers { first: 0, width };
    };
    for width in digits.max(least)..=MAX_DIGITS {
        let end = 10_u64.pow(width as u32);
        let scale = 10_u64.pow((width - digits) as u32);
        let next = number + 1;
        let first = match next.to_string().len() > digits {
            // Of the keys with more digits, those sort after the last key that begin with all of its digits.
            true => number * scale + 1,
            false => next * scale,
        };
        if end.checked_sub(first).is_some_and(|room| room >= count) {
            return PartNumbers { first, width };
        }
    }
    PartNumbers {
        first: number.saturating_add(1),
        width: digits,
    }
}

/// Returns the URL of the manifest of a set: next to its folder, where no pattern for the parts matches it.
///
/// It is `FOLDER.manifest.json` for parts with default names, otherwise `FOLDER.NAME.manifest.json`.
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
            let numbers = location.numbers([], Some(12));
            assert_eq!(location.part(numbers, 3).unwrap().as_str(), part);
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
        let location = parse("s3://b/set").unwrap();
        let unknown = location.part(location.numbers([], None), 3).unwrap();
        assert_eq!(unknown.as_str(), "s3://b/set/000003.part");
    }

    #[test]
    fn parts_are_added_after_the_last_one() {
        for (names, count, first) in [
            (&["0.part", "1.part", "2.part"][..], Some(7), "3.part"),
            (&["2.part", "0.part"], Some(10), "30.part"),
            (&["9.part"], Some(9), "91.part"),
            (&["9.part"], Some(10), "901.part"),
            (&["07.part", "08.part"], Some(1), "09.part"),
            (&["2.part", "1.bak", "x.part"], None, "300000.part"),
            (&["000002.part"], Some(1), "000003.part"),
            (&["000002.part"], None, "000003.part"),
            (&["99999999999999999999.part"], Some(1), "0.part"),
            (
                &["9999999999999999999.part"],
                Some(1),
                "10000000000000000000.part",
            ),
        ] {
            let location = parse("s3://b/set").unwrap();
            let url = |name: &str| S3Url::from_parts("b", &format!("set/{name}")).unwrap();
            let existing: Vec<S3Url> = names.iter().map(|name| url(name)).collect();
            let numbers = location.numbers(&existing, count);
            assert_eq!(location.part(numbers, 0).unwrap(), url(first), "{names:?}");
            let last = location.part(numbers, count.unwrap_or(1) - 1).unwrap();
            assert!(last.as_str() >= url(first).as_str(), "{last}");
            let is_before = |key: &S3Url| !location.has(key) || key.as_str() < url(first).as_str();
            // Numbers have at most 19 digits.
            let is_full = names[0].len() > 20;
            assert!(is_full || existing.iter().all(is_before), "{names:?}");
        }
    }

    #[test]
    fn only_numbers_match_the_names_of_parts() {
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

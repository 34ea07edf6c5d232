//! Splits a listing into key ranges at directories, so that the ranges can be listed in parallel.
//!
//! A page requested with the delimiter `/` shows the directories of one level. Their names are boundaries of ranges.
//! Boundaries are hints: the ranges cover all keys, whatever the page leaves out.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use s3_core::{ListPage, S3Prefix};

/// The delimiter of directories.
pub(super) const DELIMITER: &str = "/";

/// The length of a directory's prefix, and how keys are spread over its subdirectories.
pub(super) type Level = (usize, Density);

/// How the keys of a page are spread over the directories of a level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Density {
    /// Number of keys of the page.
    pub(super) keys: usize,
    /// Number of these keys that are in a directory.
    pub(super) in_directories: usize,
    /// Number of directories that contain them.
    pub(super) directories: usize,
}

impl Density {
    /// Counts at the level after the first `level` bytes of the keys, which are in ascending order.
    pub(super) fn of<'k>(keys: impl IntoIterator<Item = &'k str>, level: usize) -> Self {
        let mut density = Self::default();
        let mut before = None;
        for key in keys {
            density.keys += 1;
            let below = key.get(level..).unwrap_or_default();
            let Some((directory, _)) = below.split_once(DELIMITER) else {
                continue;
            };
            density.in_directories += 1;
            if before != Some(directory) {
                density.directories += 1;
                before = Some(directory);
            }
        }
        density
    }

    /// Counts at a level and, while all keys are in one directory, at the next. Returns the levels that are worth
    /// probing.
    pub(super) fn levels(keys: &[&str], level: usize) -> VecDeque<Level> {
        let mut levels = VecDeque::new();
        let mut level = Some(level);
        while let Some(at) = level {
            let density = Self::of(keys.iter().copied(), at);
            if density.is_worth_probing() {
                levels.push_back((at, density));
            }
            let is_one = density.directories == 1 && density.in_directories == density.keys;
            let below = keys
                .first()
                .filter(|_| is_one)
                .and_then(|key| key.get(at..));
            level = below.and_then(|below| Some(at + below.find(DELIMITER)? + DELIMITER.len()));
        }
        levels
    }

    /// Returns whether a page of directories replaces at least four pages of keys.
    fn is_worth_probing(self) -> bool {
        self.directories == 1
            || (self.directories > 1 && self.in_directories >= 4 * self.directories)
    }

    /// Returns how many of `directories` one range should hold, to be about a page in at most `max` ranges.
    fn group(self, directories: usize, max: usize) -> usize {
        let page = match self.directories {
            0 | 1 => 1,
            seen => (self.keys * seen).div_ceil(self.in_directories.max(1)),
        };
        page.max(directories.div_ceil(max.max(1))).max(1)
    }
}

/// A key range that begins where the range before it ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DirectoryRange {
    pub(super) until: Arc<str>,
    /// The directory, if the page shows only one directory in this range.
    pub(super) prefix: Option<S3Prefix>,
}

/// Returns whether a page can be the response to a request for the directory `level` after the key `after`.
///
/// The directory that contains `after` is before it, and may still be shown.
pub(super) fn is_plausible(page: &ListPage, level: &str, after: &str) -> bool {
    let objects = page.objects.iter().map(|object| object.url.key());
    let prefixes = page.prefixes.iter().map(S3Prefix::prefix);
    let is_below = |text: &str| text.len() > level.len() && text.starts_with(level);
    is_ascending(objects.clone())
        && is_ascending(prefixes.clone())
        && objects.clone().all(|key| is_below(key) && key > after)
        && prefixes
            .clone()
            .all(|text| is_below(text) && (text > after || after.starts_with(text)))
        && prefixes.clone().all(|text| text.ends_with(DELIMITER))
}

/// Returns whether each text is greater than the one before.
pub(super) fn is_ascending<'t>(texts: impl Iterator<Item = &'t str> + Clone) -> bool {
    texts.clone().zip(texts.skip(1)).all(|(a, b)| a < b)
}

/// Cuts the keys after `after` at the directories of a page. The keys after the last range are one more range.
///
/// `density` determines how many directories make up a page. Returns at most `max` ranges.
pub(super) fn ranges(
    page: &ListPage,
    after: &str,
    density: Density,
    max: usize,
) -> Vec<DirectoryRange> {
    // A directory's name without its slash is before all keys in it, and is a valid `start_after`.
    let names = page.prefixes.iter().map(S3Prefix::prefix);
    let names: BTreeSet<&str> = names
        .filter_map(|prefix| prefix.strip_suffix(DELIMITER))
        .filter(|name| *name > after)
        .collect();
    let directories = page
        .prefixes
        .iter()
        .map(|entry| (entry.prefix(), Some(entry)));
    let objects = page.objects.iter().map(|object| (object.url.key(), None));
    let mut entries: Vec<_> = directories.chain(objects).collect();
    entries.sort_unstable_by_key(|(text, _)| *text);
    // The directory that contains `after` continues; otherwise no key is before the first name.
    let continues = entries
        .first()
        .zip(names.first())
        .is_some_and(|((entry, _), name)| entry < name);
    let group = density.group(names.len(), max);
    let bounds = names
        .into_iter()
        .step_by(group)
        .skip(usize::from(!continues));
    let mut begin = 0;
    let mut ranges: Vec<DirectoryRange> = Vec::new();
    for bound in bounds {
        let end = begin + entries[begin..].partition_point(|(text, _)| *text <= bound);
        let prefix = match entries[begin..end] {
            // Not the first range, which may hold keys that the page has left out after `after`.
            [(text, only)] if text > after && !ranges.is_empty() => only.cloned(),
            _ => None,
        };
        ranges.push(DirectoryRange {
            until: bound.into(),
            prefix,
        });
        begin = end;
    }
    ranges
}

#[cfg(test)]
mod tests {
    use s3_core::{ListedObject, S3Url};

    use super::*;

    fn page(objects: &[&str], prefixes: &[&str]) -> ListPage {
        let objects = objects
            .iter()
            .map(|key| ListedObject::new(S3Url::from_parts("b", key).unwrap(), 0));
        let prefixes = prefixes
            .iter()
            .map(|prefix| S3Prefix::from_parts("b", prefix).unwrap());
        ListPage::new(objects.collect(), prefixes.collect(), None)
    }

    fn shown(page: &ListPage, after: &str, density: Density, most: usize) -> Vec<String> {
        ranges(page, after, density, most)
            .iter()
            .map(|range| match &range.prefix {
                Some(prefix) => format!("{} in {}", range.until, prefix.prefix()),
                None => String::from(&*range.until),
            })
            .collect()
    }

    const ONE_DIRECTORY: Density = Density {
        keys: 1000,
        in_directories: 1000,
        directories: 1,
    };

    #[test]
    fn a_range_of_one_directory_has_its_prefix() {
        let tree = page(&["p/c.txt"], &["p/a/", "p/b/", "p/c/", "p/d/"]);
        // Not the one that contains `after`, nor those with a neighbour.
        assert_eq!(
            shown(&tree, "p/a/9", ONE_DIRECTORY, 64),
            ["p/b", "p/c in p/b/", "p/d"]
        );
        // No range before the first directory if all come after the key.
        let tree = page(&[], &["p/a/", "p/b/", "p/c/"]);
        assert_eq!(
            shown(&tree, "p/7", ONE_DIRECTORY, 64),
            ["p/b", "p/c in p/b/"]
        );
    }

    #[test]
    fn small_directories_are_grouped_into_pages_and_many_into_the_maximum() {
        let names: Vec<String> = (0..100).map(|n| format!("d{n:02}/")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let tree = page(&[], &names);
        let density = Density {
            keys: 1000,
            in_directories: 1000,
            directories: 40,
        };
        assert_eq!(shown(&tree, "d00/x", density, 64), ["d01", "d41", "d81"]);
        assert_eq!(shown(&tree, "d00/x", ONE_DIRECTORY, 10).len(), 10);
        let single = Density {
            directories: 1000,
            ..density
        };
        assert!(!single.is_worth_probing());
    }

    #[test]
    fn directories_that_are_prefixes_of_others_keep_the_key_order() {
        // `a-b/` is before `a/`, but `a` is before `a-b`.
        let tree = page(&[], &["a-b/", "a/", "b/"]);
        assert_eq!(shown(&tree, "Z", ONE_DIRECTORY, 64), ["a-b", "b"]);
    }

    #[test]
    fn density_is_counted_at_its_level() {
        let keys = ["p/a/1", "p/a/b/2", "p/b/3", "p/file"];
        let expected = Density {
            keys: 4,
            in_directories: 3,
            directories: 2,
        };
        assert_eq!(Density::of(keys, 2), expected);
        assert_eq!(Density::of(keys, 0).directories, 1);
        assert_eq!(Density::of([], 0), Density::default());
    }

    #[test]
    fn a_page_before_the_key_or_out_of_order_is_not_plausible() {
        assert!(is_plausible(
            &page(&["p/z"], &["p/a/", "p/b/"]),
            "p/",
            "p/a/9"
        ));
        assert!(!is_plausible(&page(&["p/z"], &["p/a/"]), "p/", "p/b/"));
        assert!(!is_plausible(&page(&["p/a"], &[]), "p/", "p/a"));
        assert!(!is_plausible(&page(&["p/c", "p/b"], &[]), "p/", "p/a"));
        assert!(!is_plausible(&page(&[], &["p/c"]), "p/", "p/a"));
        assert!(!is_plausible(&page(&[], &["q/"]), "p/", "p/a"));
    }
}

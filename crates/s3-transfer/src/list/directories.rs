//! Where to cut a listing so that directories are listed side by side.
//!
//! A page that was asked for with the delimiter `/` behind a key shows what comes next at one level: objects and
//! directories. The names of directories are boundaries. They are hints: the ranges between boundaries cover the whole
//! space, whatever the page has left out.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use s3_core::{ListPage, ListedObject, S3Prefix};

/// The delimiter of what looks like directories.
pub(super) const DELIMITER: &str = "/";

/// How the keys of a page are spread over the directories of a level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Density {
    /// Keys of the page.
    pub(super) keys: usize,
    /// Those of them that are in a directory.
    pub(super) in_directories: usize,
    /// Directories that they are in.
    pub(super) directories: usize,
}

impl Density {
    /// Counts at the level behind the first `level` bytes of the keys, which are in ascending order.
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

    /// Counts at a level, and as long as all keys are in one directory in this one too. Only levels where a page of
    /// directories is worth its request are returned.
    pub(super) fn levels(keys: &[&str], level: usize) -> VecDeque<(usize, Self)> {
        let mut levels = VecDeque::new();
        let mut level = Some(level);
        while let Some(at) = level {
            let density = Self::of(keys.iter().copied(), at);
            // Files in a directory that is known are better listed than looked at for directories.
            if density.is_worth_a_probe() && (levels.is_empty() || density.directories > 0) {
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

    /// Whether a page of directories shows the way for at least four pages of keys. Without directories in sight it
    /// is likely to show objects, and then it is the next page itself.
    fn is_worth_a_probe(self) -> bool {
        self.directories <= 1 || self.in_directories >= 4 * self.directories
    }

    /// How many of `directories` one range should hold so that it is about a page, and there are at most `most`.
    fn group(self, directories: usize, most: usize) -> usize {
        let page = match self.directories {
            // Nothing is known of their size; a few ranges are not much wasted.
            0 => directories.div_ceil(8),
            1 => 1,
            seen => (self.keys * seen).div_ceil(self.in_directories.max(1)),
        };
        page.max(directories.div_ceil(most.max(1))).max(1)
    }
}

/// A range from the one before it (or from where the page began) up to and with `until`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) until: Arc<str>,
    /// The one directory that the page shows in this range, if it shows nothing else.
    pub(super) within: Option<S3Prefix>,
}

/// Whether a page can be the answer to a request at the level `level`, behind `after`.
///
/// A directory that `after` is in comes before it and may still be shown.
pub(super) fn is_credible(page: &ListPage, level: &str, after: &str) -> bool {
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

/// Whether each text is behind the one before.
pub(super) fn is_ascending<'t>(texts: impl Iterator<Item = &'t str> + Clone) -> bool {
    texts.clone().zip(texts.skip(1)).all(|(a, b)| a < b)
}

/// Takes the objects that come before the first directory: nothing is between them that the page does not show.
pub(super) fn lead(page: &mut ListPage) -> Vec<ListedObject> {
    let Some(first) = page.prefixes.first() else {
        return std::mem::take(&mut page.objects);
    };
    let count = page
        .objects
        .partition_point(|object| object.url.key() < first.prefix());
    page.objects.drain(..count).collect()
}

/// Cuts what is behind `after` at the directories of a page. What is behind the last range is one more.
///
/// `density` tells how many directories make up a page; there are at most `most` ranges.
pub(super) fn ranges(page: &ListPage, after: &str, density: Density, most: usize) -> Vec<Range> {
    // Without its slash, a directory's name is before all that is in it, and is easily said.
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
    // The directory that `after` is in goes on; otherwise nothing is before the first name.
    let goes_on = entries
        .first()
        .zip(names.first())
        .is_some_and(|((entry, _), name)| entry < name);
    let group = density.group(names.len(), most);
    let bounds = names.into_iter().step_by(group).skip(usize::from(!goes_on));
    let mut begin = 0;
    let mut ranges: Vec<Range> = Vec::new();
    for bound in bounds {
        let end = begin + entries[begin..].partition_point(|(text, _)| *text <= bound);
        let within = match entries[begin..end] {
            // The first range is to show what the page may have left out behind `after`.
            [(text, only)] if text > after && !ranges.is_empty() => only.cloned(),
            _ => None,
        };
        ranges.push(Range {
            until: bound.into(),
            within,
        });
        begin = end;
    }
    ranges
}

#[cfg(test)]
mod tests {
    use s3_core::S3Url;

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
            .map(|range| match &range.within {
                Some(within) => format!("{} in {}", range.until, within.prefix()),
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
    fn directories_that_are_alone_in_their_range_are_asked_for_by_name() {
        let tree = page(&["p/c.txt"], &["p/a/", "p/b/", "p/c/", "p/d/"]);
        // The one that is under way, and those with a neighbour, are not.
        assert_eq!(
            shown(&tree, "p/a/9", ONE_DIRECTORY, 64),
            ["p/b", "p/c in p/b/", "p/d"]
        );
        // Nothing is before the first one when all are new.
        let tree = page(&[], &["p/a/", "p/b/", "p/c/"]);
        assert_eq!(
            shown(&tree, "p/7", ONE_DIRECTORY, 64),
            ["p/b", "p/c in p/b/"]
        );
    }

    #[test]
    fn small_directories_are_grouped_to_pages_and_many_to_the_most() {
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
        assert!(!single.is_worth_a_probe());
    }

    #[test]
    fn names_that_are_part_of_others_keep_their_order() {
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
    fn an_answer_before_the_key_or_out_of_order_is_not_believed() {
        assert!(is_credible(
            &page(&["p/z"], &["p/a/", "p/b/"]),
            "p/",
            "p/a/9"
        ));
        assert!(!is_credible(&page(&["p/z"], &["p/a/"]), "p/", "p/b/"));
        assert!(!is_credible(&page(&["p/a"], &[]), "p/", "p/a"));
        assert!(!is_credible(&page(&["p/c", "p/b"], &[]), "p/", "p/a"));
        assert!(!is_credible(&page(&[], &["p/c"]), "p/", "p/a"));
        assert!(!is_credible(&page(&[], &["q/"]), "p/", "p/a"));
    }

    #[test]
    fn objects_before_the_first_directory_lead() {
        let mut tree = page(&["a", "b", "x"], &["c/"]);
        let keys = |objects: Vec<ListedObject>| objects.len();
        assert_eq!(keys(lead(&mut tree)), 2);
        assert_eq!(tree.objects.len(), 1);
    }
}

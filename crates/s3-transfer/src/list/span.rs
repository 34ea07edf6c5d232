//! A piece of a listing: a range of keys, and how far it has come.

use std::collections::VecDeque;
use std::sync::Arc;

use s3_core::{Error, ErrorKind, ListPage, ListRequest, Operation, Result, S3Prefix};

use super::directories::{DELIMITER, Density, is_ascending};
use super::pace::Pace;
use super::trail::Trail;

/// The keys behind `after`, up to and with `until`, that begin with `within`.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) after: Option<Arc<str>>,
    pub(super) until: Option<Arc<str>>,
    pub(super) within: S3Prefix,
    /// How many bytes of the keys name the directory whose subdirectories may be looked for.
    pub(super) level: Option<usize>,
    pub(super) state: State,
}

#[derive(Debug)]
pub(super) enum State {
    /// Its next page has not been asked for.
    Open(Start),
    Asked(Asked),
    /// A page that is whole: the span has shrunk to it.
    Listed(ListPage),
    Failed(Error),
}

/// How the next page of a span is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Start {
    /// Where the server says that it goes on; behind `after` without it.
    pub(super) token: Option<Arc<str>>,
    pub(super) trail: Trail,
    /// Where pages behind the next one will probably begin.
    pub(super) pace: Option<Pace>,
    /// Directories that may be looked for, if there is nothing better to do: levels, the next one for the case that
    /// one has a single directory. A level is a number of bytes that keys share, and how dense keys are behind them.
    pub(super) levels: VecDeque<Level>,
    /// What the next request finds out beside the keys that it is for. If its answer is of no use, there is the token.
    pub(super) probe: Option<Probe>,
    /// Whether a probe was of no use.
    pub(super) is_plain: bool,
}

pub(super) type Level = (usize, Density);

#[derive(Clone, Copy, Debug)]
pub(super) enum Probe {
    /// Whether the server begins a listing behind a key that it is given.
    Order,
    /// Whether there are directories at a level; there was none so far, so the answer is likely to be just a page.
    Directories(Level),
}

/// A page on its way.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) id: u64,
    /// Whether there may be no key at all.
    pub(super) is_guess: bool,
    pub(super) start: Start,
}

impl Span {
    /// Returns the request for the next page.
    pub(super) fn request(&self, start: &Start, base: &ListRequest) -> ListRequest {
        let mut request = base.clone();
        request.prefix = self.within.clone();
        request.continuation.clone_from(&start.token);
        request.start_after.clone_from(&self.after);
        if start.probe.is_some() {
            request.continuation = None;
        }
        if let Some(prefix) = self.probed_directory(start) {
            request.delimiter = Some(DELIMITER.into());
            request.prefix = prefix;
        }
        without_idle_start(request)
    }

    /// Returns the directory whose subdirectories are asked for.
    pub(super) fn probed_directory(&self, start: &Start) -> Option<S3Prefix> {
        match start.probe {
            Some(Probe::Directories((level, _))) => {
                directory(&self.within, self.after.as_deref()?, level)
            }
            Some(Probe::Order) | None => None,
        }
    }

    /// Whether a page leaves nothing to ask for: it ends the listing, or it reaches behind the span.
    pub(super) fn is_done_by(&self, page: &ListPage) -> bool {
        page.next.is_none() || self.reaches(last_key(page))
    }

    /// Whether a page tells more than the span: it ends the listing, or it has keys behind the span.
    pub(super) fn is_passed_by(&self, page: &ListPage) -> bool {
        let Some(until) = &self.until else {
            return false;
        };
        page.next.is_none() || last_key(page).is_some_and(|key| *key > **until)
    }

    fn reaches(&self, key: Option<&str>) -> bool {
        self.until
            .as_deref()
            .zip(key)
            .is_some_and(|(until, key)| key >= until)
    }

    /// Whether all keys of the other span would be in a listing of this one's prefix.
    pub(super) fn is_wider_than(&self, other: &Self) -> bool {
        other.within.prefix().starts_with(self.within.prefix())
    }

    /// Refuses keys that are out of order or were not asked for: in a listing that is cut into ranges they would be
    /// keys twice, or keys that are missing elsewhere.
    pub(super) fn check(&self, page: &ListPage) -> Result<()> {
        let keys = page.objects.iter().map(|object| object.url.key());
        let first = keys.clone().next();
        let is_behind = match (&self.after, first) {
            (Some(after), Some(first)) => *first > **after,
            _ => true,
        };
        // In ascending order, what is between two keys with a prefix has the prefix.
        let prefix = self.within.prefix();
        let is_below = [first, last_key(page)]
            .into_iter()
            .flatten()
            .all(|key| key.starts_with(prefix));
        if is_behind && is_below && is_ascending(keys) {
            return Ok(());
        }
        Err(lie(
            &self.within,
            "the server's listing has keys out of order, or keys that were not asked for",
        ))
    }
}

/// Returns the directory that the first `level` bytes of a key name, which begins with `within`.
pub(super) fn directory(within: &S3Prefix, key: &str, level: usize) -> Option<S3Prefix> {
    let text = key.get(..level)?;
    if text == within.prefix() {
        return Some(within.clone());
    }
    S3Prefix::from_parts(within.bucket(), text).ok()
}

/// Leaves out the key to begin behind where it says nothing: with a token, and before all keys of the prefix.
pub(super) fn without_idle_start(mut request: ListRequest) -> ListRequest {
    let is_before = |after: &Arc<str>| **after < *request.prefix.prefix();
    if request.continuation.is_some() || request.start_after.as_ref().is_some_and(is_before) {
        request.start_after = None;
    }
    request
}

pub(super) fn last_key(page: &ListPage) -> Option<&str> {
    page.objects.last().map(|object| object.url.key())
}

pub(super) fn lie(place: &S3Prefix, what: &str) -> Error {
    Error::new(ErrorKind::Integrity, Operation::List)
        .with_resource(place)
        .with_message(what)
}

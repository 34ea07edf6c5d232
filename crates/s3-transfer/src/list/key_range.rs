//! [`KeyRange`]: a range of keys that a listing requests page by page, with the state of its next page.

use std::collections::VecDeque;
use std::sync::Arc;

use s3_core::{Error, ErrorKind, ListPage, ListRequest, Operation, Result, Retryability, S3Prefix};

use super::directories::{Level, is_ascending};
use super::key_interpolator::KeyInterpolator;
use super::token_cycle::TokenCycleDetector;
use super::waiting_page::WaitingPage;

/// Keys in `(after, until]` under `prefix`.
#[derive(Debug)]
pub(super) struct KeyRange {
    pub(super) after: Option<Arc<str>>,
    pub(super) until: Option<Arc<str>>,
    pub(super) prefix: S3Prefix,
    /// Length of the directory prefix whose subdirectories may be probed for; `None` if they have been.
    pub(super) level: Option<usize>,
    pub(super) state: RangeState,
}

#[derive(Debug)]
pub(super) enum RangeState {
    /// Its next page has not been requested.
    Open(Cursor),
    InFlight(InFlightPage),
    /// The page that contains all keys of the range.
    Listed(WaitingPage),
    Failed(Error),
}

/// Position in a range: token or start key of the next page, and how that page is requested.
#[derive(Clone, Debug, Default)]
pub(super) struct Cursor {
    /// The server's continuation token; without one, the page begins after `after`.
    pub(super) token: Option<Arc<str>>,
    pub(super) tokens: TokenCycleDetector,
    /// Predicts where the pages after the next one begin.
    pub(super) interpolator: Option<KeyInterpolator>,
    /// Levels to probe for directories, outermost first.
    pub(super) levels: VecDeque<Level>,
    /// Whether the page is requested by `start_after` instead of the token, to verify that the server supports that.
    pub(super) verifies_start_after: bool,
    /// Whether a verification failed, or would make no progress.
    pub(super) is_plain: bool,
}

/// A page that has been requested.
#[derive(Debug)]
pub(super) struct InFlightPage {
    pub(super) id: u64,
    /// Whether its range was predicted, and may contain no key.
    pub(super) is_speculative: bool,
    pub(super) cursor: Cursor,
}

impl KeyRange {
    /// Returns an open range that begins after a key.
    pub(super) fn after(after: Arc<str>, until: Option<Arc<str>>, prefix: S3Prefix) -> Self {
        Self {
            after: Some(after),
            until,
            prefix,
            level: None,
            state: RangeState::Open(Cursor::default()),
        }
    }

    /// Returns the request for the next page.
    pub(super) fn request(&self, cursor: &Cursor, base: &ListRequest) -> ListRequest {
        let mut request = base.clone();
        request.prefix = self.prefix.clone();
        request.start_after.clone_from(&self.after);
        if !cursor.verifies_start_after {
            request.continuation.clone_from(&cursor.token);
        }
        without_redundant_start(request)
    }

    /// Returns whether nothing is left after a page: it ends the listing, or reaches the end of the range.
    pub(super) fn is_completed_by(&self, page: &ListPage) -> bool {
        let until = self.until.as_deref().zip(last_key(page));
        page.next.is_none() || until.is_some_and(|(until, key)| key >= until)
    }

    /// Returns whether a page covers more than the range: it ends the listing, or has keys after the range.
    pub(super) fn is_exceeded_by(&self, page: &ListPage) -> bool {
        let Some(until) = &self.until else {
            return false;
        };
        page.next.is_none() || last_key(page).is_some_and(|key| *key > **until)
    }

    /// Returns whether this range's prefix includes the keys of the other.
    pub(super) fn includes_prefix_of(&self, other: &Self) -> bool {
        other.prefix.prefix().starts_with(self.prefix.prefix())
    }

    /// Checks that keys are in order and in the range. Otherwise keys would be listed twice, or missing elsewhere.
    pub(super) fn check(&self, page: &ListPage) -> Result<()> {
        let keys = page.objects.iter().map(|object| object.url.key());
        let first = keys.clone().next();
        let is_after = match (&self.after, first) {
            (Some(after), Some(first)) => *first > **after,
            _ => true,
        };
        // Keys between two keys with a prefix have the prefix.
        let prefix = self.prefix.prefix();
        let is_below = [first, last_key(page)]
            .into_iter()
            .flatten()
            .all(|key| key.starts_with(prefix));
        if is_after && is_below && is_ascending(keys) {
            return Ok(());
        }
        Err(protocol_violation(
            &self.prefix,
            "the server's listing has keys out of order, or keys outside the requested range",
        ))
    }
}

/// Removes a redundant `start_after`: with a token, or before all keys of the prefix.
pub(super) fn without_redundant_start(mut request: ListRequest) -> ListRequest {
    let is_before = |after: &Arc<str>| **after < *request.prefix.prefix();
    if request.continuation.is_some() || request.start_after.as_ref().is_some_and(is_before) {
        request.start_after = None;
    }
    request
}

pub(super) fn last_key(page: &ListPage) -> Option<&str> {
    page.objects.last().map(|object| object.url.key())
}

/// Returns how many keys of a page are at or before `until`.
pub(super) fn keys_until(page: &ListPage, until: Option<&str>) -> usize {
    until.map_or(page.objects.len(), |until| {
        page.objects
            .partition_point(|object| object.url.key() <= until)
    })
}

/// Removes the key that is the prefix without its last slash. SeaweedFS lists the object `foo/baz` for the prefix
/// `foo/baz/`, because it looks for the path; an error would make that prefix unusable.
pub(super) fn without_prefix_itself(mut page: ListPage, prefix: &S3Prefix) -> ListPage {
    if let Some(path) = prefix.prefix().strip_suffix('/') {
        let before = page.objects.len();
        page.objects.retain(|object| object.url.key() != path);
        if page.objects.len() < before {
            tracing::warn!(%prefix, "ignored a listed key that is the prefix without its slash");
        }
    }
    page
}

/// Fails if an entry of a page does not begin with the prefix, as from a gateway that ignores the prefix. Callers strip
/// the prefix from keys, or delete the listed objects.
pub(super) fn check_prefix(page: &ListPage, prefix: &S3Prefix) -> Result<()> {
    let keys = page.objects.iter().map(|object| object.url.key());
    let mut entries = keys.chain(page.prefixes.iter().map(S3Prefix::prefix));
    match entries.find(|entry| !entry.starts_with(prefix.prefix())) {
        None => Ok(()),
        Some(entry) => Err(Error::new(ErrorKind::Protocol, Operation::List)
            .with_retryability(Retryability::No)
            .with_resource(prefix)
            .with_message(format!(
                "the server listed {entry:?}, which does not begin with the prefix {:?}",
                prefix.prefix()
            ))),
    }
}

/// Returns the error for a response that contradicts the S3 protocol.
pub(super) fn protocol_violation(prefix: &S3Prefix, message: &str) -> Error {
    Error::new(ErrorKind::Integrity, Operation::List)
        .with_resource(prefix)
        .with_message(message)
}

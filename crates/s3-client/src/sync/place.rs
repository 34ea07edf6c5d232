//! [`SyncPlace`]: source or target of a sync, a local directory or a prefix in S3, and the listing of its entries.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt, stream};
use s3_core::{Error as RequestError, ErrorKind, Operation, S3Prefix, S3Url, Store};
use s3_transfer::ListOptions;

use super::entry::{Pages, SyncEntry, Unreadable};
use super::local_walk::{LocalEntry, LocalWalk, PathFilter};
use super::sort::sorted;
use super::state::SyncSettings;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::on_blocking_thread::on_blocking_thread;

/// Number of files of a walk in a page.
const PAGE: usize = 256;

/// Suffix of the names of directory buckets, whose listings are not in key order.
const DIRECTORY_BUCKET: &str = "--x-s3";

/// Number of pages that each of two listings reads ahead: half as many as a single listing.
const READ_AHEAD_OF_TWO: NonZeroUsize = NonZeroUsize::new(128).expect("it is not 0");

/// Whether listings are assumed to be in key order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListingOrder {
    /// Trust the server's promise of key order.
    AsPromised,
    /// Sort the entries: the server has broken its promise.
    None,
}

/// A directory, local or in S3. `s3://b/p` and `s3://b/p/` are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyncPlace {
    /// A local directory.
    Local(PathBuf),
    /// A directory in S3.
    Remote(S3Prefix),
}

impl From<S3Prefix> for SyncPlace {
    fn from(prefix: S3Prefix) -> Self {
        Self::Remote(match prefix.prefix().is_empty() {
            true => prefix,
            false => prefix.with_trailing_slash(),
        })
    }
}

impl From<PathBuf> for SyncPlace {
    fn from(path: PathBuf) -> Self {
        Self::Local(path)
    }
}

impl From<&Path> for SyncPlace {
    fn from(path: &Path) -> Self {
        Self::Local(path.to_owned())
    }
}

impl SyncPlace {
    /// Returns the object at a path below a remote directory.
    pub(crate) fn url(prefix: &S3Prefix, path: &str) -> Result<S3Url> {
        let key = format!("{}{path}", prefix.prefix());
        S3Url::from_parts(prefix.bucket(), &key).map_err(|error| Error::config(error.to_string()))
    }

    /// Returns a path below the directory as a path or URL, as in the events of a sync.
    #[must_use]
    pub fn show(&self, path: &str) -> String {
        match self {
            Self::Local(directory) => directory.join(path).to_string_lossy().into_owned(),
            Self::Remote(prefix) => match Self::url(prefix, path) {
                Ok(url) => url.as_str().to_owned(),
                Err(_) => format!("{prefix}{path}"),
            },
        }
    }

    /// Returns the entries of a source, in key order. A missing directory, or a prefix without objects, is an error.
    pub(crate) fn source_pages(
        &self,
        settings: &SyncSettings,
        call: &Call,
        order: ListingOrder,
    ) -> Pages {
        let filter = Arc::clone(&settings.filter);
        match self {
            Self::Local(path) => walk(path.clone(), filter, settings),
            Self::Remote(prefix) if prefix.prefix().is_empty() || settings.from_empty => listing(
                (prefix.clone(), order),
                call,
                filter,
                settings,
                &Arc::default(),
            ),
            Self::Remote(prefix) => {
                let has_objects = Arc::new(AtomicBool::new(false));
                let pages = listing(
                    (prefix.clone(), order),
                    call,
                    filter,
                    settings,
                    &has_objects,
                );
                let prefix = prefix.clone();
                let check = async move {
                    match has_objects.load(Ordering::Relaxed) {
                        true => Ok(Vec::new()),
                        false => Err(nothing_below(&prefix)),
                    }
                };
                pages.chain(stream::once(check)).boxed()
            }
        }
    }

    /// Returns the entries of a target, in key order. A missing local directory counts as empty.
    pub(crate) fn target_pages(
        &self,
        settings: &SyncSettings,
        call: &Call,
        order: ListingOrder,
    ) -> Pages {
        let filter: PathFilter = match settings.delete_excluded {
            true => Arc::new(|_: &str| true),
            false => Arc::clone(&settings.filter),
        };
        match self {
            Self::Local(path) if !path.exists() => stream::empty().boxed(),
            Self::Local(path) => walk(path.clone(), filter, settings),
            Self::Remote(prefix) => listing(
                (prefix.clone(), order),
                call,
                filter,
                settings,
                &Arc::default(),
            ),
        }
    }
}

/// Walks a local directory on a blocking thread.
fn walk(path: PathBuf, filter: PathFilter, settings: &SyncSettings) -> Pages {
    enum State {
        Start(PathBuf, PathFilter),
        Walking(Box<LocalWalk>),
        Ended,
    }
    let (follow_links, with_directories) = (settings.follow_links, settings.empty_directories);
    let start: Arc<Path> = path.as_path().into();
    stream::unfold(State::Start(path, filter), move |state| {
        let start = Arc::clone(&start);
        async move {
            let read = on_blocking_thread(move || {
                let mut walk = match state {
                    State::Start(path, filter) => {
                        let walk = LocalWalk::new(&path, follow_links, filter)?;
                        Box::new(match with_directories {
                            true => walk.with_directories(),
                            false => walk,
                        })
                    }
                    State::Walking(walk) => walk,
                    State::Ended => return Ok(None),
                };
                let page: Vec<_> = walk.by_ref().take(PAGE).collect();
                let is_end = page.is_empty();
                let page = page.into_iter();
                let page: Vec<_> = page.filter_map(|entry| found(entry, &start)).collect();
                Ok((!is_end).then_some((page, walk)))
            });
            match read.await {
                Ok(page) => page.map(|(page, walk)| (Ok(page), State::Walking(walk))),
                Err(error) => Some((Err(error), State::Ended)),
            }
        }
    })
    .boxed()
}

/// Converts an item of a walk below `start` into an entry.
fn found(entry: LocalEntry, start: &Path) -> Option<Result<SyncEntry, Unreadable>> {
    match entry {
        LocalEntry::File(file) => Some(Ok(SyncEntry {
            path: file.below,
            size: file.size,
            modified: file.modified,
            etag: None,
            is_implied: false,
            is_special: false,
        })),
        LocalEntry::Directory(directory) => Some(Ok(SyncEntry {
            path: directory.below,
            size: 0,
            modified: None,
            etag: None,
            is_implied: !directory.is_empty,
            is_special: false,
        })),
        LocalEntry::Unreadable(path, error) => {
            let what = path.display().to_string();
            Some(Err(Unreadable { what, error }))
        }
        LocalEntry::Special(path) => Some(Ok(SyncEntry {
            path: path.strip_prefix(start).ok()?.to_str()?.to_owned(),
            size: 0,
            modified: None,
            etag: None,
            is_implied: false,
            is_special: true,
        })),
    }
}

/// Lists a prefix in key order; sets `has_objects` at the first object, even if the filter excludes it.
fn listing(
    (prefix, order): (S3Prefix, ListingOrder),
    call: &Call,
    filter: PathFilter,
    settings: &SyncSettings,
    has_objects: &Arc<AtomicBool>,
) -> Pages {
    let base = prefix.prefix().to_owned();
    let is_ordered = order == ListingOrder::AsPromised && is_ordered(&prefix, call);
    let with_markers = settings.empty_directories;
    // Objects with content whose keys end in a slash: no local file can have such a name, so a sync from local files
    // ignores them.
    let with_content = matches!(settings.from, SyncPlace::Remote(_));
    let has_objects = Arc::clone(has_objects);
    let transfer = &call.client.transfer;
    let mut options = ListOptions::default();
    if let (SyncPlace::Remote(_), SyncPlace::Remote(_)) = (&settings.from, &settings.to) {
        options.read_ahead = Some(READ_AHEAD_OF_TWO);
    }
    let pages = transfer.list(prefix, options, &call.options);
    let read = move |page: s3_core::Result<s3_core::ListPage>| {
        let page = page?;
        has_objects.fetch_or(!page.objects.is_empty(), Ordering::Relaxed);
        let objects = page.objects.into_iter().filter_map(|object| {
            let path = object.url.key().strip_prefix(&base)?;
            // Objects whose keys end in a slash are markers of directories if they are empty.
            let is_file = !path.is_empty() && !path.ends_with('/');
            let is_wanted = match object.size {
                _ if is_file => true,
                0 => with_markers && !path.is_empty(),
                _ => with_content || (with_markers && !path.is_empty()),
            };
            if !is_wanted || !filter(path) {
                return None;
            }
            Some(Ok(SyncEntry {
                path: path.to_owned(),
                size: object.size,
                modified: object.last_modified,
                etag: object.etag,
                is_implied: false,
                is_special: false,
            }))
        });
        Ok(objects.collect())
    };
    let pages: Pages = pages.map(read).boxed();
    match is_ordered {
        true => pages,
        false => sorted(pages),
    }
}

fn is_ordered(prefix: &S3Prefix, call: &Call) -> bool {
    let capabilities = call.client.transfer.store().capabilities();
    capabilities.ordered_listing && !prefix.bucket().ends_with(DIRECTORY_BUCKET)
}

fn nothing_below(prefix: &S3Prefix) -> Error {
    RequestError::new(ErrorKind::NotFound, Operation::List)
        .with_message(format!("there is no object below {prefix}"))
        .into()
}

//! [`ObjectStream`] and [`ListingStream`]: streams of downloads in order of completion, and of listed entries.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use s3_core::{ListPage, S3Prefix};
use s3_transfer::{FanOut, ListOptions, ListStream};

use crate::call::Call;
use crate::context::ClientContext;
use crate::error::{Error, Result};
use crate::read_ahead::ReadAhead;
use crate::{CommonPrefix, ReadOutput, S3Entry, S3Info, S3Object};

/// The results of a batch in order of completion, each with the index of its input.
///
/// A failure does not end the stream: every input has one item. If an input cannot be resolved, that error is the only
/// item, and nothing was sent. Dropping the stream cancels the requests in flight.
#[must_use = "a stream does nothing until it is polled"]
pub struct ObjectStream<T = S3Object> {
    client: Arc<ClientContext>,
    results: StreamResults<T>,
}

enum StreamResults<T> {
    Rejected(Option<(usize, Error)>),
    Running(FanOut<T, Error>, ReadAhead),
}

impl<T: ReadOutput> ObjectStream<T> {
    /// Returns a stream of downloads, which are limited by the read-ahead budget `ahead`.
    pub(crate) fn running(
        client: Arc<ClientContext>,
        downloads: FanOut<T, Error>,
        ahead: ReadAhead,
    ) -> Self {
        let results = StreamResults::Running(downloads, ahead);
        Self { client, results }
    }

    pub(crate) fn rejected(client: Arc<ClientContext>, index: usize, error: Error) -> Self {
        let results = StreamResults::Rejected(Some((index, error)));
        Self { client, results }
    }
}

impl<T: ReadOutput> Stream for ObjectStream<T> {
    type Item = (usize, Result<T>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let StreamResults::Running(..) = &this.results
            && let Err(forked) = this.client.check_process()
        {
            // Requests in flight belong to the parent: dropping them could wait for threads that do not exist in a
            // forked child.
            let running = std::mem::replace(&mut this.results, StreamResults::Rejected(None));
            std::mem::forget(running);
            return Poll::Ready(Some((0, Err(forked))));
        }
        match &mut this.results {
            StreamResults::Rejected(error) => {
                Poll::Ready(error.take().map(|(index, error)| (index, Err(error))))
            }
            StreamResults::Running(downloads, ahead) => {
                let next = ready!(Pin::new(downloads).poll_next(cx));
                if let Some((_, Ok(object))) = &next {
                    ahead.take(object.bytes_in_memory());
                }
                Poll::Ready(next)
            }
        }
    }
}

impl<T> fmt::Debug for ObjectStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectStream").finish_non_exhaustive()
    }
}

/// A prefix to list, and the prefix that the keys of its entries are relative to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Listing {
    /// The prefix of the request.
    pub(crate) request: S3Prefix,
    /// The prefix that keys of results are relative to.
    pub(crate) show: S3Prefix,
    /// Whether the delimiter is `/`.
    pub(crate) one_level: bool,
}

impl Listing {
    /// Returns the pages as a stream. Nothing is sent before it is polled.
    pub(crate) fn pages(&self, call: &Call) -> ListStream {
        self.begin(call, ListOptions::default())
    }

    /// Returns the pages for a caller that keeps all entries, so that read-ahead is unlimited.
    pub(crate) fn all_pages(&self, call: &Call) -> ListStream {
        let mut options = ListOptions::default();
        options.read_ahead = Some(NonZeroUsize::MAX);
        self.begin(call, options)
    }

    fn begin(&self, call: &Call, mut options: ListOptions) -> ListStream {
        options.delimiter = self.one_level.then(|| Arc::from("/"));
        call.client
            .transfer
            .list(self.request.clone(), options, &call.options)
    }

    /// Adds the entries of a page to `all`: the objects, then the common prefixes.
    pub(crate) fn add_entries<T: ListedEntry>(&self, page: ListPage, all: &mut impl Extend<T>) {
        let objects = page.objects.into_iter();
        all.extend(objects.map(|object| T::object(S3Info::listed(object, self.show.clone()))));
        let prefixes = page.prefixes.into_iter();
        let prefixes = prefixes.map(|prefix| CommonPrefix::new(prefix, self.show.clone()));
        all.extend(prefixes.filter_map(T::prefix));
    }
}

/// An entry of a listing: [`S3Entry`] of one level, [`S3Info`] of a whole tree.
pub trait ListedEntry: Clone + fmt::Debug + Send + Unpin + 'static {
    /// The name of the call.
    #[doc(hidden)]
    const CALL: &'static str;

    /// Whether the delimiter is `/`.
    #[doc(hidden)]
    const ONE_LEVEL: bool;

    #[doc(hidden)]
    fn object(info: S3Info) -> Self;

    #[doc(hidden)]
    fn prefix(prefix: CommonPrefix) -> Option<Self>;
}

impl ListedEntry for S3Entry {
    const CALL: &'static str = "list_paths";
    const ONE_LEVEL: bool = true;

    fn object(info: S3Info) -> Self {
        Self::Object(info)
    }

    fn prefix(prefix: CommonPrefix) -> Option<Self> {
        Some(Self::Prefix(prefix))
    }
}

impl ListedEntry for S3Info {
    const CALL: &'static str = "list_recursive";
    const ONE_LEVEL: bool = false;

    fn object(info: S3Info) -> Self {
        info
    }

    /// Returns `None`: a listing without delimiter has no prefixes.
    fn prefix(_: CommonPrefix) -> Option<Self> {
        None
    }
}

/// The entries of listings, one listing after the other.
///
/// Pages of one level are requested one by one. Pages of a whole tree are requested ahead: as many as were read so far,
/// at most 256.
///
/// The first failure ends the stream. If a key cannot be resolved, that error is the only item, and nothing was sent.
#[must_use = "a stream does nothing until it is polled"]
pub struct ListingStream<T> {
    call: Call,
    waiting: VecDeque<Listing>,
    current: Option<(Listing, ListStream)>,
    ready: VecDeque<T>,
    failed: Option<Error>,
    /// Whether the error of a forked child was returned.
    has_ended: bool,
}

impl<T: ListedEntry> ListingStream<T> {
    pub(crate) fn new(call: Call, listings: Result<Vec<Listing>>) -> Self {
        let (waiting, failed) = match listings {
            Ok(listings) => (listings.into(), None),
            Err(error) => (VecDeque::new(), Some(error)),
        };
        Self {
            call,
            waiting,
            current: None,
            ready: VecDeque::new(),
            failed,
            has_ended: false,
        }
    }

    fn fail(&mut self, error: Error) -> Error {
        self.waiting.clear();
        self.current = None;
        error
    }
}

impl<T: ListedEntry> Stream for ListingStream<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(object) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(object)));
            }
            if let Some(error) = this.failed.take() {
                return Poll::Ready(Some(Err(error)));
            }
            if let Err(forked) = this.call.client.check_process() {
                this.waiting.clear();
                // It belongs to the parent: dropping it could wait for threads that do not exist in a forked child.
                std::mem::forget(this.current.take());
                return Poll::Ready(
                    (!std::mem::replace(&mut this.has_ended, true)).then_some(Err(forked)),
                );
            }
            let Some((listing, pages)) = &mut this.current else {
                let Some(listing) = this.waiting.pop_front() else {
                    return Poll::Ready(None);
                };
                let pages = listing.pages(&this.call);
                this.current = Some((listing, pages));
                continue;
            };
            match ready!(Pin::new(pages).poll_next(cx)) {
                Some(Ok(page)) => listing.add_entries(page, &mut this.ready),
                Some(Err(error)) => return Poll::Ready(Some(Err(this.fail(error.into())))),
                None => this.current = None,
            }
        }
    }
}

impl<T> fmt::Debug for ListingStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListingStream")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

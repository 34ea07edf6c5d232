//! Results as they come: batches in order of completion, listings page by page.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use s3_core::{ListPage, S3Prefix};
use s3_transfer::{FanOut, ListOptions, ListStream};

use crate::S3Object;
use crate::error::{Error, Result};
use crate::read_ahead::ReadAhead;
use crate::request::Call;

/// The results of a batch in order of completion, each with the index of its input.
///
/// An input that cannot be resolved is the first and only item, and then nothing was sent. A failure does not end the
/// stream: every input has one item. Dropping the stream cancels what is under way.
#[must_use = "a stream does nothing until it is polled"]
pub struct ObjectStream(Kind);

enum Kind {
    Refused(Option<(usize, Error)>),
    Running(FanOut<S3Object, Error>, ReadAhead),
}

impl ObjectStream {
    /// Returns a stream of what `many` downloads. Its jobs wait for room in `ahead`, and add to it.
    pub(crate) fn running(many: FanOut<S3Object, Error>, ahead: ReadAhead) -> Self {
        Self(Kind::Running(many, ahead))
    }

    pub(crate) fn refused(index: usize, error: Error) -> Self {
        Self(Kind::Refused(Some((index, error))))
    }
}

impl Stream for ObjectStream {
    type Item = (usize, Result<S3Object>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.0 {
            Kind::Refused(error) => {
                Poll::Ready(error.take().map(|(index, error)| (index, Err(error))))
            }
            Kind::Running(many, ahead) => {
                let next = ready!(Pin::new(many).poll_next(cx));
                if let Some((_, Ok(object))) = &next {
                    ahead.take(object.in_memory());
                }
                Poll::Ready(next)
            }
        }
    }
}

impl fmt::Debug for ObjectStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectStream").finish_non_exhaustive()
    }
}

/// A prefix to list, and how its entries are shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Listing {
    /// What keys begin with, in the request.
    pub(crate) ask: S3Prefix,
    /// What the keys of results are relative to.
    pub(crate) show: S3Prefix,
    /// Whether to stop at the next `/`.
    pub(crate) one_level: bool,
}

impl Listing {
    /// Begins to list; nothing is sent before the stream is polled.
    pub(crate) fn pages(&self, call: &Call) -> ListStream {
        self.begin(call, ListOptions::default())
    }

    /// Begins to list for a caller who keeps all entries: pages that wait to be read take no more memory than they.
    pub(crate) fn all_pages(&self, call: &Call) -> ListStream {
        let mut options = ListOptions::default();
        options.ahead = Some(NonZeroUsize::MAX);
        self.begin(call, options)
    }

    fn begin(&self, call: &Call, mut options: ListOptions) -> ListStream {
        options.delimiter = self.one_level.then(|| Arc::from("/"));
        call.client
            .transfer
            .list(self.ask.clone(), options, &call.options)
    }

    /// Returns a page as callers see it: the objects, then the common prefixes.
    pub(crate) fn entries(&self, page: ListPage) -> impl Iterator<Item = S3Object> {
        let (show, below) = (self.show.clone(), self.show.clone());
        let objects = page
            .objects
            .into_iter()
            .map(move |object| S3Object::listed(object, show.clone()));
        let prefixes = page.prefixes.into_iter();
        objects.chain(prefixes.map(move |prefix| S3Object::common_prefix(prefix, below.clone())))
    }
}

/// The entries of listings, one listing after the other. Pages of one level are requested when the one before has been
/// read; of a whole tree the more are on their way or waiting the more have been read, and at most 256.
///
/// A key that cannot be resolved is the first and only item, and then nothing was sent. The first failure ends the
/// stream.
#[must_use = "a stream does nothing until it is polled"]
pub struct ListingStream {
    call: Call,
    waiting: VecDeque<Listing>,
    current: Option<(Listing, ListStream)>,
    ready: VecDeque<S3Object>,
    failed: Option<Error>,
}

impl ListingStream {
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
        }
    }

    fn fail(&mut self, error: Error) -> Error {
        self.waiting.clear();
        self.current = None;
        error
    }
}

impl Stream for ListingStream {
    type Item = Result<S3Object>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(object) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(object)));
            }
            if let Some(error) = this.failed.take() {
                return Poll::Ready(Some(Err(error)));
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
                Some(Ok(page)) => this.ready.extend(listing.entries(page)),
                Some(Err(error)) => return Poll::Ready(Some(Err(this.fail(error.into())))),
                None => this.current = None,
            }
        }
    }
}

impl fmt::Debug for ListingStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListingStream")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

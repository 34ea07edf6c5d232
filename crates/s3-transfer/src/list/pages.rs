//! A listing as a stream of pages.

use std::fmt;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use s3_core::{ByteCounter, ListPage, ListRequest, Operation, Result, S3Prefix, Store};

use super::plan::{Plan, Spread};
use crate::request_job::request_job;
use crate::worker_pool::PoolJoinSet;
use crate::{CallOptions, Transfer};

/// 64: a listing of 64 directories is as fast as one of the largest of them. See docs/TUNING.md.
const LANES: usize = 64;
/// 256 pages of 1,000 objects of about 0.3 KiB each: 77 MiB, if the reader is slower than the network.
const AHEAD: usize = 256;
/// Directory buckets have names that end so; they list in no order.
const DIRECTORY_BUCKET: &str = "--x-s3";

/// Options of a listing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ListOptions {
    /// Rolls keys up that share what comes before the next delimiter; usually `/`.
    pub delimiter: Option<Arc<str>>,
    /// Begins behind this key.
    pub start_after: Option<Arc<str>>,
    /// The most entries per page; the server's own limit (1,000) when `None`.
    pub page_size: Option<u32>,
    /// The most requests of this listing at once; 64 when `None`. With one, pages are asked for one after the other
    /// as they are read, by the server's own tokens.
    pub lanes: Option<NonZeroUsize>,
    /// The most pages that are asked for or kept before they are read. When `None`, it depends on how many have been read
    /// already: 1 behind the second, 8 behind the third, 27 behind the fourth, and at most 256. A page of 1,000 objects
    /// takes about 0.3 MiB. A caller who keeps all objects anyway is best served without a limit:
    /// [`NonZeroUsize::MAX`].
    pub ahead: Option<NonZeroUsize>,
}

impl ListOptions {
    /// Rolls keys up at `/`: one level of what looks like directories.
    #[must_use]
    pub fn one_level() -> Self {
        Self {
            delimiter: Some("/".into()),
            ..Self::default()
        }
    }

    /// Asks for one page after the other.
    #[must_use]
    pub fn one_by_one(mut self) -> Self {
        self.lanes = Some(NonZeroUsize::MIN);
        self
    }

    fn spread(&self) -> Spread {
        Spread {
            lanes: self.lanes.map_or(LANES, NonZeroUsize::get),
            ahead: self.ahead.map_or(AHEAD, NonZeroUsize::get),
            follows_reader: self.ahead.is_none(),
        }
    }
}

/// The pages of a listing in key order. Nothing is sent before it is polled. Dropping it stops and cancels what is
/// under way.
///
/// # Panics
///
/// With the panic of a request, and if the runtime is shut down before the last page.
pub struct ListStream {
    transfer: Transfer,
    options: CallOptions,
    plan: Plan,
    /// Tasks, because a page that nobody polls would keep others waiting for its permit.
    running: Option<PoolJoinSet<(u64, Result<ListPage>)>>,
}

impl ListStream {
    /// Sends what can be sent, and waits for an answer.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<(u64, Result<ListPage>)> {
        // Here and not before: the first poll may be on another thread than the call.
        let running = self.running.get_or_insert_with(PoolJoinSet::new);
        while let Some((id, request)) = self.plan.next() {
            let (transfer, options) = (self.transfer.clone(), self.options.clone());
            running.spawn(async move { (id, transfer.list_page(request, &options).await) });
        }
        match ready!(running.poll_join_next(cx)) {
            Some(Ok(answer)) => Poll::Ready(answer),
            Some(Err(failure)) => match failure.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Leaving the page out would pass for its absence.
                Err(_) => panic!("the runtime was shut down while pages were under way"),
            },
            None => unreachable!("a listing that is not over has a request under way"),
        }
    }
}

impl Stream for ListStream {
    type Item = Result<ListPage>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(page) = this.plan.pop() {
                return Poll::Ready(Some(page));
            }
            if this.plan.is_over() {
                // Guesses may still be under way.
                this.running = None;
                return Poll::Ready(None);
            }
            let (id, answer) = ready!(this.poll_answer(cx));
            this.plan.answered(id, answer);
        }
    }
}

impl fmt::Debug for ListStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListStream").finish_non_exhaustive()
    }
}

impl Transfer {
    /// Lists what is below a prefix, page by page.
    ///
    /// The prefix is a plain string prefix: no slash is added. A page that fails is asked for again; the pages before
    /// it are not.
    ///
    /// With a delimiter, pages are asked for one by one, as they are read. Without one, a listing of more than a page
    /// or two is cut into ranges that are listed at once: at directories if there are any, else where the keys seen so
    /// far suggest. Pages come in key order, each key once, and none is empty; how keys are spread over pages is up to
    /// the cuts, and [`ListPage::next`] says nothing. An error comes in its place, behind the pages before it.
    ///
    /// A listing of one page costs one request, and one of two pages two; if keys are in directories, the look for
    /// directories is a third, beside the second page. A larger one costs a request per page and some in vain: one per
    /// level of directories that is looked at, one per directory that fills no page, and guesses, of which about a
    /// quarter at most finds no keys. Servers without `start_after` or without order, and directory buckets, are
    /// listed page by page.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::StreamExt;
    /// use s3_core::{MemoryStore, Payload, S3Prefix, S3Url};
    /// use s3_transfer::{CallOptions, ListOptions, PutItem, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
    /// let options = CallOptions::default();
    /// let url = S3Url::parse("s3://b/k")?;
    /// transfer.put(PutItem::new(url.clone(), Payload::from("hello").into()), &options).await?;
    /// let mut pages = transfer.list(S3Prefix::parse("s3://b")?, ListOptions::default(), &options);
    /// while let Some(page) = pages.next().await {
    ///     for object in page?.objects {
    ///         println!("{} has {} bytes", object.url, object.size);
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// In the stream, which ends after the first: `NoSuchBucket`, `AccessDenied`, `Integrity` for a server whose
    /// continuation tokens go round in a circle or whose ranges have keys that were not asked for, and the errors of
    /// every call.
    #[must_use]
    pub fn list(&self, prefix: S3Prefix, list: ListOptions, options: &CallOptions) -> ListStream {
        let spread = list.spread();
        let capabilities = self.store().capabilities();
        let takes_ranges = capabilities.start_after
            && capabilities.ordered_listing
            && !prefix.bucket().ends_with(DIRECTORY_BUCKET);
        let mut request = ListRequest::new(prefix);
        request.delimiter = list.delimiter;
        request.start_after = list.start_after;
        request.max_keys = list.page_size;
        ListStream {
            transfer: self.clone(),
            options: options.clone(),
            plan: Plan::new(request, spread, takes_ranges),
            running: None,
        }
    }

    /// Reads one page of a listing: the first, or the one whose token is `request.continuation`. One request.
    ///
    /// # Errors
    ///
    /// `NoSuchBucket`, `AccessDenied`, and the errors of every call.
    pub async fn list_page(&self, request: ListRequest, options: &CallOptions) -> Result<ListPage> {
        let place = request.prefix.clone();
        let moved = ByteCounter::default();
        let request = request.counted_by(moved.clone());
        let job = request_job!(Operation::List, place.as_str(), list_page(request));
        self.run(job.with_byte_counter(moved), options).await
    }
}

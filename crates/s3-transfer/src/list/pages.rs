//! `Transfer::list`: streams the pages of a ListObjectsV2 listing ([`ListStream`]), with its options ([`ListOptions`]).

use std::fmt;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use s3_core::{ByteCounter, ListPage, ListRequest, Operation, Result, S3Prefix, Store};

use super::key_range::{check_prefix, without_prefix_itself};
use super::scheduler::{ListConcurrency, ListScheduler};
use crate::request_job::request_job;
use crate::worker_pool::PoolJoinSet;
use crate::{CallOptions, Transfer};

/// Default number of requests in flight. With 64, listing 64 directories takes as long as listing the largest of them.
/// See docs/TUNING.md.
const MAX_REQUESTS: usize = 64;
/// Default maximum of pages in flight or waiting to be read. 256 pages of 1,000 objects of some 50 bytes each take 13
/// MiB, if the reader is slower than the network.
const MAX_READ_AHEAD: usize = 256;
/// The suffix of the names of directory buckets, which list in no order.
const DIRECTORY_BUCKET: &str = "--x-s3";

/// Options of a listing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ListOptions {
    /// Groups keys that share a prefix up to this delimiter, usually `/`.
    pub delimiter: Option<Arc<str>>,
    /// Lists keys after this one.
    pub start_after: Option<Arc<str>>,
    /// Maximum number of entries per page; the server's limit (1,000) when `None`.
    pub page_size: Option<u32>,
    /// Maximum number of requests in flight; 64 when `None`. With one, pages are requested one after the other as they
    /// are read, by the server's tokens.
    pub concurrency: Option<NonZeroUsize>,
    /// Maximum number of pages in flight or waiting to be read. When `None`, it depends on how many have been read: 1
    /// after the second, 8 after the third, 27 after the fourth, and at most 256. A page of 1,000 objects takes about
    /// 50 KiB while it waits, and 0.3 MiB when it is returned. For callers that keep all objects, [`NonZeroUsize::MAX`]
    /// is fastest.
    pub read_ahead: Option<NonZeroUsize>,
}

impl ListOptions {
    /// Groups keys at `/`: one level of directories.
    #[must_use]
    pub fn one_level() -> Self {
        Self {
            delimiter: Some("/".into()),
            ..Self::default()
        }
    }

    /// Requests one page after the other.
    #[must_use]
    pub fn sequential(mut self) -> Self {
        self.concurrency = Some(NonZeroUsize::MIN);
        self
    }

    fn concurrency(&self) -> ListConcurrency {
        ListConcurrency {
            requests: self.concurrency.map_or(MAX_REQUESTS, NonZeroUsize::get),
            read_ahead: self.read_ahead.map_or(MAX_READ_AHEAD, NonZeroUsize::get),
            follows_reader: self.read_ahead.is_none(),
        }
    }
}

/// The pages of a listing in key order. Nothing is sent before the stream is polled. Dropping it cancels the requests
/// in flight.
///
/// # Panics
///
/// With the panic of a request, and if the runtime is shut down before the last page.
pub struct ListStream {
    transfer: Transfer,
    options: CallOptions,
    scheduler: ListScheduler,
    /// Tasks, because a request that is not polled would hold a permit that others wait for.
    in_flight: Option<PoolJoinSet<(u64, Result<ListPage>)>>,
}

impl ListStream {
    /// Sends all requests that may be sent, and waits for a response.
    fn poll_response(&mut self, cx: &mut Context<'_>) -> Poll<(u64, Result<ListPage>)> {
        // Created here, because the first poll may be on another thread than the call of `list`.
        let in_flight = self.in_flight.get_or_insert_with(PoolJoinSet::new);
        while let Some((id, request)) = self.scheduler.next_request() {
            let (transfer, options) = (self.transfer.clone(), self.options.clone());
            in_flight.spawn(async move { (id, transfer.request_page(request, &options).await) });
        }
        match ready!(in_flight.poll_join_next(cx)) {
            Some(Ok(response)) => Poll::Ready(response),
            Some(Err(failure)) => match failure.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // A missing page would look like the end of the listing.
                Err(_) => panic!("the runtime was shut down while pages were in flight"),
            },
            None => unreachable!("a listing that is not over has a request in flight"),
        }
    }
}

impl Stream for ListStream {
    type Item = Result<ListPage>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(page) = this.scheduler.pop() {
                return Poll::Ready(Some(page));
            }
            if this.scheduler.is_over() {
                // Speculative pages may be in flight.
                this.in_flight = None;
                return Poll::Ready(None);
            }
            let (id, response) = ready!(this.poll_response(cx));
            this.scheduler.handle_response(id, response);
        }
    }
}

impl fmt::Debug for ListStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListStream").finish_non_exhaustive()
    }
}

impl Transfer {
    /// Lists the keys under a prefix, as a stream of pages.
    ///
    /// The prefix is a plain string prefix: no slash is added. A page that fails is retried; the pages before it are not.
    ///
    /// With a delimiter, pages are requested one by one, as they are read. Without one, a listing of more than a page or
    /// two is cut into ranges that are listed in parallel: at directories if there are any, otherwise where the next
    /// pages are predicted to begin. Pages come in key order, each key once, and none is empty. The number of keys per
    /// page varies, and [`ListPage::next`] has no meaning. An error comes in its place, after the pages before it.
    ///
    /// A listing of one page costs one request, and one of two pages two, or three if keys are in directories. A larger
    /// one costs a request per page and some more: one per level of directories, one per directory that fills no page,
    /// and predicted ranges without keys, at most about a quarter of the predicted ones. Servers without `start_after` or
    /// without order, and directory buckets, are listed page by page.
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
    /// In the stream, which ends after the first: `NoSuchBucket`, `AccessDenied`, `Integrity` if the server repeats
    /// continuation tokens or returns keys outside the requested range, `Protocol` if it returns keys that do not begin
    /// with the prefix, and the errors of every call.
    #[must_use]
    pub fn list(&self, prefix: S3Prefix, list: ListOptions, options: &CallOptions) -> ListStream {
        let concurrency = list.concurrency();
        let capabilities = self.store().capabilities();
        let supports_ranges = capabilities.start_after
            && capabilities.ordered_listing
            && !prefix.bucket().ends_with(DIRECTORY_BUCKET);
        let mut request = ListRequest::new(prefix);
        request.delimiter = list.delimiter;
        request.start_after = list.start_after;
        request.max_keys = list.page_size;
        ListStream {
            transfer: self.clone(),
            options: options.clone(),
            scheduler: ListScheduler::new(request, concurrency, supports_ranges),
            in_flight: None,
        }
    }

    /// Reads one page of a listing: the first, or the one whose token is `request.continuation`. One request.
    ///
    /// # Errors
    ///
    /// `NoSuchBucket`, `AccessDenied`, `Protocol` if the server returns keys that do not begin with the prefix, and the
    /// errors of every call.
    pub async fn list_page(&self, request: ListRequest, options: &CallOptions) -> Result<ListPage> {
        let prefix = request.prefix.clone();
        let page = self.request_page(request, options).await?;
        check_prefix(&page, &prefix).map(|()| page)
    }

    async fn request_page(&self, request: ListRequest, options: &CallOptions) -> Result<ListPage> {
        let prefix = request.prefix.clone();
        let counter = ByteCounter::default();
        let request = request.counted_by(counter.clone());
        let job = request_job!(Operation::List, prefix.as_str(), list_page(request));
        let page = self.run(job.with_byte_counter(counter), options).await?;
        Ok(without_prefix_itself(page, &prefix))
    }
}

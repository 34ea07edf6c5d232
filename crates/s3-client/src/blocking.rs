//! The blocking client [`S3`]: sends calls with `.send()` on its own threads, and iterates over downloads and listings.
//!
//! [`S3`] has the calls of the asynchronous [`S3`](crate::S3); `.send()` sends them. The client owns one thread per
//! processor that this process may use, at most 8, which run nothing but transfers;
//! [`threads`](crate::S3Builder::threads) sets another number. They end in the background when the last clone is dropped.
//!
//! # Examples
//!
//! ```
//! use s3_client::blocking::S3;
//!
//! let s3 = S3::in_memory()?;
//! s3.create_bucket("b").send()?;
//! s3.put("s3://b/greeting", "hello").send()?;
//! for object in s3.get_many(["s3://b/greeting", "s3://b/nothing"]).return_missing().send()? {
//!     println!("{object}");
//! }
//! # Ok::<(), s3_client::Error>(())
//! ```
//!
//! # Inside asynchronous code
//!
//! A blocking call would block every other task of its thread, so `send` returns
//! [`Error::InsideRuntime`] there. On the threads of `tokio::task::spawn_blocking` calls may block and are sent.
//!
//! # After a fork
//!
//! The threads of a client do not exist in a forked child: calls return [`Error::Forked`] there. Build another client
//! in the child.

use std::fmt;
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::pin;
use std::process;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::vec;

use futures_core::Stream;
use futures_util::{FutureExt, StreamExt};
use s3_transfer::WorkerPool;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, consume_budget};
use tracing::Instrument;

use crate::context::ClientContext;
use crate::error::{Error, Result};
use crate::ops::{GetMany, List};
use crate::request::{Mode, Op, Request};
use crate::s3::Client;
use crate::stream::{ListedEntry, ListingStream, ObjectStream};
use crate::{ReadOutput, S3Object};

pub use crate::blocking_reader::Reader;

/// The blocking client: calls are sent by `.send()`. Methods and results are those of [the asynchronous one](crate::S3).
///
/// # Examples
///
/// ```
/// use s3_client::{MemoryStore, blocking::S3};
///
/// let store = MemoryStore::with_buckets(["b"]);
/// let s3 = S3::builder().store(store).s3root("s3://b/data").build()?;
/// s3.put("one", "1").send()?;
/// assert_eq!(s3.get("one").send()?.text()?, "1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type S3 = Client<Blocking>;

/// Maximum default number of threads of a client. 8: more than any network of one process needs.
const MOST_THREADS: NonZeroUsize = NonZeroUsize::new(8).expect("not zero");
/// Maximum number of objects that are passed to an iterator at once.
const OBJECTS: usize = 64;
/// Size in bytes of in-memory objects at which a batch for an iterator ends.
const BYTES: u64 = 4 << 20;
/// Maximum number of entries that are passed to an iterator at once: one page of S3.
const ENTRIES: usize = 1000;

/// The mode of a client whose calls block. Clone is a reference count.
#[derive(Clone)]
pub struct Blocking(Arc<WorkerPool>);

impl Mode for Blocking {
    fn start(threads: Option<NonZeroUsize>) -> Result<Self> {
        // Respects the CPU affinity of the process and the limits of its container.
        let processors = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let threads = threads.unwrap_or_else(|| processors.min(MOST_THREADS));
        let worker_pool = WorkerPool::start(threads, "s3-client")
            .map_err(|error| Error::local("start threads for blocking calls", error))?;
        Ok(Self(Arc::new(worker_pool)))
    }
}

impl fmt::Debug for Blocking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blocking")
    }
}

/// Returns whether this thread is polling an async task, which must not block.
///
/// tokio gives each task a budget of steps, and none to the threads of `spawn_blocking`.
fn is_polling_a_task() -> bool {
    const MORE_THAN_A_BUDGET: usize = 256;
    let mut steps = 0..MORE_THAN_A_BUDGET;
    Handle::try_current().is_ok() && steps.any(|_| consume_budget().now_or_never().is_none())
}

/// Returns an error if a call cannot block: in an async task, and in a forked child, whose threads do not exist.
pub(crate) fn check_blocking(client: &ClientContext) -> Result<()> {
    if is_polling_a_task() {
        return Err(Error::InsideRuntime);
    }
    client.check_process()
}

impl S3 {
    /// Removes the temporary directory with all downloads in it, and waits until uploads that were cancelled or failed
    /// are aborted. Dropping the last handle does the same, but cannot report an error.
    ///
    /// # Errors
    ///
    /// As [`S3::close`](crate::S3::close), and [`Error::InsideRuntime`] from asynchronous code.
    pub fn close(&self) -> Result<()> {
        if is_polling_a_task() {
            return Err(Error::InsideRuntime);
        }
        if self.context.check_process().is_err() {
            return self.context.scratch.close();
        }
        self.mode.0.wait_for(self.context.close())
    }
}

impl S3 {
    /// Polls `work` on this thread and blocks until it completes. Send its requests with a client from
    /// [`to_async`](Self::to_async).
    ///
    /// # Errors
    ///
    /// [`Error::InsideRuntime`] from asynchronous code, without polling anything; [`Error::Forked`] in a forked child.
    ///
    /// # Examples
    ///
    /// ```
    /// let s3 = s3_client::blocking::S3::in_memory()?;
    /// let client = s3.to_async();
    /// s3.block_on(async { client.create_bucket("b").await })??;
    /// # Ok::<(), s3_client::Error>(())
    /// ```
    pub fn block_on<F: Future>(&self, work: F) -> Result<F::Output> {
        check_blocking(&self.context)?;
        Ok(self.mode.0.wait_for(work))
    }
}

impl Blocking {
    /// Runs `work` on the client's threads and blocks until it completes.
    pub(crate) fn run<F: Future<Output: Send> + Send + 'static>(&self, work: F) -> F::Output {
        self.0.run(work.in_current_span())
    }
}

impl<O: Op> Request<O, Blocking> {
    /// Sends the request and blocks until its result.
    ///
    /// # Errors
    ///
    /// Those of the call, and [`Error::InsideRuntime`] from asynchronous code, without sending anything.
    ///
    /// # Examples
    ///
    /// ```
    /// let s3 = s3_client::blocking::S3::in_memory()?;
    /// s3.create_bucket("b").send()?;
    /// s3.put("s3://b/k", "first").overwrite(false).send()?;
    /// assert_eq!(s3.info("s3://b/k").send()?.size(), 5);
    /// # Ok::<(), s3_client::Error>(())
    /// ```
    pub fn send(self) -> Result<O::Output> {
        check_blocking(&self.client)?;
        let mode = self.mode.clone();
        mode.run(self.run())
    }
}

impl<T: ReadOutput<Object = S3Object>> Request<GetMany<T>, Blocking> {
    /// Sends the request and returns its results in order of completion, each with the index of its input. About 128
    /// objects are read ahead, in addition to those in flight.
    ///
    /// # Errors
    ///
    /// [`Error::InsideRuntime`] from asynchronous code. If a key cannot be resolved, that error is the only item.
    ///
    /// # Examples
    ///
    /// ```
    /// let s3 = s3_client::blocking::S3::in_memory()?;
    /// s3.create_bucket("b").send()?;
    /// s3.put("s3://b/1", "one").send()?;
    /// for (index, object) in s3.get_many(["s3://b/1", "s3://b/2"]).iter()? {
    ///     assert_eq!(object.is_ok(), index == 0);
    /// }
    /// # Ok::<(), s3_client::Error>(())
    /// ```
    pub fn iter(self) -> Result<Iter<ObjectStream<T>>> {
        check_blocking(&self.client)?;
        let in_memory = |(_, object): &(usize, Result<T>)| match object {
            Ok(object) => object.bytes_in_memory(),
            Err(_) => 0,
        };
        let mode = self.mode.clone();
        let (get, call) = self.into_call();
        let forked = || (0, Err(Error::Forked));
        Ok(Iter::begin(mode, forked, OBJECTS, in_memory, move || {
            get.stream(call)
        }))
    }
}

impl<T: ListedEntry> Request<List<T>, Blocking> {
    /// Returns the entries as they arrive. About 2,000 entries are read ahead, and as many pages as were read.
    ///
    /// # Errors
    ///
    /// [`Error::InsideRuntime`] from asynchronous code. If a key cannot be resolved, that error is the only item.
    ///
    /// # Examples
    ///
    /// ```
    /// let s3 = s3_client::blocking::S3::in_memory()?;
    /// s3.create_bucket("b").send()?;
    /// s3.put("s3://b/a/0.txt", "0").send()?;
    /// for info in s3.list_recursive().at(["s3://b/a"]).iter()? {
    ///     assert_eq!(info?.key(), "0.txt");
    /// }
    /// # Ok::<(), s3_client::Error>(())
    /// ```
    pub fn iter(self) -> Result<Iter<ListingStream<T>>> {
        check_blocking(&self.client)?;
        let mode = self.mode.clone();
        let (list, call) = self.into_call();
        let forked = || Err(Error::Forked);
        Ok(Iter::begin(
            mode,
            forked,
            ENTRIES,
            |_| 0,
            move || list.stream(call),
        ))
    }
}

/// An iterator over results in order of arrival. `next` blocks until a result is available. Dropping the iterator
/// cancels the requests in flight.
pub struct Iter<S: Stream> {
    ready: vec::IntoIter<S::Item>,
    batches: mpsc::Receiver<Vec<S::Item>>,
    /// The task that reads the stream; `None` after its end was checked for a panic.
    pump: Option<JoinHandle<()>>,
    mode: Blocking,
    process: u32,
    /// Returns the error that is the only item in a forked child.
    forked: fn() -> S::Item,
}

impl<S> Iter<S>
where
    S: Stream<Item: Send> + Send + Unpin + 'static,
{
    /// Starts a task on the client's threads that reads the stream ahead of the caller.
    ///
    /// A batch ends at `most` items, or when their weights reach [`BYTES`].
    fn begin(
        mode: Blocking,
        forked: fn() -> S::Item,
        most: usize,
        weigh: fn(&S::Item) -> u64,
        stream: impl FnOnce() -> S + Send + 'static,
    ) -> Self {
        let (sender, batches) = mpsc::channel(1);
        let work = async move { pump(stream(), most, weigh, sender).await };
        Self {
            ready: Vec::new().into_iter(),
            batches,
            pump: Some(mode.0.spawn(work.in_current_span())),
            mode,
            process: process::id(),
            forked,
        }
    }
}

/// Reads a stream and sends its items in batches of at most `most`.
///
/// The stream is polled while a batch waits for the iterator too: it may hold a permit that the iterator's next call
/// needs.
async fn pump<S: Stream + Unpin>(
    mut stream: S,
    most: usize,
    weigh: fn(&S::Item) -> u64,
    batches: mpsc::Sender<Vec<S::Item>>,
) {
    let mut batch = Vec::new();
    let mut over = false;
    loop {
        let mut bytes = 0;
        let mut fill = |cx: &mut Context<'_>, batch: &mut Vec<S::Item>| {
            while !over && batch.len() < most && bytes < BYTES {
                match stream.poll_next_unpin(cx) {
                    Poll::Ready(Some(item)) => {
                        bytes += weigh(&item);
                        batch.push(item);
                    }
                    Poll::Ready(None) => over = true,
                    Poll::Pending => break,
                }
            }
            over || !batch.is_empty()
        };
        poll_fn(|cx| match fill(cx, &mut batch) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
        if batch.is_empty() {
            return;
        }
        let mut room = pin!(batches.reserve());
        let room = poll_fn(|cx| {
            fill(cx, &mut batch);
            room.as_mut().poll(cx)
        });
        match room.await {
            Ok(room) => room.send(std::mem::take(&mut batch)),
            // The iterator was dropped.
            Err(_) => return,
        }
    }
}

impl<S> Iterator for Iter<S>
where
    S: Stream<Item: Send> + Send + Unpin,
{
    type Item = S::Item;

    fn next(&mut self) -> Option<S::Item> {
        loop {
            if let Some(item) = self.ready.next() {
                return Some(item);
            }
            if self.process != process::id() {
                // In a forked child: the threads that run the task belong to the parent.
                return self.pump.take().map(|pump| {
                    std::mem::forget(pump);
                    (self.forked)()
                });
            }
            if !is_polling_a_task() {
                self.ready = self.next_batch()?;
                continue;
            }
            // The iterator was moved into asynchronous code, where this thread must not block.
            self.ready = thread::scope(|scope| {
                let waiting = scope.spawn(|| self.next_batch());
                waiting
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })?;
        }
    }
}

impl<S: Stream> Iter<S> {
    fn next_batch(&mut self) -> Option<vec::IntoIter<S::Item>> {
        if let Some(batch) = self.batches.blocking_recv() {
            return Some(batch.into_iter());
        }
        // The stream has ended or panicked.
        let ended = self.mode.0.wait_for(self.pump.take()?);
        if let Err(failure) = ended
            && let Ok(panic) = failure.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
        None
    }
}

impl<S: Stream> Drop for Iter<S> {
    fn drop(&mut self) {
        if let Some(pump) = &self.pump {
            pump.abort();
        }
    }
}

impl<S: Stream> fmt::Debug for Iter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::{FutureExt, stream};
    use s3_core::{MemoryStore, Operation, S3Url, StoreExt};
    use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore};
    use s3_transfer::{Concurrency, TransferConfig};

    use super::*;

    #[test]
    fn calls_and_iterators_block_and_return() {
        let s3 = S3::in_memory().unwrap();
        s3.create_bucket("b").send().unwrap();
        s3.put_many([("s3://b/d/1", "one"), ("s3://b/d/2", "two")])
            .send()
            .unwrap();
        let mut texts: Vec<(usize, String)> = s3
            .get_many(["s3://b/d/2", "s3://b/d/1"])
            .iter()
            .unwrap()
            .map(|(index, object)| (index, object.unwrap().text().unwrap()))
            .collect();
        texts.sort_unstable();
        assert_eq!(texts, [(0, "two".to_owned()), (1, "one".to_owned())]);
        let keys = s3.list_recursive().at(["s3://b/d"]).iter().unwrap();
        let keys: Vec<String> = keys
            .map(|object| object.unwrap().key().to_owned())
            .collect();
        assert_eq!(keys, ["1", "2"]);
    }

    #[tokio::test]
    async fn inside_a_runtime_calls_are_errors_and_dropping_is_harmless() {
        let s3 = S3::in_memory().unwrap();
        let error = s3.list_buckets().send().unwrap_err();
        assert!(matches!(error, Error::InsideRuntime), "{error}");
        drop(s3);
    }

    #[test]
    fn an_iterator_works_inside_a_runtime() {
        let s3 = S3::in_memory().unwrap();
        s3.create_bucket("b").send().unwrap();
        s3.put("s3://b/k", "v").send().unwrap();
        let mut iter = s3.list_recursive().at(["s3://b/"]).iter().unwrap();
        let other = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let object = other.block_on(async { iter.next() }).unwrap().unwrap();
        assert_eq!(object.key(), "k");
    }

    /// Returns a client with `concurrency`, over a store whose listings are slow and have `pages` pages.
    fn slow_listing(concurrency: usize, pages: usize) -> (MemoryStore, S3) {
        let store = MemoryStore::with_buckets(["b"]);
        for n in 0..pages * ENTRIES {
            let url = S3Url::from_parts("b", &format!("{n:06}")).unwrap();
            let put = store.put_bytes(url, "v");
            put.now_or_never().expect("memory never waits").unwrap();
        }
        let slow = FaultAction::stall(Duration::from_millis(5));
        let plan = FaultPlan::from(FaultMatch::operation("ListObjectsV2").on(slow));
        let mut transfer = TransferConfig::default();
        transfer.concurrency = Concurrency::Fixed(concurrency);
        let s3 = S3::builder()
            .store(FaultStore::new(store.clone(), plan))
            .tmproot(std::env::temp_dir())
            .transfer(transfer)
            .build()
            .unwrap();
        (store, s3)
    }

    #[test]
    fn a_listing_in_flight_does_not_block_the_calls_of_its_reader() {
        let (_store, s3) = slow_listing(1, 4);
        let mut seen = 0;
        let request = s3.list_recursive().at(["s3://b/"]);
        let mode = request.mode.clone();
        let (list, call) = request.into_call();
        // A batch ends within a page, so the next page is in flight while the batch waits for the iterator.
        for entry in Iter::begin(
            mode,
            || Err(Error::Forked),
            300,
            |_| 0,
            move || list.stream(call),
        ) {
            let entry = entry.unwrap();
            if seen % 100 == 0 {
                // Long enough for the request for the next page to be sent.
                thread::sleep(Duration::from_millis(2));
                let get = s3.get(entry.url());
                get.deadline(Duration::from_secs(10)).send().unwrap();
            }
            seen += 1;
        }
        assert_eq!(seen, 4 * ENTRIES);
    }

    #[test]
    fn an_iterator_reads_ahead_and_no_further() {
        let (store, s3) = slow_listing(8, 12);
        let pages = || store.operations().get(Operation::List);
        let mut entries = s3.list_recursive().at(["s3://b/"]).iter().unwrap();
        entries.next().unwrap().unwrap();
        let mut last = 0;
        while pages() > last {
            last = pages();
            thread::sleep(Duration::from_millis(100));
        }
        assert!(pages() <= 4, "{} pages for one entry", pages());
        drop(entries);
    }

    #[test]
    fn a_panic_on_the_clients_threads_reaches_the_iterator() {
        let Blocking(worker_pool) = Blocking::start(None).unwrap();
        let broken = stream::iter(0..3).map(|n: u32| if n == 2 { panic!("broken") } else { n });
        let mut iter = Iter::begin(Blocking(worker_pool), || 9, 1, |_| 0, move || broken);
        assert_eq!((iter.next(), iter.next()), (Some(0), Some(1)));
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| iter.next()));
        assert!(ended.is_err());
        assert_eq!(iter.next(), None);
    }
}

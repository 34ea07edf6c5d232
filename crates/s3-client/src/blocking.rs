//! The same client for code that is not asynchronous.
//!
//! [`S3`] has the calls of the asynchronous [`S3`](crate::S3); they are sent with `.send()`. It owns a small runtime,
//! which ends in the background when the last clone is dropped, wherever that is.
//!
//! # Examples
//!
//! ```
//! use s3_client::blocking::S3;
//!
//! let s3 = S3::in_memory()?;
//! s3.create_bucket("b").send()?;
//! s3.put("s3://b/greeting", "hello").send()?;
//! for object in s3.get_many(["s3://b/greeting", "s3://b/nothing"]).return_missing(true).send()? {
//!     println!("{object}");
//! }
//! # Ok::<(), s3_client::Error>(())
//! ```
//!
//! # Inside asynchronous code
//!
//! A blocking call would hold up every other task of its thread, so `send` returns
//! [`Error::InsideRuntime`] there. Threads made for blocking work by a runtime
//! (`spawn_blocking`) count as inside.

use std::fmt;
use std::sync::Arc;
use std::thread;

use futures_core::Stream;
use futures_util::StreamExt;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Error, Result};
use crate::ops;
use crate::request::{Call, Mode, Op, Request};
use crate::s3::Client;
use crate::stream::{ListingStream, ObjectStream};

/// The blocking client: calls are sent with `.send()`.
pub type S3 = Client<Blocking>;

/// Calls block. Clone is a reference count.
#[derive(Clone)]
pub struct Blocking(Arc<OwnRuntime>);

/// A runtime that may be dropped anywhere.
struct OwnRuntime(Option<Runtime>);

impl Mode for Blocking {
    fn start() -> Result<Self> {
        let threads = thread::available_parallelism()
            .map_or(1, usize::from)
            .min(4);
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("s3-client")
            .enable_all()
            .build()
            .map_err(|error| Error::local("start a runtime for blocking calls", error))?;
        Ok(Self(Arc::new(OwnRuntime(Some(runtime)))))
    }
}

impl Blocking {
    fn runtime(&self) -> &Runtime {
        self.0
            .0
            .as_ref()
            .expect("the runtime is taken only by drop")
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        // An ordinary drop waits for the threads, which panics inside another runtime.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Blocking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blocking")
    }
}

fn refuse_inside_runtime() -> Result<()> {
    if Handle::try_current().is_ok() {
        Err(Error::InsideRuntime)
    } else {
        Ok(())
    }
}

impl<O: Op> Request<O, Blocking> {
    /// Sends the request and waits for its result.
    ///
    /// # Errors
    ///
    /// Those of the call, and [`Error::InsideRuntime`] from asynchronous code, where nothing is sent.
    ///
    /// # Examples
    ///
    /// ```
    /// let s3 = s3_client::blocking::S3::in_memory()?;
    /// s3.create_bucket("b").send()?;
    /// s3.put("s3://b/k", "first").overwrite(false).send()?;
    /// assert_eq!(s3.info("s3://b/k").send()?.size(), Some(5));
    /// # Ok::<(), s3_client::Error>(())
    /// ```
    pub fn send(self) -> Result<O::Output> {
        refuse_inside_runtime()?;
        let mode = self.mode.clone();
        mode.runtime().block_on(self.run())
    }
}

impl Request<ops::GetMany, Blocking> {
    /// Sends the request and returns its results in order of completion, each with the index of its input.
    ///
    /// # Errors
    ///
    /// [`Error::InsideRuntime`] from asynchronous code. What cannot be resolved is the first and only item.
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
    pub fn iter(self) -> Result<Iter<ObjectStream>> {
        refuse_inside_runtime()?;
        let mode = self.mode;
        let inside = mode.runtime().enter();
        let stream = self.op.stream(Call::begin(self.client, self.deadline));
        drop(inside);
        Ok(Iter { stream, mode })
    }
}

macro_rules! listing_iterators {
    ($($op:ty, $name:literal;)*) => {$(
        impl Request<$op, Blocking> {
            /// Returns the entries page by page; a page is requested when the one before has been read.
            ///
            /// # Errors
            ///
            /// [`Error::InsideRuntime`] from asynchronous code. What cannot be resolved is the first and only item.
            ///
            /// # Examples
            ///
            /// ```
            /// let s3 = s3_client::blocking::S3::in_memory()?;
            /// s3.create_bucket("b").send()?;
            /// s3.put("s3://b/a/0.txt", "0").send()?;
            #[doc = concat!("for object in s3.", $name, "([\"s3://b/a\"]).iter()? {")]
            ///     assert_eq!(object?.key(), "0.txt");
            /// }
            /// # Ok::<(), s3_client::Error>(())
            /// ```
            pub fn iter(self) -> Result<Iter<ListingStream>> {
                refuse_inside_runtime()?;
                let mode = self.mode;
                let inside = mode.runtime().enter();
                let stream = self.op.stream(Call::begin(self.client, self.deadline));
                drop(inside);
                Ok(Iter { stream, mode })
            }
        }
    )*};
}

listing_iterators! {
    ops::ListPaths, "list_paths";
    ops::ListRecursive, "list_recursive";
}

/// Results as they come. `next` blocks until there is one.
pub struct Iter<S> {
    stream: S,
    mode: Blocking,
}

impl<S> Iterator for Iter<S>
where
    S: Stream<Item: Send> + Send + Unpin,
{
    type Item = S::Item;

    fn next(&mut self) -> Option<S::Item> {
        let Self { stream, mode } = self;
        if Handle::try_current().is_err() {
            return mode.runtime().block_on(stream.next());
        }
        // The iterator was carried into asynchronous code, where this thread may not drive a runtime.
        thread::scope(|scope| {
            let driver = scope.spawn(|| mode.runtime().block_on(stream.next()));
            driver
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

impl<S> fmt::Debug for Iter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
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
            .map(|(index, object)| (index, object.unwrap().text().unwrap().unwrap()))
            .collect();
        texts.sort_unstable();
        assert_eq!(texts, [(0, "two".to_owned()), (1, "one".to_owned())]);
        let keys = s3.list_recursive(["s3://b/d"]).iter().unwrap();
        let keys: Vec<String> = keys
            .map(|object| object.unwrap().key().to_owned())
            .collect();
        assert_eq!(keys, ["1", "2"]);
    }

    #[tokio::test]
    async fn inside_a_runtime_calls_are_refused_and_dropping_is_harmless() {
        let s3 = S3::in_memory().unwrap();
        let error = s3.list_buckets().send().unwrap_err();
        assert!(matches!(error, Error::InsideRuntime), "{error}");
        drop(s3);
    }

    #[test]
    fn an_iterator_works_where_it_is_carried() {
        let s3 = S3::in_memory().unwrap();
        s3.create_bucket("b").send().unwrap();
        s3.put("s3://b/k", "v").send().unwrap();
        let mut iter = s3.list_recursive(["s3://b/"]).iter().unwrap();
        let other = Builder::new_current_thread().build().unwrap();
        let object = other.block_on(async { iter.next() }).unwrap().unwrap();
        assert_eq!(object.key(), "k");
    }
}

//! [`Observer`] and [`Event`]: report start, progress, retries and end of transfers, for progress bars and metrics.
//!
//! An [`Observer`] is given per call ([`CallOptions::with_observer`]) or per client
//! ([`TransferConfig::observer`](crate::TransferConfig::observer)); the one of the call takes precedence. Without an
//! observer, an event costs a branch.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use s3_core::{ByteCounter, Error, Operation, Result, S3Url};

use crate::{CallOptions, Transfer, Verified};

/// Minimum number of bytes in a `BytesMoved` event, except the last one: 256 KiB, the size of a buffer.
const REPORTED_FROM: u64 = 256 << 10;

/// Receives the events of transfers.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use s3_core::{MemoryStore, Payload, S3Url};
/// use s3_transfer::{CallOptions, Event, PutItem, Transfer, TransferConfig};
///
/// let moved = Arc::new(AtomicU64::new(0));
/// let counter = Arc::clone(&moved);
/// let options = CallOptions::default().with_observer(Arc::new(move |event: &Event<'_>| {
///     if let Event::BytesMoved { bytes, .. } = event {
///         counter.fetch_add(*bytes, Ordering::Relaxed);
///     }
/// }));
/// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
/// let url = S3Url::parse("s3://b/k")?;
/// transfer.put(PutItem::new(url, Payload::from("hello").into()), &options).await?;
/// assert_eq!(moved.load(Ordering::Relaxed), 5);
/// # Ok(()) }
/// ```
pub trait Observer: Send + Sync {
    /// Called for each event, on the thread that runs the transfer. It must return quickly: the transfer waits for it.
    fn on_event(&self, event: &Event<'_>);
}

impl<F: Fn(&Event<'_>) + Send + Sync> Observer for F {
    fn on_event(&self, event: &Event<'_>) {
        self(event);
    }
}

impl fmt::Debug for dyn Observer + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// Something that has happened to a transfer.
///
/// The events of one object are, in order: `Started`, then any number of the others, and exactly one of `Completed`,
/// `Failed` and `Cancelled`. `operation` is [`Operation::Get`], [`Operation::Put`] or [`Operation::Copy`] there; calls
/// that move no object only report [`Retrying`](Event::Retrying) and [`Waiting`](Event::Waiting).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The transfer of an object has started.
    Started {
        /// The operation on the object.
        operation: Operation,
        /// The object.
        url: &'a S3Url,
        /// Number of bytes to move, if known.
        bytes: Option<u64>,
    },
    /// The size of a read is known from its first response.
    SizeKnown {
        /// The object.
        url: &'a S3Url,
        /// The bytes of the object, or of the range that is read.
        bytes: u64,
    },
    /// Bytes have been moved. Bytes that move again after an interruption are reported once, so that the sum of a
    /// completed transfer is its size.
    BytesMoved {
        /// The operation on the object.
        operation: Operation,
        /// The object.
        url: &'a S3Url,
        /// Number of bytes since the last event.
        bytes: u64,
    },
    /// A read starts over, because the object was replaced meanwhile or its checksum did not match. Bytes that were
    /// reported are transferred again.
    Restarted {
        /// The object.
        url: &'a S3Url,
        /// The reason.
        error: &'a Error,
    },
    /// The transfer of an object is complete.
    Completed {
        /// The operation on the object.
        operation: Operation,
        /// The object.
        url: &'a S3Url,
        /// Number of bytes moved: 0 for a copy, and for a write that found the object in place.
        bytes: u64,
        /// For a read: whether the bytes were compared with the server's checksum.
        verified: Option<Verified>,
    },
    /// The transfer of an object has failed.
    Failed {
        /// The operation on the object.
        operation: Operation,
        /// The object.
        url: &'a S3Url,
        /// The reason.
        error: &'a Error,
    },
    /// The transfer of an object was dropped before its end.
    Cancelled {
        /// The operation on the object.
        operation: Operation,
        /// The object.
        url: &'a S3Url,
    },
    /// An attempt has failed, and its request is sent again.
    Retrying {
        /// The reason. The error names the operation and the resource.
        error: &'a Error,
        /// Time until the next attempt.
        wait: Duration,
    },
    /// A request waits before its next attempt, for a reason that affects all requests.
    Waiting {
        /// The request's operation.
        operation: Operation,
        /// The request's object, prefix or bucket.
        resource: &'a str,
        /// The reason for the wait.
        reason: WaitReason,
    },
}

/// The reason why a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitReason {
    /// No request succeeds; the circuit breaker is open and lets single requests probe the server.
    CircuitBreaker,
    /// The server throttles.
    Throttled,
}

impl CallOptions {
    /// Reports the events of the call to `observer`.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }
}

impl Transfer {
    /// Returns the options that all jobs of a call share.
    pub(crate) fn call_options(&self, options: &CallOptions) -> CallOptions {
        let mut options = options.with_recorder();
        if options.observer.is_none() {
            options.observer.clone_from(&self.config().observer);
        }
        options
    }
}

/// Reports the start and the end of one object's transfer; nothing without an observer.
#[derive(Debug)]
pub(crate) struct ObjectEvents(Option<ObservedObject>);

#[derive(Debug)]
struct ObservedObject {
    observer: Arc<dyn Observer>,
    operation: Operation,
    url: S3Url,
}

impl ObjectEvents {
    pub(crate) fn start(
        options: &CallOptions,
        operation: Operation,
        url: &S3Url,
        bytes: Option<u64>,
    ) -> Self {
        let Some(observer) = options.observer.clone() else {
            return Self(None);
        };
        observer.on_event(&Event::Started {
            operation,
            url,
            bytes,
        });
        let url = url.clone();
        Self(Some(ObservedObject {
            observer,
            operation,
            url,
        }))
    }

    /// Reports the end. On success, `moved` returns the number of bytes and whether they were verified.
    pub(crate) fn finish<T>(
        mut self,
        outcome: &Result<T>,
        moved: impl FnOnce(&T) -> (u64, Option<Verified>),
    ) {
        let Some(object) = self.0.take() else {
            return;
        };
        let (operation, url) = (object.operation, &object.url);
        object.observer.on_event(&match outcome {
            Ok(done) => {
                let (bytes, verified) = moved(done);
                Event::Completed {
                    operation,
                    url,
                    bytes,
                    verified,
                }
            }
            Err(error) => Event::Failed {
                operation,
                url,
                error,
            },
        });
    }
}

impl Drop for ObjectEvents {
    fn drop(&mut self) {
        if let Some(object) = &self.0 {
            let (operation, url) = (object.operation, &object.url);
            object
                .observer
                .on_event(&Event::Cancelled { operation, url });
        }
    }
}

/// Reports the bytes of one object, a buffer at a time. The remaining bytes are reported when it is dropped.
#[derive(Debug)]
pub(crate) struct MovedBytes<'a> {
    observer: Option<&'a dyn Observer>,
    operation: Operation,
    url: &'a S3Url,
    pending: u64,
}

impl<'a> MovedBytes<'a> {
    pub(crate) fn new(
        observer: Option<&'a Arc<dyn Observer>>,
        operation: Operation,
        url: &'a S3Url,
    ) -> Self {
        Self {
            observer: observer.map(|observer| &**observer),
            operation,
            url,
            pending: 0,
        }
    }

    pub(crate) fn add(&mut self, bytes: u64) {
        self.pending += bytes;
        if self.pending >= REPORTED_FROM {
            self.report();
        }
    }

    fn report(&mut self) {
        let bytes = std::mem::take(&mut self.pending);
        if let Some(observer) = self.observer.filter(|_| bytes > 0) {
            let (operation, url) = (self.operation, self.url);
            observer.on_event(&Event::BytesMoved {
                operation,
                url,
                bytes,
            });
        }
    }
}

impl Drop for MovedBytes<'_> {
    fn drop(&mut self) {
        self.report();
    }
}

/// Awaits `sending`, which sends `len` bytes. Reports the bytes as `sent` counts them, or else after success.
pub(crate) async fn report_sent<T>(
    options: &CallOptions,
    url: &S3Url,
    len: u64,
    sent: Option<ByteCounter>,
    mut sending: Pin<&mut impl Future<Output = Result<T>>>,
) -> Result<T> {
    if options.observer.is_none() {
        return sending.await;
    }
    let mut moved = MovedBytes::new(options.observer.as_ref(), Operation::Put, url);
    let mut reported = 0;
    let outcome = std::future::poll_fn(|cx| {
        let polled = sending.as_mut().poll(cx);
        if let Some(sent) = &sent {
            // The count includes headers and bytes that were sent again.
            let reached = sent.bytes().min(len).max(reported);
            moved.add(reached - reported);
            reported = reached;
        }
        polled
    });
    let outcome = outcome.await;
    if outcome.is_ok() {
        moved.add(len - reported);
    }
    outcome
}

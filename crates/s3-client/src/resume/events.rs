//! Reports a resumable transfer to the observer as one object, with the bytes, retries and waits of its parts.

use std::sync::Arc;

use s3_core::{Operation, S3Url};
use s3_transfer::{Event, Observer, Verified};

use crate::call::Call;
use crate::error::Error;

/// Forwards the events of a part that concern its object: bytes, retries and waits.
struct PartObserver(Arc<dyn Observer>);

impl Observer for PartObserver {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::BytesMoved { .. } | Event::Retrying { .. } | Event::Waiting { .. } = event {
            self.0.on_event(event);
        }
    }
}

/// Reports the start and the end of one object. Dropping it reports that the transfer was cancelled.
pub(super) struct ObjectEvents {
    observer: Option<Arc<dyn Observer>>,
    operation: Operation,
    url: S3Url,
    bytes: u64,
}

impl ObjectEvents {
    /// Reports the start of the transfer. Also returns the call for the parts, whose events are filtered.
    pub(super) fn start(call: &Call, operation: Operation, url: S3Url, bytes: u64) -> (Self, Call) {
        let mut parts = call.clone();
        let events = Self {
            observer: call.observer().cloned(),
            operation,
            url,
            bytes,
        };
        if let Some(observer) = &events.observer {
            let observer = Arc::clone(observer);
            parts.options.observer = Some(Arc::new(PartObserver(observer)));
        }
        events.report(&Event::Started {
            operation,
            url: &events.url,
            bytes: Some(bytes),
        });
        (events, parts)
    }

    /// Reports the end of the transfer.
    pub(super) fn end<T>(mut self, outcome: &Result<T, Error>, verified: Option<Verified>) {
        match outcome.as_ref().map_err(Error::as_request) {
            Ok(_) => self.report(&Event::Completed {
                operation: self.operation,
                url: &self.url,
                bytes: self.bytes,
                verified,
            }),
            Err(Some(error)) => self.report(&Event::Failed {
                operation: self.operation,
                url: &self.url,
                error,
            }),
            // A local failure has no event of its own; dropping reports the cancellation.
            Err(None) => return,
        }
        self.observer = None;
    }

    fn report(&self, event: &Event<'_>) {
        if let Some(observer) = &self.observer {
            observer.on_event(event);
        }
    }
}

impl Drop for ObjectEvents {
    fn drop(&mut self) {
        self.report(&Event::Cancelled {
            operation: self.operation,
            url: &self.url,
        });
    }
}

//! [`RunningTransfers`]: the transfers of a sync that are in flight, for the progress and the report.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3_client::{Event, Observer, Operation, S3Url, SyncAction, SyncEvent, SyncPlace};

use crate::report::{Input, Report, RunningInput};

/// The transfers of a sync that are in flight. If the command ends early, they are reported as cancelled.
pub(super) struct RunningTransfers {
    report: Report,
    from: SyncPlace,
    to: SyncPlace,
    /// The transfers, by the URL of the object that is read or written.
    running: Mutex<HashMap<String, RunningTransfer>>,
}

struct RunningTransfer {
    input: RunningInput,
    /// Whether the transfer has ended, and only its report is missing.
    has_ended: bool,
}

impl RunningTransfers {
    pub(super) fn new(report: Report, from: SyncPlace, to: SyncPlace) -> Self {
        Self {
            report,
            from,
            to,
            running: Mutex::default(),
        }
    }

    /// Returns the transfer whose end an event reports.
    pub(super) fn take(&self, event: &SyncEvent) -> Option<RunningInput> {
        let url = match event.action {
            SyncAction::Download => &event.source,
            _ => event.destination.as_ref()?,
        };
        let taken = self.lock().remove(url);
        taken.map(|transfer| transfer.input)
    }

    /// Begins a transfer, and adds it to the total of the progress: a sync does not know its transfers in advance.
    fn begin(&self, operation: Operation, url: &S3Url, bytes: Option<u64>) {
        let Some(input) = self.input(operation, url, bytes) else {
            return;
        };
        let mut running = self.lock();
        if let Some(again) = running.get_mut(url.as_str()) {
            again.has_ended = false;
            return;
        }
        let input = self.report.begin(input);
        let transfer = RunningTransfer {
            input,
            has_ended: false,
        };
        running.insert(url.as_str().to_owned(), transfer);
        drop(running);
        self.report.progress().plan(bytes.unwrap_or(0));
    }

    fn input(&self, operation: Operation, url: &S3Url, bytes: Option<u64>) -> Option<Input> {
        let (op, remote) = match operation {
            Operation::Get => ("download", &self.from),
            Operation::Copy => ("copy", &self.to),
            _ => ("upload", &self.to),
        };
        let SyncPlace::Remote(prefix) = remote else {
            return None;
        };
        let path = url.key().strip_prefix(prefix.prefix())?;
        let mut input = Input::new(op, self.from.show(path));
        input.destination = Some(self.to.show(path));
        input.size = bytes;
        Some(input)
    }

    fn mark_ended(&self, url: &S3Url) {
        if let Some(transfer) = self.lock().get_mut(url.as_str()) {
            transfer.has_ended = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, RunningTransfer>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for RunningTransfers {
    fn on_event(&self, event: &Event<'_>) {
        match event {
            Event::Started {
                operation,
                url,
                bytes,
            } => self.begin(*operation, url, *bytes),
            Event::Cancelled { url, .. } if self.report.is_stopped() => {
                // Dropping it prints, which must not happen under the lock.
                let cancelled = self.lock().remove(url.as_str());
                drop(cancelled);
            }
            // A local failure may be reported as a cancellation.
            Event::Completed { url, .. }
            | Event::Failed { url, .. }
            | Event::Cancelled { url, .. } => self.mark_ended(url),
            _ => {}
        }
        self.report.progress().on_event(event);
    }
}

/// When dropped, reports the transfers that have ended without a report because the command ends early.
pub(super) struct EndedTransfers(pub(super) Arc<RunningTransfers>);

impl Drop for EndedTransfers {
    fn drop(&mut self) {
        let ended: Vec<_> = self
            .0
            .lock()
            .extract_if(|_, transfer| transfer.has_ended)
            .collect();
        drop(ended);
    }
}

//! Runs a sync: transfers during the merge, and deletions after source and target were read.

use std::pin::Pin;
use std::sync::Arc;

use futures_core::Stream;
use futures_util::{StreamExt, stream};
use s3_core::S3Prefix;
use s3_transfer::FanOutOptions;

use super::compare::SyncCompare;
use super::comparison::Contents;
use super::deletions::{Deletion, delete_file};
use super::entry::{SyncEntry, Unreadable};
use super::event::{SyncAction, SyncEvent, SyncOutcome};
use super::merge::{Step, merge};
use super::place::{ListingOrder, SyncPlace};
use super::state::{SyncSettings, SyncState};
use super::transfer::transfer;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::on_blocking_thread::on_blocking_thread;

/// Maximum number of keys in a DeleteObjects request.
const BATCH: usize = 1000;

/// The stream of events of a sync.
pub(crate) type Events = Pin<Box<dyn Stream<Item = SyncEvent> + Send>>;

/// A running sync. Clone is a reference count.
#[derive(Clone, Debug)]
pub(crate) struct SyncJob {
    state: Arc<SyncState>,
    call: Call,
}

impl SyncJob {
    pub(crate) fn new(settings: SyncSettings, call: Call) -> Self {
        let state = Arc::new(SyncState::new(settings));
        Self { state, call }
    }

    /// Returns the number of unchanged entries so far.
    pub(crate) fn unchanged(&self) -> u64 {
        self.state.update(|seen| seen.unchanged)
    }

    /// Returns the events. Nothing runs before the stream is polled.
    pub(crate) fn events(&self) -> Events {
        let settings = &self.state.settings;
        if let Err(error) = settings.check(&self.call) {
            let what = settings.to.show("");
            return stream::iter([self.unreadable(Unreadable { what, error })]).boxed();
        }
        let first = self.pass(ListingOrder::AsPromised);
        let job = self.clone();
        // Entries that the first pass transferred are unchanged in the second.
        let second = stream::once(async move {
            match job.state.update(|seen| seen.is_out_of_order) {
                false => stream::empty().boxed(),
                true => {
                    job.state.restart();
                    job.pass(ListingOrder::None)
                }
            }
        });
        first.chain(second.flatten()).boxed()
    }

    /// Transfers the entries that differ, then deletes. If a listing turns out not to be in key order although the
    /// server promises it, the pass ends early and deletes nothing.
    fn pass(&self, order: ListingOrder) -> Events {
        let settings = &self.state.settings;
        let source = settings.from.source_pages(settings, &self.call, order);
        let target = settings.to.target_pages(settings, &self.call, order);
        let pages = merge(source, target, Arc::clone(&self.state));
        let has_to_be_sorted = move |job: &Self| {
            order == ListingOrder::AsPromised && job.state.update(|seen| seen.is_out_of_order)
        };
        let job = self.clone();
        let fan_out = self.call.client.transfer.fan_out_pages(
            pages,
            FanOutOptions::default(),
            move |_, step| {
                let job = job.clone();
                async move { Ok(job.step(step).await) }
            },
        );
        let job = self.clone();
        let transfers = fan_out.filter_map(move |(_, event)| {
            let event = event.unwrap_or_else(|input: Unreadable| match has_to_be_sorted(&job) {
                true => None,
                false => Some(job.unreadable(input)),
            });
            std::future::ready(event)
        });
        let job = self.clone();
        let deletions = stream::once(async move {
            match has_to_be_sorted(&job) {
                true => stream::empty().boxed(),
                false => job.deletions(),
            }
        });
        let deletions = deletions.flatten();
        transfers.chain(deletions).boxed()
    }

    /// Returns the outcome of one path, and records a failure, which prevents deletions.
    fn ended(&self, done: Result<()>) -> SyncOutcome {
        match done {
            Err(error) => {
                self.state.update(|seen| seen.has_failed = true);
                SyncOutcome::Failed(error)
            }
            Ok(()) if self.state.settings.dry_run => SyncOutcome::Planned,
            Ok(()) => SyncOutcome::Done,
        }
    }

    fn unreadable(&self, input: Unreadable) -> SyncEvent {
        SyncEvent {
            action: SyncAction::Read,
            source: input.what,
            destination: None,
            size: 0,
            outcome: self.ended(Err(input.error)),
            verified: None,
            is_incomparable: false,
        }
    }

    fn special(&self, entry: &SyncEntry) -> SyncEvent {
        let settings = &self.state.settings;
        SyncEvent {
            action: settings.action(),
            source: settings.from.show(&entry.path),
            destination: Some(settings.to.show(&entry.path)),
            size: 0,
            outcome: SyncOutcome::Special,
            verified: None,
            is_incomparable: false,
        }
    }

    async fn step(&self, step: Step) -> Option<SyncEvent> {
        if let Some(resume) = &self.state.settings.resume {
            resume.unless_stopped().await;
        }
        let (entry, contents) = match step {
            Step::Fail(input) => return Some(self.unreadable(input)),
            Step::Skip(entry) => return Some(self.special(&entry)),
            Step::Transfer(entry) => (entry, Ok(Contents::Different)),
            Step::Compare { source, target } => {
                let compared = self.state.settings.contents(&source, &target, &self.call);
                let contents = Box::pin(compared).await;
                (source, contents)
            }
        };
        let settings = &self.state.settings;
        let is_incomparable =
            settings.compare == SyncCompare::Content && matches!(contents, Ok(Contents::Unknown));
        let done = match contents {
            Ok(Contents::Same) => {
                self.state.update(|seen| seen.unchanged += 1);
                return None;
            }
            Ok(_) if settings.dry_run => Ok(None),
            Ok(_) => Box::pin(transfer(&self.state, &entry, &self.call)).await,
            Err(error) => Err(error),
        };
        let verified = done.as_ref().ok().copied().flatten();
        Some(SyncEvent {
            action: settings.action(),
            source: settings.from.show(&entry.path),
            destination: Some(settings.to.show(&entry.path)),
            size: entry.size,
            outcome: self.ended(done.map(drop)),
            verified,
            is_incomparable,
        })
    }

    /// Deletes the entries that only the target has, or reports why it does not.
    fn deletions(&self) -> Events {
        let deletions = match self.state.deletions() {
            Ok(deletions) => deletions,
            Err(error) => {
                let what = self.state.settings.to.show("");
                return stream::iter([self.deletion(what, Err(error))]).boxed();
            }
        };
        let job = self.clone();
        stream::iter(deletions.into_paths())
            .chunks(BATCH)
            .then(move |batch| {
                let job = job.clone();
                async move { stream::iter(job.delete(batch).await) }
            })
            .flatten()
            .boxed()
    }

    async fn delete(&self, batch: Vec<Result<Deletion>>) -> Vec<SyncEvent> {
        let to = &self.state.settings.to;
        let batch: Vec<Deletion> = match batch.into_iter().collect() {
            Ok(batch) => batch,
            Err(error) => return vec![self.deletion(to.show(""), Err(error))],
        };
        let paths = batch.iter().map(|deletion| deletion.path.clone());
        let deleted = match to {
            _ if self.state.settings.dry_run => paths.map(|path| (path, Ok(()))).collect(),
            SyncPlace::Remote(prefix) => self.delete_objects(prefix, paths.collect()).await,
            SyncPlace::Local(directory) => {
                let directory = directory.clone();
                let delete = move |deletion: Deletion| match delete_file(&directory, &deletion) {
                    Ok(false) => None,
                    Ok(true) => Some((deletion.path, Ok(()))),
                    Err(error) => Some((deletion.path, Err(error))),
                };
                let deleted =
                    on_blocking_thread(move || Ok(batch.into_iter().filter_map(delete).collect()));
                deleted
                    .await
                    .unwrap_or_else(|error| vec![(String::new(), Err(error))])
            }
        };
        let deleted = deleted.into_iter();
        deleted
            .map(|(path, deleted)| self.deletion(to.show(&path), deleted))
            .collect()
    }

    async fn delete_objects(
        &self,
        prefix: &S3Prefix,
        paths: Vec<String>,
    ) -> Vec<(String, Result<()>)> {
        let urls = paths.iter().map(|path| SyncPlace::url(prefix, path));
        let urls = match urls.collect::<Result<Vec<_>>>() {
            Ok(urls) => urls,
            Err(error) => return vec![(String::new(), Err(error))],
        };
        let transfer = &self.call.client.transfer;
        let deleted = transfer.delete_many(urls, &self.call.options).await;
        let deleted = deleted
            .into_iter()
            .map(|deleted| deleted.map_err(Error::from));
        paths.into_iter().zip(deleted).collect()
    }

    fn deletion(&self, what: String, deleted: Result<()>) -> SyncEvent {
        SyncEvent {
            action: SyncAction::Delete,
            source: what,
            destination: None,
            size: 0,
            outcome: self.ended(deleted),
            verified: None,
            is_incomparable: false,
        }
    }
}

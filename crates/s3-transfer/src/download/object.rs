//! `Transfer::get`: downloads an object or a range in parallel parts, pinned to one ETag, and assembles them.

use std::future::poll_fn;
use std::iter;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use s3_core::{ByteRange, ErrorKind, Operation, Result, Retryability};

use super::assembly::Assembly;
use super::checksum::PartChecksum;
use super::first_part::{Discovered, FirstTarget};
use super::part::{FinishedPart, PartRead};
use super::{Destination, Fetched, GetItem, Verified};
use crate::join_error::join_result;
use crate::observer::ObjectEvents;
use crate::parts::cut;
use crate::sync::JoinError;
use crate::worker_pool::PoolJoinSet;
use crate::{CallOptions, Error, Event, Transfer};

impl Transfer {
    /// Reads an object or a range of it.
    ///
    /// Requests: one GET per part of `part_size` bytes, at least one; two for an empty object unless its size is known.
    /// Parts are read in parallel and pinned to one ETag. If the object is replaced during the download, the download
    /// starts over once.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use s3_core::{MemoryStore, Payload, S3Url};
    /// use s3_transfer::{CallOptions, Destination, GetItem, ObjectData, PutItem, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
    /// let options = CallOptions::default();
    /// let url = S3Url::parse("s3://b/k")?;
    /// transfer.put(PutItem::new(url.clone(), Payload::from("hello").into()), &options).await?;
    /// let item = GetItem::new(url).with_range(1..4);
    /// let fetched = transfer.get(item, Destination::Memory, &options).await?;
    /// assert_eq!((fetched.meta.size, fetched.range), (5, 1..4));
    /// let ObjectData::Memory(bytes) = fetched.data else { unreachable!("asked for memory") };
    /// assert_eq!(bytes, "ell");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound`, `NoSuchBucket`, `AccessDenied`, `InvalidRange`, `ChangedDuringRead` (twice in a row), `LocalIo`,
    /// `DiskFull`, `Integrity`, and the last transient error when no attempts are left.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops all parts and removes the temporary file; the target file is untouched.
    pub async fn get(
        &self,
        item: GetItem,
        to: Destination,
        options: &CallOptions,
    ) -> Result<Fetched> {
        check_range(&item)?;
        let to = Arc::new(to);
        let options = self.call_options(options);
        let events = ObjectEvents::start(&options, Operation::Get, &item.url, item.known_len());
        let work = pin!(self.get_twice(&item, &to, &options));
        let outcome = options
            .until_deadline(Operation::Get, item.url.as_str(), work)
            .await;
        events.finish(&outcome, |fetched| {
            let bytes = fetched.range.end - fetched.range.start;
            (bytes, Some(fetched.verified))
        });
        outcome
    }

    async fn get_twice(
        &self,
        item: &GetItem,
        to: &Arc<Destination>,
        options: &CallOptions,
    ) -> Result<Fetched> {
        let error = match self.get_once(item, to, options).await {
            Err(error) if has_changed(&error, item) || is_checksum_mismatch(&error) => error,
            outcome => return outcome,
        };
        tracing::debug!(%error, "starting over");
        if let Some(observer) = &options.observer {
            let (url, error) = (&item.url, &error);
            observer.on_event(&Event::Restarted { url, error });
        }
        let mut fresh = item.clone();
        fresh.known = None;
        let second = Box::pin(self.get_once(&fresh, to, options)).await;
        second.map_err(|error| match error.kind() {
            ErrorKind::PreconditionFailed if has_changed(&error, item) => {
                error.with_kind(ErrorKind::ChangedDuringRead)
            }
            _ if is_checksum_mismatch(&error) => error.with_retryability(Retryability::Spent),
            _ => error,
        })
    }

    async fn get_once(
        &self,
        item: &GetItem,
        to: &Arc<Destination>,
        options: &CallOptions,
    ) -> Result<Fetched> {
        let range = first_range(item, self.config().part_size);
        match self.get_parts(item, range.clone(), to, options).await {
            Err(error) if is_empty_object(&error, item, range.as_ref()) => {
                Box::pin(self.get_parts(item, None, to, options)).await
            }
            outcome => outcome,
        }
    }

    async fn get_parts(
        &self,
        item: &GetItem,
        range: Option<ByteRange>,
        to: &Arc<Destination>,
        options: &CallOptions,
    ) -> Result<Fetched> {
        let target = FirstTarget::Destination(Arc::clone(to));
        let first = PartRead::first(self, item, range, target, options);
        let mut running = pin!(self.run(first.clone(), options));
        let finished = poll_fn(|cx| match running.as_mut().poll(cx) {
            Poll::Ready(finished) => Poll::Ready(Some(finished)),
            Poll::Pending if first.has_more_parts() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        let finished = finished.await.transpose()?;
        let found = first.take_discovered();
        let found = found.expect("the first response has arrived");
        match (finished, &found.assembly) {
            (Some(part), None) => Ok(Fetched {
                verified: match part.verified {
                    Some(verified) => verified,
                    None => verdict(&found, &[part.checksum])?,
                },
                data: part.storage.into_data(self.buffers()),
                meta: found.meta,
                range: found.wanted,
            }),
            (finished, _) => {
                let first = async {
                    match finished {
                        Some(part) => Ok(part),
                        None => running.await,
                    }
                };
                Box::pin(self.get_several(found, first, to, options)).await
            }
        }
    }

    /// Reads the later parts while the first part continues, and assembles all parts.
    async fn get_several(
        &self,
        found: Discovered,
        first: impl Future<Output = Result<FinishedPart>> + Send,
        to: &Arc<Destination>,
        options: &CallOptions,
    ) -> Result<Fetched> {
        let assembly = found.assembly.as_ref().expect("there are several parts");
        let _unfinished = UnfinishedAssembly(Arc::clone(assembly));
        let later = self.get_later(&found, assembly, to, options);
        let (first, mut later) = futures_util::try_join!(first, later)?;
        later.sort_unstable_by_key(|(index, _)| *index);
        let parts = iter::once(first).chain(later.into_iter().map(|(_, part)| part));
        let mut is_resumed = false;
        let parts = parts.inspect(|part| is_resumed |= part.is_resumed);
        let (storages, checksums): (Vec<_>, Vec<_>) =
            parts.map(|part| (part.storage, part.checksum)).unzip();
        let mut verified = verdict(&found, &checksums)?;
        let md5 = found.md5().filter(|_| is_resumed);
        let data = assembly.finish(storages, md5).await;
        if md5.is_some() {
            verified = Verified::Etag;
        }
        Ok(Fetched {
            data: data.map_err(|error| error.with_resource(&found.meta.url))?,
            meta: found.meta,
            range: found.wanted,
            verified,
        })
    }

    /// Reads the later parts, a bounded number at a time. Returns them in order of completion, with their indices.
    async fn get_later(
        &self,
        found: &Discovered,
        assembly: &Assembly,
        to: &Arc<Destination>,
        options: &CallOptions,
    ) -> Result<Vec<(usize, FinishedPart)>> {
        let mut running = PoolJoinSet::new();
        let mut finished = Vec::new();
        let spans = cut(found.first.end..found.wanted.end, self.config().part_size);
        for (index, span) in spans.enumerate() {
            if running.len() >= self.config().concurrency.max() {
                finished.extend(joined(running.join_next().await)?);
            }
            let storage = assembly.part(span.start - found.wanted.start, span.end - span.start)?;
            let part = PartRead::later(self, found, span, storage, Some(to), options);
            let (transfer, options) = (self.clone(), options.clone());
            running.spawn(async move { Ok((index, transfer.run(part, &options).await?)) });
        }
        while let Some(part) = running.join_next().await {
            finished.extend(joined(Some(part))?);
        }
        Ok(finished)
    }
}

/// A download in several parts. Dropping it removes the temporary file if the download is not finished.
struct UnfinishedAssembly(Arc<Assembly>);

impl Drop for UnfinishedAssembly {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Compares the checksum of all parts with the one that the server sent.
pub(super) fn verdict(found: &Discovered, parts: &[PartChecksum]) -> Result<Verified> {
    match &found.expected {
        Err(reason) => Ok(Verified::NotVerified(*reason)),
        Ok(expected) => {
            let mismatch = || checksum_mismatch().with_resource(&found.meta.url);
            expected.verdict(parts).ok_or_else(mismatch)
        }
    }
}

/// Returns the error for an object whose bytes do not match the checksum that the server sent.
pub(super) fn checksum_mismatch() -> Error {
    Error::new(ErrorKind::Integrity, Operation::Get)
        .with_message("the object does not have the checksum that the server sent")
        .with_retryability(Retryability::Transient)
}

/// Returns the range of the first request: the first part of the wanted range; `None` for an object that is known to be
/// small.
pub(super) fn first_range(item: &GetItem, part_size: u64) -> Option<ByteRange> {
    let known = item.known.as_ref();
    match &item.range {
        None if known.is_some_and(|known| known.size <= part_size) => None,
        None => Some((0..part_size).into()),
        Some(ByteRange::From(start)) => Some((*start..start.saturating_add(part_size)).into()),
        Some(ByteRange::Bounded(range)) => {
            Some((range.start..range.end.min(range.start.saturating_add(part_size))).into())
        }
        Some(last @ ByteRange::Last(_)) => Some(last.clone()),
    }
}

/// Returns whether the first request failed only because the object is empty: the caller did not ask for a range.
pub(super) fn is_empty_object(error: &Error, item: &GetItem, asked: Option<&ByteRange>) -> bool {
    error.kind() == ErrorKind::InvalidRange && item.range.is_none() && asked.is_some()
}

pub(super) fn check_range(item: &GetItem) -> Result<()> {
    match &item.range {
        Some(range) if !range.is_satisfiable() => {
            Err(Error::new(ErrorKind::InvalidRange, Operation::Get)
                .with_resource(&item.url)
                .with_message(format!("range {range:?} is empty"))
                .with_hint(
                    "a range needs at least one byte: its end must be greater than its start",
                ))
        }
        _ => Ok(()),
    }
}

/// Returns whether the object was replaced during the download, or (412) since it was listed. A failed condition of the
/// caller is not a change.
pub(super) fn has_changed(error: &Error, item: &GetItem) -> bool {
    let conditions = &item.conditions;
    let by_caller = conditions.if_match.is_some() || conditions.if_unmodified_since.is_some();
    match error.kind() {
        ErrorKind::ChangedDuringRead => true,
        ErrorKind::PreconditionFailed => !by_caller,
        _ => false,
    }
}

/// Returns whether the checksum of all parts is wrong. A mismatch of a single part has been retried already.
fn is_checksum_mismatch(error: &Error) -> bool {
    error.kind() == ErrorKind::Integrity && error.retryability() == Retryability::Transient
}

fn joined<T>(done: Option<std::result::Result<Result<T>, JoinError>>) -> Result<Option<T>> {
    done.map(|done| join_result(done, Operation::Get)?)
        .transpose()
}

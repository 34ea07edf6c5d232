//! Reading one object: the first part, the others, and the way back together.

use std::future::poll_fn;
use std::iter;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use s3_core::{ByteRange, ErrorKind, ObjectMeta, Operation, Result, Retryability};

use super::first::{Done, FirstPart, Opened};
use super::landing::Landing;
use super::part::Piece;
use super::rest::RestPart;
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
    /// Requests: one get per part of `part_size` bytes, at least one; an empty object costs a second one unless its
    /// size is known. Parts are read in parallel and pinned to one ETag; if the object is replaced in between, the
    /// read starts over once.
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
    /// `DiskFull`, `Integrity`, and what is left of passing failures when retries are spent.
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
        refuse_empty_range(&item)?;
        let to = Arc::new(to);
        let options = self.call_options(options);
        let known = item.known.as_ref().filter(|_| item.range.is_none());
        let planned = known.map(|known| known.size);
        let events = ObjectEvents::start(&options, Operation::Get, &item.url, planned);
        let work = self.get_twice(&item, &to, &options);
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
            Err(error) if changed(&error) || torn(&error) => error,
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
            ErrorKind::PreconditionFailed => error.with_kind(ErrorKind::ChangedDuringRead),
            _ if torn(&error) => error.with_retryability(Retryability::Spent),
            _ => error,
        })
    }

    async fn get_once(
        &self,
        item: &GetItem,
        to: &Arc<Destination>,
        options: &CallOptions,
    ) -> Result<Fetched> {
        let ask = first_range(item, self.config().part_size);
        let ours = item.range.is_none() && ask.is_some();
        match self.get_parts(item, ask, to, options).await {
            // Nothing of an empty object can be had by range; ours was only to learn the size.
            Err(error) if error.kind() == ErrorKind::InvalidRange && ours => {
                Box::pin(self.get_parts(item, None, to, options)).await
            }
            outcome => outcome,
        }
    }

    async fn get_parts(
        &self,
        item: &GetItem,
        ask: Option<ByteRange>,
        to: &Arc<Destination>,
        options: &CallOptions,
    ) -> Result<Fetched> {
        let (url, want) = (item.url.clone(), item.range.clone());
        let known = item.known.as_ref();
        let observer = options.observer.clone();
        let first = FirstPart::new(self, url, ask, want, known, Arc::clone(to), observer);
        let mut running = pin!(self.run(first.clone(), options));
        let mut opened = None;
        let step = poll_fn(|cx| {
            let polled = running.as_mut().poll(cx);
            opened = first.opened();
            match polled {
                Poll::Ready(done) => Poll::Ready(Some(done)),
                Poll::Pending if opened.is_some() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        });
        let head = match step.await.transpose()? {
            Some(Done::Whole(fetched)) => return Ok(fetched),
            Some(Done::Part(piece)) => Some(piece),
            None => None,
        };
        let opened = opened.expect("the first answer has come, and more parts are to be read");
        let head = async {
            match head {
                Some(piece) => Ok(piece),
                None => running.await.map(Done::into_piece),
            }
        };
        Box::pin(self.get_several(opened, head, options)).await
    }

    /// Reads the other parts beside the first, and puts all of them together.
    async fn get_several(
        &self,
        opened: Opened,
        head: impl Future<Output = Result<Piece>> + Send,
        options: &CallOptions,
    ) -> Result<Fetched> {
        let _unfinished = Unfinished(Arc::clone(&opened.landing));
        let rest = self.get_rest(&opened, options);
        let (head, mut rest) = futures_util::try_join!(head, rest)?;
        rest.sort_unstable_by_key(|(index, _)| *index);
        let pieces = iter::once(head).chain(rest.into_iter().map(|(_, piece)| piece));
        let (segments, sums): (Vec<_>, Vec<_>) =
            pieces.map(|piece| (piece.segment, piece.summed)).unzip();
        let verified = match &opened.promise {
            Err(reason) => Verified::NotVerified(*reason),
            Ok(promise) => promise.verdict(&sums).ok_or_else(|| broken(&opened.meta))?,
        };
        let landed = opened.landing.finish(segments).await;
        Ok(Fetched {
            data: landed.map_err(|error| error.with_resource(&opened.meta.url))?,
            meta: opened.meta,
            range: opened.wanted,
            verified,
        })
    }

    /// Reads what the first part leaves, a bounded number of parts at a time, in order of their start. Returns them
    /// as they came, numbered in order.
    async fn get_rest(
        &self,
        opened: &Opened,
        options: &CallOptions,
    ) -> Result<Vec<(usize, Piece)>> {
        let mut running = PoolJoinSet::new();
        let mut pieces = Vec::new();
        let spans = cut(opened.first.end..opened.wanted.end, self.config().part_size);
        for (index, span) in spans.enumerate() {
            if running.len() >= self.config().concurrency.max() {
                pieces.extend(settle(running.join_next().await)?);
            }
            let part = RestPart::new(self, opened, span, options)?;
            let (transfer, options) = (self.clone(), options.clone());
            running.spawn(async move { Ok((index, transfer.run(part, &options).await?)) });
        }
        while let Some(done) = running.join_next().await {
            pieces.extend(settle(Some(done))?);
        }
        Ok(pieces)
    }
}

/// A download in several parts. Dropping it removes a file that has not got its name.
struct Unfinished(Arc<Landing>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Returns the range to ask for first: one part of what is wanted; nothing special for what is known to be small.
fn first_range(item: &GetItem, part_size: u64) -> Option<ByteRange> {
    match &item.range {
        None if item
            .known
            .as_ref()
            .is_some_and(|known| known.size <= part_size) =>
        {
            None
        }
        None => Some((0..part_size).into()),
        Some(ByteRange::From(start)) => Some((*start..start.saturating_add(part_size)).into()),
        Some(ByteRange::Bounded(range)) => {
            Some((range.start..range.end.min(range.start.saturating_add(part_size))).into())
        }
        Some(last @ ByteRange::Last(_)) => Some(last.clone()),
    }
}

fn refuse_empty_range(item: &GetItem) -> Result<()> {
    match &item.range {
        Some(range) if !range.is_satisfiable() => {
            Err(Error::new(ErrorKind::InvalidRange, Operation::Get)
                .with_resource(&item.url)
                .with_message(format!("{range:?} holds no byte"))
                .with_hint("a range needs at least one byte, and its end behind its start"))
        }
        _ => Ok(()),
    }
}

/// The object is another one than before, or (412) than a listing said.
fn changed(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ChangedDuringRead | ErrorKind::PreconditionFailed
    )
}

/// All parts are there, and together they are not what the server has a checksum of.
fn broken(meta: &ObjectMeta) -> Error {
    Error::new(ErrorKind::Integrity, Operation::Get)
        .with_resource(&meta.url)
        .with_message("the parts together do not have the checksum that the server sent")
        .with_retryability(Retryability::Transient)
}

/// The whole is not what it should be. The error of a single part has been tried again already.
fn torn(error: &Error) -> bool {
    error.kind() == ErrorKind::Integrity && error.retryability() == Retryability::Transient
}

fn settle<T>(done: Option<std::result::Result<Result<T>, JoinError>>) -> Result<Option<T>> {
    done.map(|done| join_result(done, Operation::Get)?)
        .transpose()
}

//! Reading one object: the first part, the others, and the way back together.

use std::sync::Arc;

use futures_util::future::{Either, select};
use s3_core::{ByteRange, ErrorKind, Operation, Result};
use tokio::task::JoinSet;

use super::landing::Landing;
use super::part::{GetPart, Opened};
use super::segment::Segment;
use super::{Destination, Fetched, GetItem};
use crate::joined::joined;
use crate::layer::before;
use crate::parts::cut;
use crate::{CallOptions, Error, Transfer};

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
    /// use s3_transfer::{CallOptions, Destination, GetItem, Landed, PutItem, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
    /// let options = CallOptions::default();
    /// let url = S3Url::parse("s3://b/k")?;
    /// transfer.put(PutItem::new(url.clone(), Payload::from("hello").into()), &options).await?;
    /// let item = GetItem::new(url).with_range(1..4);
    /// let fetched = transfer.get(item, Destination::Memory, &options).await?;
    /// assert_eq!((fetched.meta.size, fetched.range), (5, 1..4));
    /// let Landed::Memory(bytes) = fetched.data else { unreachable!("asked for memory") };
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
        let place = item.url.clone();
        let work = self.get_twice(item, to, options);
        before(options.deadline, Operation::Get, place.as_str(), work).await
    }

    async fn get_twice(
        &self,
        item: GetItem,
        to: Destination,
        options: &CallOptions,
    ) -> Result<Fetched> {
        match self.get_once(&item, to.clone(), options).await {
            Err(error) if changed(&error) => {
                tracing::debug!(%error, "the object was replaced; starting over");
                let fresh = GetItem {
                    known: None,
                    ..item
                };
                let second = self.get_once(&fresh, to, options).await;
                second.map_err(|error| match error.kind() {
                    ErrorKind::PreconditionFailed => error.with_kind(ErrorKind::ChangedDuringRead),
                    _ => error,
                })
            }
            outcome => outcome,
        }
    }

    async fn get_once(
        &self,
        item: &GetItem,
        to: Destination,
        options: &CallOptions,
    ) -> Result<Fetched> {
        let ask = first_range(item, self.config().part_size);
        match self.get_parts(item, ask.clone(), to.clone(), options).await {
            // Nothing of an empty object can be had by range; ours was only to learn the size.
            Err(error)
                if error.kind() == ErrorKind::InvalidRange
                    && item.range.is_none()
                    && ask.is_some() =>
            {
                self.get_parts(item, None, to, options).await
            }
            outcome => outcome,
        }
    }

    async fn get_parts(
        &self,
        item: &GetItem,
        ask: Option<ByteRange>,
        to: Destination,
        options: &CallOptions,
    ) -> Result<Fetched> {
        let landing = Arc::new(Landing::new(to));
        let _unfinished = Unfinished(Arc::clone(&landing));
        let pin = item.known.as_ref().and_then(|known| known.etag.clone());
        let want = item.range.clone();
        let first = GetPart::first(self, item.url.clone(), ask, want, pin, Arc::clone(&landing));
        let running = Box::pin(self.run(first.clone(), options));
        let opened = match select(running, Box::pin(first.clone().opened())).await {
            Either::Left((done, opened)) => {
                done?;
                opened.await
            }
            Either::Right((opened, running)) => {
                let rest = self.get_rest(&opened, &landing, options);
                let (_, rest) = futures_util::try_join!(running, rest)?;
                return finish(first, rest, opened, &landing).await;
            }
        };
        let rest = self.get_rest(&opened, &landing, options).await?;
        finish(first, rest, opened, &landing).await
    }

    /// Reads what the first part leaves, a bounded number of parts at a time, in order of their start.
    async fn get_rest(
        &self,
        opened: &Opened,
        landing: &Arc<Landing>,
        options: &CallOptions,
    ) -> Result<Vec<GetPart>> {
        let mut running = JoinSet::new();
        let mut parts = Vec::new();
        let start = opened.wanted.start;
        for span in cut(opened.first.end..opened.wanted.end, self.config().part_size) {
            if running.len() >= self.config().concurrency.max() {
                settle(running.join_next().await)?;
            }
            let offset = span.start - start;
            let part = GetPart::rest(self, &opened.meta, span, offset, Arc::clone(landing))?;
            parts.push(part.clone());
            let (transfer, options) = (self.clone(), options.clone());
            running.spawn(async move { transfer.run(part, &options).await });
        }
        while let Some(done) = running.join_next().await {
            settle(Some(done))?;
        }
        Ok(parts)
    }
}

/// A download under way. Dropping it removes a file that has not got its name.
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
                .with_place(&item.url)
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

fn settle(done: Option<std::result::Result<Result<()>, tokio::task::JoinError>>) -> Result<()> {
    match done {
        None => Ok(()),
        Some(done) => joined(done, Operation::Get)?,
    }
}

async fn finish(
    first: GetPart,
    rest: Vec<GetPart>,
    opened: Opened,
    landing: &Landing,
) -> Result<Fetched> {
    let mut segments: Vec<Segment> = vec![first.into_segment().await];
    for part in rest {
        segments.push(part.into_segment().await);
    }
    let data = landing
        .finish(segments)
        .await
        .map_err(|error| error.with_place(&opened.meta.url))?;
    Ok(Fetched {
        meta: opened.meta,
        range: opened.wanted,
        data,
    })
}

//! `Transfer::get_ranges`: reads several ranges of one object into memory, all of one version.

use std::ops::Range;

use bytes::Bytes;
use s3_core::{ErrorKind, ObjectMeta, Operation, Result};

use super::object::check_range;
use super::{Destination, Fetched, GetItem, ObjectData};
use crate::join_error::join_result;
use crate::worker_pool::PoolJoinSet;
use crate::{CallOptions, Error, Transfer};

impl Transfer {
    /// Reads several ranges of an object into memory, all of one ETag. Results are in the order of `ranges`, clipped at
    /// the end of the object.
    ///
    /// Ranges that overlap, or have at most `gap` bytes between them, are read together, as one [`get`](Self::get): one
    /// request per part of `part_size` bytes. They may come in any order. A range keeps all bytes in memory that were
    /// read with it. If the object is replaced in between, all ranges are read once more. `item.range` is ignored.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use s3_core::{MemoryStore, Payload, S3Url};
    /// use s3_transfer::{CallOptions, GetItem, PutItem, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
    /// let options = CallOptions::default();
    /// let url = S3Url::parse("s3://b/k")?;
    /// transfer.put(PutItem::new(url.clone(), Payload::from("hiss, purr").into()), &options).await?;
    /// let ranges = [6..10, 0..4];
    /// let read = transfer.get_ranges(GetItem::new(url), &ranges, 0, &options).await?;
    /// assert_eq!(read, ["purr", "hiss"]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get): of the first range that fails. `InvalidRange` for a range that is empty, before
    /// anything is sent, or starts at or after the end. `ChangedDuringRead` if the object is replaced twice.
    pub async fn get_ranges(
        &self,
        item: GetItem,
        ranges: &[Range<u64>],
        gap: u64,
        options: &CallOptions,
    ) -> Result<Vec<Bytes>> {
        for range in ranges {
            check_range(&item.clone().with_range(range.clone()))?;
        }
        let spans = coalesce(ranges, gap);
        let mut read = self.get_spans(&item, &spans, options).await?;
        if !is_one_version(&read) {
            let mut current = item.clone();
            current.known = None;
            read = self.get_spans(&current, &spans, options).await?;
        }
        if !is_one_version(&read) {
            return Err(Error::new(ErrorKind::ChangedDuringRead, Operation::Get)
                .with_resource(&item.url)
                .with_message("its ranges are of several versions"));
        }
        ranges
            .iter()
            .map(|range| cut_out(range, &spans, &read))
            .collect()
    }

    /// Reads all spans, a bounded number at a time.
    async fn get_spans(
        &self,
        item: &GetItem,
        spans: &[Range<u64>],
        options: &CallOptions,
    ) -> Result<Vec<Fetched>> {
        let get = |span: &Range<u64>| {
            let (transfer, options) = (self.clone(), options.clone());
            let item = item.clone().with_range(span.clone());
            async move {
                let read = transfer.get(item, Destination::Memory, &options).await;
                // The caller requested other ranges than this one.
                read.map_err(Error::without_range)
            }
        };
        if let [only] = spans {
            return Ok(vec![get(only).await?]);
        }
        let mut running = PoolJoinSet::new();
        let mut read = Vec::new();
        for (index, span) in spans.iter().enumerate() {
            if running.len() >= self.config().concurrency.max() {
                read.extend(joined(&mut running).await?);
            }
            let work = get(span);
            running.spawn(async move { Ok((index, work.await?)) });
        }
        while let Some(done) = joined(&mut running).await? {
            read.push(done);
        }
        read.sort_unstable_by_key(|(index, _)| *index);
        Ok(read.into_iter().map(|(_, fetched)| fetched).collect())
    }
}

async fn joined<T: Send + 'static>(running: &mut PoolJoinSet<Result<T>>) -> Result<Option<T>> {
    let done = running.join_next().await;
    done.map(|done| join_result(done, Operation::Get)?)
        .transpose()
}

/// Returns spans in ascending order that cover all ranges and have more than `gap` bytes between them.
fn coalesce(ranges: &[Range<u64>], gap: u64) -> Vec<Range<u64>> {
    let mut ranges = ranges.to_vec();
    ranges.sort_unstable_by_key(|range| range.start);
    let mut spans: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match spans.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(gap) => {
                last.end = last.end.max(range.end);
            }
            _ => spans.push(range),
        }
    }
    spans
}

/// Returns whether all results have the same ETag and size.
fn is_one_version(read: &[Fetched]) -> bool {
    let version = |meta: &ObjectMeta| (meta.etag.clone(), meta.size);
    read.windows(2)
        .all(|pair| version(&pair[0].meta) == version(&pair[1].meta))
}

/// Returns the bytes of `range`, clipped at the end of the object.
fn cut_out(range: &Range<u64>, spans: &[Range<u64>], read: &[Fetched]) -> Result<Bytes> {
    let after = spans.partition_point(|span| span.start <= range.start);
    let fetched = &read[after - 1];
    let ObjectData::Memory(bytes) = &fetched.data else {
        unreachable!("asked for memory")
    };
    if range.start >= fetched.meta.size {
        return Err(Error::new(ErrorKind::InvalidRange, Operation::Get)
            .with_resource(&fetched.meta.url)
            .with_range(format_args!("bytes {}-{}", range.start, range.end - 1))
            .with_message(format!("the object has {} bytes", fetched.meta.size)));
    }
    let index = |position: u64| usize::try_from(position - fetched.range.start);
    let end = range.end.min(fetched.range.end);
    match (index(range.start), index(end)) {
        (Ok(start), Ok(end)) => Ok(bytes.slice(start..end)),
        _ => unreachable!("what is in memory can be indexed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined_across_gaps_and_overlaps_only() {
        let ranges = [20..30, 0..5, 7..9, 8..20, 45..50, 21..22];
        assert_eq!(coalesce(&ranges, 0), [0..5, 7..30, 45..50]);
        assert_eq!(coalesce(&ranges, 2), [0..30, 45..50]);
        assert_eq!(coalesce(&ranges, u64::MAX), std::slice::from_ref(&(0..50)));
        assert_eq!(coalesce(&[], 9), []);
    }
}

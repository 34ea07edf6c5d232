//! [`PartReader`]: reads the metadata and byte ranges of one Parquet object, pinned to the listed version.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use s3_client::S3;
use tokio::sync::OnceCell;

use crate::set::Part;
use crate::threads::Threads;

/// Number of bytes that are read from the end first: the footer, and the metadata of most objects. 64 KiB.
const FOOTER: usize = 64 << 10;
/// Maximum distance of ranges that are read with one request, as in object_store. 1 MiB.
const GAP: u64 = 1 << 20;

/// Reads one Parquet object in the version that was listed. Clone is a reference count and shares the metadata.
#[derive(Clone, Debug)]
pub(crate) struct PartReader(Arc<ReaderInner>);

#[derive(Debug)]
struct ReaderInner {
    s3: S3,
    part: Part,
    threads: Threads,
    metadata: OnceCell<Arc<ParquetMetaData>>,
}

impl PartReader {
    pub(crate) fn new(s3: S3, part: Part, threads: Threads) -> Self {
        Self(Arc::new(ReaderInner {
            s3,
            part,
            threads,
            metadata: OnceCell::new(),
        }))
    }

    pub(crate) fn part(&self) -> &Part {
        &self.0.part
    }

    /// Returns the metadata, which is read once.
    pub(crate) async fn metadata(&self) -> Result<Arc<ParquetMetaData>> {
        let read = async {
            // Two readers that start at the same time both read it, with the same result.
            let reader = ParquetMetaDataReader::new()
                .with_page_index_policy(PageIndexPolicy::Optional)
                .with_prefetch_hint(Some(FOOTER));
            let metadata = reader
                .load_and_finish(&mut self.clone(), self.0.part.size)
                .await?;
            Ok(Arc::new(metadata))
        };
        self.0.metadata.get_or_try_init(|| read).await.cloned()
    }
}

impl AsyncFileReader for PartReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        let ranges = self.get_byte_ranges(vec![range]);
        async move { Ok(ranges.await?.swap_remove(0)) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        let shared = Arc::clone(&self.0);
        let threads = shared.threads.clone();
        let read = async move {
            let read = shared.part.ranges(&shared.s3, &ranges, GAP).await?;
            Ok((ranges, read))
        };
        let read = threads.run(read);
        async move {
            let read = read.await;
            let (ranges, read) = read.map_err(|error| ParquetError::External(error.into()))?;
            check_lengths(&ranges, &read)?;
            Ok(read)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move { self.metadata().await }.boxed()
    }
}

/// Fails if a range was clipped at the end of the object: damaged metadata may contain any range, and the column reader
/// relies on its length.
fn check_lengths(ranges: &[Range<u64>], read: &[Bytes]) -> Result<()> {
    for (range, bytes) in ranges.iter().zip(read) {
        let end = range.start + bytes.len() as u64;
        if end != range.end {
            let (start, last) = (range.start, range.end - 1);
            let text = format!("bytes {start}-{last} are not there: the object ends at {end}");
            return Err(ParquetError::EOF(text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use s3_core::S3Url;

    use super::*;

    #[tokio::test]
    async fn a_range_past_the_end_is_an_error() {
        let s3 = S3::in_memory().unwrap();
        s3.create_bucket("b").await.unwrap();
        s3.put("s3://b/part", vec![7; 100]).await.unwrap();
        let part = Part {
            url: S3Url::parse("s3://b/part").unwrap(),
            size: 100,
            etag: None,
        };
        let mut reader = PartReader::new(s3, part, Threads::Callers);
        let inside = reader.get_byte_ranges(vec![0..10, 90..100]).await.unwrap();
        assert_eq!(inside, [vec![7; 10], vec![7; 10]]);
        for range in [90..101, 0..u64::MAX] {
            let one = reader.get_bytes(range.clone()).await.map(drop);
            let several = reader.get_byte_ranges(vec![0..10, range]).await.map(drop);
            for read in [one, several] {
                assert!(matches!(read, Err(ParquetError::EOF(_))), "{read:?}");
            }
        }
    }
}

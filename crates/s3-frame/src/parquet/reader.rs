//! [`PartReader`]: ranges of one Parquet object, all of one version.

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

/// How many bytes of the end are read at first: the footer, with the metadata of most objects. 64 KiB.
const FOOTER: usize = 64 << 10;
/// Up to how many bytes apart ranges are read together, as object_store does. 1 MiB.
const GAP: u64 = 1 << 20;

/// Reads one Parquet object in the version that was listed. Clone is a reference count, and shares the metadata.
#[derive(Clone, Debug)]
pub(crate) struct PartReader(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    s3: S3,
    part: Part,
    threads: Threads,
    metadata: OnceCell<Arc<ParquetMetaData>>,
}

impl PartReader {
    pub(crate) fn new(s3: S3, part: Part, threads: Threads) -> Self {
        Self(Arc::new(Shared {
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
            // Twice if two readers begin at the same time, whose ranges are the same.
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
        let read = async move { shared.part.ranges(&shared.s3, &ranges, GAP).await };
        let read = threads.run(read);
        async move {
            read.await
                .map_err(|error| ParquetError::External(error.into()))
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

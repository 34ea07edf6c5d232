//! [`ParquetBatches`]: stream of the record batches of Parquet objects, which are decoded one after another.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt, TryStreamExt};
use parquet::arrow::ParquetRecordBatchStreamBuilder;

use super::PartReader;
use super::read::{ParquetScan, parquet_error, schema_of};
use crate::{Error, Result};

/// Number of parts whose metadata is read: the one whose rows are read, and the next one.
const OPEN_PARTS: usize = 2;

/// The rows of Parquet objects: part after part in the order of [`parts`](Self::parts), and in order within each part.
///
/// The first error ends the stream. Memory: the column chunks of one row group.
#[must_use = "a stream does nothing until it is polled"]
pub struct ParquetBatches {
    schema: SchemaRef,
    parts: Vec<String>,
    batches: BoxStream<'static, Result<RecordBatch>>,
}

impl ParquetBatches {
    pub(super) fn new(scan: ParquetScan) -> Self {
        let parts = scan
            .parts
            .iter()
            .map(|part| part.part().url.as_str().to_owned());
        let parts = parts.collect();
        let (schema, rows) = (Arc::clone(&scan.schema), scan.batch_rows);
        let opened =
            stream::iter(scan.parts).map(move |part| open(part, Arc::clone(&scan.schema), rows));
        Self {
            schema,
            parts,
            batches: opened.buffered(OPEN_PARTS).try_flatten().boxed(),
        }
    }

    /// Returns the schema of all batches. Clone is a reference count.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Returns the URLs of the parts, in the order in which they are read.
    #[must_use]
    pub fn parts(&self) -> &[String] {
        &self.parts
    }
}

async fn open(
    part: PartReader,
    expected: SchemaRef,
    rows: usize,
) -> Result<impl Stream<Item = Result<RecordBatch>> + Send> {
    let of_part = |source| parquet_error(&part, source);
    let found = schema_of(&part).await.map_err(of_part)?;
    check_columns(&part, &found, &expected)?;
    let builder = ParquetRecordBatchStreamBuilder::new(part.clone())
        .await
        .map_err(of_part)?;
    let batches = builder.with_batch_size(rows).build().map_err(of_part)?;
    Ok(batches
        .map_err(move |source| parquet_error(&part, source))
        .and_then(move |batch| {
            let batch = RecordBatch::try_new(Arc::clone(&expected), batch.columns().to_vec());
            async { Ok(batch?) }
        }))
}

/// Fails unless the part has the expected columns.
pub(crate) fn check_columns(part: &PartReader, found: &Schema, expected: &Schema) -> Result<()> {
    if found.fields() == expected.fields() {
        return Ok(());
    }
    Err(Error::Header {
        part: part.part().url.as_str().to_owned(),
        found: columns(found),
        expected: columns(expected),
    })
}

/// Returns the columns as `name: type`, since only the types may differ.
fn columns(schema: &Schema) -> Vec<String> {
    let fields = schema.fields().iter();
    fields
        .map(|field| format!("{} {}", field.name(), field.data_type()))
        .collect()
}

impl Stream for ParquetBatches {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.batches.poll_next_unpin(cx);
        if let Poll::Ready(Some(Err(_))) = &polled {
            self.batches = stream::empty().boxed();
        }
        polled
    }
}

impl fmt::Debug for ParquetBatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetBatches")
            .field("schema", &self.schema)
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use arrow_array::{ArrayRef, Int64Array};
    use s3_client::S3;
    use s3_core::MemoryStore;
    use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore};
    use s3_transfer::{Concurrency, TransferConfig};

    use super::*;
    use crate::Frames;

    #[tokio::test(start_paused = true)]
    async fn parts_can_be_read_with_a_limit_of_one_request() {
        let memory = MemoryStore::with_buckets(["b"]);
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values([7]));
        let row = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let parts = (0..4).map(|_| stream::iter([Ok(row.clone())]));
        let s3 = S3::builder().store(memory.clone()).build().unwrap();
        let write = Frames::new(&s3).write_parquet("s3://b/set");
        write.send(row.schema(), parts).await.unwrap();

        let latency = FaultAction::stall(Duration::from_millis(10));
        let plan = FaultPlan::new([FaultMatch::operation("GetObject").on(latency)]);
        let mut config = TransferConfig::default();
        config.concurrency = Concurrency::Fixed(1);
        let s3 = S3::builder()
            .store(FaultStore::new(memory, plan))
            .transfer(config)
            .build()
            .unwrap();
        let read = async {
            let batches = Frames::new(&s3)
                .read_parquet(["s3://b/set/*"])
                .open()
                .await?;
            batches.try_collect::<Vec<_>>().await
        };
        let read = tokio::time::timeout(Duration::from_secs(60), read).await;
        assert_eq!(read.expect("it ends").unwrap().len(), 4);
    }
}

//! [`Partition`]: DataFusion partition stream whose rows are produced on the worker threads.

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use s3_transfer::WorkerPool;

use super::on_pool::on_pool;
use crate::{Error, Result};

/// Rows that a query reads as one stream, produced on the worker threads.
pub(super) struct Partition {
    schema: SchemaRef,
    pool: Arc<WorkerPool>,
    read: Box<dyn Fn() -> BoxStream<'static, Result<RecordBatch>> + Send + Sync>,
}

impl Partition {
    pub(super) fn new(
        schema: SchemaRef,
        pool: Arc<WorkerPool>,
        read: impl Fn() -> BoxStream<'static, Result<RecordBatch>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            schema,
            pool,
            read: Box::new(read),
        }
    }
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = on_pool(Arc::clone(&self.pool), (self.read)());
        let rows = rows.map_err(query_error);
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            rows,
        ))
    }
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partition")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// Converts an error to a DataFusion error with it as the source.
fn query_error(error: Error) -> DataFusionError {
    match error {
        Error::Query(error) => error,
        error => DataFusionError::External(Box::new(error)),
    }
}

/// Splits a list into at most `count` runs of almost the same length.
pub(super) fn runs<T: Clone>(all: &[T], count: usize) -> Vec<Vec<T>> {
    let len = all.len().div_ceil(count.max(1)).max(1);
    all.chunks(len).map(<[T]>::to_vec).collect()
}

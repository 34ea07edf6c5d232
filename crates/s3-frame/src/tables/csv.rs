//! [`CsvTable`]: DataFusion table of CSV objects.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures_util::StreamExt;
use s3_transfer::WorkerPool;

use super::partition::{Partition, runs};
use crate::CsvBatches;
use crate::csv::CsvScan;

/// DataFusion table of CSV objects. A partition is a run of whole parts: an object cannot be split, because fields may
/// contain line breaks.
#[derive(Debug)]
pub(super) struct CsvTable {
    scan: CsvScan,
    pool: Arc<WorkerPool>,
}

impl CsvTable {
    pub(super) fn new(scan: CsvScan, pool: Arc<WorkerPool>) -> Self {
        Self { scan, pool }
    }
}

#[async_trait]
impl TableProvider for CsvTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.scan.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // Columns that are not requested are not decoded.
        let scan = match projection {
            Some(positions) => self.scan.project(positions)?,
            None => self.scan.clone(),
        };
        let partitions = runs(&scan.parts, state.config().target_partitions());
        let partitions = partitions.into_iter().map(|parts| {
            let (scan, schema) = (scan.clone().with_parts(parts), Arc::clone(&scan.schema));
            let read = move || CsvBatches::new(scan.clone()).boxed();
            let partition = Partition::new(schema, Arc::clone(&self.pool), read);
            Arc::new(partition) as Arc<dyn PartitionStream>
        });
        let partitions = partitions.collect();
        let schema = Arc::clone(&scan.schema);
        let plan = StreamingTableExec::try_new(schema, partitions, None, [], false, limit)?;
        Ok(Arc::new(plan))
    }
}

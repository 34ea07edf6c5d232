//! [`ListingTable`]: DataFusion table of the objects below S3 prefixes.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::streaming::StreamingTableExec;
use futures_util::StreamExt;
use s3_client::S3;
use s3_transfer::WorkerPool;

use super::partition::Partition;
use crate::{ListingBatches, listing_schema};

/// A table of the objects below prefixes. Each query lists the prefixes again.
#[derive(Debug)]
pub(super) struct ListingTable {
    s3: S3,
    prefixes: Vec<String>,
    pool: Arc<WorkerPool>,
}

impl ListingTable {
    pub(super) fn new(s3: S3, prefixes: Vec<String>, pool: Arc<WorkerPool>) -> Self {
        Self { s3, prefixes, pool }
    }
}

#[async_trait]
impl TableProvider for ListingTable {
    fn schema(&self) -> SchemaRef {
        listing_schema()
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
        let (s3, prefixes) = (self.s3.clone(), self.prefixes.clone());
        let rows = state.config().batch_size();
        let read = move || {
            let listing = s3.list_recursive().at(prefixes.clone()).stream();
            listing.record_batches(rows).boxed()
        };
        let partition = Partition::new(listing_schema(), Arc::clone(&self.pool), read);
        let plan = StreamingTableExec::try_new(
            listing_schema(),
            vec![Arc::new(partition)],
            projection,
            [],
            false,
            limit,
        )?;
        Ok(Arc::new(plan))
    }
}

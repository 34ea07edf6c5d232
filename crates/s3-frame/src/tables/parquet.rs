//! [`ParquetTable`]: Parquet objects as a table.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use parquet::arrow::async_reader::AsyncFileReader;

use super::partition::runs;
use crate::parquet::{ParquetScan, PartReader};

/// Parquet objects as a table: DataFusion's own scan, with its pruning, over ranges of the versions that were found.
#[derive(Debug)]
pub(super) struct ParquetTable {
    scan: ParquetScan,
}

impl ParquetTable {
    pub(super) fn new(scan: ParquetScan) -> Self {
        Self { scan }
    }
}

#[async_trait]
impl TableProvider for ParquetTable {
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
        let source = ParquetSource::new(self.schema())
            .with_table_parquet_options(state.default_table_options().parquet)
            .with_parquet_file_reader_factory(Arc::new(PartReaders));
        let groups = runs(&self.scan.parts, state.config().target_partitions());
        let groups = groups.into_iter().map(|parts| {
            let files = parts.into_iter().map(|part| {
                let (key, size) = (part.part().url.key().to_owned(), part.part().size);
                PartitionedFile::new(key, size).with_extension(part)
            });
            FileGroup::new(files.collect())
        });
        // The store of the URL is looked up and not used: every file has its reader.
        let url = ObjectStoreUrl::local_filesystem();
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups.collect())
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// Returns the reader that comes with each file.
#[derive(Debug)]
struct PartReaders;

impl ParquetFileReaderFactory for PartReaders {
    fn create_reader(
        &self,
        _: usize,
        file: PartitionedFile,
        _: Option<usize>,
        _: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        match file.extension::<PartReader>() {
            Some(reader) => Ok(Box::new(reader.clone())),
            None => Err(DataFusionError::Internal("a file has no reader".to_owned())),
        }
    }
}

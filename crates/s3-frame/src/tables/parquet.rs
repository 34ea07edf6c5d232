//! [`ParquetTable`]: DataFusion table of Parquet objects.

use std::ops::Range;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{ExecutionPlan, Partitioning};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ParquetMetaData;

use super::partition::runs;
use crate::parquet::{ParquetScan, PartReader, check_columns, schema_in};

/// Total size of the parts that are read concurrently, unless there are more partitions. 128 MiB; of each part, only
/// the columns of the query are in memory.
const BYTES_AT_ONCE: u64 = 128 << 20;
/// Maximum number of parts that are read concurrently, unless there are more partitions.
const MOST_AT_ONCE: usize = 64;

/// DataFusion table of Parquet objects: the scan of DataFusion, with its pruning, reads ranges of the listed versions.
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
            .with_parquet_file_reader_factory(Arc::new(PartReaders(self.schema())));
        let partitions = state.config().target_partitions();
        let at_once = match limit {
            Some(_) => partitions,
            None => at_once(&self.scan.parts, partitions),
        };
        let groups = runs(&self.scan.parts, at_once).into_iter().map(|parts| {
            let files = parts.into_iter().map(|part| {
                let (key, size) = (part.part().url.key().to_owned(), part.part().size);
                PartitionedFile::new(key, size).with_extension(part)
            });
            FileGroup::new(files.collect())
        });
        let groups: Vec<_> = groups.collect();
        // Declaring a partitioning keeps the file groups: DataFusion would otherwise make one group per target
        // partition.
        let declared =
            (groups.len() > partitions).then(|| Partitioning::UnknownPartitioning(groups.len()));
        // The store of this URL is looked up but not used: every file has its own reader.
        let url = ObjectStoreUrl::local_filesystem();
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups)
            .with_output_partitioning(declared)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// Returns the number of parts that are read concurrently.
///
/// At least one per partition of the session. More for small parts, whose reads mostly wait for the server.
fn at_once(parts: &[PartReader], partitions: usize) -> usize {
    let largest = parts.iter().map(|part| part.part().size).max();
    let fitting = BYTES_AT_ONCE / largest.unwrap_or(0).max(1);
    let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
    partitions.max(fitting.min(MOST_AT_ONCE))
}

/// Creates the reader of each file. The columns of the file must equal those of the table.
#[derive(Debug)]
struct PartReaders(SchemaRef);

/// Reads a part and fails if its columns differ from those of the table: DataFusion would fill a missing column with
/// nulls.
struct CheckedReader {
    reader: PartReader,
    table: SchemaRef,
}

impl AsyncFileReader for CheckedReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        self.reader.get_bytes(range)
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        self.reader.get_byte_ranges(ranges)
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let metadata = self.reader.get_metadata(options).await?;
            let found = schema_in(&metadata)?;
            match check_columns(&self.reader, &found, &self.table) {
                Ok(()) => Ok(metadata),
                Err(error) => Err(ParquetError::External(error.into())),
            }
        }
        .boxed()
    }
}

impl ParquetFileReaderFactory for PartReaders {
    fn create_reader(
        &self,
        _: usize,
        file: PartitionedFile,
        _: Option<usize>,
        _: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        match file.extension::<PartReader>() {
            Some(reader) => Ok(Box::new(CheckedReader {
                reader: reader.clone(),
                table: Arc::clone(&self.0),
            })),
            None => Err(DataFusionError::Internal("a file has no reader".to_owned())),
        }
    }
}

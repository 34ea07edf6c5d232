//! Reads Parquet objects into Arrow record batches, and writes record batches as Parquet objects.

mod batches;
mod read;
mod reader;
mod write;

pub use batches::ParquetBatches;
#[cfg(feature = "datafusion")]
pub(crate) use batches::check_columns;
pub use read::ReadParquet;
#[cfg(feature = "datafusion")]
pub(crate) use read::{ParquetScan, schema_in};
pub(crate) use reader::PartReader;
pub use write::WriteParquet;

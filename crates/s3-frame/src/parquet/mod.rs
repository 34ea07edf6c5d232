//! Parquet objects as record batches.

mod batches;
mod read;
mod reader;
mod write;

pub use batches::ParquetBatches;
#[cfg(feature = "datafusion")]
pub(crate) use read::ParquetScan;
pub use read::ReadParquet;
pub(crate) use reader::PartReader;
pub use write::WriteParquet;

//! Reads CSV objects into Arrow record batches, and writes record batches as CSV objects, as pandas does.

mod batches;
mod columns;
mod dialect;
mod encode;
mod infer;
mod read;
mod records;
mod times;
mod write;

pub use batches::CsvBatches;
pub use columns::Index;
#[cfg(feature = "datafusion")]
pub(crate) use read::CsvScan;
pub use read::ReadCsv;
pub use write::WriteCsv;

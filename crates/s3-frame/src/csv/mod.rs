//! CSV objects as record batches.

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

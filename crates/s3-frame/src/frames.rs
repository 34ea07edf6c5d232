//! [`Frames`]: entry point of this crate: creates the requests that read and write CSV and Parquet objects.

use s3_client::{Async, Client, Mode};

use crate::{ReadCsv, WriteCsv};

/// Reads and writes objects as record batches. Clone is a reference count.
///
/// Over a [`blocking::S3`](s3_client::blocking::S3), requests block.
#[derive(Clone, Debug)]
pub struct Frames<M: Mode = Async> {
    s3: Client<M>,
}

impl<M: Mode> Frames<M> {
    /// Returns a handle that shares the connections, limits, root and encryption of the client.
    #[must_use]
    pub fn new(s3: &Client<M>) -> Self {
        Self { s3: s3.clone() }
    }

    /// Returns a request that reads the CSV objects that match these patterns. [`open`](ReadCsv::open) sends it.
    ///
    /// A pattern is a URL, or a key relative to the root of the client. `*`, `?` and `[a-c]` match within a name, `**`
    /// matches any directories, and `[*]` matches an asterisk. Only the text before the first wildcard limits the
    /// listing.
    pub fn read_csv(&self, patterns: impl IntoIterator<Item: Into<String>>) -> ReadCsv<M> {
        let patterns = patterns.into_iter().map(Into::into).collect();
        ReadCsv::new(self.s3.clone(), patterns)
    }

    /// Returns a request that writes CSV objects `TARGET/0.part`, `TARGET/1.part` and so on, or a single object.
    /// [`send`](WriteCsv::send) sends it.
    pub fn write_csv(&self, target: impl Into<String>) -> WriteCsv<M> {
        WriteCsv::new(self.s3.clone(), target.into())
    }

    /// Returns a request that reads the Parquet objects that match these patterns. [`open`](crate::ReadParquet::open)
    /// sends it.
    ///
    /// Without a manifest, they are read in the order of the numbers in their names, as in dask: `part.2.parquet` comes
    /// before `part.10.parquet`.
    #[cfg(feature = "parquet")]
    pub fn read_parquet(
        &self,
        patterns: impl IntoIterator<Item: Into<String>>,
    ) -> crate::ReadParquet<M> {
        let patterns = patterns.into_iter().map(Into::into).collect();
        crate::ReadParquet::new(self.s3.clone(), patterns)
    }

    /// Returns a request that writes Parquet objects `TARGET/part.0.parquet`, `TARGET/part.1.parquet` and so on, or a
    /// single object. [`send`](crate::WriteParquet::send) sends it.
    #[cfg(feature = "parquet")]
    pub fn write_parquet(&self, target: impl Into<String>) -> crate::WriteParquet<M> {
        crate::WriteParquet::new(self.s3.clone(), target.into())
    }
}

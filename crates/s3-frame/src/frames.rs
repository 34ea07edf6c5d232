//! [`Frames`]: the handle of this crate.

use s3_client::{Async, Client, Mode};

use crate::{ReadCsv, WriteCsv};

/// Reads and writes objects of a client as record batches. Clone is a reference count.
///
/// Over a [`blocking::S3`](s3_client::blocking::S3), requests block.
#[derive(Clone, Debug)]
pub struct Frames<M: Mode = Async> {
    s3: Client<M>,
}

impl<M: Mode> Frames<M> {
    /// Returns frames that share the client's connections, limits, root and encryption.
    #[must_use]
    pub fn new(s3: &Client<M>) -> Self {
        Self { s3: s3.clone() }
    }

    /// Returns a request for the CSV objects that these patterns find; nothing is sent before
    /// [`open`](ReadCsv::open).
    ///
    /// A pattern is a URL, or a key relative to the client's root. `*`, `?` and `[a-c]` match inside a name, `**` any
    /// directories; `[*]` matches a star. Only the text before the first of them limits the listing.
    pub fn read_csv(&self, patterns: impl IntoIterator<Item: Into<String>>) -> ReadCsv<M> {
        let patterns = patterns.into_iter().map(Into::into).collect();
        ReadCsv::new(self.s3.clone(), patterns)
    }

    /// Returns a request that writes CSV objects `TARGET/0.part`, `TARGET/1.part` and so on, or one object; nothing is
    /// sent before [`send`](WriteCsv::send).
    pub fn write_csv(&self, target: impl Into<String>) -> WriteCsv<M> {
        WriteCsv::new(self.s3.clone(), target.into())
    }

    /// Returns a request for the Parquet objects that these patterns find; nothing is sent before
    /// [`open`](crate::ReadParquet::open).
    ///
    /// Without a manifest they are read in the order of the numbers in their names, as in dask: `part.2.parquet` is before
    /// `part.10.parquet`.
    #[cfg(feature = "parquet")]
    pub fn read_parquet(
        &self,
        patterns: impl IntoIterator<Item: Into<String>>,
    ) -> crate::ReadParquet<M> {
        let patterns = patterns.into_iter().map(Into::into).collect();
        crate::ReadParquet::new(self.s3.clone(), patterns)
    }

    /// Returns a request that writes Parquet objects `TARGET/part.0.parquet`, `TARGET/part.1.parquet` and so on, or one
    /// object; nothing is sent before [`send`](crate::WriteParquet::send).
    #[cfg(feature = "parquet")]
    pub fn write_parquet(&self, target: impl Into<String>) -> crate::WriteParquet<M> {
        crate::WriteParquet::new(self.s3.clone(), target.into())
    }
}

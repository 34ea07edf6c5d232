//! [`ReadParquet`]: request that reads Parquet objects as Arrow record batches.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use s3_client::{Async, Client, Mode};

use super::{ParquetBatches, PartReader};
use crate::set::{PartOrder, find};
use crate::threads::Threads;
use crate::{Error, Manifests, Result};

/// A request that reads Parquet objects; `open` sends it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `open`"]
pub struct ReadParquet<M: Mode = Async> {
    s3: Client<M>,
    patterns: Vec<String>,
    manifests: Manifests,
    batch_rows: usize,
}

/// A resolved Parquet scan: objects and schema.
#[derive(Clone, Debug)]
pub(crate) struct ParquetScan {
    pub(crate) parts: Vec<PartReader>,
    /// The schema of the returned batches.
    pub(crate) schema: SchemaRef,
    pub(crate) batch_rows: usize,
}

impl<M: Mode> ReadParquet<M> {
    pub(crate) fn new(s3: Client<M>, patterns: Vec<String>) -> Self {
        Self {
            s3,
            patterns,
            manifests: Manifests::default(),
            batch_rows: 8192,
        }
    }

    /// Sets whether a pattern `SET/*` reads the parts in the manifest of the set; by default, if there is a manifest.
    pub fn manifests(mut self, manifests: Manifests) -> Self {
        self.manifests = manifests;
        self
    }

    /// Sets the maximum number of rows of a batch; 8,192 by default, and 0 counts as 1.
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows.max(1);
        self
    }

    /// Returns the client, and the same request for the async API.
    pub(crate) fn into_parts(self) -> (Client<M>, ReadParquet) {
        let request = ReadParquet {
            s3: self.s3.to_async(),
            patterns: self.patterns,
            manifests: self.manifests,
            batch_rows: self.batch_rows,
        };
        (self.s3, request)
    }
}

impl ReadParquet {
    /// Lists the objects, reads the metadata of the first, and begins to read.
    ///
    /// Requests: one manifest per pattern, or a listing with a request for the manifest before and after it, and one
    /// range of the first part, or two if its metadata has more than 64 KiB. Other parts are requested as the stream is
    /// polled.
    ///
    /// # Errors
    ///
    /// `Pattern`, `NoMatch` and `Unfinished`; `Parquet` if the first part is not Parquet.
    pub async fn open(self) -> Result<ParquetBatches> {
        Ok(ParquetBatches::new(self.scan(Threads::Callers).await?))
    }

    /// Lists the objects and reads the metadata of the first. The parts are read on `threads`.
    pub(crate) async fn scan(self, threads: Threads) -> Result<ParquetScan> {
        let order = PartOrder::Numbers;
        let found = find(&self.s3, &self.patterns, self.manifests, order).await?;
        let reader = |part| PartReader::new(self.s3.clone(), part, threads.clone());
        let parts: Vec<_> = found.parts.into_iter().map(reader).collect();
        let first = parts
            .first()
            .expect("a pattern that finds nothing is an error");
        let schema = schema_of(first)
            .await
            .map_err(|source| parquet_error(first, source))?;
        Ok(ParquetScan {
            parts,
            schema,
            batch_rows: self.batch_rows,
        })
    }
}

/// Returns the columns of a part.
pub(super) async fn schema_of(part: &PartReader) -> std::result::Result<SchemaRef, ParquetError> {
    schema_in(&*part.metadata().await?)
}

/// Returns the columns in the metadata of a part.
pub(crate) fn schema_in(
    metadata: &ParquetMetaData,
) -> std::result::Result<SchemaRef, ParquetError> {
    let file = metadata.file_metadata();
    let schema = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata())?;
    // Key-value metadata of the writer about its DataFrame is not part of the schema.
    Ok(Arc::new(
        schema.with_metadata(std::collections::HashMap::new()),
    ))
}

/// Converts an error of a part. If a request failed, returns the error of the request.
pub(super) fn parquet_error(part: &PartReader, source: ParquetError) -> Error {
    match source {
        ParquetError::External(error) => match error.downcast::<s3_core::Error>() {
            Ok(error) => (*error).into(),
            Err(error) => named(part, ParquetError::External(error)),
        },
        source => named(part, source),
    }
}

fn named(part: &PartReader, source: ParquetError) -> Error {
    Error::Parquet {
        part: part.part().url.as_str().to_owned(),
        source,
    }
}

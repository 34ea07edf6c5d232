//! [`Error`]: the error type of s3-frame.

use arrow_schema::ArrowError;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A request failed, or a part has changed since it was listed.
    #[error(transparent)]
    S3(#[from] s3_client::Error),
    /// A pattern or key is invalid.
    #[error("pattern \"{pattern}\" {reason}")]
    Pattern {
        /// The pattern as it was given.
        pattern: String,
        /// The problem with it.
        reason: String,
    },
    /// A pattern matches no object.
    #[error("no object matches \"{0}\"")]
    NoMatch(String),
    /// A part is not CSV, or does not match the schema.
    #[error("read {part}: {source}")]
    Csv {
        /// The URL of the part.
        part: String,
        /// The cause.
        source: ArrowError,
    },
    /// The header of a part differs from that of the first part or from the schema.
    #[error("{part} has the columns {found:?} instead of {expected:?}")]
    Header {
        /// The URL of the part.
        part: String,
        /// The columns of the part.
        found: Vec<String>,
        /// The columns of the first part or of the schema.
        expected: Vec<String>,
    },
    /// The set or object already exists, and the write must not replace it.
    #[error("write a set: there is {0} already")]
    Exists(String),
    /// Another writer has written the same set in the meantime. The value is the URL of its manifest.
    #[error("write {0}: another writer has written this set")]
    Conflict(String),
    /// A set whose writer has not finished, or was killed while it made the parts visible.
    #[error(
        "manifest {0}: its writer has not finished the set\nhint: if it never will, write the set again and replace this one"
    )]
    Unfinished(String),
    /// A manifest is invalid.
    #[error("manifest {url}: {reason}")]
    Manifest {
        /// The URL of the manifest.
        url: String,
        /// The problem with it.
        reason: String,
    },
    /// A part is not Parquet, or is damaged.
    #[cfg(feature = "parquet")]
    #[error("read {part}: {source}")]
    Parquet {
        /// The URL of the part.
        part: String,
        /// The cause.
        source: parquet::errors::ParquetError,
    },
    /// The rows cannot be encoded as Parquet.
    #[cfg(feature = "parquet")]
    #[error(transparent)]
    EncodeParquet(#[from] parquet::errors::ParquetError),
    /// A query failed.
    #[cfg(feature = "datafusion")]
    #[error(transparent)]
    Query(#[from] datafusion::error::DataFusionError),
    /// Arrow rejected a column or a batch.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
}

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl From<s3_core::Error> for Error {
    fn from(error: s3_core::Error) -> Self {
        Self::S3(error.into())
    }
}

//! Input and result types of an upload: `PutItem`, `Source` and `PutOutcome`.

use std::fmt;
use std::io::Read;
use std::pin::Pin;

use s3_core::{Attributes, Payload, PutMode, PutResponse, S3Url};
use tokio::io::AsyncRead;

/// An object to write.
#[derive(Debug)]
#[non_exhaustive]
pub struct PutItem {
    /// The URL of the object.
    pub url: S3Url,
    /// The bytes.
    pub source: Source,
    /// Whether an existing object is replaced, and under which condition.
    pub mode: PutMode,
    /// Content type, encryption, user metadata.
    pub attributes: Attributes,
}

impl PutItem {
    /// Creates a write without attributes that replaces an existing object.
    #[must_use]
    pub fn new(url: S3Url, source: Source) -> Self {
        Self {
            url,
            source,
            mode: PutMode::Overwrite,
            attributes: Attributes::default(),
        }
    }

    /// Sets whether an existing object is replaced, and under which condition.
    #[must_use]
    pub fn with_mode(mut self, mode: PutMode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the attributes.
    #[must_use]
    pub fn with_attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes;
        self
    }
}

/// The source of the bytes.
#[non_exhaustive]
pub enum Source {
    /// Bytes of known length that can be sent again: memory or a file.
    Payload(Payload),
    /// A blocking reader of unknown length, read to its end on a thread that may block.
    Read(Box<dyn Read + Send>),
    /// An async reader of unknown length, read to its end.
    AsyncRead(Pin<Box<dyn AsyncRead + Send>>),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payload(payload) => payload.fmt(f),
            Self::Read(_) => f.write_str("Read"),
            Self::AsyncRead(_) => f.write_str("AsyncRead"),
        }
    }
}

impl From<Payload> for Source {
    fn from(payload: Payload) -> Self {
        Self::Payload(payload)
    }
}

/// Outcome of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PutOutcome {
    /// The object is written.
    Written(PutResponse),
    /// The object exists, and the mode does not overwrite it. Nothing was written.
    AlreadyThere,
}

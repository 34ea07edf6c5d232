//! Target of a write ([`WriteTarget`]), multipart upload in progress ([`Upload`]), and errors that the uploads share.

use s3_core::{
    Attributes, ChecksumAlgorithm, Error, ErrorKind, Operation, PutMode, S3Url, UploadId,
};

use super::token::WriteToken;

/// Maximum number of rounds of a conditional write: 4. Another round follows if the object that failed the condition
/// was deleted before the client could check it.
pub(crate) const MAX_WRITE_ROUNDS: u32 = 4;

/// URL, mode and attributes of a write.
#[derive(Clone, Debug)]
pub(crate) struct WriteTarget {
    pub(crate) url: S3Url,
    pub(crate) mode: PutMode,
    pub(crate) attributes: Attributes,
}

/// A multipart upload in progress.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) url: S3Url,
    pub(crate) id: UploadId,
    /// Identifies the object as written by this upload, if there was room for it.
    pub(crate) token: Option<WriteToken>,
    /// The algorithm of the checksums of its parts, if one was chosen.
    pub(crate) checksum_algorithm: Option<ChecksumAlgorithm>,
}

/// Returns the error for a condition that the server would ignore: it would overwrite the object that it protects.
pub(crate) fn unconditional(url: &S3Url) -> Error {
    Error::new(ErrorKind::Unsupported, Operation::Put)
        .with_resource(url)
        .with_message("this server does not support conditional writes")
}

pub(crate) fn unreadable(url: &S3Url, cause: std::io::Error) -> Error {
    Error::new(ErrorKind::LocalIo, Operation::Put)
        .with_resource(url)
        .with_message(format!("the source could not be read: {cause}"))
        .with_source(cause)
}

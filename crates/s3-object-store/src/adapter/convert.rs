//! Converts errors, ETags, paths and metadata between object_store and the engine.

use std::error::Error as StdError;
use std::time::SystemTime;

use s3_core::{ETag, Error, ErrorKind, Operation, S3Url};
use s3_transfer::CallOptions;

use super::object_store::path::Path;
use super::object_store::{self, Extensions, ObjectMeta, Result};
use crate::pins::Pin;

/// S3 error codes for invalid credentials, in contrast to credentials without permission.
const UNAUTHENTICATED: [&str; 4] = [
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
];

/// Converts an error of a call at `path`. Its source is the original [`Error`].
pub(super) fn error_at(path: &str, error: Error) -> object_store::Error {
    let path = path.to_owned();
    let code = error.code().unwrap_or_default();
    let unauthenticated = UNAUTHENTICATED.contains(&code) || error.http_status() == Some(401);
    let kind = error.kind();
    let source: Box<dyn StdError + Send + Sync> = Box::new(error);
    match kind {
        ErrorKind::NotFound | ErrorKind::NoSuchBucket => {
            object_store::Error::NotFound { path, source }
        }
        ErrorKind::PreconditionFailed | ErrorKind::ChangedDuringRead => {
            object_store::Error::Precondition { path, source }
        }
        ErrorKind::NotModified => object_store::Error::NotModified { path, source },
        ErrorKind::AlreadyExists => object_store::Error::AlreadyExists { path, source },
        ErrorKind::AccessDenied if unauthenticated => {
            object_store::Error::Unauthenticated { path, source }
        }
        ErrorKind::AccessDenied => object_store::Error::PermissionDenied { path, source },
        ErrorKind::Unsupported => object_store::Error::NotSupported { source },
        _ => object_store::Error::Generic {
            store: "S3",
            source,
        },
    }
}

pub(super) fn invalid(cause: impl StdError + Send + Sync + 'static) -> object_store::Error {
    object_store::Error::Generic {
        store: "S3",
        source: Box::new(cause),
    }
}

pub(super) fn not_supported(text: &str) -> object_store::Error {
    object_store::Error::NotSupported {
        source: text.to_owned().into(),
    }
}

/// Returns the error of a write that must not replace an existing object.
pub(super) fn already_exists(path: &Path, url: &S3Url) -> object_store::Error {
    let error = Error::new(ErrorKind::AlreadyExists, Operation::Put).with_resource(url);
    error_at(path.as_ref(), error)
}

/// Returns the engine options, such as a deadline, that the caller has set in the extensions.
pub(super) fn call_options(extensions: &Extensions) -> CallOptions {
    extensions.get::<CallOptions>().cloned().unwrap_or_default()
}

/// Parses the ETag of a condition, with or without quotes; `None` for `*`, which matches any object.
pub(super) fn condition(text: &str) -> Result<Option<ETag>> {
    match text.trim() {
        "*" => Ok(None),
        list if list.contains(',') => Err(not_supported("a condition on several ETags")),
        one => Ok(Some(ETag::new(one))),
    }
}

/// Returns the object_store path of a key, if converting the path back yields the same key.
pub(super) fn path_of(key: &str) -> Option<Path> {
    let path = Path::parse(key).ok()?;
    (path.as_ref() == key).then_some(path)
}

pub(super) fn object_meta(
    location: Path,
    size: u64,
    etag: Option<&ETag>,
    last_modified: Option<SystemTime>,
) -> ObjectMeta {
    ObjectMeta {
        location,
        last_modified: last_modified.unwrap_or(SystemTime::UNIX_EPOCH).into(),
        size,
        e_tag: etag.map(ETag::quoted),
        version: None,
    }
}

/// Returns the metadata of an object that was read.
pub(super) fn found(location: &Path, meta: &s3_core::ObjectMeta) -> ObjectMeta {
    let (etag, time) = (meta.etag.as_ref(), meta.last_modified);
    let mut object = object_meta(location.clone(), meta.size, etag, time);
    object.version = meta.version.as_ref().map(ToString::to_string);
    object
}

pub(super) fn pin_of(meta: &s3_core::ObjectMeta) -> Option<Pin> {
    Some(Pin {
        etag: meta.etag.clone()?,
        size: meta.size,
        version: meta.version.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the variant name of an error.
    fn kind(error: &object_store::Error) -> String {
        let text = format!("{error:?}");
        text.split([' ', '(']).next().unwrap().to_owned()
    }

    #[test]
    fn every_error_kind_maps_to_an_object_store_error() {
        for (from, to) in [
            (ErrorKind::NotFound, "NotFound"),
            (ErrorKind::NoSuchBucket, "NotFound"),
            (ErrorKind::NoSuchUpload, "Generic"),
            (ErrorKind::AccessDenied, "PermissionDenied"),
            (ErrorKind::Archived, "Generic"),
            (ErrorKind::InvalidRange, "Generic"),
            (ErrorKind::PreconditionFailed, "Precondition"),
            (ErrorKind::NotModified, "NotModified"),
            (ErrorKind::AlreadyExists, "AlreadyExists"),
            (ErrorKind::Conflict, "Generic"),
            (ErrorKind::ChangedDuringRead, "Precondition"),
            (ErrorKind::Throttled, "Generic"),
            (ErrorKind::Timeout, "Generic"),
            (ErrorKind::Network, "Generic"),
            (ErrorKind::Server, "Generic"),
            (ErrorKind::Integrity, "Generic"),
            (ErrorKind::Protocol, "Generic"),
            (ErrorKind::LocalIo, "Generic"),
            (ErrorKind::DiskFull, "Generic"),
            (ErrorKind::Config, "Generic"),
            (ErrorKind::InvalidInput, "Generic"),
            (ErrorKind::Unsupported, "NotSupported"),
            (ErrorKind::Cancelled, "Generic"),
            (ErrorKind::Other, "Generic"),
        ] {
            let error = error_at("k", Error::new(from, Operation::Get));
            assert_eq!(kind(&error), to, "{from:?}");
            let source = error.source().expect("it has the whole error");
            let source: &Error = source.downcast_ref().unwrap();
            assert_eq!(source.kind(), from);
        }
    }

    #[test]
    fn a_condition_is_one_etag_with_or_without_quotes() {
        for text in ["\"a-1\"", "a-1", " \"a-1\" "] {
            assert_eq!(condition(text).unwrap(), Some(ETag::new("a-1")), "{text:?}");
        }
        assert_eq!(condition("*").unwrap(), None);
        let several = condition("\"a\", \"b\"").unwrap_err();
        assert_eq!(kind(&several), "NotSupported");
    }

    #[test]
    fn an_object_without_time_and_etag_is_from_1970() {
        let meta = object_meta(Path::from("k"), 7, None, None);
        assert_eq!(SystemTime::from(meta.last_modified), SystemTime::UNIX_EPOCH);
        assert_eq!((meta.size, meta.e_tag), (7, None));
        let tagged = object_meta(Path::from("k"), 7, Some(&ETag::new("a")), None);
        assert_eq!(tagged.e_tag.as_deref(), Some("\"a\""));
    }
}

//! Converts the results and errors of the client to the JSON form of recorded vectors.

use s3_client::{Error, ErrorClass, MetaflowObject};
use serde_json::{Value, json};

use super::content::{show_bytes, show_text};
use super::recorded::is_empty_object;

/// Formats an error as its class.
pub(crate) fn show_error(error: &Error) -> Value {
    let class = match error.class() {
        ErrorClass::Url => "MetaflowS3URLException",
        ErrorClass::InvalidObject => "MetaflowS3InvalidObject",
        ErrorClass::NotFound => "MetaflowS3NotFound",
        ErrorClass::AccessDenied => "MetaflowS3AccessDenied",
        ErrorClass::InvalidRange => "MetaflowS3InvalidRange",
        ErrorClass::InsufficientDiskSpace => "MetaflowS3InsufficientDiskSpace",
        _ => "MetaflowS3Exception",
    };
    json!({"exception": class, "kind": "metaflow"})
}

/// Formats a result with all fields. If reading it fails, returns that error.
pub(crate) fn show_object(object: &MetaflowObject) -> Result<Value, Error> {
    let range = object.range_info().map(|range| {
        json!({
            "total_size": range.total_size,
            "request_offset": range.request_offset,
            "request_length": range.request_length,
        })
    });
    let mut shown = json!({
        "$S3Object": true,
        "url": object.url(),
        "key": object.key(),
        "prefix": object.prefix(),
        "exists": object.exists(),
        "downloaded": object.downloaded(),
        "size": object.size(),
        "has_info": object.has_info(),
        "content_type": object.content_type(),
        "metadata": object.metadata(),
        "encryption": object.encryption(),
        "range_info": range,
        "last_modified": object.last_modified().is_some(),
        "blob": object.blob()?.map(|blob| show_bytes(&blob)),
        "text": object.text()?.map(|text| show_text(&text)),
    });
    if object.downloaded() {
        shown["path_exists"] = json!(has_file(object));
    }
    if !shown.as_object().is_some_and(is_empty_object) {
        shown["str"] = json!(object.to_string());
    }
    Ok(shown)
}

/// Returns whether the bytes of the object are available as a file with the right content.
pub(crate) fn has_file(object: &MetaflowObject) -> bool {
    let Ok(Some(path)) = object.path() else {
        return false;
    };
    let Ok(Some(blob)) = object.blob() else {
        return false;
    };
    std::fs::read(path).is_ok_and(|bytes| bytes == blob)
}

/// Formats an earlier result, read again.
pub(crate) fn show_again(object: &MetaflowObject) -> Result<Value, Error> {
    Ok(json!({
        "path_exists": has_file(object),
        "blob": object.blob()?.map(|blob| show_bytes(&blob)),
        "size": object.size(),
    }))
}

//! JSON form of the client's results and errors, as recorded vectors have it.

use s3_client::{Error, ErrorClass, MetaflowObject};
use serde_json::{Value, json};

use super::content::{show_bytes, show_text};
use super::recorded::is_empty_object;

/// Shows an error by its class.
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

/// Shows a result with every field. Reading it may fail, which is the result then.
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

/// Whether the object's bytes can be had as a file, and the file holds them.
pub(crate) fn has_file(object: &MetaflowObject) -> bool {
    let Ok(Some(path)) = object.path() else {
        return false;
    };
    let Ok(Some(blob)) = object.blob() else {
        return false;
    };
    std::fs::read(path).is_ok_and(|bytes| bytes == blob)
}

/// Shows an earlier result that is read again.
pub(crate) fn show_again(object: &MetaflowObject) -> Result<Value, Error> {
    Ok(json!({
        "path_exists": has_file(object),
        "blob": object.blob()?.map(|blob| show_bytes(&blob)),
        "size": object.size(),
    }))
}

//! The HTTP request that each call of a store would be.

use s3_core::{
    AbortUpload, BucketRequest, CompleteUpload, CopyRequest, CreateUpload, DeleteRequest, Error,
    ErrorKind, GetRequest, HeadRequest, ListParts, ListRequest, ListUploads, Operation, PutRequest,
    S3Prefix, S3Url, UploadPart, UploadPartCopy,
};

use crate::Call;

/// What a call is, for matching it and for its errors.
pub(super) struct Context {
    pub(super) operation: Operation,
    pub(super) call: Call,
    pub(super) place: String,
}

impl Context {
    pub(super) fn network(&self, text: &str) -> Error {
        Error::new(ErrorKind::Network, self.operation)
            .with_resource(&self.place)
            .with_message(text)
    }
}

type Query<'text> = Vec<(&'text str, &'text str)>;

pub(super) fn get(request: &GetRequest) -> Context {
    object(Operation::Get, "GET", &request.url, &[])
}

pub(super) fn head(request: &HeadRequest) -> Context {
    object(Operation::Head, "HEAD", &request.url, &[])
}

pub(super) fn put(request: &PutRequest) -> Context {
    object(Operation::Put, "PUT", &request.url, &[])
}

pub(super) fn copy(request: &CopyRequest) -> Context {
    copying(object(Operation::Copy, "PUT", &request.to, &[]))
}

pub(super) fn delete(request: &DeleteRequest) -> Context {
    Context {
        operation: Operation::Delete,
        call: Call::new("POST", Some(&request.bucket), None, &[("delete", "")]),
        place: format!("s3://{}", request.bucket),
    }
}

pub(super) fn list_page(request: &ListRequest) -> Context {
    let max_keys = request.max_keys.map(|max| max.to_string());
    let mut query: Query<'_> = vec![("list-type", "2")];
    query.extend(request.delimiter.as_deref().map(|text| ("delimiter", text)));
    query.extend(max_keys.as_deref().map(|text| ("max-keys", text)));
    query.push(("prefix", request.prefix.prefix()));
    query.extend(
        request
            .start_after
            .as_deref()
            .map(|text| ("start-after", text)),
    );
    query.extend(
        request
            .continuation
            .as_deref()
            .map(|text| ("continuation-token", text)),
    );
    prefix(Operation::List, &request.prefix, &query)
}

pub(super) fn create_upload(request: &CreateUpload) -> Context {
    object(
        Operation::CreateUpload,
        "POST",
        &request.url,
        &[("uploads", "")],
    )
}

pub(super) fn upload_part(request: &UploadPart) -> Context {
    let number = request.number.to_string();
    let query = [
        ("partNumber", number.as_str()),
        ("uploadId", request.upload.as_str()),
    ];
    object(Operation::UploadPart, "PUT", &request.url, &query)
}

pub(super) fn upload_part_copy(request: &UploadPartCopy) -> Context {
    let number = request.number.to_string();
    let query = [
        ("partNumber", number.as_str()),
        ("uploadId", request.upload.as_str()),
    ];
    copying(object(
        Operation::UploadPartCopy,
        "PUT",
        &request.url,
        &query,
    ))
}

pub(super) fn complete_upload(request: &CompleteUpload) -> Context {
    let query = [("uploadId", request.upload.as_str())];
    object(Operation::CompleteUpload, "POST", &request.url, &query)
}

pub(super) fn abort_upload(request: &AbortUpload) -> Context {
    let query = [("uploadId", request.upload.as_str())];
    object(Operation::AbortUpload, "DELETE", &request.url, &query)
}

pub(super) fn list_uploads(request: &ListUploads) -> Context {
    let query = [("uploads", ""), ("prefix", request.prefix.prefix())];
    prefix(Operation::ListUploads, &request.prefix, &query)
}

pub(super) fn list_parts(request: &ListParts) -> Context {
    let query = [("uploadId", request.upload.as_str())];
    object(Operation::ListParts, "GET", &request.url, &query)
}

pub(super) fn list_buckets() -> Context {
    Context {
        operation: Operation::ListBuckets,
        call: Call::new("GET", None, None, &[]),
        place: String::new(),
    }
}

pub(super) fn bucket(operation: Operation, method: &str, request: &BucketRequest) -> Context {
    Context {
        operation,
        call: Call::new(method, Some(&request.bucket), None, &[]),
        place: format!("s3://{}", request.bucket),
    }
}

fn object(operation: Operation, method: &str, url: &S3Url, query: &[(&str, &str)]) -> Context {
    Context {
        operation,
        call: Call::new(method, Some(url.bucket()), Some(url.key()), query),
        place: url.as_str().to_owned(),
    }
}

fn prefix(operation: Operation, prefix: &S3Prefix, query: &[(&str, &str)]) -> Context {
    Context {
        operation,
        call: Call::new("GET", Some(prefix.bucket()), None, query),
        place: prefix.as_str().to_owned(),
    }
}

fn copying(mut context: Context) -> Context {
    context.call = context.call.copying();
    context
}

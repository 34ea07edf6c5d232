//! Converts each store call to the corresponding HTTP request, so that fault rules can match it.

use s3_core::{
    AbortUpload, BucketRequest, CompleteUpload, CopyRequest, CreateUpload, DeleteRequest, Error,
    ErrorKind, GetRequest, HeadRequest, ListParts, ListRequest, ListUploads, ListVersions,
    Operation, PutRequest, S3Prefix, S3Url, UploadPart, UploadPartCopy,
};

use crate::Call;

/// A store call, in the form that fault rules match and errors name.
pub(super) struct CallContext {
    pub(super) operation: Operation,
    pub(super) call: Call,
    pub(super) resource: String,
}

impl CallContext {
    pub(super) fn network(&self, text: &str) -> Error {
        Error::new(ErrorKind::Network, self.operation)
            .with_resource(&self.resource)
            .with_message(text)
    }
}

type Query<'text> = Vec<(&'text str, &'text str)>;

pub(super) fn get(request: &GetRequest) -> CallContext {
    object(Operation::Get, "GET", &request.url, &[])
}

pub(super) fn head(request: &HeadRequest) -> CallContext {
    object(Operation::Head, "HEAD", &request.url, &[])
}

pub(super) fn put(request: &PutRequest) -> CallContext {
    object(Operation::Put, "PUT", &request.url, &[])
}

pub(super) fn copy(request: &CopyRequest) -> CallContext {
    copying(object(Operation::Copy, "PUT", &request.to, &[]))
}

pub(super) fn delete(request: &DeleteRequest) -> CallContext {
    CallContext {
        operation: Operation::Delete,
        call: Call::new("POST", Some(&request.bucket), None, &[("delete", "")]),
        resource: format!("s3://{}", request.bucket),
    }
}

pub(super) fn list_page(request: &ListRequest) -> CallContext {
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

pub(super) fn create_upload(request: &CreateUpload) -> CallContext {
    object(
        Operation::CreateUpload,
        "POST",
        &request.url,
        &[("uploads", "")],
    )
}

pub(super) fn upload_part(request: &UploadPart) -> CallContext {
    let number = request.number.to_string();
    let query = [
        ("partNumber", number.as_str()),
        ("uploadId", request.upload.as_str()),
    ];
    object(Operation::UploadPart, "PUT", &request.url, &query)
}

pub(super) fn upload_part_copy(request: &UploadPartCopy) -> CallContext {
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

pub(super) fn complete_upload(request: &CompleteUpload) -> CallContext {
    let query = [("uploadId", request.upload.as_str())];
    object(Operation::CompleteUpload, "POST", &request.url, &query)
}

pub(super) fn abort_upload(request: &AbortUpload) -> CallContext {
    let query = [("uploadId", request.upload.as_str())];
    object(Operation::AbortUpload, "DELETE", &request.url, &query)
}

pub(super) fn list_uploads(request: &ListUploads) -> CallContext {
    let query = [("uploads", ""), ("prefix", request.prefix.prefix())];
    prefix(Operation::ListUploads, &request.prefix, &query)
}

pub(super) fn list_parts(request: &ListParts) -> CallContext {
    let query = [("uploadId", request.upload.as_str())];
    object(Operation::ListParts, "GET", &request.url, &query)
}

pub(super) fn list_versions(request: &ListVersions) -> CallContext {
    let query = [("prefix", request.prefix.prefix()), ("versions", "")];
    prefix(Operation::ListVersions, &request.prefix, &query)
}

pub(super) fn subresource(
    operation: Operation,
    method: &str,
    url: &S3Url,
    name: &str,
) -> CallContext {
    object(operation, method, url, &[(name, "")])
}

pub(super) fn versioning(operation: Operation, method: &str, bucket: &str) -> CallContext {
    CallContext {
        operation,
        call: Call::new(method, Some(bucket), None, &[("versioning", "")]),
        resource: format!("s3://{bucket}"),
    }
}

pub(super) fn list_buckets() -> CallContext {
    CallContext {
        operation: Operation::ListBuckets,
        call: Call::new("GET", None, None, &[]),
        resource: String::new(),
    }
}

pub(super) fn bucket(operation: Operation, method: &str, request: &BucketRequest) -> CallContext {
    CallContext {
        operation,
        call: Call::new(method, Some(&request.bucket), None, &[]),
        resource: format!("s3://{}", request.bucket),
    }
}

fn object(operation: Operation, method: &str, url: &S3Url, query: &[(&str, &str)]) -> CallContext {
    CallContext {
        operation,
        call: Call::new(method, Some(url.bucket()), Some(url.key()), query),
        resource: url.as_str().to_owned(),
    }
}

fn prefix(operation: Operation, prefix: &S3Prefix, query: &[(&str, &str)]) -> CallContext {
    CallContext {
        operation,
        call: Call::new("GET", Some(prefix.bucket()), None, query),
        resource: prefix.as_str().to_owned(),
    }
}

fn copying(mut context: CallContext) -> CallContext {
    context.call = context.call.copying();
    context
}

//! [`Call`]: the operation, bucket, key and query of an HTTP request or store call, for the request log and fault
//! rules.

use http::request::Parts;
use percent_encoding::percent_decode_str;

use s3_server::Domains;

/// Operation, bucket, key and query of a request. The request log records it and fault rules match it, over HTTP and on
/// a [`FaultStore`](crate::FaultStore).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The S3 name of the operation, such as `GetObject`; `Other` if it is unknown.
    pub operation: &'static str,
    /// The HTTP method.
    pub method: String,
    /// The bucket, from the path or the virtual host.
    pub bucket: Option<String>,
    /// The key, decoded.
    pub key: Option<String>,
    /// Names and values of the query parameters, decoded, in order.
    pub query: Vec<(String, String)>,
}

impl Call {
    /// Returns a call with this method, bucket, key and query, which determine its operation.
    #[must_use]
    pub fn new(
        method: &str,
        bucket: Option<&str>,
        key: Option<&str>,
        query: &[(&str, &str)],
    ) -> Self {
        let query = query
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self {
            operation: "Other",
            method: method.to_owned(),
            bucket: bucket.map(str::to_owned),
            key: key.map(str::to_owned),
            query,
        }
        .named(false)
    }

    /// Turns a PutObject into a CopyObject, or an UploadPart into an UploadPartCopy.
    #[must_use]
    pub fn copying(self) -> Self {
        self.named(true)
    }

    /// Returns the call of an HTTP request.
    pub(crate) fn from_head(head: &Parts, domains: &Domains) -> Self {
        let host = head
            .headers
            .get(http::header::HOST)
            .and_then(|host| host.to_str().ok());
        // Only one slash: the key of `/bucket//key` is `/key`.
        let path = head.uri.path();
        let path = decoded(path.strip_prefix('/').unwrap_or(path));
        let (bucket, key) = match host.and_then(|host| domains.bucket_of(host)) {
            Some(bucket) => (Some(bucket.to_owned()), Some(path)),
            None => match path.split_once('/') {
                Some((bucket, key)) => (Some(bucket.to_owned()), Some(key.to_owned())),
                None => (Some(path), None),
            },
        };
        let call = Self {
            operation: "Other",
            method: head.method.as_str().to_owned(),
            bucket: bucket.filter(|bucket| !bucket.is_empty()),
            key: key.filter(|key| !key.is_empty()),
            query: parsed_query(head.uri.query().unwrap_or_default()),
        };
        call.named(head.headers.contains_key("x-amz-copy-source"))
    }

    /// Returns the first value of a query parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(have, _)| have == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns the decoded query, such as `list-type=2&prefix=a/b`.
    #[must_use]
    pub fn query_string(&self) -> String {
        let mut joined = String::new();
        for (name, value) in &self.query {
            if !joined.is_empty() {
                joined.push('&');
            }
            joined.push_str(name);
            if !value.is_empty() {
                joined.push('=');
                joined.push_str(value);
            }
        }
        joined
    }

    /// Returns `bucket/key`, `bucket` or an empty text.
    #[must_use]
    pub fn place(&self) -> String {
        match (&self.bucket, &self.key) {
            (Some(bucket), Some(key)) => format!("{bucket}/{key}"),
            (Some(bucket), None) => bucket.clone(),
            _ => String::new(),
        }
    }

    fn named(mut self, copies: bool) -> Self {
        self.operation = match (&self.bucket, &self.key) {
            (None, _) => self.service_operation(),
            (Some(_), None) => self.bucket_operation(),
            (Some(_), Some(_)) => self.object_operation(copies),
        };
        self
    }

    fn service_operation(&self) -> &'static str {
        if self.method == "GET" {
            "ListBuckets"
        } else {
            "Other"
        }
    }

    fn bucket_operation(&self) -> &'static str {
        let has = |name| self.parameter(name).is_some();
        match self.method.as_str() {
            "HEAD" => "HeadBucket",
            "PUT" if has("versioning") => "PutBucketVersioning",
            "PUT" => "CreateBucket",
            "DELETE" => "DeleteBucket",
            "POST" if has("delete") => "DeleteObjects",
            "GET" if has("location") => "GetBucketLocation",
            "GET" if has("uploads") => "ListMultipartUploads",
            "GET" if has("versions") => "ListObjectVersions",
            "GET" if has("versioning") => "GetBucketVersioning",
            "GET" if has("list-type") => "ListObjectsV2",
            "GET" => "ListObjects",
            _ => "Other",
        }
    }

    fn object_operation(&self, copies: bool) -> &'static str {
        let has = |name| self.parameter(name).is_some();
        match self.method.as_str() {
            "GET" if has("uploadId") => "ListParts",
            "GET" if has("tagging") => "GetObjectTagging",
            "PUT" if has("tagging") => "PutObjectTagging",
            "DELETE" if has("tagging") => "DeleteObjectTagging",
            "GET" if has("attributes") => "GetObjectAttributes",
            "POST" if has("restore") => "RestoreObject",
            "GET" => "GetObject",
            "HEAD" => "HeadObject",
            "PUT" if has("uploadId") && copies => "UploadPartCopy",
            "PUT" if has("uploadId") => "UploadPart",
            "PUT" if copies => "CopyObject",
            "PUT" => "PutObject",
            "POST" if has("uploads") => "CreateMultipartUpload",
            "POST" if has("uploadId") => "CompleteMultipartUpload",
            "DELETE" if has("uploadId") => "AbortMultipartUpload",
            "DELETE" => "DeleteObject",
            _ => "Other",
        }
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn parsed_query(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(&value.replace('+', " ")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str, host: &str, target: &str) -> Call {
        let request = http::Request::builder()
            .method(method)
            .uri(target)
            .header("host", host)
            .body(());
        let (head, ()) = request.unwrap().into_parts();
        Call::from_head(&head, &Domains::new(["s3.localhost"]))
    }

    #[test]
    fn the_operation_follows_from_method_path_and_query() {
        for (method, target, operation) in [
            ("GET", "/", "ListBuckets"),
            ("GET", "/b?list-type=2&prefix=x", "ListObjectsV2"),
            ("GET", "/b/", "ListObjects"),
            ("GET", "/b?location", "GetBucketLocation"),
            ("GET", "/b?uploads", "ListMultipartUploads"),
            ("HEAD", "/b", "HeadBucket"),
            ("PUT", "/b", "CreateBucket"),
            ("DELETE", "/b", "DeleteBucket"),
            ("POST", "/b?delete", "DeleteObjects"),
            ("GET", "/b/k", "GetObject"),
            ("HEAD", "/b/k", "HeadObject"),
            ("PUT", "/b/k", "PutObject"),
            ("DELETE", "/b/k", "DeleteObject"),
            ("POST", "/b/k?uploads=", "CreateMultipartUpload"),
            ("PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart"),
            ("POST", "/b/k?uploadId=u", "CompleteMultipartUpload"),
            ("DELETE", "/b/k?uploadId=u", "AbortMultipartUpload"),
            ("GET", "/b/k?uploadId=u", "ListParts"),
        ] {
            assert_eq!(
                call(method, "127.0.0.1:9000", target).operation,
                operation,
                "{method} {target}"
            );
        }
        assert_eq!(
            Call::new("PUT", Some("b"), Some("k"), &[])
                .copying()
                .operation,
            "CopyObject"
        );
    }

    #[test]
    fn keys_are_decoded_and_otherwise_exact() {
        let path_style = call(
            "GET",
            "127.0.0.1:9000",
            "/b//a%2Fb/%01?list-type=2&prefix=a+b%2B",
        );
        assert_eq!(path_style.key.as_deref(), Some("/a/b/\u{1}"));
        assert_eq!(path_style.query_string(), "list-type=2&prefix=a b+");
        let virtual_host = call("GET", "b.s3.localhost:9000", "//k/");
        assert_eq!(
            (virtual_host.bucket.as_deref(), virtual_host.key.as_deref()),
            (Some("b"), Some("/k/"))
        );
        assert_eq!(virtual_host.place(), "b//k/");
    }
}

//! What S3 sends with every response: request ids, and a message in every error document.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::convert::in_xml;
use crate::target::Target;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response, StatusCode};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const EXTENDED_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

/// Returns an id of 16 hexadecimal digits that no other request of this process has.
pub(crate) fn request_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:08X}{:08X}", seconds & 0xffff_ffff, count & 0xffff_ffff)
}

/// Returns an error that the protocol layer does not know.
pub(crate) fn error_response(status: StatusCode, code: &str, message: &str) -> Response<s3s::Body> {
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let mut response = Response::new(s3s::Body::from(document));
    *response.status_mut() = status;
    let xml = HeaderValue::from_static("application/xml");
    response.headers_mut().insert(CONTENT_TYPE, xml);
    response
}

/// Adds the ids, to an error document its message and the id, and to a range its status.
pub(crate) fn complete(
    mut response: Response<s3s::Body>,
    id: &str,
    target: &Target,
) -> Response<s3s::Body> {
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    // The protocol layer leaves the type out of an error that has headers of its own.
    let is_xml = match response.headers().get(CONTENT_TYPE) {
        Some(kind) => kind.as_bytes() == b"application/xml",
        None => is_error,
    };
    if is_error && is_xml {
        let size = response.headers().get(CONTENT_RANGE);
        let size = size.and_then(|value| value.to_str().ok()?.strip_prefix("bytes */"));
        let size = size.map(str::to_owned);
        response = response.map(|body| match body.bytes() {
            Some(document) => s3s::Body::from(with_details(&document, id, target, size.as_deref())),
            None => body,
        });
        let xml = HeaderValue::from_static("application/xml");
        response.headers_mut().insert(CONTENT_TYPE, xml);
        // hyper announces the new length.
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    // The protocol layer has one status for each operation.
    if let Some(&status) = response.extensions().get::<StatusCode>() {
        *response.status_mut() = status;
    }
    // The protocol layer does so for GetObject only.
    if response.status() == StatusCode::OK && response.headers().contains_key(CONTENT_RANGE) {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        let headers = response.headers_mut();
        headers.entry(REQUEST_ID).or_insert(value.clone());
        headers.entry(EXTENDED_ID).or_insert(value);
        let server = HeaderValue::from_static("mfs3");
        headers.entry(http::header::SERVER).or_insert(server);
    }
    response
}

/// Removes the quotes of the ETag in the document of GetObjectAttributes, the only one in which S3 has none.
pub(crate) fn unquote_etag(response: Response<s3s::Body>) -> Response<s3s::Body> {
    let mut response = response.map(|body| match body.bytes() {
        Some(document) => {
            let text = String::from_utf8_lossy(&document);
            let text = text
                .replace("<ETag>\"", "<ETag>")
                .replace("\"</ETag>", "</ETag>");
            s3s::Body::from(text)
        }
        None => body,
    });
    response.headers_mut().remove(CONTENT_LENGTH);
    response
}

/// Returns the error document with a message and a request id; other documents as they are.
fn with_details(document: &[u8], id: &str, target: &Target, size: Option<&str>) -> Vec<u8> {
    let text = String::from_utf8_lossy(document);
    let Some((before, rest)) = text.rsplit_once("</Error>") else {
        return document.to_vec();
    };
    let code = element(&text, "Code").unwrap_or_default();
    let mut completed = before.to_owned();
    if element(&text, "Message").is_none() {
        completed.push_str(&format!("<Message>{}</Message>", usual_message(code)));
    }
    let range = target.range.as_deref().filter(|_| code == "InvalidRange");
    let details = [
        (
            "Key",
            Some(&*target.key).filter(|_| matches!(code, "NoSuchKey" | "NoSuchVersion")),
        ),
        (
            "BucketName",
            Some(&*target.bucket).filter(|_| code == "NoSuchBucket"),
        ),
        ("RangeRequested", range),
        ("ActualObjectSize", size),
        ("Resource", Some(&*target.path)),
        ("RequestId", Some(id)),
        ("HostId", Some(id)),
    ];
    for (name, value) in details {
        if let Some(value) = value.and_then(in_xml)
            && element(&text, name).is_none()
        {
            completed.push_str(&format!("<{name}>{}</{name}>", escaped(&value)));
        }
    }
    completed.push_str("</Error>");
    completed.push_str(rest);
    completed.into_bytes()
}

/// Returns text for an element of a document.
pub(crate) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}

fn element<'text>(text: &'text str, name: &str) -> Option<&'text str> {
    let (_, after) = text.split_once(&format!("<{name}>"))?;
    Some(after.split_once(&format!("</{name}>"))?.0)
}

/// Returns a sentence for the errors that the protocol layer names by their code only.
fn usual_message(code: &str) -> &'static str {
    match code {
        "AccessDenied" => "Access is denied",
        "BadDigest" => "The checksum that the request declares differs from that of its body",
        "EntityTooLarge" => "The body is larger than an object may be",
        "IncompleteBody" => "The body is shorter than the request declares",
        "InvalidArgument" => "An argument of the request is not valid",
        "InvalidBucketName" => "The bucket name is not valid",
        "InvalidRange" => "The range cannot be satisfied",
        "InvalidRequest" => "The request is not valid",
        "InvalidURI" => "The URI cannot be parsed",
        "KeyTooLongError" => "The key is longer than 1024 bytes",
        "MalformedXML" => "The document of the request is not well-formed or not valid",
        "MethodNotAllowed" => "The method is not allowed for this resource",
        "MissingContentLength" => "The request must have a Content-Length header",
        "NoSuchBucket" => "The bucket does not exist",
        "NoSuchKey" => "The object does not exist",
        "NoSuchUpload" => "The multipart upload does not exist",
        "NotImplemented" => "The server does not implement this operation",
        "PreconditionFailed" => "A condition of the request does not hold",
        "RequestTimeTooSkewed" => "The time of the request differs too much from the server's",
        "SignatureDoesNotMatch" => {
            "The signature of the request differs from the one that the server calculates"
        }
        _ => "The request failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target {
            path: "/b/a&b".to_owned(),
            bucket: "b".to_owned(),
            key: "a&b".to_owned(),
            range: Some("bytes=9-".to_owned()),
            origin: None,
        }
    }

    fn completed(document: &str, size: Option<&str>) -> String {
        String::from_utf8(with_details(document.as_bytes(), "7", &target(), size)).unwrap()
    }

    #[test]
    fn an_error_gets_a_message_an_id_and_what_it_is_about() {
        let bare = "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>";
        assert_eq!(
            completed(bare, None).split_once("</Code>").unwrap().1,
            "<Message>The object does not exist</Message><Key>a&amp;b</Key><Resource>/b/a&amp;b</Resource>\
             <RequestId>7</RequestId><HostId>7</HostId></Error>"
        );
        let bare = "<Error><Code>InvalidRange</Code></Error>";
        let range =
            "<RangeRequested>bytes=9-</RangeRequested><ActualObjectSize>3</ActualObjectSize>";
        assert!(completed(bare, Some("3")).contains(range));
        let bare = "<Error><Code>NoSuchBucket</Code></Error>";
        assert!(completed(bare, None).contains("<BucketName>b</BucketName>"));
    }

    #[test]
    fn what_is_there_and_other_documents_stay() {
        let whole = "<Error><Code>A</Code><Message>m</Message><Resource>r</Resource><RequestId>1</RequestId>\
                     <HostId>2</HostId></Error>";
        assert_eq!(completed(whole, None), whole);
        assert_eq!(completed("<Other/>", None), "<Other/>");
    }

    #[test]
    fn ids_differ() {
        assert_ne!(request_id(), request_id());
    }
}

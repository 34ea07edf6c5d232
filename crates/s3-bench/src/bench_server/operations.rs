//! Request handlers of the benchmark server: GET, HEAD, PUT, POST, DELETE, listings, `/_stats` and `/_reset`.

use std::fmt::Write as _;
use std::ops::Range;

use bytes::Bytes;

use super::listing::{escape, page};
use super::pool::Window;
use super::request::Request;
use super::response::{Body, Response, head};
use super::state::{KEEP, State, kept_etag};
use super::{bench_bucket, keys};

/// A whole object.
enum Object {
    Generated(Window),
    Kept(Bytes),
}

impl Object {
    fn find(request: &Request, state: &State) -> Option<Self> {
        match request.bucket.as_str() {
            "bench" => bench_bucket::object(&request.key).map(Object::Generated),
            KEEP => state.kept(&request.key).map(Object::Kept),
            _ => None,
        }
    }

    fn len(&self) -> u64 {
        match self {
            Self::Generated(window) => window.len,
            Self::Kept(bytes) => bytes.len() as u64,
        }
    }

    /// An ETag without quotes: the position in the pool, or the first bytes of a kept object, and then the length.
    fn etag(&self) -> String {
        match self {
            Self::Generated(window) => {
                let mut etag = String::with_capacity(32);
                keys::push_hex(window.start, &mut etag);
                keys::push_hex(window.len, &mut etag);
                etag
            }
            Self::Kept(bytes) => kept_etag(bytes),
        }
    }

    fn part(self, range: Range<u64>) -> Body {
        match self {
            Self::Generated(window) => {
                Body::Pool(window.part(range.start, range.end - range.start))
            }
            Self::Kept(bytes) => {
                let at = |offset: u64| usize::try_from(offset).unwrap_or(bytes.len());
                Body::Kept(bytes.slice(at(range.start)..at(range.end)))
            }
        }
    }
}

/// Returns the response to a request whose body has been read. A discarded body is empty; `size` is its original size.
pub(super) fn respond(request: &Request, body: Bytes, size: u64, state: &State) -> Response {
    let counters = &state.counters;
    let counted = match request.method.as_str() {
        "GET" if request.bucket.starts_with('_') => return control(request, state),
        "GET" if request.key.is_empty() => &counters.lists,
        "GET" => &counters.gets,
        "HEAD" => &counters.heads,
        "PUT" => &counters.puts,
        "POST" => &counters.posts,
        _ => &counters.others,
    };
    counted.add(1);
    match request.method.as_str() {
        "GET" if request.key.is_empty() => {
            Response::document("200 OK", page(&state.keys(&request.bucket), request))
        }
        "GET" => get(request, state),
        "HEAD" if request.key.is_empty() => Response::bare("200 OK", "Content-Length: 0\r\n"),
        "HEAD" => get(request, state).without_body(),
        "PUT" => put(request, body, size, state),
        "POST" => post(request, state),
        "DELETE" => delete(request, state),
        _ => {
            counters.errors.add(1);
            Response::error("501 Not Implemented", "NotImplemented")
        }
    }
}

fn control(request: &Request, state: &State) -> Response {
    let counts = state.counters.json();
    if request.bucket == "_reset" {
        state.reset();
    }
    Response::document("200 OK", counts)
}

fn get(request: &Request, state: &State) -> Response {
    let Some(object) = Object::find(request, state) else {
        state.counters.errors.add(1);
        return Response::error("404 Not Found", "NoSuchKey");
    };
    let len = object.len();
    let asked = request
        .range
        .as_deref()
        .and_then(|range| resolved(range, len));
    let range = asked.clone().unwrap_or(0..len);
    if range.is_empty() && len > 0 {
        return Response::error("416 Range Not Satisfiable", "InvalidRange");
    }
    let size = range.end - range.start;
    let mut headers = String::with_capacity(384);
    let _ = write!(
        headers,
        "Last-Modified: Tue, 20 Oct 2026 10:11:12 GMT\r\nETag: \"{}\"\r\nAccept-Ranges: bytes\r\n\
         x-amz-server-side-encryption: AES256\r\nContent-Type: binary/octet-stream\r\nContent-Length: {size}\r\n",
        object.etag(),
    );
    let mut status = "200 OK";
    if asked.is_some() {
        status = "206 Partial Content";
        let last = range.end.saturating_sub(1);
        let _ = write!(
            headers,
            "Content-Range: bytes {}-{last}/{len}\r\n",
            range.start
        );
    }
    if request.method == "GET" {
        state.counters.bytes_out.add(size);
        state.counters.largest_get.at_least(size);
    }
    Response {
        head: head(status, &headers),
        body: object.part(range),
    }
}

/// Resolves a `Range` header: clipped to the object, empty beyond its end, `None` if malformed.
fn resolved(header: &str, len: u64) -> Option<Range<u64>> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        return Some(len.saturating_sub(last.parse().ok()?)..len);
    }
    let first = first.parse::<u64>().ok()?;
    let end = match last {
        "" => len,
        last => last.parse::<u64>().ok()?.saturating_add(1).min(len),
    };
    Some(first..end.max(first))
}

fn put(request: &Request, body: Bytes, size: u64, state: &State) -> Response {
    state.counters.largest_put.at_least(size);
    let mut etag = format!("{size:032x}");
    if let Some(upload) = request.parameter("uploadId") {
        let number = request.parameter("partNumber").and_then(|n| n.parse().ok());
        if !state.add_part(upload, number.unwrap_or(0), body) {
            state.counters.errors.add(1);
            return Response::error("404 Not Found", "NoSuchUpload");
        }
    } else if request.bucket == KEEP {
        etag = kept_etag(&body);
        state.keep(request.key.clone(), body);
    }
    let headers = format!("ETag: \"{etag}\"\r\nContent-Length: 0\r\n");
    Response::bare("200 OK", &headers)
}

fn post(request: &Request, state: &State) -> Response {
    if request.parameter("uploads").is_some() {
        return uploaded(
            "InitiateMultipartUploadResult",
            "UploadId",
            &state.begin_upload(),
            request,
        );
    }
    let upload = request.parameter("uploadId").unwrap_or_default();
    let Some(parts) = state.end_upload(upload) else {
        state.counters.errors.add(1);
        return Response::error("404 Not Found", "NoSuchUpload");
    };
    let mut etag = format!("{:032x}-{}", parts.len(), parts.len());
    if request.bucket == KEEP {
        let body = Bytes::from(parts.concat());
        etag = kept_etag(&body);
        state.keep(request.key.clone(), body);
    }
    let etag = format!("&quot;{etag}&quot;");
    // The value is already escaped.
    uploaded("CompleteMultipartUploadResult", "ETag", &etag, request)
}

fn uploaded(name: &str, field: &str, value: &str, request: &Request) -> Response {
    let mut key = String::new();
    escape(&request.key, &mut key);
    let bucket = &request.bucket;
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <{name} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Bucket>{bucket}</Bucket><Key>{key}</Key>\
         <{field}>{value}</{field}></{name}>"
    );
    Response::document("200 OK", text)
}

fn delete(request: &Request, state: &State) -> Response {
    match request.parameter("uploadId") {
        Some(upload) => drop(state.end_upload(upload)),
        None if request.bucket == KEEP => state.forget(&request.key),
        None => {}
    }
    Response::bare("204 No Content", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_clipped() {
        assert_eq!(resolved("bytes=2-4", 10), Some(2..5));
        assert_eq!(resolved("bytes=2-", 10), Some(2..10));
        assert_eq!(resolved("bytes=8-99", 10), Some(8..10));
        assert_eq!(resolved("bytes=-3", 10), Some(7..10));
        assert_eq!(resolved("bytes=-30", 10), Some(0..10));
        assert!(resolved("bytes=10-", 10).unwrap().is_empty());
        assert!(resolved("bytes=12-14", 10).unwrap().is_empty());
        assert_eq!(resolved("items=1-2", 10), None);
    }
}

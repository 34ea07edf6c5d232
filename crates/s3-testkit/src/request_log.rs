//! [`RequestLog`]: the requests that the server received, with status, byte counts and faults.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::Call;

/// Maximum number of requests that are kept; older ones are dropped.
const CAPACITY: usize = 100_000;

/// The headers that are kept, besides `x-amz-*`.
const HEADERS: &[&str] = &[
    "cache-control",
    "content-encoding",
    "content-length",
    "content-md5",
    "content-type",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "range",
    "transfer-encoding",
    "user-agent",
];

/// A request and its response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// Operation, bucket, key and query, without the signature and session token of a presigned URL.
    pub call: Call,
    /// The value of the `Range` header.
    pub range: Option<String>,
    /// The S3 headers in order, with lower-case names. Without `Authorization`.
    pub headers: Vec<(String, String)>,
    /// The status of the response; `None` before the response, or if the connection was closed instead.
    pub status: Option<u16>,
    /// The `Content-Length` of the request.
    pub request_bytes: u64,
    /// The bytes of the response body that were written to the connection so far.
    pub response_bytes: u64,
    /// The fault that a rule applied to this request.
    pub fault: Option<String>,
}

impl Recorded {
    /// Returns the value of a header by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(have, _)| have == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The last 100,000 requests of a server, in the order of arrival. Clone is a reference count.
///
/// A request is recorded before the server handles it, and its status before the client can see it: once a client has
/// the response, both are in the log.
#[derive(Clone, Default)]
pub struct RequestLog(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    entries: VecDeque<Recorded>,
    /// The number of the oldest entry, counted from the start of the server.
    first: u64,
}

impl RequestLog {
    /// Returns all requests since the start or the last [`clear`](Self::clear).
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.pages().entries.iter().cloned().collect()
    }

    /// Returns the number of requests that satisfy `matches`.
    pub fn count(&self, mut matches: impl FnMut(&Recorded) -> bool) -> usize {
        self.pages()
            .entries
            .iter()
            .filter(|entry| matches(entry))
            .count()
    }

    /// Returns the number of requests of an operation, such as `GetObject`.
    #[must_use]
    pub fn count_of(&self, operation: &str) -> usize {
        self.count(|entry| entry.call.operation == operation)
    }

    /// Removes all requests. Requests in flight are no longer recorded.
    pub fn clear(&self) {
        let mut pages = self.pages();
        pages.first += pages.entries.len() as u64;
        pages.entries.clear();
    }

    /// Returns how often each request was sent, by text such as `GET bucket/key`.
    #[must_use]
    pub fn summary(&self) -> BTreeMap<String, usize> {
        self.tally(|entry| format!("{} {}", entry.call.method, entry.call.place()))
    }

    /// Returns the number of requests of each operation, by name.
    #[must_use]
    pub fn operations(&self) -> BTreeMap<String, usize> {
        self.tally(|entry| entry.call.operation.to_owned())
    }

    fn tally(&self, name: impl Fn(&Recorded) -> String) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.pages().entries {
            *counts.entry(name(entry)).or_default() += 1;
        }
        counts
    }

    /// Records a request and returns its entry.
    pub(crate) fn record(
        &self,
        mut call: Call,
        headers: &HeaderMap,
        fault: Option<String>,
    ) -> Entry {
        call.query.retain(|(name, _)| !is_secret(name));
        let recorded = Recorded {
            call,
            range: text_of(headers, "range"),
            headers: kept(headers),
            status: None,
            request_bytes: text_of(headers, "content-length")
                .and_then(|len| len.parse().ok())
                .unwrap_or(0),
            response_bytes: 0,
            fault,
        };
        let mut pages = self.pages();
        if pages.entries.len() == CAPACITY {
            pages.entries.pop_front();
            pages.first += 1;
        }
        pages.entries.push_back(recorded);
        let number = pages.first + pages.entries.len() as u64 - 1;
        drop(pages);
        Entry {
            request_log: self.clone(),
            number,
        }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RequestLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestLog({} requests)", self.pages().entries.len())
    }
}

/// A recorded request whose response is not complete.
#[derive(Debug)]
pub(crate) struct Entry {
    request_log: RequestLog,
    number: u64,
}

impl Entry {
    pub(crate) fn responded(&self, status: u16) {
        self.update(|entry| entry.status = Some(status));
    }

    fn update(&self, change: impl FnOnce(&mut Recorded)) {
        let mut pages = self.request_log.pages();
        let index = self
            .number
            .checked_sub(pages.first)
            .and_then(|index| usize::try_from(index).ok());
        if let Some(entry) = index.and_then(|index| pages.entries.get_mut(index)) {
            change(entry);
        }
    }
}

/// A response body that counts the sent bytes in the request log.
#[derive(Debug)]
pub(crate) struct Metered<B> {
    body: B,
    entry: Entry,
}

impl<B> Metered<B> {
    pub(crate) fn new(body: B, entry: Entry) -> Self {
        Self { body, entry }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Metered<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.entry
                .update(|entry| entry.response_bytes += data.len() as u64);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn kept(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| HEADERS.contains(&name.as_str()) || name.as_str().starts_with("x-amz-"))
        .filter(|(name, _)| name.as_str() != "x-amz-security-token")
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}

/// Returns whether this parameter of a presigned URL is secret.
fn is_secret(parameter: &str) -> bool {
    ["X-Amz-Signature", "X-Amz-Security-Token"]
        .iter()
        .any(|secret| parameter.eq_ignore_ascii_case(secret))
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(key: &str) -> Call {
        Call::new("GET", Some("b"), Some(key), &[])
    }

    #[test]
    fn requests_are_counted_by_text_and_by_operation() {
        let request_log = RequestLog::default();
        for key in ["x", "y", "x"] {
            request_log
                .record(get(key), &HeaderMap::new(), None)
                .responded(200);
        }
        assert_eq!(
            request_log.summary(),
            BTreeMap::from([("GET b/x".to_owned(), 2), ("GET b/y".to_owned(), 1)])
        );
        assert_eq!(request_log.count_of("GetObject"), 3);
        assert_eq!(request_log.requests()[0].status, Some(200));
    }

    #[test]
    fn the_newest_are_kept_and_late_responses_update_their_entry() {
        let request_log = RequestLog::default();
        let oldest = request_log.record(get("oldest"), &HeaderMap::new(), None);
        let second = request_log.record(get("second"), &HeaderMap::new(), None);
        for _ in 0..CAPACITY - 1 {
            request_log.record(get("x"), &HeaderMap::new(), None);
        }
        oldest.responded(500);
        second.responded(206);
        let kept = request_log.requests();
        assert_eq!(kept.len(), CAPACITY);
        assert_eq!(
            (kept[0].call.key.as_deref(), kept[0].status),
            (Some("second"), Some(206))
        );
        assert_eq!(request_log.count(|entry| entry.status == Some(500)), 0);
    }

    #[test]
    fn secrets_are_left_out() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "AWS4-HMAC-SHA256 …".parse().unwrap());
        headers.insert("x-amz-security-token", "token".parse().unwrap());
        headers.insert("range", "bytes=0-1".parse().unwrap());
        let query = [
            ("X-Amz-Expires", "60"),
            ("X-Amz-Signature", "5ec4e7"),
            ("X-Amz-Security-Token", "token"),
        ];
        let presigned = Call::new("GET", Some("b"), Some("x"), &query);
        let request_log = RequestLog::default();
        request_log.record(presigned, &headers, None);
        let recorded = &request_log.requests()[0];
        assert_eq!(
            recorded.headers,
            [("range".to_owned(), "bytes=0-1".to_owned())]
        );
        assert_eq!(recorded.call.query_string(), "X-Amz-Expires=60");
    }
}

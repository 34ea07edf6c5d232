//! A prepared HTTP request of the benchmark's lower-bound client (the floor), and the destination of its response body.

use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::rc::Rc;

/// A prepared request.
#[derive(Debug)]
pub(super) struct Job {
    /// Request line and headers, without `Content-Length` and the blank line.
    pub(super) head: String,
    pub(super) upload: Upload,
    pub(super) sink: Sink,
}

/// The body of a request.
#[derive(Debug)]
pub(super) enum Upload {
    Nothing,
    /// A whole file, opened when the request is sent.
    File(PathBuf),
    /// A range of an open file.
    Part(Rc<File>, Range<u64>),
}

/// Destination of a response body.
#[derive(Debug)]
pub(super) enum Sink {
    /// There is no body, whatever `Content-Length` says.
    HeadOnly,
    /// Discards the body.
    Drop,
    /// Memory, freed when the body is complete.
    Memory,
    /// A new file.
    File(PathBuf),
    /// An offset in an open file.
    At(Rc<File>, u64),
    /// Keeps the keys and requests the next page of the prefix.
    Keys(String),
}

impl Job {
    pub(super) fn get(host: &str, path: &str, sink: Sink) -> Self {
        Self::without_body("GET", host, path, sink)
    }

    pub(super) fn head(host: &str, path: &str) -> Self {
        Self::without_body("HEAD", host, path, Sink::HeadOnly)
    }

    pub(super) fn range(host: &str, path: &str, range: &Range<u64>, sink: Sink) -> Self {
        let mut job = Self::get(host, path, sink);
        job.head += &format!("Range: bytes={}-{}\r\n", range.start, range.end - 1);
        job
    }

    pub(super) fn put(host: &str, path: &str, upload: Upload) -> Self {
        Self {
            head: begin("PUT", host, path),
            upload,
            sink: Sink::Drop,
        }
    }

    fn without_body(method: &str, host: &str, path: &str, sink: Sink) -> Self {
        Self {
            head: begin(method, host, path),
            upload: Upload::Nothing,
            sink,
        }
    }
}

fn begin(method: &str, host: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n")
}

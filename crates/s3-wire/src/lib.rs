//! The bytes of S3: HTTP/1.1 connections, Signature Version 4, and the documents of responses.
//!
//! This crate sends one request at a time and reads its response. It has no retries, no notion of buckets or
//! operations and no AWS dependency; `s3-core` builds its `SdkStore` on it.
//!
//! ```text
//! SigningKeys::write_head   sign/     request line, headers and signature, as bytes
//!         │
//! Pool::send                http/     connection pool, TLS, sendfile, aws-chunked, response head
//!         │
//! ResponseBody                        Content-Length, chunked or until close; back to the pool at its end
//!         │
//! listing::Page             listing/  ListObjectsV2 documents
//! ErrorDocument             xml/      error documents
//! Element                   xml/      other documents
//! timestamp                           dates of headers and documents
//! ```

#[cfg(not(unix))]
compile_error!("s3-wire builds on Unix only: it sends files with sendfile");

pub mod listing;
pub mod sign;
pub mod timestamp;

mod credentials;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod request;
mod xml;

pub use credentials::{Credentials, InvalidCredentials};
pub use http::{
    ChecksumTrailer, Origin, Pool, RequestBody, Response, ResponseBody, ResponseHead, WireError,
    WireErrorKind, trailer_len,
};
pub use request::Request;
pub use xml::{Element, ErrorDocument, NotXml, escape};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

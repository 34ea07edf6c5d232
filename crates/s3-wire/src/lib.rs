//! Wire protocol of S3: HTTP/1.1 client, Signature Version 4, and parsers for XML responses.
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
//!
//! # Examples
//!
//! Signs a request, sends it, and reads the response:
//!
//! ```
//! use std::sync::Arc;
//! use std::time::{Duration, SystemTime};
//!
//! use s3_wire::{Credentials, Origin, Pool, Request, sign::SigningKeys};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! # let port = listener.local_addr()?.port();
//! # let server = std::thread::spawn(move || {
//! #     use std::io::{Read, Write};
//! #     let (mut client, _) = listener.accept().unwrap();
//! #     let mut head = vec![0; 4096];
//! #     let len = client.read(&mut head).unwrap();
//! #     client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\n\r\nhello").unwrap();
//! #     String::from_utf8_lossy(&head[..len]).into_owned()
//! # });
//! let origin = Arc::new(Origin::new(false, "127.0.0.1", port));
//! let credentials = Credentials::new("access-key", "secret-key", None)?;
//!
//! let host = format!("127.0.0.1:{port}");
//! let request = Request::new("GET", &host, "/bucket/key".to_owned());
//! let mut head = Vec::new();
//! SigningKeys::default().write_head(&request, &credentials, "us-east-1", SystemTime::now(), &mut head)?;
//!
//! let pool = Pool::new(Duration::from_secs(3));
//! let mut response = pool.send(&origin, &head, &request).await?;
//! assert_eq!((response.status, response.head.get("etag")), (200, Some("\"e\"")));
//! assert_eq!(response.body.collect(1 << 20).await?, "hello");
//! # assert!(server.join().unwrap().contains("AWS4-HMAC-SHA256 Credential="));
//! # Ok(()) }
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
    ChecksumTrailer, Origin, Pool, Proxy, RequestBody, Response, ResponseBody, ResponseHead,
    WireError, WireErrorKind, trailer_len,
};
pub use request::Request;
pub use xml::{Element, ErrorDocument, NotXml, escape};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

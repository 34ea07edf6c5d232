//! An S3 server over any [`Store`](s3_core::Store).
//!
//! It verifies signatures and presigned URLs. It accepts aws-chunked bodies with signed or unsigned trailers, and
//! buckets in the path or in the host name. The `s3s` crate implements the protocol; every operation becomes a call of
//! the store.
//!
//! ```text
//!  TCP ─ hyper (HTTP/1.1) ─ Service ─ s3s (signatures, XML, chunks) ─ Frontend ─ Store
//! ```
//!
//! * Checksums (CRC32, CRC32C, CRC64NVME, SHA1, SHA256, as header or trailer) and `Content-MD5` are compared with
//!   the body; a mismatch fails with `400 BadDigest` and nothing is stored.
//! * Downloads are streamed; uploads are collected without a copy.
//! * Listings with `encoding-type=url` return every key exactly, including control characters.
//! * Not implemented: versions, access control lists, tags, object lock, lifecycles, `ListMultipartUploads` with a
//!   delimiter. They fail with `501 NotImplemented`.
//! * A malformed `Range` is ignored, as on AWS, unless the header is signed: then the request fails with 400.

mod checksum;
mod convert;
mod credentials;
mod errors;
mod frontend;
mod hook;
mod listen;
mod range_header;
mod service;
mod virtual_host;

pub use frontend::Frontend;
pub use hook::{Hook, RequestHook};
pub use listen::serve;
pub use service::{Service, ServiceBuilder};
pub use virtual_host::Domains;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

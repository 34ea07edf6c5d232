//! An S3 server over any [`Store`](s3_core::Store).
//!
//! It verifies signatures and presigned URLs. It accepts aws-chunked bodies with signed or unsigned trailers, and
//! buckets in the path or in the host name. The `s3s` crate implements the protocol; every operation becomes a call to
//! the store.
//!
//! ```text
//!  TCP ─ hyper (HTTP/1.1) ─ Service ─ s3s (signatures, XML, chunks) ─ Frontend ─ Store
//! ```
//!
//! * Checksums (CRC32, CRC32C, CRC64NVME, SHA1, SHA256, as header or trailer) and `Content-MD5` are compared with
//!   the body; a mismatch fails with `400 BadDigest` and nothing is stored.
//! * Downloads are streamed. Uploads are collected in memory, without copying.
//! * Listings with `encoding-type=url` return every key exactly, including control characters.
//! * The store keeps versions and tags. The server keeps ACLs, object locks, part sizes and checksums of multipart
//!   objects, digests of SSE-C keys, and bucket configurations, in memory only.
//! * Object lock keeps versions from being deleted. Access lists, policies and all other configurations of a bucket
//!   (website, lifecycle, replication, logging, notification and so on) are stored and returned, without effect. CORS
//!   rules take effect: the server responds to preflight requests and adds CORS headers to responses.
//! * The account is `123456789012`: requests that expect another owner of the bucket are rejected.
//! * A repeated CompleteMultipartUpload gets the same response again, as on AWS.
//! * On reads, a `Range` that is not a single byte range and a time condition without a valid time are ignored, as on
//!   AWS.

mod authorization;
mod checksum;
mod convert;
mod cors;
mod credential_scope;
mod credentials;
mod document_digest;
mod error_details;
mod errors;
mod files;
mod form;
mod frontend;
mod given_signature;
mod hook;
mod listen;
mod malformed_headers;
mod pace;
mod response_completion;
mod service;
mod signature_check;
mod signature_version;
mod target;
mod virtual_host;

pub use files::Files;
pub use frontend::Frontend;
pub use hook::{Hook, RequestHook};
pub use listen::serve;
pub use service::{Service, ServiceBuilder};
pub use virtual_host::Domains;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

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
//! * Versions and tags are the store's. Access lists, locks, parts by number, checksums of multipart objects, the digests
//!   of customers' keys and the configurations of buckets are kept beside the store, in memory.
//! * Object lock keeps versions from being deleted. Access lists, policies and all other configurations of a bucket
//!   (website, lifecycle, replication, logging, notification and so on) are stored and returned, without effect. CORS
//!   rules respond to preflights and add their headers to responses.
//! * The account is `123456789012`: requests that expect another owner of the bucket are rejected.
//! * The response to a CompleteMultipartUpload that is sent again is repeated, as on AWS.
//! * A `Range` that is not a single byte range and a condition by no time are ignored, as on AWS.

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

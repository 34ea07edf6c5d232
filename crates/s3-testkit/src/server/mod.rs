//! [`S3Server`]: an in-process S3 server on 127.0.0.1, for any store.
//!
//! It serves any S3 client over TCP. It verifies signatures and presigned URLs. It accepts aws-chunked bodies with
//! signed or unsigned trailers, and buckets in the path or in the host name. The `s3s` crate implements the protocol;
//! every operation becomes a call of the [`Store`](s3_core::Store).
//!
//! ```text
//!  TCP ─ hyper (HTTP/1.1) ─ request_log ─ faults ─ s3s (signatures, XML, chunks) ─ frontend ─ Store
//! ```
//!
//! * Checksums (CRC32, CRC32C, CRC64NVME, SHA1, SHA256, as header or trailer) and `Content-MD5` are compared with
//!   the body; a mismatch fails with `400 BadDigest` and nothing is stored.
//! * Downloads are streamed; uploads are collected without a copy.
//! * Listings with `encoding-type=url` return every key exactly, including control characters.
//! * Not implemented: versions, access control lists, tags, object lock, lifecycles, `ListMultipartUploads` with a
//!   delimiter. They fail with `501 NotImplemented`.
//! * A malformed `Range` is ignored, as on AWS, unless the header is signed: then the request fails with 400.

mod accept;
mod blocking;
mod builder;
mod checksum;
mod connection;
mod connection_control;
mod convert;
mod credentials;
mod errors;
mod frontend;
mod range_header;
mod request_handler;
mod s3_server;
mod socket_activity;
mod virtual_host;

pub use blocking::BlockingServer;
pub use builder::S3ServerBuilder;
pub(crate) use connection_control::ConnectionControl;
pub use frontend::Frontend;
pub use s3_server::S3Server;
pub(crate) use virtual_host::Domains;

//! A real S3 server on loopback, in this process, in front of any store.
//!
//! [`S3Server`] speaks S3 over TCP: signatures and presigned URLs are checked, bodies may come aws-chunked with
//! signed or unsigned trailers, buckets may be in the path or in the host name. Any client can be pointed at it.
//! Behind the protocol, which is the `s3s` crate's, every operation becomes a call of the [`Store`](s3_core::Store).
//!
//! ```text
//!  TCP ─ hyper (HTTP/1.1) ─ request_log ─ faults ─ s3s (signatures, XML, chunks) ─ frontend ─ Store
//! ```
//!
//! * Checksums (CRC32, CRC32C, CRC64NVME, SHA1, SHA256, as header or trailer) and `Content-MD5` are compared with
//!   the body; a mismatch is refused with `400 BadDigest` and nothing is stored.
//! * Bodies that are read stream through; bodies that are written are collected as they came, without being copied.
//! * Listings with `encoding-type=url` carry every key exactly, control characters included.
//! * What AWS has and this server has not: versions, access control lists, tags, object lock, lifecycles,
//!   `ListMultipartUploads` with a delimiter. They are refused with `501 NotImplemented`, or not read where a
//!   header merely describes (`Expires`, `Content-Language`, storage classes).
//! * A malformed `Range` is ignored, as AWS does, unless it is a signed header: then it is refused with 400.

mod activity;
mod blocking;
mod builder;
mod checksum;
mod connection;
mod convert;
mod credentials;
mod errors;
mod front;
mod frontend;
mod host;
mod link;
mod range_header;
mod running;
mod tcp;

pub use blocking::BlockingServer;
pub use builder::S3ServerBuilder;
pub use frontend::Frontend;
pub(crate) use host::Domains;
pub(crate) use link::Link;
pub use running::S3Server;

//! [`MemoryStore`]: an in-memory backend for unit tests, examples and small tools.
//!
//! It keeps whole buckets in this process and behaves like S3 for a client:
//!
//! * keys are bytes: `a//b`, `dir/` and `./x` are three ordinary keys;
//! * listings come in UTF-8 byte order, at most 1,000 entries a page, rolled up at the delimiter;
//! * ETags are the MD5 of the bytes, or the MD5 of the parts' MD5s and the number of parts;
//! * conditions of reads and writes are evaluated in S3's order of precedence;
//! * a bucket keeps versions and delete markers if versioning is enabled;
//! * multipart uploads have S3's limits, which [`Limits`] can lower so that a test needs few bytes;
//! * errors have the status and the code that a server would send.
//!
//! It needs no runtime: every future is ready when it is first polled. A payload in memory is shared, not copied; a
//! payload from a file is read by the put, which blocks.
//!
//! # Not implemented
//!
//! Permissions, lifecycle rules and presigned URLs. Archived objects are restored at once. Checksums are stored and returned,
//! or computed if a write names their algorithm, and not verified.
//!
//! # Implementation
//!
//! `store` owns the lock and the counters; `operations` passes each request to a `Bucket` under the lock. Bytes are read
//! and hashed before the lock is taken. Each rule is in the file of its name: `conditions`, `list`, `upload`, `limits`.

mod bucket;
mod buffers;
mod clock;
mod conditions;
mod continuation_token;
mod copy;
mod error_response;
mod etag;
mod limits;
mod list;
mod object;
mod operation_counts;
mod operations;
mod restore;
mod store;
mod upload;
mod upload_list;
mod versions;

pub use limits::Limits;
pub use operation_counts::OperationCounts;
pub use store::MemoryStore;

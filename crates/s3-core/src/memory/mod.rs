//! S3 in memory: a backend for unit tests, examples and small tools.
//!
//! [`MemoryStore`] keeps whole buckets in this process and behaves like S3 wherever a client can see it:
//!
//! * keys are bytes: `a//b`, `dir/` and `./x` are three ordinary keys;
//! * listings come in UTF-8 byte order, at most 1,000 entries a page, rolled up at the delimiter;
//! * tags are the MD5 of the bytes, or the MD5 of the parts' MD5s and their number;
//! * conditions of reads and writes are judged in S3's order of precedence;
//! * uploads in parts keep S3's limits, which [`Limits`] can lower so that a test needs few bytes;
//! * errors carry the status and the code that a server would send.
//!
//! It needs no runtime: every future is ready when it is first polled. A payload that is in memory is kept, not
//! copied; a payload from a file is read when it is put, which blocks.
//!
//! # What it leaves out
//!
//! Versions, permissions, storage classes, lifecycle rules and presigned URLs. Checksums are kept and given
//! back, not verified.
//!
//! # How it is built
//!
//! `store` owns the lock and the counters; `operations` hands each request to a `Bucket` under the lock. Bytes
//! are read and hashed before the lock is taken. The rules are in the file that they are about: `condition`,
//! `list`, `upload`, `limits`.

mod bucket;
mod clock;
mod condition;
mod copy;
mod counts;
mod data;
mod digest;
mod limits;
mod list;
mod object;
mod operations;
mod refusal;
mod store;
mod token;
mod upload;
mod upload_list;

pub use counts::OperationCounts;
pub use limits::Limits;
pub use store::MemoryStore;

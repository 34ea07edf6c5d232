//! [`Frontend`]: the S3 operations of the server as calls of a store, one file per group of operations.

mod body;
mod bucket;
mod copy;
mod delete;
mod encoding;
mod get;
mod list;
mod list_uploads;
mod multipart;
mod operations;
mod put;

pub use operations::Frontend;

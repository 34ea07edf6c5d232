//! [`Frontend`]: the S3 operations of the server, implemented with the calls of a store, one file per group of
//! operations.

mod acl;
mod attributes;
mod body;
mod bucket;
mod bucket_configuration;
mod copy;
mod customer_key;
mod delete;
mod encoding;
mod get;
mod key_locks;
mod list;
mod list_uploads;
mod multipart;
mod multipart_checksum;
mod object_extras;
mod object_lock;
mod operations;
mod put;
mod restore;
mod tags;
mod versions;
mod write_conditions;

pub use operations::Frontend;

//! Metaflow's S3 client for Rust: asynchronous and blocking.
//!
#![doc = include_str!("guide.md")]

mod batch_error;
#[cfg(feature = "blocking")]
pub mod blocking;
mod builder;
mod config;
mod config_files;
mod dedup;
mod download;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod get_object;
mod key;
mod local_data;
mod local_name;
mod metadata;
mod object;
mod on_failure;
pub mod ops;
mod orphan;
mod put_object;
mod put_value;
mod python_json;
mod range_info;
mod read_ahead;
mod request;
mod s3;
mod scratch;
mod seekable_reader;
mod stream;
mod upload;

pub use batch_error::{BatchError, Outcome};
pub use builder::S3Builder;
pub use config::Config;
pub use error::{Error, ErrorClass, Result};
pub use get_object::{GetObject, S3GetObject};
pub use key::Key;
pub use object::S3Object;
pub use on_failure::{ManyOp, OnFailure};
pub use orphan::Orphan;
pub use put_object::{PutFile, S3PutObject};
pub use put_value::PutValue;
pub use range_info::RangeInfo;
pub use request::{Async, Mode, Op, Request};
pub use s3::{Client, S3};
#[cfg(feature = "sdk")]
pub use s3_core::SdkStore;
pub use s3_core::url::{Root, RunPath};
pub use s3_core::{self, BucketInfo, MemoryStore, PresignMethod, SharedStore, Store};
pub use s3_transfer::{self, Concurrency, NotVerified, Transfer, TransferConfig, Verified};
pub use stream::{ListingStream, ObjectStream};

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}

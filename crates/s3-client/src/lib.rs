//! S3 client with the API of Metaflow's `S3` class, asynchronous and blocking.
//!
#![doc = include_str!("guide.md")]

mod attributes;
mod batch;
mod batch_error;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "blocking")]
mod blocking_reader;
mod builder;
mod call;
mod config;
mod config_files;
mod context;
mod dedup;
mod download;
mod entry;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod get_object;
mod key;
mod letter_case;
mod local_data;
mod local_name;
mod location;
mod lookup;
mod metadata;
mod metaflow_object;
mod modification_time;
mod object;
mod object_info;
mod on_blocking_thread;
mod on_failure;
pub mod ops;
mod orphan;
mod put_object;
mod put_value;
mod python_json;
mod range_info;
mod read_ahead;
mod request;
mod resume;
mod s3;
mod scratch;
mod seekable_reader;
mod special_file;
mod stream;
mod sync;
mod upload;
mod write_result;

pub use batch_error::{BatchError, Outcome};
pub use builder::S3Builder;
pub use config::Config;
pub use entry::{CommonPrefix, S3Entry};
pub use error::{Error, ErrorClass, Result};
pub use get_object::{GetObject, S3GetObject};
pub use key::Key;
pub use letter_case::{folds_letter_case, has_exact_names};
pub use lookup::{Lookup, MissingObject, ReadOutput};
pub use metaflow_object::MetaflowObject;
pub use modification_time::{keep_modification_time, kept_modification_time};
pub use object::S3Object;
pub use object_info::S3Info;
pub use on_failure::{ManyOp, OnFailure};
pub use ops::{ByteStream, SyncStream, SyncSummary};
pub use orphan::Orphan;
pub use put_object::{PutFile, S3PutObject};
pub use put_value::PutValue;
pub use range_info::RangeInfo;
pub use request::{Async, Mode, Op, Request};
pub use resume::{FileDownload, Kept, KeptTransfer, Resume};
pub use s3::{Client, S3};
pub use s3_core::url::{ParseError, ResolveError, Root, RunPath};
#[cfg(feature = "sdk")]
pub use s3_core::{Addressing, Integrity, SdkStore, SdkStoreBuilder};
pub use s3_core::{
    Attempt, AttemptLog, Attributes, BucketInfo, Checksum, ChecksumAlgorithm, ChecksumType,
    Conditions, ETag, Encryption, Error as RequestError, ErrorKind, ListedObject, ListedVersion,
    MemoryStore, ObjectAttributes, ObjectMeta, ObjectPart, Operation, Phase, PresignMethod,
    RestoreStatus, Retryability, S3Prefix, S3Url, SharedStore, Store, Tags, UploadId, VersionId,
    Versioning,
};
pub use s3_transfer::{
    Concurrency, Event, NotVerified, ObjectReader, Observer, Transfer, TransferConfig, Verified,
    WaitReason,
};
pub use stream::{ListedEntry, ListingStream, ObjectStream};
pub use sync::{
    FoundDirectory, FoundFile, LocalEntry, LocalWalk, NotDeletedReason, PathFilter, SyncAction,
    SyncCompare, SyncEvent, SyncOutcome, SyncPlace, file_has_checksum, file_has_etag,
};
pub use write_result::{WriteOutcome, WriteResult};

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod crate_readme {}

//! S3 as a trait: [`Store`], its requests and responses, and two backends: in memory, and AWS or compatible servers.
//!
//! Requests and responses are plain values ([`GetRequest`], [`PutRequest`], …). Every failure is one [`Error`], whose
//! [`kind`](Error::kind) is for code and whose text is for people.
//!
//! * [`MemoryStore`] keeps buckets in memory and behaves like S3 for a client: listings in byte order and in pages,
//!   MD5 and multipart ETags, conditional requests, multipart limits. Use it in unit tests; it needs neither a runtime
//!   nor a network.
//! * `SdkStore` (feature `sdk`, on by default) talks to AWS or to any S3-compatible endpoint.
//!
//! Code that works with any backend holds a [`SharedStore`], a cheap handle.
//!
//! ```
//! use s3_core::{GetRequest, MemoryStore, Payload, PutRequest, S3Url, SharedStore, Store};
//!
//! # futures_util::future::FutureExt::now_or_never(async {
//! let store = SharedStore::new(MemoryStore::with_buckets(["photos"]));
//! let url = S3Url::parse("s3://photos/2026/cat.jpg")?;
//! store.put(PutRequest::new(url.clone(), Payload::from("purr"))).await?;
//! let response = store.get(GetRequest::new(url)).await?;
//! assert_eq!(response.body.collect().await?, "purr");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).expect("MemoryStore futures are ready at once").unwrap();
//! ```
//!
//! # Scope
//!
//! One call is one attempt: no retries, no parallelism, no temporary files. The engine that adds them is `s3-transfer`;
//! the API with Metaflow's names is `s3-client`.
//!
//! # Writing a backend or a wrapper
//!
//! Implement [`Store`] with plain `async fn`s; its docs say which methods are required. The conformance suite in
//! `s3-testkit` tests the contract.

#[cfg(not(unix))]
compile_error!("s3-core builds on Unix only: it reads files at offsets with std::os::unix");

pub mod background;
pub mod blocking_io;
mod body;
mod byte_counter;
mod capability;
mod checksum_digest;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod memory;
mod meta;
mod payload;
mod range;
mod request;
#[cfg(feature = "sdk")]
mod sdk;
mod setters;
mod shared;
mod store;

pub use body::{Body, BodySource};
pub use byte_counter::ByteCounter;
pub use capability::Capabilities;
pub use error::{
    Attempt, AttemptLog, Error, ErrorKind, Operation, Phase, Result, Retryability, classify,
};
pub use memory::{Limits, MemoryStore, OperationCounts};
pub use meta::{
    Attributes, BucketInfo, Checksum, ChecksumAlgorithm, ChecksumType, ETag, Encryption,
    ObjectMeta, UserMetadata, VersionId,
};
pub use payload::Payload;
pub use range::{ByteRange, InvalidRange};
pub use request::{
    AbortUpload, BucketRequest, CompleteUpload, Conditions, CopyRequest, CreateUpload,
    DeleteRequest, DeleteResponse, DeletedVersion, GetObjectAttributes, GetRequest, GetResponse,
    GetTags, HeadRequest, ListPage, ListParts, ListRequest, ListUploads, ListVersions,
    ListedObject, ListedPart, ListedUpload, ListedVersion, ObjectAttributes, ObjectPart, PartTag,
    PartsPage, PresignMethod, PresignRequest, PutMode, PutRequest, PutResponse, RestoreRequest,
    RestoreStatus, SetTags, SetVersioning, Tags, UploadId, UploadPart, UploadPartCopy, UploadsPage,
    Versioning, VersionsPage,
};
pub use s3_url::{self as url, S3Prefix, S3Url};
#[cfg(feature = "sdk")]
pub use sdk::{Addressing, Integrity, SdkStore, SdkStoreBuilder};
pub use shared::SharedStore;
pub use store::{Store, StoreExt};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

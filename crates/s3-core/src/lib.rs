//! The vocabulary of S3 and two backends that speak it.
//!
//! Everything above this crate talks to object storage through one trait, [`Store`]: requests are
//! plain values ([`GetRequest`], [`PutRequest`], …), answers are plain values, and failures are one
//! [`Error`] whose [`kind`](Error::kind) is for code and whose text is for people.
//!
//! * [`MemoryStore`] keeps buckets in memory and behaves like S3 where a client can see it: byte-ordered
//!   listings in pages, MD5 and multipart ETags, conditional requests, multipart limits. Swap it into
//!   your unit tests; it needs neither a runtime nor a network.
//! * `SdkStore` (feature `sdk`, on by default) sends every operation through `aws-sdk-s3`, to AWS or to any
//!   endpoint that speaks S3.
//!
//! Code that should work with both holds a [`SharedStore`], a cheap handle to any backend.
//!
//! ```
//! use s3_core::{GetRequest, MemoryStore, Payload, PutRequest, S3Url, SharedStore, Store};
//!
//! # futures_util::future::FutureExt::now_or_never(async {
//! let store = SharedStore::new(MemoryStore::with_buckets(["photos"]));
//! let url = S3Url::parse("s3://photos/2026/cat.jpg")?;
//! store.put(PutRequest::new(url.clone(), Payload::from("purr"))).await?;
//! let answer = store.get(GetRequest::new(url)).await?;
//! assert_eq!(answer.body.collect().await?, "purr");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).expect("the memory store never waits").unwrap();
//! ```
//!
//! # What this crate does not do
//!
//! No retries, no parallelism, no temporary files: one call is one attempt. The engine that adds them is
//! `s3-transfer`; the facade with Metaflow's names is `s3-client`.
//!
//! # Writing a backend or a decorator
//!
//! Implement [`Store`] with plain `async fn`s. There are no default methods, so that a wrapper which forgets
//! one does not compile. The conformance suite in `s3-testkit` tells whether a backend keeps the contract.

#[cfg(not(unix))]
compile_error!("s3-core builds on Unix only: it reads files at offsets with std::os::unix");

pub mod blocking_io;
mod body;
mod byte_counter;
mod capability;
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
    Attributes, BucketInfo, Checksum, ChecksumAlgorithm, ETag, Encryption, ObjectMeta,
    UserMetadata, VersionId,
};
pub use payload::Payload;
pub use range::{ByteRange, InvalidRange};
pub use request::{
    AbortUpload, BucketRequest, CompleteUpload, Conditions, CopyRequest, CreateUpload,
    DeleteRequest, DeleteResponse, GetRequest, GetResponse, HeadRequest, ListPage, ListParts,
    ListRequest, ListUploads, ListedObject, ListedPart, ListedUpload, PartTag, PartsPage,
    PresignMethod, PresignRequest, PutMode, PutRequest, PutResponse, UploadId, UploadPart,
    UploadPartCopy, UploadsPage,
};
pub use s3_url::{self as url, S3Prefix, S3Url};
#[cfg(feature = "sdk")]
pub use sdk::{Addressing, Integrity, SdkStore, SdkStoreBuilder};
pub use shared::SharedStore;
pub use store::{Store, StoreExt};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

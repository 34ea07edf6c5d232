//! [`SdkStore`]: every operation over `aws-sdk-s3`, to AWS or to any endpoint that speaks S3.
//!
//! The flow of a call: [`store`] finds the [`client`], which is made from the [`builder`]'s settings at the
//! first operation, with one [`identity`] for whatever signs; the operation's own file turns the request into the SDK's
//! and the response back with [`convert`]; [`whitespace_key`] puts the object's name in, and [`xml_complete`] and [`known_range`] see
//! that a response is complete or says what it is a part of. [`response_limit`] breaks off what does not end, and
//! [`clock_skew`] asks again where the server has set the [`clock`].
//! What comes back is read in three places: [`listing`] for pages of keys, [`answer`] for headers, [`reply`] for
//! error responses. The direct path hands them bytes; the generated client's outputs go through the same rules.
//! Whatever fails goes through [`errors`], the one place that knows the SDK's error types, with [`causes`] to see
//! through the layers and [`hint`] to say what to do.
//!
//! Types of the SDK appear in two public signatures only: [`SdkStore::from_client`] and
//! [`SdkStoreBuilder::http_client`].

mod answer;
mod body;
mod body_verifier;
mod bucket;
mod builder;
mod causes;
#[cfg(feature = "config")]
mod chain;
mod client;
mod clock;
mod clock_skew;
mod convert;
mod copy;
#[cfg(feature = "config")]
mod credential_process;
mod delete;
mod endpoint;
mod errors;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod get;
mod hint;
mod identity;
mod list;
mod listing;
mod payload_digest;
mod presign;
#[cfg(feature = "config")]
mod profile;
mod put;
mod regions;
#[cfg(test)]
mod replay;
mod reply;
mod response_limit;
mod sdk_transport;
mod sender;
mod store;
mod target;
#[cfg(test)]
mod tests;
mod tolerant;
mod transport;
mod transport_error;
mod upload;
mod whitespace_key;
mod xml_complete;

pub use builder::{Addressing, Integrity, SdkStoreBuilder};
pub use store::SdkStore;

//! [`SdkStore`]: the backend for S3 on AWS and on S3-compatible servers.
//!
//! The flow of a call: [`store`] resolves the configuration with [`client`] at the first operation, from the
//! [`builder`]'s settings, the environment and the profile ([`chain`], [`profile`]), with one [`identity`] cache for
//! whatever signs. The operation's own file builds a `s3_wire::Request`. [`sender`] signs it and sends it over `s3-wire`,
//! or hands it to [`sdk_transport`], which sends it through the SDK's client. [`response_headers`] reads the headers of the
//! response, [`listing`] pages of keys and [`document`] other XML documents.
//!
//! Both transports correct the [`clock`] by the `Date` of an error response, and send the request once more.
//!
//! Errors: [`transport_error`] for requests without a response, [`errors`] for error responses and errors of the SDK.
//! [`causes`] searches the SDK's source chains, and [`hint`] has the hints.
//!
//! Types of the SDK appear in two public signatures only: [`SdkStore::from_client`] and
//! [`SdkStoreBuilder::http_client`].

mod body;
mod body_verifier;
mod bucket;
mod builder;
mod causes;
#[cfg(feature = "config")]
mod chain;
mod client;
mod clock;
mod collected_response;
mod convert;
mod copy;
#[cfg(feature = "config")]
mod credential_process;
mod delete;
mod document;
mod endpoint;
mod errors;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod get;
mod hint;
mod identity;
#[cfg(feature = "https")]
mod lazy_http_client;
mod list;
mod listing;
mod object_attributes;
mod payload_digest;
mod presign;
#[cfg(feature = "config")]
mod profile;
mod proxies;
mod put;
mod regions;
#[cfg(test)]
mod replay;
mod response_headers;
mod restore;
mod sdk_transport;
mod sender;
mod standing_headers;
mod store;
mod tags;
mod target;
#[cfg(test)]
mod tests;
mod transport;
mod transport_error;
mod upload;
mod versions;
mod xml_complete;

pub use builder::{Addressing, Integrity, SdkStoreBuilder};
pub use store::SdkStore;

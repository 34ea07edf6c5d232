//! Signature Version 4 for S3, in the `Authorization` header.
//!
//! A [`Draft`] holds what a request is: method, path, [`Query`], [`Headers`] and what is known of its body.
//! [`Keys::write_head`] writes its head, from the request line to the blank line, with the signature in it. What
//! is signed and what is sent are made from the same text, so that they cannot differ: [`encode`] is the one rule
//! for paths and queries, headers are put in order when they are added.
//!
//! The steps are those of "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API reference. The
//! key that a signature is made with depends on credentials, day and region only, and is kept from request to
//! request.

#[cfg(test)]
mod against_sdk;
mod canonical;
mod draft;
mod encode;
mod headers;
mod keys;
mod query;
mod stamp;
#[cfg(test)]
mod vectors;

pub(crate) use draft::{Draft, PayloadHash};
pub(crate) use encode::encode_key;
pub(crate) use headers::{HeaderError, Headers};
pub(crate) use keys::Keys;
pub(crate) use query::Query;

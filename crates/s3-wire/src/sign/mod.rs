//! Signature Version 4 for S3, in the `Authorization` header.
//!
//! A [`Request`](crate::Request) holds method, path, [`Query`], [`Headers`] and the length and hash of the body.
//! [`SigningKeys::write_head`] writes its head, from the request line to the blank line, with the signature in it. The
//! signed and the sent request are written from the same text, so they cannot differ: `encode` encodes all paths and
//! queries, and headers are sorted when they are added.
//!
//! The steps are those of "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API reference. The
//! key that a signature is made with depends on credentials, day and region only, and is kept from request to
//! request.

mod amz_date;
mod canonical;
mod encode;
mod headers;
mod query;
mod request_head;
mod signing_key;
#[cfg(test)]
mod vectors;

pub use encode::encode_key;
pub use headers::{HeaderError, Headers};
pub use query::Query;
pub use request_head::{NotEncoded, PayloadHash};
pub use signing_key::SigningKeys;

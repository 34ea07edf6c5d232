//! Tests of requests and responses over sockets, and comparisons of `s3-wire` with the SDK's own code.

mod endless;
mod from_client;
pub(super) mod generated;
mod requests;
mod session;
mod signer;
mod timestamp;
mod whitespace_keys;

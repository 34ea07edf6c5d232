//! Requests and responses over sockets, and what `s3-wire` writes and reads compared with the SDK's own code.

mod endless;
mod from_client;
pub(super) mod generated;
mod requests;
mod session;
mod signer;
mod timestamp;
mod whitespace_keys;

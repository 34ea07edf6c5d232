//! What `s3-wire` writes and reads, compared with the SDK's own code.

mod signer;
mod timestamp;

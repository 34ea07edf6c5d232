//! Re-exports the fuzz entry points: parsing of error responses, listings and timestamps. Not part of the public API.
//!
//! Each function accepts any bytes and panics if its results contradict each other.

pub use crate::sdk::fuzzing::{error_response, list_response, timestamp};
pub use s3_wire::fuzzing::http_response;

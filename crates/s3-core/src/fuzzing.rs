//! Parsers of untrusted bytes, for fuzz targets. Not part of the public API.
//!
//! Each function accepts any bytes and panics if its results contradict each other.

pub use crate::sdk::fuzzing::{error_response, list_response, timestamp};
pub use s3_wire::fuzzing::http_response;

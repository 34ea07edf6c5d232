//! Entry points for fuzzing the HTTP response parser. Not part of the public interface.
//!
//! Each function takes any bytes and panics if the result contradicts itself.

pub use crate::http::fuzzing::http_response;

//! What reads the bytes of strangers, for programs that feed it nonsense. No part of the public interface.
//!
//! Each function takes any bytes, and panics if what comes out contradicts itself: that is what such programs look for.

pub use crate::sdk::fuzzing::{error_answer, list_answer, timestamp};
pub use s3_wire::fuzzing::http_answer;

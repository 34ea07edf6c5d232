//! The error type of `s3-bench`: any error, shown as text.

use std::error::Error;

/// What everything here returns.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

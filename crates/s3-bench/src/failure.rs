//! The result type of `s3-bench`, `Outcome`: its error is any boxed error.

use std::error::Error;

/// The result type of this crate.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

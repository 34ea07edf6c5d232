//! Why the program gives up: any error will do, as only a person reads it.

use std::error::Error;

/// What everything here returns.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

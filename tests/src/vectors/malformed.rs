//! [`Malformed`]: parse error of a vector file, with place and reason.

use std::fmt;

/// The place and reason of a parse error. A vector that cannot be parsed fails; it never passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(String);

/// The result of parsing.
pub(crate) type Read<T> = Result<T, Malformed>;

impl Malformed {
    pub(crate) fn new(place: &str, what: impl fmt::Display) -> Self {
        Self(format!("{place}: {what}"))
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

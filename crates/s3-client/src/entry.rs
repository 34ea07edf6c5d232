//! [`S3Entry`]: an entry of a directory listing, an object or a common prefix.

use std::fmt;
use std::sync::Arc;

use s3_core::S3Prefix;

use crate::S3Info;
use crate::location::{Location, debug_as_display, located};

/// An entry of [`list_paths`](crate::S3::list_paths): an object, or a common prefix, S3's equivalent of a subdirectory.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> s3_client::Result<()> {
/// use s3_client::{S3, S3Entry};
///
/// let s3 = S3::in_memory()?;
/// s3.create_bucket("b").await?;
/// s3.put_many([("s3://b/a/0.txt", "0"), ("s3://b/a/c/2.txt", "2")]).await?;
/// for entry in s3.list_paths().at(["s3://b/a"]).await? {
///     match entry {
///         S3Entry::Object(info) => println!("{} has {} bytes", info.key(), info.size()),
///         S3Entry::Prefix(prefix) => println!("{}/", prefix.key()),
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub enum S3Entry {
    /// An object.
    Object(S3Info),
    /// A common prefix: there are objects below it.
    Prefix(CommonPrefix),
}

impl S3Entry {
    /// Returns the object, if the entry is one.
    #[must_use]
    pub fn object(&self) -> Option<&S3Info> {
        match self {
            Self::Object(info) => Some(info),
            Self::Prefix(_) => None,
        }
    }

    /// Returns whether the entry is a common prefix.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        matches!(self, Self::Prefix(_))
    }

    pub(crate) fn location(&self) -> &Location {
        match self {
            Self::Object(info) => info.location(),
            Self::Prefix(prefix) => prefix.location(),
        }
    }
}

/// A common prefix of a listing. Its URL ends in a slash. Clone is a reference count.
#[derive(Clone)]
pub struct CommonPrefix(Arc<Location>);

impl CommonPrefix {
    pub(crate) fn new(prefix: S3Prefix, relative_to: S3Prefix) -> Self {
        Self(Arc::new(Location::prefix(prefix, relative_to)))
    }

    pub(crate) fn location(&self) -> &Location {
        &self.0
    }
}

located!(S3Entry, CommonPrefix);
debug_as_display!(CommonPrefix);

/// Prints the prefix as Metaflow does: as an object that does not exist.
impl fmt::Display for CommonPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<S3Object {} (object does not exist)>", self.url())
    }
}

impl fmt::Display for S3Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(info) => info.fmt(f),
            Self::Prefix(prefix) => prefix.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_prefix_has_a_key_without_slash() {
        let parse = |text| S3Prefix::parse(text).unwrap();
        let prefix = CommonPrefix::new(parse("s3://b/r/a/"), parse("s3://b/r/"));
        assert_eq!(
            (prefix.url(), prefix.key(), prefix.prefix()),
            ("s3://b/r/a/", "a", Some("s3://b/r/"))
        );
        assert!(S3Entry::Prefix(prefix).is_prefix());
    }
}

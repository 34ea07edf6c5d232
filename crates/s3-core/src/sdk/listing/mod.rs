//! Parses responses to ListObjectsV2 and ListObjects into a [`ListPage`](crate::ListPage) or an error.

mod page;
mod read;
#[cfg(test)]
mod tests;

pub(super) use page::list_page;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) use read::read;
pub(super) use read::read_version;

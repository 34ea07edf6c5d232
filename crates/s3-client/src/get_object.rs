//! [`S3GetObject`] and [`GetObject`]: an object or a byte range of it, the input of `get` and `get_many`.

use s3_core::ByteRange;

use crate::Key;
use crate::error::{Error, Result};

/// An object or a range of it, to download with [`get`](crate::S3::get) or [`get_many`](crate::S3::get_many).
///
/// | offset | length | bytes |
/// |---|---|---|
/// | `None` | `None` | the whole object |
/// | `o` or `None` (0) | `None` or negative | from `o` to the end |
/// | `o` or `None` (0) | `n` > 0 | `n` bytes from `o`, clipped at the end of the object |
///
/// A negative offset or a length of zero is an invalid range and fails before any request. An offset at or after the
/// end of the object fails with the same class of error, from the server.
///
/// # Deviation
///
/// Metaflow reads a negative length as that many bytes from the end; its documentation describes the behaviour of this
/// client.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> s3_client::Result<()> {
/// use s3_client::{S3, S3GetObject};
///
/// let s3 = S3::in_memory()?;
/// s3.create_bucket("digits").await?;
/// s3.put("s3://digits/ten", "0123456789").await?;
///
/// let part = s3.get(S3GetObject::new("s3://digits/ten", 3, 4)).await?;
/// assert_eq!(part.text()?, "3456");
/// assert_eq!(part.range_info().map(|info| info.total_size), Some(10));
///
/// let tail = s3.get(S3GetObject::new("s3://digits/ten", 7, None)).await?;
/// assert_eq!(tail.text()?, "789");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct S3GetObject {
    /// The object.
    pub key: Key,
    /// The offset of the first byte; 0 when `None`.
    pub offset: Option<i64>,
    /// The number of bytes; to the end when `None` or negative.
    pub length: Option<i64>,
}

impl S3GetObject {
    /// Describes a range of an object. Nothing is checked before the call.
    #[must_use]
    pub fn new(
        key: impl Into<Key>,
        offset: impl Into<Option<i64>>,
        length: impl Into<Option<i64>>,
    ) -> Self {
        Self {
            key: key.into(),
            offset: offset.into(),
            length: length.into(),
        }
    }
}

/// An input of [`get`](crate::S3::get) and [`get_many`](crate::S3::get_many): anything that converts into a [`Key`], or
/// an [`S3GetObject`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GetObject {
    key: Key,
    offset: Option<i64>,
    length: Option<i64>,
    last: Option<u64>,
}

impl GetObject {
    /// Describes the last `count` bytes of an object; all of a shorter one.
    #[must_use]
    pub fn last(key: impl Into<Key>, count: u64) -> Self {
        Self {
            last: Some(count),
            ..key.into().into()
        }
    }

    pub(crate) const fn key(&self) -> &Key {
        &self.key
    }

    /// Returns the range, or an error if it is invalid. `url` is for the error text.
    pub(crate) fn range(&self, url: &str) -> Result<Option<ByteRange>> {
        let invalid = |problem: String, hint| Err(Error::invalid_range(url, &problem, hint));
        if let Some(count) = self.last {
            return Ok(Some(ByteRange::Last(count)));
        }
        let (offset, length) = match (self.offset, self.length) {
            (None, None) => return Ok(None),
            (offset, length) => (offset.unwrap_or(0), length.unwrap_or(-1)),
        };
        let Ok(start) = u64::try_from(offset) else {
            let hint = "use `GetObject::last` to read the end";
            return invalid(format!("offset {offset} is negative"), hint);
        };
        match u64::try_from(length) {
            Err(_) => Ok(Some(ByteRange::From(start))),
            Ok(0) => invalid(
                "length is 0".to_owned(),
                "leave the length out to read to the end",
            ),
            // Both are at most i64::MAX, so the sum fits.
            Ok(length) => Ok(Some(ByteRange::Bounded(start..start + length))),
        }
    }
}

impl From<S3GetObject> for GetObject {
    fn from(object: S3GetObject) -> Self {
        Self {
            key: object.key,
            offset: object.offset,
            length: object.length,
            last: None,
        }
    }
}

impl From<&S3GetObject> for GetObject {
    fn from(object: &S3GetObject) -> Self {
        object.clone().into()
    }
}

macro_rules! from_key {
    ($($source:ty),*) => {$(
        impl From<$source> for GetObject {
            fn from(key: $source) -> Self {
                Self { key: key.into(), offset: None, length: None, last: None }
            }
        }
    )*};
}

from_key!(
    Key,
    String,
    &String,
    &str,
    &&str,
    Option<&str>,
    Option<String>,
    &crate::S3PutObject,
    &s3_core::S3Url
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorClass;

    fn range(offset: Option<i64>, length: Option<i64>) -> Result<Option<ByteRange>> {
        GetObject::from(S3GetObject::new("k", offset, length)).range("s3://b/k")
    }

    #[test]
    fn offset_and_length_mean_what_the_documentation_says() {
        assert_eq!(range(None, None).unwrap(), None);
        assert_eq!(range(Some(5), None).unwrap(), Some(ByteRange::From(5)));
        assert_eq!(
            range(None, Some(4)).unwrap(),
            Some(ByteRange::Bounded(0..4))
        );
        assert_eq!(
            range(Some(2), Some(3)).unwrap(),
            Some(ByteRange::Bounded(2..5))
        );
        assert_eq!(range(Some(2), Some(-3)).unwrap(), Some(ByteRange::From(2)));
        assert_eq!(range(None, Some(-1)).unwrap(), Some(ByteRange::From(0)));
        let far = i64::MAX as u64;
        assert_eq!(
            range(Some(i64::MAX), Some(i64::MAX)).unwrap(),
            Some(ByteRange::Bounded(far..2 * far))
        );
    }

    #[test]
    fn an_invalid_range_is_an_error_that_names_the_object() {
        for (offset, length) in [
            (Some(0), Some(0)),
            (Some(-3), None),
            (Some(-3), Some(2)),
            (None, Some(0)),
        ] {
            let error = range(offset, length).unwrap_err();
            assert_eq!(error.class(), ErrorClass::InvalidRange);
            let text = error.to_string();
            assert!(
                text.contains("s3://b/k") && text.contains("hint:"),
                "{text}"
            );
        }
    }
}

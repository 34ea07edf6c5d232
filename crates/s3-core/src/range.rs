//! [`ByteRange`]: a byte range of an object, its `Range` header, and its resolution against the object's size.

use std::fmt;
use std::ops::{Range, RangeFrom};

/// The bytes of an object to read. Offsets are zero-based.
///
/// The enum is exhaustive: HTTP has exactly these three forms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ByteRange {
    /// From `start` up to but not including `end`; clipped at the end of the object.
    Bounded(Range<u64>),
    /// From an offset to the end of the object.
    From(u64),
    /// The last n bytes; the whole object if it is shorter.
    Last(u64),
}

/// The error of a range that holds no byte of the object (HTTP status 416).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("range {range} cannot be satisfied by an object of {size} bytes")]
#[non_exhaustive]
pub struct InvalidRange {
    /// The requested range.
    pub range: ByteRange,
    /// The size of the object in bytes.
    pub size: u64,
}

impl ByteRange {
    /// Resolves the range against an object of `size` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::ByteRange;
    ///
    /// assert_eq!(ByteRange::from(2..100).resolve(10)?, 2..10);
    /// assert_eq!(ByteRange::Last(3).resolve(10)?, 7..10);
    /// assert!(ByteRange::from(10..).resolve(10).is_err());
    /// # Ok::<(), s3_core::InvalidRange>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidRange`] if the range is empty or starts at or after the end of the object, as in S3.
    pub fn resolve(&self, size: u64) -> Result<Range<u64>, InvalidRange> {
        let resolved = match *self {
            Self::Bounded(Range { start, end }) => start..end.min(size),
            Self::From(start) => start..size,
            Self::Last(count) => size.saturating_sub(count)..size,
        };
        if resolved.start < resolved.end {
            Ok(resolved)
        } else {
            Err(InvalidRange {
                range: self.clone(),
                size,
            })
        }
    }

    /// Returns whether the range can contain a byte: `false` for `5..5`, `7..3` and the last 0 bytes.
    #[must_use]
    pub fn is_satisfiable(&self) -> bool {
        match *self {
            Self::Bounded(Range { start, end }) => start < end,
            Self::From(_) => true,
            Self::Last(count) => count > 0,
        }
    }

    /// Returns the value of the HTTP `Range` header, such as `bytes=0-99`.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::ByteRange;
    ///
    /// assert_eq!(ByteRange::from(0..100).header(), "bytes=0-99");
    /// assert_eq!(ByteRange::from(5..).header(), "bytes=5-");
    /// assert_eq!(ByteRange::Last(5).header(), "bytes=-5");
    /// ```
    #[must_use]
    pub fn header(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bounded(range) => {
                write!(f, "bytes={}-{}", range.start, range.end.saturating_sub(1))
            }
            Self::From(start) => write!(f, "bytes={start}-"),
            Self::Last(count) => write!(f, "bytes=-{count}"),
        }
    }
}

impl From<Range<u64>> for ByteRange {
    fn from(range: Range<u64>) -> Self {
        Self::Bounded(range)
    }
}

impl From<RangeFrom<u64>> for ByteRange {
    fn from(range: RangeFrom<u64>) -> Self {
        Self::From(range.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_range_is_clipped_at_the_end() {
        assert_eq!(ByteRange::from(2..100).resolve(10), Ok(2..10));
    }

    #[test]
    fn the_last_bytes_of_a_short_object_are_the_whole_object() {
        assert_eq!(ByteRange::Last(100).resolve(10), Ok(0..10));
    }

    #[test]
    fn no_range_of_an_empty_object_is_satisfiable() {
        for range in [
            ByteRange::from(0..1),
            ByteRange::From(0),
            ByteRange::Last(1),
        ] {
            assert!(range.resolve(0).is_err(), "{range}");
        }
    }

    #[test]
    fn an_empty_or_inverted_range_is_never_satisfiable() {
        let inverted = Range { start: 7, end: 3 };
        for range in [
            ByteRange::from(5..5),
            ByteRange::Bounded(inverted),
            ByteRange::Last(0),
        ] {
            assert!(!range.is_satisfiable(), "{range:?}");
            assert!(range.resolve(10).is_err(), "{range:?}");
        }
    }

    #[test]
    fn headers_are_inclusive() {
        assert_eq!(ByteRange::from(0..100).header(), "bytes=0-99");
        assert_eq!(ByteRange::From(5).header(), "bytes=5-");
        assert_eq!(ByteRange::Last(5).header(), "bytes=-5");
    }
}

//! [`Split`]: how a stream of rows is divided into parts.

use std::num::NonZeroU64;

/// How a stream of rows is divided into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Split {
    /// A number of parts with almost the same number of rows, the larger first: 100 rows in 3 parts are 34, 33 and 33.
    Even {
        /// Number of rows of the stream. Any other number is an error.
        rows: u64,
        /// Number of parts.
        parts: NonZeroU64,
    },
    /// A part ends after this number of rows. Numbers of CSV parts have six digits.
    Rows(NonZeroU64),
    /// A part ends with the batch that brings it to this number of bytes (an estimate for Parquet). Numbers of CSV
    /// parts have six digits.
    Bytes(NonZeroU64),
}

impl Split {
    /// Returns the number of parts, if it is known.
    pub(crate) fn count(self) -> Option<u64> {
        match self {
            Self::Even { parts, .. } => Some(parts.get()),
            Self::Rows(_) | Self::Bytes(_) => None,
        }
    }

    /// Returns how many more rows fit into part `number`, which has `rows` rows and `bytes` bytes.
    pub(super) fn room(self, number: u64, rows: u64, bytes: u64) -> u64 {
        match self {
            Self::Even { rows: all, parts } => {
                let (each, larger) = (all / parts, all % parts);
                let most = match number {
                    // Rows in excess are counted and rejected at the end.
                    _ if number >= parts.get() => return u64::MAX,
                    _ => each + u64::from(number < larger),
                };
                most.saturating_sub(rows)
            }
            Self::Rows(most) => most.get().saturating_sub(rows),
            // The header alone does not fill a part.
            Self::Bytes(most) if rows > 0 && bytes >= most.get() => 0,
            Self::Bytes(_) => u64::MAX,
        }
    }
}

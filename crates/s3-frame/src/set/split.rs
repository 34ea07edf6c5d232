//! [`Split`]: how a stream of rows is divided into parts.

use std::num::NonZeroU64;

/// How a stream of rows is divided into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Split {
    /// A number of parts with almost the same number of rows, the larger first: 100 rows in 3 parts are 34, 33 and 33.
    Even {
        /// How many rows the stream has. Other than these are an error.
        rows: u64,
        /// How many parts.
        parts: NonZeroU64,
    },
    /// A part ends after this number of rows. Numbers of CSV parts have six digits.
    Rows(NonZeroU64),
    /// A part ends with the batch that brings it to this number of bytes, which is estimated for Parquet. Numbers of CSV
    /// parts have six digits.
    Bytes(NonZeroU64),
}

impl Split {
    /// Returns how many parts there will be, if that is known.
    pub(crate) fn count(self) -> Option<u64> {
        match self {
            Self::Even { parts, .. } => Some(parts.get()),
            Self::Rows(_) | Self::Bytes(_) => None,
        }
    }

    /// Returns how many more rows fit into the part `number`, which has `rows` and `bytes`.
    pub(super) fn room(self, number: u64, rows: u64, bytes: u64) -> u64 {
        match self {
            Self::Even { rows: all, parts } => {
                let (each, larger) = (all / parts, all % parts);
                let most = match number {
                    // All that are too many, which the end finds.
                    _ if number >= parts.get() => return u64::MAX,
                    _ => each + u64::from(number < larger),
                };
                most.saturating_sub(rows)
            }
            Self::Rows(most) => most.get().saturating_sub(rows),
            // The header alone fills no part.
            Self::Bytes(most) if rows > 0 && bytes >= most.get() => 0,
            Self::Bytes(_) => u64::MAX,
        }
    }
}

//! [`PartOrder`]: order of the objects that match a pattern: by key or by the numbers in their keys.

use std::cmp::Ordering;

/// The order of the objects that match a pattern, if there is no manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartOrder {
    /// By key. The names of CSV parts are padded to the same number of digits.
    Keys,
    /// By key, with each run of digits compared as a number: `part.2.parquet` is before `part.10.parquet`. dask writes
    /// and reads Parquet parts in this order.
    #[cfg(feature = "parquet")]
    Numbers,
}

impl PartOrder {
    pub(super) fn compare(self, a: &str, b: &str) -> Ordering {
        match self {
            Self::Keys => a.cmp(b),
            #[cfg(feature = "parquet")]
            Self::Numbers => by_numbers(a, b),
        }
    }
}

/// Compares two keys. A number is before any other text; keys that differ only in leading zeros are compared as text.
#[cfg(feature = "parquet")]
fn by_numbers(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    while let (Some(first), Some(second)) = (left.first(), right.first()) {
        let ordering = match (first.is_ascii_digit(), second.is_ascii_digit()) {
            (true, true) => {
                let (number, other);
                (number, left) = split_number(left);
                (other, right) = split_number(right);
                number.len().cmp(&other.len()).then(number.cmp(other))
            }
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                (left, right) = (&left[1..], &right[1..]);
                first.cmp(second)
            }
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// Splits off the digits at the beginning, without leading zeros.
#[cfg(feature = "parquet")]
fn split_number(text: &[u8]) -> (&[u8], &[u8]) {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let end = text.iter().position(|byte| !is_digit(byte));
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    let zeros = digits.iter().position(|digit| *digit != b'0');
    (&digits[zeros.unwrap_or(digits.len())..], rest)
}

#[cfg(all(test, feature = "parquet"))]
mod tests {
    use super::*;

    #[test]
    fn runs_of_digits_are_compared_as_numbers() {
        // As dask sorts them; it keeps the order of equal numbers.
        let sorted = [
            "",
            "01",
            "1",
            "2",
            "10",
            "a",
            "a/2",
            "b1",
            "b.",
            "part.0.parquet",
            "part.2.parquet",
            "part.10.parquet",
            "part.10.parquet.1",
            "part.99999999999999999999999.parquet",
            "part.100000000000000000000000.parquet",
            "part.x",
        ];
        let mut keys = sorted;
        keys.reverse();
        keys.sort_by(|a, b| PartOrder::Numbers.compare(a, b));
        assert_eq!(keys, sorted);
        keys.sort_by(|a, b| PartOrder::Keys.compare(a, b));
        assert!(keys.is_sorted());
    }
}

//! Predicts where the next pages of a flat listing begin, from the keys of the last page.
//!
//! Keys are read as numbers whose digits are the positions that vary. If the `n` keys of a page span a distance, the next
//! page ends about that distance after its last key. A [`KeyInterpolator`] continues in such steps.
//!
//! Predictions are hints: a range between two of them may hold no key or many, and the listing is complete either way.

use std::ops::Range;

/// Step width as a share of a page, in tenths: less than a page, so that most ranges fit into one response although keys
/// are not spread evenly.
const STEP_TENTHS: u128 = 9;
/// Minimum number of keys to estimate a density.
const MIN_KEYS: usize = 4;
/// Positions considered after the first that varies.
const MAX_POSITIONS: usize = 16;
/// Digits are added until the page spans this many units per key; more would not improve the boundaries.
const UNITS_PER_KEY: u128 = 16;
/// Upper bound of a key's number, so that sums fit into `u128`.
const MAX_VALUE: u128 = 1 << 100;

/// An ordered set of ASCII bytes: the digits that occur at a position. Bit `n` stands for byte `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Alphabet(u128);

impl Alphabet {
    const DECIMAL: Self = Self::range(b'0', b'9');
    const HEX: Self = Self(Self::DECIMAL.0 | Self::range(b'a', b'f').0);
    const ALPHANUMERIC: Self =
        Self(Self::DECIMAL.0 | Self::range(b'A', b'Z').0 | Self::range(b'a', b'z').0);
    /// Marks a position with a byte that is not printable ASCII.
    const UNKNOWN: Self = Self(1);

    const fn range(first: u8, last: u8) -> Self {
        Self((u128::MAX >> (127 - last)) & (u128::MAX << first))
    }

    fn add(&mut self, byte: u8) {
        self.0 |= match byte {
            b' '..=b'~' => 1 << byte,
            _ => Self::UNKNOWN.0,
        };
    }

    fn contains(self, byte: u8) -> bool {
        byte.is_ascii() && self.0 & (1 << byte) != 0
    }

    fn is_subset_of(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    fn radix(self) -> u128 {
        self.0.count_ones().into()
    }

    fn rank(self, byte: u8) -> Option<u128> {
        let below = (1 << byte) - 1;
        self.contains(byte)
            .then(|| (self.0 & below).count_ones().into())
    }

    /// Returns the byte of this rank.
    fn byte(self, rank: u128) -> u8 {
        let above = (0..rank).fold(self.0, |bits, _| bits & bits.wrapping_sub(1));
        above.trailing_zeros() as u8
    }

    /// Whether the position can be a digit of the same number as its neighbours.
    fn is_number(self) -> bool {
        let varies = self.radix() > 1;
        self.is_subset_of(Self::ALPHANUMERIC) && (varies || self.is_subset_of(Self::DECIMAL))
    }

    /// Returns the decimal or hexadecimal digits if they contain this alphabet, otherwise the alphabet itself.
    fn complete(self) -> Self {
        let known = [Self::DECIMAL, Self::HEX];
        let known = known.into_iter().find(|known| self.is_subset_of(*known));
        known.unwrap_or(self)
    }
}

/// One digit of a key: a position, and the bytes that can occur there.
#[derive(Clone, Copy, Debug)]
struct KeyDigit {
    at: usize,
    alphabet: Alphabet,
}

impl KeyDigit {
    fn rank(self, key: &[u8]) -> Option<u128> {
        self.alphabet.rank(*key.get(self.at)?)
    }

    fn radix(self) -> u128 {
        self.alphabet.radix()
    }
}

/// Boundaries after the last key of a page, about a page apart, in ascending order.
#[derive(Clone, Debug)]
pub(super) struct KeyInterpolator {
    /// The last key, up to its last digit.
    text: Vec<u8>,
    digits: Vec<KeyDigit>,
    value: u128,
    step: u128,
    /// One more than the largest value.
    end: u128,
}

impl KeyInterpolator {
    /// Measures a page from its keys in ascending order. All keys of the listing share their first `fixed` bytes.
    ///
    /// Returns `None` for keys without digits, such as those that vary in characters beyond ASCII.
    pub(super) fn new(keys: &[&str], fixed: usize) -> Option<Self> {
        let (first, last) = (keys.first()?.as_bytes(), keys.last()?.as_bytes());
        if keys.len() < MIN_KEYS {
            return None;
        }
        let varies = first.iter().zip(last).take_while(|(a, b)| a == b).count();
        let (mut digits, mut end) = (Vec::new(), 1);
        let (mut low, mut high) = (0, 0);
        let count = keys.len() as u128;
        for digit in varying_digits(keys, varies, last.len()) {
            if end * digit.radix() > MAX_VALUE || high - low >= UNITS_PER_KEY * count {
                break;
            }
            // A key that ends here is before all that continue.
            low = low * digit.radix() + digit.rank(first).unwrap_or(0);
            high = high * digit.radix() + digit.rank(last)?;
            end *= digit.radix();
            digits.push(digit);
        }
        let text = last[..=digits.last()?.at].to_vec();
        let distance = high.checked_sub(low).filter(|&distance| distance > 0)?;
        let has_no_gap = distance == count - 1 && text == last && first.len() == last.len();
        let step = if has_no_gap {
            count
        } else {
            (distance * STEP_TENTHS / 10).max(1)
        };
        for digit in shared_digits(last, fixed..varies, digits[0].alphabet) {
            if end * digit.radix() > MAX_VALUE {
                break;
            }
            high += digit.rank(last)? * end;
            end *= digit.radix();
            digits.insert(0, digit);
        }
        Some(Self {
            text,
            digits,
            value: high,
            step,
            end,
        })
    }
}

impl Iterator for KeyInterpolator {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let value = self.value.checked_add(self.step)?;
        if value >= self.end {
            return None;
        }
        self.value = value;
        let mut left = value;
        for digit in self.digits.iter().rev() {
            self.text[digit.at] = digit.alphabet.byte(left % digit.radix());
            left /= digit.radix();
        }
        String::from_utf8(self.text.clone()).ok()
    }
}

/// Returns the positions that vary. Neighbouring positions of letters and digits have the same alphabet.
fn varying_digits(keys: &[&str], start: usize, end: usize) -> Vec<KeyDigit> {
    let mut columns = vec![Alphabet::default(); end.min(start + MAX_POSITIONS) - start];
    for key in keys {
        let key = key.as_bytes().get(start..).unwrap_or_default();
        for (column, &byte) in columns.iter_mut().zip(key) {
            column.add(byte);
        }
    }
    let ascii = columns.iter().take_while(|column| !column.contains(0));
    let (known, mut at, mut digits) = (ascii.count(), start, Vec::new());
    for run in columns[..known].chunk_by(|a, b| a.is_number() && b.is_number()) {
        let union = Alphabet(run.iter().fold(0, |bits, column| bits | column.0));
        let alphabet = match union.is_number() {
            true => union.complete(),
            false => union,
        };
        if alphabet.radix() > 1 {
            digits.extend((at..at + run.len()).map(|at| KeyDigit { at, alphabet }));
        }
        at += run.len();
    }
    digits
}

/// Returns the digits among the positions that all keys of the page share, from right to left: those that a carry
/// changes. Digits adjacent to the varying ones have their alphabet, others are decimal, and other text stays.
fn shared_digits(
    last: &[u8],
    positions: Range<usize>,
    varying: Alphabet,
) -> impl Iterator<Item = KeyDigit> {
    let mut is_adjacent = varying.is_number();
    positions
        .rev()
        .take_while(|&at| last[at].is_ascii())
        .filter_map(move |at| {
            is_adjacent &= varying.contains(last[at]);
            let alphabet = if is_adjacent {
                varying
            } else if last[at].is_ascii_digit() {
                Alphabet::DECIMAL
            } else {
                return None;
            };
            Some(KeyDigit { at, alphabet })
        })
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bounds(keys: &[String], fixed: usize) -> Vec<String> {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        KeyInterpolator::new(&keys, fixed)
            .into_iter()
            .flatten()
            .collect()
    }

    #[test]
    fn consecutive_numbers_are_cut_at_whole_pages() {
        let keys: Vec<_> = (1000..2000).map(|n| format!("{n:06}")).collect();
        let bounds = bounds(&keys, 0);
        assert_eq!(bounds[..2], ["002999", "003999"]);
        assert_eq!(bounds.last().unwrap(), "999999");
    }

    #[test]
    fn a_carry_changes_earlier_digits_but_not_text() {
        let keys: Vec<_> = (9000..10_000).map(|n| format!("d07/k{n:04}.x")).collect();
        assert!(bounds(&keys, 0)[0].starts_with("d08/k0"));
        assert!(bounds(&keys, 4).is_empty());
    }

    #[test]
    fn hexadecimal_keys_are_cut_a_little_below_a_page() {
        // Every 1000th number of 28 bits, as the first digits of a longer key.
        let keys: Vec<_> = (0..1000)
            .map(|n| format!("{:07x}-{n:04x}", 0x0abc_0000 + n * 1000))
            .collect();
        let bounds = bounds(&keys, 0);
        let value = u64::from_str_radix(&bounds[0][..6], 16).unwrap() << 4;
        let expected = 0x0abc_0000 + 999 * 1900;
        assert!(value.abs_diff(expected) < 20_000, "{}", bounds[0]);
    }

    #[test]
    fn keys_that_vary_beyond_ascii_have_no_boundaries() {
        let keys: Vec<_> = ('а'..'я').map(String::from).collect();
        assert_eq!(bounds(&keys, 0), Vec::<String>::new());
        assert!(KeyInterpolator::new(&["a1", "a2", "a3"], 0).is_none());
        assert!(KeyInterpolator::new(&[], 0).is_none());
    }

    proptest! {
        #[test]
        fn boundaries_ascend_after_the_last_key_and_keep_the_fixed_prefix(
            keys in prop::collection::btree_set("(a|p/)[0-9a-fz/.é]{1,9}", 4..40),
            fixed in 0_usize..3,
        ) {
            let keys: Vec<_> = keys.into_iter().collect();
            let last = keys.last().unwrap();
            // The fixed prefix is the same in all keys, and ends at a character boundary.
            let fixed = if keys.iter().all(|key| key.get(..fixed).is_some() && key.get(..fixed) == last.get(..fixed)) { fixed } else { 0 };
            let texts: Vec<&str> = keys.iter().map(String::as_str).collect();
            let mut before = last.clone();
            for bound in KeyInterpolator::new(&texts, fixed).into_iter().flatten().take(200) {
                prop_assert!(bound > before, "{bound} {before}");
                prop_assert!(bound.starts_with(&last[..fixed]));
                before = bound;
            }
        }
    }
}

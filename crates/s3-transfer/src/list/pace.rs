//! Where the next pages of a listing will probably begin.
//!
//! The keys of one page tell how dense keys are. Read as numbers (digits, hexadecimal digits, letters; whatever varies
//! at each position), the first and the last key of a page of `n` keys are some distance apart, and about that far
//! behind the last key the next page will end. A [`Pace`] goes on in such steps.
//!
//! What it says are hints: a range between two of them may hold no key or many, and the listing is right all the same.

use std::ops::Range;

/// Less than a whole page, so that most ranges fit into one answer although keys are never spread evenly. In tenths.
const PAGE_SHARE: u128 = 9;
/// Fewer keys say nothing about density.
const LEAST_KEYS: usize = 4;
/// How many positions behind the first that varies are looked at.
const POSITIONS: usize = 16;
/// A page should be so many units wide for each of its keys; finer steps would not cut better.
const UNITS_PER_KEY: u128 = 16;
/// The product of all radices stays below this, so that sums fit.
const MOST: u128 = 1 << 100;

const DECIMAL: &[u8] = b"0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const HEX_UPPER: &[u8] = b"0123456789ABCDEF";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PRINTABLE: &[u8] = b" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

/// Steps of about a page through the key space, like an odometer whose wheels are some positions of the key.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// The last key, up to the last wheel.
    text: Vec<u8>,
    wheels: Vec<Wheel>,
    value: u128,
    step: u128,
    /// One more than what the wheels can show.
    end: u128,
}

#[derive(Clone, Copy, Debug)]
struct Wheel {
    at: usize,
    digits: &'static [u8],
}

impl Wheel {
    fn rank(self, key: &[u8]) -> Option<u128> {
        let byte = key.get(self.at)?;
        let rank = self.digits.binary_search(byte).ok()?;
        Some(rank as u128)
    }

    fn radix(self) -> u128 {
        self.digits.len() as u128
    }
}

impl Pace {
    /// Measures a page: its keys in ascending order, which share the first `fixed` bytes with all that will follow.
    ///
    /// `None` for keys without a structure that it knows, such as those that differ in characters beyond ASCII.
    pub(super) fn measure(keys: &[&str], fixed: usize) -> Option<Self> {
        let (first, last) = (keys.first()?.as_bytes(), keys.last()?.as_bytes());
        if keys.len() < LEAST_KEYS {
            return None;
        }
        let varies = first.iter().zip(last).take_while(|(a, b)| a == b).count();
        let seen = Seen::at(keys, varies, last.len());
        let (mut wheels, mut product) = (Vec::new(), 1);
        let (mut low, mut high) = (0, 0);
        let count = keys.len() as u128;
        for wheel in right_wheels(&seen, varies) {
            if product * wheel.radix() > MOST || high - low >= UNITS_PER_KEY * count {
                break;
            }
            // A key that ends here is before all that go on.
            low = low * wheel.radix() + wheel.rank(first).unwrap_or(0);
            high = high * wheel.radix() + wheel.rank(last)?;
            product *= wheel.radix();
            wheels.push(wheel);
        }
        let end = wheels.last()?.at + 1;
        let distance = high.checked_sub(low).filter(|&distance| distance > 0)?;
        let gapless = distance == count - 1 && end == last.len() && first.len() == last.len();
        let step = if gapless {
            count
        } else {
            (distance * PAGE_SHARE / 10).max(1)
        };
        let near = wheels.first()?.digits;
        for wheel in left_wheels(last, fixed..varies, near) {
            let place = product;
            product *= wheel.radix();
            if product > MOST {
                product = place;
                break;
            }
            high += wheel.rank(last)? * place;
            wheels.insert(0, wheel);
        }
        Some(Self {
            text: last[..end].to_vec(),
            wheels,
            value: high,
            step,
            end: product,
        })
    }
}

/// The boundaries behind the last key of the page, in ascending order.
impl Iterator for Pace {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let value = self.value.checked_add(self.step)?;
        if value >= self.end {
            return None;
        }
        self.value = value;
        let mut left = value;
        for wheel in self.wheels.iter().rev() {
            self.text[wheel.at] = wheel.digits[(left % wheel.radix()) as usize];
            left /= wheel.radix();
        }
        String::from_utf8(self.text.clone()).ok()
    }
}

/// What the keys of a page have at one position.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    kinds: u8,
    byte: u8,
    is_constant: bool,
}

const DIGIT: u8 = 1;
const A_TO_F: u8 = 2;
const G_TO_Z: u8 = 4;
const UPPER_A_TO_F: u8 = 8;
const UPPER_G_TO_Z: u8 = 16;
const OTHER: u8 = 32;
const ODD: u8 = 64;

fn kind(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => DIGIT,
        b'a'..=b'f' => A_TO_F,
        b'g'..=b'z' => G_TO_Z,
        b'A'..=b'F' => UPPER_A_TO_F,
        b'G'..=b'Z' => UPPER_G_TO_Z,
        b' '..=b'~' => OTHER,
        _ => ODD,
    }
}

impl Seen {
    /// Looks at the positions from `start`, up to the first that has anything but printable ASCII.
    fn at(keys: &[&str], start: usize, end: usize) -> Vec<Self> {
        let end = end.min(start + POSITIONS);
        let mut seen = vec![Self::default(); end - start];
        for key in keys {
            let key = key.as_bytes().get(start..).unwrap_or_default();
            for (seen, &byte) in seen.iter_mut().zip(key) {
                seen.is_constant = seen.kinds == 0 || (seen.is_constant && seen.byte == byte);
                seen.byte = byte;
                seen.kinds |= kind(byte);
            }
        }
        let known = seen.iter().take_while(|seen| seen.kinds & ODD == 0).count();
        seen.truncate(known);
        seen
    }

    /// Whether it may be a digit of the same number as its neighbours.
    fn is_of_a_run(self) -> bool {
        self.kinds & OTHER == 0 && (self.kinds == DIGIT || !self.is_constant)
    }
}

/// The wheels among the positions that vary. Neighbours that are all digits or letters have the same digits.
fn right_wheels(seen: &[Seen], start: usize) -> Vec<Wheel> {
    let mut wheels = Vec::new();
    let mut at = 0;
    while let Some(here) = seen.get(at) {
        let run = seen[at..]
            .iter()
            .take_while(|seen| seen.is_of_a_run())
            .count();
        if run == 0 {
            if !here.is_constant {
                wheels.push(Wheel {
                    at: start + at,
                    digits: PRINTABLE,
                });
            }
            at += 1;
            continue;
        }
        let kinds = seen[at..at + run]
            .iter()
            .fold(0, |kinds, seen| kinds | seen.kinds);
        let digits = digits_of(kinds);
        wheels.extend((at..at + run).map(|at| Wheel {
            at: start + at,
            digits,
        }));
        at += run;
    }
    wheels
}

fn digits_of(kinds: u8) -> &'static [u8] {
    let only = |allowed: u8| kinds & !allowed == 0;
    if only(DIGIT) {
        DECIMAL
    } else if only(A_TO_F | G_TO_Z) {
        LOWER
    } else if only(UPPER_A_TO_F | UPPER_G_TO_Z) {
        UPPER
    } else if only(DIGIT | A_TO_F) {
        HEX
    } else if only(DIGIT | UPPER_A_TO_F) {
        HEX_UPPER
    } else {
        ALPHANUMERIC
    }
}

/// The wheels among the positions that all keys of the page share, from right to left: what a carry turns.
///
/// Only digits are taken for wheels, of the number that varies (`near`) or decimal ones; other text stays.
fn left_wheels(
    last: &[u8],
    positions: Range<usize>,
    near: &'static [u8],
) -> impl Iterator<Item = Wheel> {
    let mut is_near = near != PRINTABLE;
    positions
        .rev()
        .take_while(|&at| last[at].is_ascii())
        .filter_map(move |at| {
            is_near &= near.contains(&last[at]);
            let digits = if is_near {
                near
            } else if last[at].is_ascii_digit() {
                DECIMAL
            } else {
                return None;
            };
            Some(Wheel { at, digits })
        })
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bounds(keys: &[String], fixed: usize) -> Vec<String> {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        Pace::measure(&keys, fixed).into_iter().flatten().collect()
    }

    #[test]
    fn numbers_without_gaps_are_cut_at_whole_pages() {
        let keys: Vec<_> = (1000..2000).map(|n| format!("{n:06}")).collect();
        let bounds = bounds(&keys, 0);
        assert_eq!(bounds[..2], ["002999", "003999"]);
        assert_eq!(bounds.last().unwrap(), "999999");
    }

    #[test]
    fn a_carry_turns_the_digits_before_and_leaves_text_alone() {
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
    fn keys_that_vary_in_other_scripts_have_no_pace() {
        let keys: Vec<_> = ('а'..'я').map(String::from).collect();
        assert_eq!(bounds(&keys, 0), Vec::<String>::new());
        assert!(Pace::measure(&["a1", "a2", "a3"], 0).is_none());
        assert!(Pace::measure(&[], 0).is_none());
    }

    proptest! {
        #[test]
        fn boundaries_ascend_behind_the_last_key_and_keep_what_is_fixed(
            keys in prop::collection::btree_set("(a|p/)[0-9a-fz/.é]{1,9}", 4..40),
            fixed in 0_usize..3,
        ) {
            let keys: Vec<_> = keys.into_iter().collect();
            let last = keys.last().unwrap();
            // What is fixed is the same in all keys, and whole characters.
            let fixed = if keys.iter().all(|key| key.get(..fixed).is_some() && key.get(..fixed) == last.get(..fixed)) { fixed } else { 0 };
            let texts: Vec<&str> = keys.iter().map(String::as_str).collect();
            let mut before = last.clone();
            for bound in Pace::measure(&texts, fixed).into_iter().flatten().take(200) {
                prop_assert!(bound > before, "{bound} {before}");
                prop_assert!(bound.starts_with(&last[..fixed]));
                before = bound;
            }
        }
    }
}

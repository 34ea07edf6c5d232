//! Keys, sizes and ETags that the benchmark server lists: generated from an index, or of objects put into `keep`.

use std::fmt::Write as _;

use super::bench_bucket;

/// Keys and prefixes of bucket `list`.
const LISTED: (u64, u64) = (200_000, 64);

/// A bucket's keys in listing order.
#[derive(Clone, Debug)]
pub(super) enum Keys {
    /// `count` keys spread evenly over `prefixes` prefixes, such as `p07/data-00012345-….parquet`.
    Spread { count: u64, prefixes: u64 },
    /// 200,000 keys without a directory.
    Flat(FlatNames),
    /// The objects of `bench`.
    Bench,
    /// The objects put into `keep`.
    Kept(Vec<KeptKey>),
}

/// How the keys of a flat bucket look.
#[derive(Clone, Copy, Debug)]
pub(super) enum FlatNames {
    /// `00012345`.
    Numbers,
    /// `0fb5c1d7-38a2-9c1f-d1b5-4a32f192ed03`.
    Uuids,
    /// `2026-01-21T00-05-00`, one every 140 s.
    Dates,
}

/// An object put into `keep`, as listings show it.
#[derive(Clone, Debug)]
pub(super) struct KeptKey {
    pub(super) key: String,
    pub(super) size: u64,
    pub(super) etag: String,
}

impl Keys {
    /// The keys of a generated bucket, or of a bucket that discards uploads.
    pub(super) fn of_bucket(name: &str) -> Self {
        match name {
            "bench" => return Self::Bench,
            "flat-numbers" => return Self::Flat(FlatNames::Numbers),
            "flat-uuids" => return Self::Flat(FlatNames::Uuids),
            "flat-dates" => return Self::Flat(FlatNames::Dates),
            _ => {}
        }
        let (count, prefixes) = match name.strip_prefix("list") {
            Some("") => LISTED,
            Some(shape) => shape_of(shape).unwrap_or((0, 1)),
            None => (0, 1),
        };
        Self::Spread { count, prefixes }
    }

    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Spread { count, .. } => *count,
            Self::Flat(_) => LISTED.0,
            Self::Bench => bench_bucket::BENCH_LISTED,
            Self::Kept(keys) => keys.len() as u64,
        }
    }

    /// Replaces `out` by the key at an index below [`count`](Self::count).
    pub(super) fn write(&self, index: u64, out: &mut String) {
        out.clear();
        match self {
            Self::Spread { count, prefixes } => spread(index, *count, *prefixes, out),
            Self::Flat(names) => flat(*names, index, out),
            Self::Bench => bench_bucket::write_bench_key(index, out),
            Self::Kept(keys) => out.push_str(&keys[to_usize(index)].key),
        }
    }

    pub(super) fn size(&self, index: u64) -> u64 {
        match self {
            Self::Spread { .. } | Self::Flat(_) => mixed(index) >> 40,
            Self::Bench => bench_bucket::bench_size(index),
            Self::Kept(keys) => keys[to_usize(index)].size,
        }
    }

    /// Appends the ETag at an index, without quotes. For generated objects, a read returns a different ETag.
    pub(super) fn push_etag(&self, index: u64, out: &mut String) {
        match self {
            Self::Kept(keys) => out.push_str(&keys[to_usize(index)].etag),
            Self::Spread { .. } | Self::Flat(_) | Self::Bench => {
                push_hex(index, out);
                push_hex(!index, out);
            }
        }
    }

    /// The first index at or after `start` whose key does not satisfy `before`. All earlier keys have to satisfy it.
    pub(super) fn partition(&self, start: u64, before: impl Fn(&str) -> bool) -> u64 {
        let (mut low, mut high) = (start, self.count());
        let mut key = String::new();
        while low < high {
            let middle = low + (high - low) / 2;
            self.write(middle, &mut key);
            if before(&key) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// `-1000-4` is a thousand keys below four prefixes.
fn shape_of(text: &str) -> Option<(u64, u64)> {
    let (count, prefixes) = text.strip_prefix('-')?.split_once('-')?;
    let shape: (u64, u64) = (count.parse().ok()?, prefixes.parse().ok()?);
    (shape.1 > 0).then_some(shape)
}

/// Appends a key. Both of its numbers have leading zeros, so that keys are sorted as their indices are.
fn spread(index: u64, count: u64, prefixes: u64, out: &mut String) {
    let width = decimal_digits(prefixes - 1).max(2);
    let prefix = index * prefixes / count.max(1);
    // Formatting is most of the cost of a listed key: this is a faster `{prefix:0width$}` and `{index:08}`.
    out.push('p');
    push_decimal(prefix, width, out);
    out.push_str("/data-");
    push_decimal(index, 8, out);
    out.push('-');
    push_hex(mixed(index), out);
    out.push_str(".parquet");
}

/// Appends a key of a flat bucket. Keys are sorted as their indices are.
fn flat(names: FlatNames, index: u64, out: &mut String) {
    match names {
        FlatNames::Numbers => push_decimal(index, 8, out),
        FlatNames::Uuids => {
            let step = u64::MAX / LISTED.0;
            let mut digits = String::with_capacity(32);
            push_hex(index * step + mixed(index) % step, &mut digits);
            push_hex(mixed(!index), &mut digits);
            for (group, end) in [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)] {
                out.push_str(if group == 0 { "" } else { "-" });
                out.push_str(&digits[group..end]);
            }
        }
        FlatNames::Dates => {
            let seconds = index * 140;
            let (mut month, mut day) = (1, seconds / 86_400);
            for days in [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
                if day < days {
                    break;
                }
                (month, day) = (month + 1, day - days);
            }
            let fields = [
                month,
                day + 1,
                seconds / 3600 % 24,
                seconds / 60 % 60,
                seconds % 60,
            ];
            out.push_str("2026");
            for (field, before) in fields.into_iter().zip(['-', '-', 'T', '-', '-']) {
                out.push(before);
                push_decimal(field, 2, out);
            }
        }
    }
}

const fn mixed(index: u64) -> u64 {
    index.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn decimal_digits(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

fn push_decimal(number: u64, width: usize, out: &mut String) {
    let mut digits = [b'0'; 20];
    let mut rest = number;
    let mut at = digits.len();
    while rest > 0 {
        at -= 1;
        digits[at] += u8::try_from(rest % 10).expect("a digit");
        rest /= 10;
    }
    let from = at.min(digits.len() - width.min(digits.len()));
    out.extend(digits[from..].iter().map(|digit| char::from(*digit)));
}

/// Appends sixteen hexadecimal digits.
pub(super) fn push_hex(number: u64, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |shift: u32| char::from(DIGITS[(number >> shift) as usize & 15]);
    out.extend((0..16).rev().map(|place| digit(place * 4)));
}

/// Appends a number without padding.
pub(super) fn push_number(number: u64, out: &mut String) {
    let _ = write!(out, "{number}");
}

fn to_usize(index: u64) -> usize {
    usize::try_from(index).expect("indices of keys in memory fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(keys: &Keys, index: u64) -> String {
        let mut key = String::new();
        keys.write(index, &mut key);
        key
    }

    #[test]
    fn keys_are_sorted_whatever_their_number() {
        for (count, prefixes) in [
            (200_000, 64),
            (1_000, 1_000),
            (1, 1),
            (12_345, 7),
            (5_000, 101),
        ] {
            let keys = Keys::of_bucket(&format!("list-{count}-{prefixes}"));
            assert_eq!(keys.count(), count);
            let all: Vec<_> = (0..count).map(|index| key(&keys, index)).collect();
            assert!(all.is_sorted_by(|a, b| a < b), "{count} {prefixes}");
            let mut starts: Vec<_> = all.iter().map(|key| key.split('/').next()).collect();
            starts.dedup();
            assert_eq!(starts.len() as u64, prefixes);
        }
    }

    #[test]
    fn keys_of_flat_buckets_are_sorted() {
        for (name, first, last) in [
            ("flat-numbers", "00000000", "00199999"),
            (
                "flat-uuids",
                "00000000-0000-0000-61c8-864680b583eb",
                "ffffbcba-1ff7-9bb3-33c6-a849f0d4e9c0",
            ),
            ("flat-dates", "2026-01-01T00-00-00", "2026-11-21T01-44-20"),
        ] {
            let keys = Keys::of_bucket(name);
            let all: Vec<_> = (0..keys.count()).map(|index| key(&keys, index)).collect();
            assert!(all.is_sorted_by(|a, b| a < b), "{name}");
            assert_eq!(all[0], first);
            assert_eq!(all[199_999], last);
        }
    }

    #[test]
    fn the_bucket_list_has_200_000_keys_below_64_prefixes() {
        let keys = Keys::of_bucket("list");
        assert_eq!(keys.count(), 200_000);
        assert_eq!(key(&keys, 0), "p00/data-00000000-0000000000000000.parquet");
        assert_eq!(
            key(&keys, 199_999),
            format!("p63/data-00199999-{:016x}.parquet", mixed(199_999))
        );
        assert_eq!(Keys::of_bucket("listing").count(), 0);
        assert_eq!(Keys::of_bucket("list-5-0").count(), 0);
    }

    #[test]
    fn a_key_is_found_by_binary_search() {
        let keys = Keys::of_bucket("list-1000-10");
        let wanted = key(&keys, 437);
        assert_eq!(keys.partition(0, |key| key < wanted.as_str()), 437);
        assert_eq!(keys.partition(500, |_| true), 1000);
        assert_eq!(keys.partition(0, |_| false), 0);
    }
}

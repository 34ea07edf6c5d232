//! Synthetic objects of the bucket `bench`: the key, the size, and the slice of pseudo-random data of each.

use std::fmt::Write as _;

use super::pool::Window;

const SMALL: u64 = 4 << 10;
const MID: u64 = 1 << 20;

/// Distance of consecutive objects in the pool: an odd number of pages, so that neighbours are far apart.
const SMALL_STRIDE: u64 = 7919 * 4096;
const MID_STRIDE: u64 = (37 << 20) + 4096;

/// Number of listed objects of each kind. Objects with higher numbers can be read, but are not listed.
const MID_LISTED: u64 = 1_000;
const SMALL_LISTED: u64 = 10_000;
pub(super) const BENCH_LISTED: u64 = MID_LISTED + SMALL_LISTED;

/// The object of a key; `None` for any other key.
pub(super) fn object(key: &str) -> Option<Window> {
    let (kind, name) = key.split_once('/')?;
    let number = |text: &str| -> Option<u64> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        (digits && text.len() <= 9).then(|| text.parse().ok())?
    };
    match kind {
        "small" => Some(Window {
            start: number(name)? * SMALL_STRIDE,
            len: SMALL,
        }),
        "mid" => Some(Window {
            start: number(name)? * MID_STRIDE,
            len: MID,
        }),
        "big" => Some(Window {
            start: 0,
            len: number(name.strip_suffix('m')?)? << 20,
        }),
        _ => None,
    }
}

/// Appends the key at a listing index; `mid/` comes before `small/`.
pub(super) fn write_bench_key(index: u64, out: &mut String) {
    let _ = match index.checked_sub(MID_LISTED) {
        None => write!(out, "mid/{index:06}"),
        Some(small) => write!(out, "small/{small:06}"),
    };
}

pub(super) const fn bench_size(index: u64) -> u64 {
    if index < MID_LISTED { MID } else { SMALL }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_an_object_is_in_its_key() {
        for (key, len) in [
            ("small/000000", SMALL),
            ("small/099999", SMALL),
            ("mid/000999", MID),
            ("big/64m", 64 << 20),
            ("big/4096m", 4 << 30),
        ] {
            assert_eq!(object(key).map(|window| window.len), Some(len), "{key}");
        }
        for key in [
            "", "small", "small/", "small/x", "big/4096", "large/1", "small/-1",
        ] {
            assert_eq!(object(key), None, "{key}");
        }
    }

    #[test]
    fn listed_keys_have_objects() {
        let mut key = String::new();
        for index in [0, MID_LISTED - 1, MID_LISTED, BENCH_LISTED - 1] {
            key.clear();
            write_bench_key(index, &mut key);
            assert_eq!(object(&key).unwrap().len, bench_size(index), "{key}");
        }
    }
}

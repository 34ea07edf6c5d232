//! Ramp data for tests: every byte is a function of its offset, so that any slice can be verified.

use bytes::Bytes;

/// Returns the byte at `offset` of the endless ramp.
///
/// Neighbouring bytes are unrelated, so that shifted data is detected.
#[must_use]
pub const fn ramp_byte(offset: u64) -> u8 {
    // Fibonacci hashing: the top byte of a multiple of 2^64 divided by the golden ratio.
    (offset.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8
}

/// Returns `len` bytes of the ramp from `offset`.
///
/// ```
/// use s3_testkit::{assert_ramp, ramp};
///
/// let object = ramp(0, 1000);
/// assert_ramp(&object[300..400], 300);
/// ```
#[must_use]
pub fn ramp(offset: u64, len: usize) -> Bytes {
    (offset..).take(len).map(ramp_byte).collect()
}

/// Asserts that `data` is the ramp from `offset`.
///
/// # Panics
///
/// If it is not. The message contains the first offset that differs.
#[track_caller]
pub fn assert_ramp(data: &[u8], offset: u64) {
    let wrong = data
        .iter()
        .zip(offset..)
        .find(|&(&byte, at)| byte != ramp_byte(at));
    if let Some((byte, at)) = wrong {
        panic!(
            "byte at offset {at} is {byte}, the ramp has {}",
            ramp_byte(at)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_is_the_ramp_from_its_offset() {
        let whole = ramp(0, 10_000);
        assert_eq!(ramp(1234, 100), whole.slice(1234..1334));
        assert_ramp(&whole[77..], 77);
    }

    #[test]
    fn a_shift_is_noticed() {
        let shifted = std::panic::catch_unwind(|| assert_ramp(&ramp(1, 64), 0));
        assert!(shifted.is_err());
    }
}

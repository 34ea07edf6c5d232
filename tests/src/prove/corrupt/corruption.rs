//! [`Corruption`]: the ways in which a response body is corrupted, such as a flipped bit or missing bytes.

use bytes::{Bytes, BytesMut};
use fastrand::Rng;

/// A way to corrupt a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Corruption {
    /// One bit is flipped.
    Flip,
    /// Some bytes are replaced by bytes of another object.
    Splice,
    /// Two spans of bytes are swapped.
    Swap,
    /// Some bytes are repeated, and replace those that follow.
    Repeat,
    /// The end is missing.
    Cut,
    /// Some bytes are missing from the middle.
    Gap,
    /// Some bytes are repeated, and the body is longer.
    Duplicate,
    /// The body has the declared length, but comes from another offset of the object.
    Elsewhere,
    /// The response is that of another range, and its `Content-Range` says so.
    OtherRange,
}

impl Corruption {
    pub(super) const ALL: [Self; 9] = [
        Self::Flip,
        Self::Splice,
        Self::Swap,
        Self::Repeat,
        Self::Cut,
        Self::Gap,
        Self::Duplicate,
        Self::Elsewhere,
        Self::OtherRange,
    ];

    /// Returns whether a length or a range reveals the corruption, or the bytes before it are correct.
    pub(super) const fn shows(self) -> bool {
        matches!(self, Self::Cut | Self::Duplicate | Self::OtherRange)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Flip => "flips",
            Self::Splice => "splices",
            Self::Swap => "swaps",
            Self::Repeat => "repeats",
            Self::Cut => "cuts",
            Self::Gap => "gaps",
            Self::Duplicate => "duplicates",
            Self::Elsewhere => "bytes from elsewhere",
            Self::OtherRange => "other ranges",
        }
    }

    /// Returns the corrupted bytes. Does not change them for [`Elsewhere`](Self::Elsewhere) and
    /// [`OtherRange`](Self::OtherRange), which need the whole object.
    pub(super) fn done_to(self, bytes: &Bytes, random: &mut Rng) -> Bytes {
        if bytes.is_empty() {
            return match self {
                Self::Duplicate => Bytes::from_static(b"more"),
                _ => bytes.clone(),
            };
        }
        let mut corrupted = BytesMut::from(&bytes[..]);
        let (start, end) = span(bytes.len(), random);
        match self {
            Self::Flip => corrupted[start] ^= 1 << random.u8(0..8),
            Self::Splice => random.fill(&mut corrupted[start..end]),
            Self::Swap => {
                let half = bytes.len() / 2;
                let len = (end - start).min(half);
                let (front, back) = corrupted.split_at_mut(half);
                front[..len].swap_with_slice(&mut back[..len]);
            }
            Self::Repeat => {
                let len = (end - start).min(bytes.len() - end);
                corrupted[end..end + len].copy_from_slice(&bytes[start..start + len]);
            }
            Self::Cut => corrupted.truncate(start),
            Self::Gap => {
                corrupted.truncate(start);
                corrupted.extend_from_slice(&bytes[end..]);
            }
            Self::Duplicate => {
                corrupted.truncate(end);
                corrupted.extend_from_slice(&bytes[start..]);
            }
            Self::Elsewhere | Self::OtherRange => {}
        }
        corrupted.freeze()
    }
}

/// Returns a random span of at least one byte.
fn span(len: usize, random: &mut Rng) -> (usize, usize) {
    let start = random.usize(0..len);
    let most = if random.bool() { 8 } else { len };
    let end = start + random.usize(1..=(len - start).min(most));
    (start, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_corruption_changes_bytes_and_has_the_documented_length() {
        let bytes: Bytes = (0..=200_u8).collect::<Vec<_>>().into();
        let mut random = Rng::with_seed(1);
        for corruption in Corruption::ALL {
            if matches!(corruption, Corruption::Elsewhere | Corruption::OtherRange) {
                continue;
            }
            let changed = (0..100)
                .map(|_| corruption.done_to(&bytes, &mut random))
                .filter(|corrupted| *corrupted != bytes)
                .inspect(|corrupted| {
                    let order = corrupted.len().cmp(&bytes.len());
                    let expected = match corruption {
                        Corruption::Cut | Corruption::Gap => std::cmp::Ordering::Less,
                        Corruption::Duplicate => std::cmp::Ordering::Greater,
                        _ => std::cmp::Ordering::Equal,
                    };
                    assert_eq!(order, expected, "{corruption:?}");
                });
            assert!(changed.count() > 80, "{corruption:?}");
        }
    }
}

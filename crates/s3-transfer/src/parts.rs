//! Part sizes of downloads and uploads, and the function that splits an object into parts.

use std::ops::Range;

/// The size of a part, for downloads and uploads: 8 MiB.
///
/// A connection to S3 moves about 85 MB/s and responds after about 20 ms, so a part of 8 MiB spends a sixth of its time
/// waiting, and one of 16 MiB a tenth. The smaller size gains more than that: an object of 64 MiB to 1 GiB uses twice
/// as many connections, a retry sends less again, and the last part ends sooner. S3's guidance for ranged reads is 8 to
/// 16 MiB.
pub(crate) const PART_SIZE: u64 = 8 << 20;

/// Payloads up to this size are uploaded in one request: 16 MiB, which takes 0.2 s. Two concurrent parts would save
/// half of that and cost two more requests, each of which adds 20 ms before or after the parts.
pub(crate) const SINGLE_PUT_UP_TO: u64 = 16 << 20;

/// Maximum number of parts of a multipart upload, by S3's documentation.
pub(crate) const MAX_PARTS: u64 = 10_000;

/// Splits `span` into ranges of `size` bytes; the last may be shorter.
pub(crate) fn cut(span: Range<u64>, size: u64) -> impl Iterator<Item = Range<u64>> + Send {
    let size = size.max(1);
    let mut start = span.start;
    std::iter::from_fn(move || {
        let end = span.end.min(start.saturating_add(size));
        let part = start..end;
        start = end;
        (part.start < part.end).then_some(part)
    })
}

/// Returns the part size for an upload of `len` bytes: `size`, or more if that would need over 10,000 parts.
pub(crate) fn upload_size(len: u64, size: u64) -> u64 {
    size.max(len.div_ceil(MAX_PARTS)).max(1)
}

/// Returns the size of part `index` (from 0) of an upload of unknown length.
///
/// The size doubles every 2,500 parts: if the first parts have 8 MiB, the limit of 10,000 parts is reached at 293 GiB. For
/// the largest object, 5 TiB, the first parts need 140 MiB. Parts do not grow faster, because each is in memory.
#[must_use]
pub fn growing_size(index: u64, size: u64) -> u64 {
    size << (index / 2500).min(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_span_without_gap_or_overlap() {
        assert_eq!(cut(3..10, 3).collect::<Vec<_>>(), [3..6, 6..9, 9..10]);
        assert_eq!(cut(5..5, 3).count(), 0);
        assert_eq!(cut(0..16, 8).collect::<Vec<_>>(), [0..8, 8..16]);
    }

    #[test]
    fn growing_parts_reach_the_documented_lengths() {
        let length = |size| {
            let sizes = (0..MAX_PARTS).map(|index| growing_size(index, size));
            sizes.sum::<u64>()
        };
        // 293 GiB.
        assert_eq!(length(PART_SIZE), 300_000 << 20);
        assert!(length(140 << 20) >= 5 << 40);
        assert!(length(139 << 20) < 5 << 40);
    }

    #[test]
    fn an_upload_never_needs_more_than_ten_thousand_parts() {
        for len in [1_u64, 80 << 30, 5 << 40] {
            assert!(
                len.div_ceil(upload_size(len, 8 << 20)) <= MAX_PARTS,
                "{len}"
            );
        }
    }
}

//! The sizes and numbers that S3 allows.

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The sizes and numbers that a [`MemoryStore`](crate::MemoryStore) allows; S3's by default.
///
/// Lower them so that a test reaches a limit with few bytes.
///
/// # Examples
///
/// ```
/// use s3_core::{Limits, MemoryStore};
///
/// let mut limits = Limits::default();
/// limits.min_part_size = 1;
/// limits.max_keys_per_page = 2;
/// let store = MemoryStore::with_buckets(["photos"]).with_limits(limits);
/// # let _ = store;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most entries of a page of any listing: 1,000.
    pub max_keys_per_page: u32,
    /// The most keys of one delete: 1,000.
    pub max_keys_per_delete: usize,
    /// The most bytes of one put and of one copy: 5 GiB.
    pub max_put_size: u64,
    /// The fewest bytes of a part that is not the last: 5 MiB.
    pub min_part_size: u64,
    /// The most bytes of a part: 5 GiB.
    pub max_part_size: u64,
    /// The most parts of an upload: 10,000.
    pub max_parts: u32,
    /// The most bytes of an object: 10,000 parts of 5 GiB.
    pub max_object_size: u64,
    /// The most bytes of user metadata, names and values together: 2 KiB.
    pub max_user_metadata: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_keys_per_page: 1000,
            max_keys_per_delete: 1000,
            max_put_size: 5 * GIB,
            min_part_size: 5 * MIB,
            max_part_size: 5 * GIB,
            max_parts: 10_000,
            max_object_size: 10_000 * 5 * GIB,
            max_user_metadata: 2048,
        }
    }
}

impl Limits {
    /// Returns how many entries a page may have whose caller asked for `wanted`.
    pub(super) fn page_size(&self, wanted: Option<u32>) -> usize {
        wanted
            .unwrap_or(self.max_keys_per_page)
            .min(self.max_keys_per_page) as usize
    }
}

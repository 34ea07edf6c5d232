//! [`Limits`]: the maximum sizes and counts that a `MemoryStore` enforces; by default those of S3.

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The sizes and counts that a [`MemoryStore`](crate::MemoryStore) allows; by default those of S3.
///
/// A test lowers them to reach a limit with few bytes.
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
    /// Maximum number of entries in a page of any listing: 1,000.
    pub max_keys_per_page: u32,
    /// Maximum number of keys in one delete: 1,000.
    pub max_keys_per_delete: usize,
    /// Maximum size of a put or copy in bytes: 5 GiB.
    pub max_put_size: u64,
    /// Minimum size of a part other than the last in bytes: 5 MiB.
    pub min_part_size: u64,
    /// Maximum size of a part in bytes: 5 GiB.
    pub max_part_size: u64,
    /// Maximum number of parts of an upload: 10,000.
    pub max_parts: u32,
    /// Maximum size of an object in bytes: 10,000 parts of 5 GiB.
    pub max_object_size: u64,
    /// Maximum size of the user metadata in bytes, names and values together: 2 KiB.
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
    /// Returns the number of entries in a page for which the caller requests at most `wanted`.
    pub(super) fn page_size(&self, wanted: Option<u32>) -> usize {
        wanted
            .unwrap_or(self.max_keys_per_page)
            .min(self.max_keys_per_page) as usize
    }
}

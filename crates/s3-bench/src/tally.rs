//! Counts the objects and bytes of a workload, so that a run can be checked.

use std::ops::AddAssign;

/// Objects and bytes that a client has transferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Objects, ranges or keys.
    pub(crate) items: u64,
    /// Bytes of objects, or the sizes of objects that were listed or requested with HEAD.
    pub(crate) bytes: u64,
}

impl Tally {
    /// One more item.
    pub(crate) const fn one(bytes: u64) -> Self {
        Self { items: 1, bytes }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.items += other.items;
        self.bytes += other.bytes;
    }
}

impl FromIterator<u64> for Tally {
    /// Counts sizes.
    fn from_iter<I: IntoIterator<Item = u64>>(sizes: I) -> Self {
        let mut tally = Self::default();
        for bytes in sizes {
            tally += Self::one(bytes);
        }
        tally
    }
}

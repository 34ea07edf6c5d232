//! [`MemoryBudget`]: limits the bytes of downloaded objects that a caller keeps in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Memory budget of the results of many reads. Clone is a reference count.
///
/// # Examples
///
/// ```
/// use s3_transfer::MemoryBudget;
///
/// let memory = MemoryBudget::new(256 << 20);
/// // One for each read of `Destination::Auto`.
/// let share = memory.share(8 << 20);
/// assert_eq!(memory.taken(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct MemoryBudget(Arc<Budget>);

#[derive(Debug)]
struct Budget {
    most: u64,
    taken: AtomicU64,
}

impl MemoryBudget {
    /// Creates a budget of `bytes` bytes.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        Self(Arc::new(Budget {
            most: bytes,
            taken: AtomicU64::new(0),
        }))
    }

    /// Returns how many bytes are in use, including those of results that are still being read.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// Counts a result of `bytes` bytes that is already in memory, even if that exceeds the budget.
    #[must_use]
    pub fn hold(&self, bytes: u64) -> MemoryShare {
        let share = self.share(bytes);
        self.0.taken.fetch_add(bytes, Ordering::Relaxed);
        share.0.taken.store(bytes, Ordering::Relaxed);
        share
    }

    /// Returns a share for one result of at most `bytes` bytes. It takes memory when the size of the result is known,
    /// and returns it when its last clone is dropped: keep a clone as long as the result.
    #[must_use]
    pub fn share(&self, bytes: u64) -> MemoryShare {
        MemoryShare(Arc::new(Share {
            memory: self.clone(),
            most: bytes,
            taken: AtomicU64::new(0),
        }))
    }
}

/// One result's share of a [`MemoryBudget`]. Clone is a reference count.
#[derive(Clone, Debug)]
pub struct MemoryShare(Arc<Share>);

#[derive(Debug)]
struct Share {
    memory: MemoryBudget,
    most: u64,
    taken: AtomicU64,
}

impl MemoryShare {
    /// Returns a share of at most `bytes` bytes with a budget of its own.
    #[must_use]
    pub fn up_to(bytes: u64) -> Self {
        MemoryBudget::new(bytes).share(bytes)
    }

    /// Takes memory for `len` bytes in total if that much is free. Returns whether it did. A second attempt at the same
    /// result takes only the bytes that the first has not taken.
    pub(super) fn take(&self, len: u64) -> bool {
        let Share {
            memory,
            most,
            taken,
        } = &*self.0;
        let more = len.saturating_sub(taken.load(Ordering::Relaxed));
        if len > *most || more == 0 {
            return len <= *most;
        }
        let left = |all: u64| all.checked_add(more).filter(|all| *all <= memory.0.most);
        let all = &memory.0.taken;
        let update = all.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left);
        if update.is_ok() {
            taken.fetch_add(more, Ordering::Relaxed);
        }
        update.is_ok()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let all = &self.memory.0.taken;
        all.fetch_sub(*self.taken.get_mut(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_stay_within_the_budget_and_return_their_memory() {
        let memory = MemoryBudget::new(10);
        let [one, two, three] = [(); 3].map(|()| memory.share(6));
        assert!(!one.take(7));
        assert!(one.take(6) && !two.take(5) && two.take(4));
        assert_eq!(memory.taken(), 10);
        // More than there is: the budget is exceeded anyway.
        let held = memory.hold(5);
        assert!(three.take(0) && !three.take(1));
        // Another attempt at the same result.
        assert!(one.take(6) && one.take(2));
        assert_eq!(memory.taken(), 15);
        drop(held);
        let kept = one.clone();
        drop(one);
        assert!(!three.take(1));
        drop(kept);
        assert!(three.take(6));
        drop((two, three));
        assert_eq!(memory.taken(), 0);
    }
}

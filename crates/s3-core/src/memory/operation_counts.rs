//! [`OperationCounts`]: how often each operation of a `MemoryStore` was called.

use std::collections::BTreeMap;
use std::fmt;

use crate::Operation;

/// How often each operation was called. Tests use it to assert the number of requests.
///
/// # Examples
///
/// ```
/// use s3_core::{MemoryStore, Operation, S3Url, StoreExt};
///
/// # futures_util::future::FutureExt::now_or_never(async {
/// let store = MemoryStore::with_buckets(["photos"]);
/// let url = S3Url::parse("s3://photos/cat.jpg")?;
/// store.put_bytes(url.clone(), "purr").await?;
/// let before = store.operations();
/// store.exists(url).await?;
/// let counts = store.operations().since(&before);
/// assert_eq!((counts.get(Operation::Head), counts.total()), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).expect("MemoryStore futures are ready at once").unwrap();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationCounts(BTreeMap<Operation, u64>);

impl OperationCounts {
    /// Returns how often `operation` was called, failed calls included.
    #[must_use]
    pub fn get(&self, operation: Operation) -> u64 {
        self.0.get(&operation).copied().unwrap_or(0)
    }

    /// Returns the number of calls.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Returns the calls since `earlier` was taken from the same store.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let newer = self
            .0
            .iter()
            .map(|(&operation, &count)| (operation, count.saturating_sub(earlier.get(operation))));
        Self(newer.filter(|&(_, count)| count > 0).collect())
    }

    /// Returns the called operations and their counts, in the order of [`Operation`].
    pub fn iter(&self) -> impl Iterator<Item = (Operation, u64)> + '_ {
        self.0.iter().map(|(&operation, &count)| (operation, count))
    }

    /// Counts one call.
    pub(super) fn record(&mut self, operation: Operation) {
        *self.0.entry(operation).or_default() += 1;
    }
}

impl fmt::Display for OperationCounts {
    /// Writes the counts as in `2 get, 1 put`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (operation, count)) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{count} {operation}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_leaves_out_operations_without_calls() {
        let mut counts = OperationCounts::default();
        counts.record(Operation::Put);
        let before = counts.clone();
        counts.record(Operation::Get);
        counts.record(Operation::Get);
        assert_eq!(counts.to_string(), "2 get, 1 put");
        assert_eq!(counts.since(&before).to_string(), "2 get");
        assert_eq!(counts.total(), 3);
    }
}

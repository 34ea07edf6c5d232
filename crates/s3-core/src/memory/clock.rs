//! The clock of a [`MemoryStore`](super::MemoryStore): the system time, or a function set by a test.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A clock of whole seconds, as in S3's responses.
#[derive(Clone)]
pub(super) struct MemoryClock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl MemoryClock {
    /// Returns a clock that calls `now`.
    pub(super) fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Returns the time, truncated to the second.
    pub(super) fn now(&self) -> SystemTime {
        to_second((self.0)())
    }
}

impl Default for MemoryClock {
    fn default() -> Self {
        Self::new(SystemTime::now)
    }
}

impl fmt::Debug for MemoryClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryClock({:?})", self.now())
    }
}

/// Truncates a time to the second; HTTP dates have no fractions.
pub(super) fn to_second(time: SystemTime) -> SystemTime {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => UNIX_EPOCH + Duration::from_secs(since.as_secs()),
        Err(_) => UNIX_EPOCH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_of_a_second_are_truncated() {
        let clock = MemoryClock::new(|| UNIX_EPOCH + Duration::from_millis(1_999));
        assert_eq!(clock.now(), UNIX_EPOCH + Duration::from_secs(1));
    }
}

//! [`RetryNotice`]: limits how often a command prints that requests are retried.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time after which a command that waits for a server prints the first notice.
const PATIENCE: Duration = Duration::from_secs(3);

/// Minimum time between two notices.
const SILENCE: Duration = Duration::from_secs(15);

/// Decides when to print that requests are retried: retries may take minutes, in which a silent command looks stuck.
#[derive(Debug, Default)]
pub(crate) struct RetryNotice(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    /// The time when the first attempt failed.
    first: Option<Instant>,
    last: Option<Instant>,
}

impl RetryNotice {
    /// Returns whether to print a notice at `now` for an attempt that failed and is retried after `wait`.
    pub(crate) fn is_due(&self, now: Instant, wait: Duration) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = *said.first.get_or_insert(now);
        let is_long = now.duration_since(first) + wait >= PATIENCE;
        let is_silent = said
            .last
            .is_none_or(|last| now.duration_since(last) >= SILENCE);
        if is_long && is_silent {
            said.last = Some(now);
        }
        is_long && is_silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_waits_print_no_notice_and_long_ones_few() {
        let (notice, began) = (RetryNotice::default(), Instant::now());
        let is_due = |after: u64, wait: u64| {
            notice.is_due(
                began + Duration::from_millis(after),
                Duration::from_millis(wait),
            )
        };
        assert!(!is_due(0, 50) && !is_due(2000, 900));
        assert!(is_due(2000, 1000));
        assert!(!is_due(9000, 12_000) && is_due(17_000, 50));
    }
}

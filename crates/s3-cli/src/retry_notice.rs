//! [`RetryNotice`]: limits how often retries are reported.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A command that waits longer than this for a server says why.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long it is silent after that.
const SILENCE: Duration = Duration::from_secs(15);

/// Decides when to say that requests are sent again: they are for minutes, and a command that says nothing looks stuck.
#[derive(Debug, Default)]
pub(crate) struct RetryNotice(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    /// When the first attempt failed.
    first: Option<Instant>,
    last: Option<Instant>,
}

impl RetryNotice {
    /// Returns whether to say at `now` that an attempt has failed and that the next one follows after `wait`.
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
    fn short_waits_are_not_worth_a_word_and_long_ones_not_many() {
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

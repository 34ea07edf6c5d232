//! [`TokenCycleDetector`]: detects cycles in continuation tokens with Brent's algorithm.

use std::sync::Arc;

/// Detects a cycle in the continuation tokens of one listing. Keeps two of them.
///
/// Brent's algorithm: a token is kept as a landmark for 1, 2, 4, 8, … steps, so a cycle is detected within a small
/// multiple of its length and of the steps before it. The last token is kept as well: a page that is its own successor is
/// the usual case, and is detected at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokenCycleDetector {
    landmark: Option<Arc<str>>,
    last: Option<Arc<str>>,
    /// Steps for which the landmark is kept, and how many of them are left.
    interval: u64,
    left: u64,
}

impl TokenCycleDetector {
    /// Adds a token, and returns whether it equals one that is kept.
    pub(crate) fn is_repeated(&mut self, token: &Arc<str>) -> bool {
        let token = Some(token);
        if self.landmark.as_ref() == token || self.last.as_ref() == token {
            return true;
        }
        self.last = token.cloned();
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => {
                self.landmark = token.cloned();
                self.interval = (2 * self.interval).max(1);
                self.left = self.interval;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the number of steps until a cycle of `len` tokens after `tail` others is detected.
    fn detected(tail: u64, len: u64) -> Option<u64> {
        let mut detector = TokenCycleDetector::default();
        (0..10_000).find(|&step| {
            let place = if step < tail {
                step
            } else {
                tail + (step - tail) % len
            };
            detector.is_repeated(&place.to_string().into())
        })
    }

    #[test]
    fn every_cycle_is_detected_soon() {
        for tail in [0, 1, 2, 7, 100] {
            for len in [1, 2, 3, 8, 9, 100] {
                let steps = detected(tail, len).expect("it is a cycle");
                assert!(steps <= 4 * (tail + len) + 4, "{tail} and {len}: {steps}");
            }
        }
        assert_eq!(detected(100, 1), Some(101));
    }

    #[test]
    fn tokens_without_a_cycle_are_never_repeated() {
        assert_eq!(detected(10_000, 1), None);
    }
}

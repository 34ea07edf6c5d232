//! Whether the tokens of a listing go round in a circle.

use std::sync::Arc;

/// The continuation tokens of one listing so far, of which it remembers two.
///
/// Brent's algorithm: a token is kept as a landmark for 1, 2, 4, 8, … steps, so a circle, however late it begins, is
/// noticed within a small multiple of its length and of the way to it. The token before is kept as well: a page that is
/// its own successor is the usual case, and is noticed at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail {
    landmark: Option<Arc<str>>,
    last: Option<Arc<str>>,
    /// Steps that the landmark is kept for, and how many of them are left.
    span: u64,
    left: u64,
}

impl Trail {
    /// Goes on to `token`, and returns whether the trail has been there before, as far as it remembers.
    pub(crate) fn meets_itself(&mut self, token: &Arc<str>) -> bool {
        let token = Some(token);
        if self.landmark.as_ref() == token || self.last.as_ref() == token {
            return true;
        }
        self.last = token.cloned();
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => {
                self.landmark = token.cloned();
                self.span = (2 * self.span).max(1);
                self.left = self.span;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns after how many steps a circle of `len` tokens is noticed that begins after `tail` others.
    fn noticed(tail: u64, len: u64) -> Option<u64> {
        let mut trail = Trail::default();
        (0..10_000).find(|&step| {
            let place = if step < tail {
                step
            } else {
                tail + (step - tail) % len
            };
            trail.meets_itself(&place.to_string().into())
        })
    }

    #[test]
    fn every_circle_is_noticed_soon() {
        for tail in [0, 1, 2, 7, 100] {
            for len in [1, 2, 3, 8, 9, 100] {
                let steps = noticed(tail, len).expect("it is a circle");
                assert!(steps <= 4 * (tail + len) + 4, "{tail} and {len}: {steps}");
            }
        }
        assert_eq!(noticed(100, 1), Some(101));
    }

    #[test]
    fn a_trail_without_a_circle_never_meets_itself() {
        assert_eq!(noticed(10_000, 1), None);
    }
}

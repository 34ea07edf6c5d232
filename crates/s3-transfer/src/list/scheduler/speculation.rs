//! Speculative requests of a listing, for pages at predicted keys. A credit limits how many of them find no keys.

use std::sync::Arc;

use s3_core::ListRequest;

use super::super::key_range::{Cursor, KeyRange, RangeState};
use super::ListScheduler;

/// Number of speculative pages in flight before any has found keys. With 2, a listing of three pages costs two requests
/// more, and one of 200 pages takes at most one round more than with a higher credit.
const FIRST_CREDIT: usize = 2;
/// The cost of a speculative page without keys. With 3, at most about a quarter of them are wasted.
const PENALTY: usize = 3;
/// Number of pages without credit after which one speculative page is tried again.
const PAGES_TO_RETRY: usize = 8;

/// Number of speculative pages that may be in flight. It rises with each one that finds keys and falls with each wasted
/// one.
#[derive(Debug)]
pub(super) struct SpeculationCredit {
    pages: usize,
    /// Pages since the credit was used up.
    without_credit: usize,
}

impl Default for SpeculationCredit {
    fn default() -> Self {
        Self {
            pages: FIRST_CREDIT,
            without_credit: 0,
        }
    }
}

impl SpeculationCredit {
    fn earn(&mut self, max: usize) {
        self.pages = (self.pages + 1).min(max);
    }

    /// Pays for a wasted page.
    pub(super) fn charge(&mut self) {
        self.pages = self.pages.saturating_sub(PENALTY);
    }

    /// Counts a page that was not speculative.
    fn wait(&mut self) {
        if self.pages > 0 {
            return;
        }
        self.without_credit += 1;
        if self.without_credit >= PAGES_TO_RETRY {
            (self.without_credit, self.pages) = (0, 1);
        }
    }
}

impl ListScheduler {
    /// Splits a range in flight where its page is predicted to end, and returns the request for the page after it.
    pub(super) fn speculate(&mut self) -> Option<(u64, ListRequest)> {
        let (speculative, certain): (Vec<_>, Vec<_>) =
            self.in_flight().partition(|page| page.is_speculative);
        // A probe will find better boundaries. With half of the requests in use, speculation could not halve the time.
        if !self.probes.is_empty()
            || speculative.len() >= self.credit.pages
            || 2 * certain.len() > self.concurrency.requests
        {
            return None;
        }
        for index in 0..self.ranges.len() {
            let range = &mut self.ranges[index];
            let request = match &mut range.state {
                RangeState::InFlight(request) => request,
                RangeState::Failed(_) => return None,
                RangeState::Open(_) | RangeState::Listed(_) => continue,
            };
            // Nothing is predicted before `start_after` is verified, nor in parallel with the second page, which is
            // often the last.
            if request.cursor.verifies_start_after {
                continue;
            }
            let Some(mut interpolator) = request.cursor.interpolator.take() else {
                continue;
            };
            let bound = interpolator.next().map(Arc::<str>::from);
            let is_inside = |bound: &Arc<str>| {
                range.until.as_ref().is_none_or(|until| bound < until)
                    && range.after.as_ref().is_none_or(|after| bound > after)
            };
            let Some(bound) = bound.filter(is_inside) else {
                continue;
            };
            let until = range.until.replace(Arc::clone(&bound));
            let next = KeyRange::after(bound, until, range.prefix.clone());
            let cursor = Cursor {
                interpolator: Some(interpolator),
                ..Cursor::default()
            };
            let request = next.request(&cursor, &self.base);
            self.ranges.insert(index + 1, next);
            return Some((self.set_in_flight(index + 1, cursor, true), request));
        }
        None
    }

    /// Updates the credit for a page that has arrived.
    pub(super) fn update_credit(&mut self, is_speculative: bool, found_keys: bool) {
        match (is_speculative, found_keys) {
            (true, true) => self.credit.earn(self.concurrency.requests),
            (true, false) => self.credit.charge(),
            (false, _) => self.credit.wait(),
        }
    }
}

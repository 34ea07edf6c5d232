//! Asking for what lies behind a page that is on its way, by the density of the keys seen last.

use std::sync::Arc;

use s3_core::ListRequest;

use super::super::span::{Span, Start, State};
use super::Plan;

/// Guesses before any has been right. With 2, a listing of three pages costs three requests more, and one of 200 is slower
/// by at most one round than with more.
const FIRST_CREDIT: usize = 2;
/// What a guess in vain costs. With 3, about a quarter of all guesses are in vain at worst.
const PENALTY: usize = 3;
/// Pages without a guess after which one is tried again.
const PATIENCE: usize = 8;

/// How many guesses may be on their way.
#[derive(Debug)]
pub(super) struct Credit {
    guesses: usize,
    /// Pages since it was used up.
    patience: usize,
}

impl Default for Credit {
    fn default() -> Self {
        Self {
            guesses: FIRST_CREDIT,
            patience: 0,
        }
    }
}

impl Credit {
    /// A guess has found keys.
    fn earn(&mut self, most: usize) {
        self.guesses = (self.guesses + 1).min(most);
    }

    /// A guess was in vain.
    pub(super) fn lose(&mut self) {
        self.guesses = self.guesses.saturating_sub(PENALTY);
    }

    /// A page has come that was no guess.
    fn wait(&mut self) {
        if self.guesses > 0 {
            return;
        }
        self.patience += 1;
        if self.patience >= PATIENCE {
            (self.patience, self.guesses) = (0, 1);
        }
    }
}

impl Plan {
    /// Cuts a span whose page is on its way, and asks for what is behind the cut.
    pub(super) fn guess(&mut self) -> Option<(u64, ListRequest)> {
        let (guesses, sure): (Vec<_>, Vec<_>) = self.asked().partition(|asked| asked.is_guess);
        // A scout will say where to cut. And where half of the lanes have work that is certain, guesses could not even
        // halve the time.
        if !self.scouts.is_empty()
            || guesses.len() >= self.credit.guesses
            || 2 * sure.len() > self.spread.lanes
        {
            return None;
        }
        for index in 0..self.spans.len() {
            let span = &mut self.spans[index];
            let asked = match &mut span.state {
                State::Asked(asked) => asked,
                State::Failed(_) => return None,
                State::Open(_) | State::Listed(_) => continue,
            };
            // A probe's answer will say where to cut.
            if asked.start.probe.is_some() {
                continue;
            }
            let Some(mut pace) = asked.start.pace.take() else {
                continue;
            };
            let bound = pace.next().map(Arc::<str>::from);
            let is_inside = |bound: &Arc<str>| {
                span.until.as_ref().is_none_or(|until| bound < until)
                    && span.after.as_ref().is_none_or(|after| bound > after)
            };
            let Some(bound) = bound.filter(is_inside) else {
                continue;
            };
            let behind = Span {
                after: Some(Arc::clone(&bound)),
                until: span.until.replace(bound),
                within: span.within.clone(),
                level: None,
                state: State::Open(Start::default()),
            };
            let start = Start {
                pace: Some(pace),
                ..Start::default()
            };
            let request = behind.request(&start, &self.base);
            self.spans.insert(index + 1, behind);
            return Some((self.send(index + 1, start, true), request));
        }
        None
    }

    /// Pays for a page that has come, and for what it was.
    pub(super) fn account(&mut self, is_guess: bool, found_keys: bool) {
        match (is_guess, found_keys) {
            (true, true) => self.credit.earn(self.spread.lanes),
            (true, false) => self.credit.lose(),
            (false, _) => self.credit.wait(),
        }
    }
}

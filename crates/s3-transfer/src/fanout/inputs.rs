//! [`InputQueue`]: the inputs of a fan-out, shared by its workers and numbered in the order in which they are taken.

use std::sync::PoisonError;

use crate::sync::{AtomicWaker, Mutex, MutexGuard};

/// Inputs that come as pages, shared by all workers. An iterator is one page.
pub(super) struct InputQueue<P>(Mutex<QueueState<P>>);

struct QueueState<P> {
    page: Option<P>,
    /// Whether the page has no more inputs.
    drained: bool,
    /// Whether more pages may come.
    open: bool,
    taken: usize,
}

/// The next input, if there is one.
pub(super) enum NextInput<I> {
    Input(usize, I),
    /// The next page has not arrived.
    Pending,
    End,
}

impl<P: Iterator> InputQueue<P> {
    /// Returns a queue of these inputs and no others.
    pub(super) fn of(inputs: P) -> Self {
        Self(Mutex::new(QueueState {
            page: Some(inputs),
            drained: false,
            open: false,
            taken: 0,
        }))
    }

    /// Returns an empty queue that waits for pages.
    pub(super) fn open() -> Self {
        Self(Mutex::new(QueueState {
            page: None,
            drained: true,
            open: true,
            taken: 0,
        }))
    }

    fn state(&self) -> MutexGuard<'_, QueueState<P>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the next page. The one before it is drained.
    pub(super) fn push(&self, page: P) {
        let mut state = self.state();
        state.drained = false;
        state.page = Some(page);
    }

    /// Takes the next input. Wakes `reader`, which fetches pages, after the last one of a page.
    pub(super) fn next(&self, reader: &AtomicWaker) -> NextInput<P::Item> {
        let mut state = self.state();
        // If the iterator panics, it is not called again.
        let drained = std::mem::replace(&mut state.drained, true);
        let item = match &mut state.page {
            Some(page) if !drained => page.next().map(|item| (item, page.size_hint().1)),
            _ => None,
        };
        let next = match item {
            Some((item, left)) => {
                // Requests the next page before a worker waits for it.
                state.drained = state.open && left == Some(0);
                state.taken += 1;
                NextInput::Input(state.taken - 1, item)
            }
            None if state.open => NextInput::Pending,
            None => NextInput::End,
        };
        let wants_page = state.open && state.drained && !drained;
        drop(state);
        if wants_page {
            reader.wake();
        }
        next
    }
}

/// An input queue with the type of its inputs erased.
pub(super) trait Inputs: Send + Sync {
    /// Returns whether all inputs that have arrived are taken, and more may come.
    fn wants_page(&self) -> bool;

    /// Ends the inputs: no more pages come.
    fn close(&self);

    /// Ends the inputs because of an error, and returns the index of the error.
    fn fail(&self) -> usize;

    /// Returns an upper bound of the number of inputs.
    fn at_most(&self) -> usize;

    /// Returns how many inputs have been taken.
    fn taken(&self) -> usize;

    /// Counts all inputs that have arrived, and drops those that were not taken.
    fn drain(&self) -> usize;
}

impl<P: Iterator + Send> Inputs for InputQueue<P> {
    fn wants_page(&self) -> bool {
        let state = self.state();
        state.open && state.drained
    }

    fn close(&self) {
        self.state().open = false;
    }

    fn fail(&self) -> usize {
        let mut state = self.state();
        state.open = false;
        state.taken += 1;
        state.taken - 1
    }

    fn at_most(&self) -> usize {
        let state = self.state();
        match &state.page {
            Some(page) if !state.open => page.size_hint().1.unwrap_or(usize::MAX),
            _ => usize::MAX,
        }
    }

    fn taken(&self) -> usize {
        self.state().taken
    }

    fn drain(&self) -> usize {
        let mut state = self.state();
        if !std::mem::replace(&mut state.drained, true) {
            let left = state.page.take().map_or(0, Iterator::count);
            state.taken += left;
        }
        state.taken
    }
}

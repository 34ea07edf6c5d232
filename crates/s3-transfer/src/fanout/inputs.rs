//! The inputs of a fan-out, numbered in the order in which they are taken.

use std::sync::PoisonError;

use crate::sync::{AtomicWaker, Mutex, MutexGuard};

/// Inputs that come as pages, shared by all workers. An iterator is one page.
pub(super) struct InputQueue<P>(Mutex<QueueState<P>>);

struct QueueState<P> {
    page: Option<P>,
    /// The page has no more inputs.
    drained: bool,
    /// More pages may come.
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
                // Asks for the next page before a worker waits for it.
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

    pub(super) fn wants_page(&self) -> bool {
        let state = self.state();
        state.open && state.drained
    }

    /// No more pages come.
    pub(super) fn close(&self) {
        self.state().open = false;
    }

    /// No more pages come because of an error, which takes the next number.
    pub(super) fn fail(&self) -> usize {
        let mut state = self.state();
        state.open = false;
        state.taken += 1;
        state.taken - 1
    }

    /// Returns an upper bound of the number of inputs left.
    pub(super) fn at_most(&self) -> usize {
        let state = self.state();
        match &state.page {
            Some(page) if !state.open => page.size_hint().1.unwrap_or(usize::MAX),
            _ => usize::MAX,
        }
    }

    /// Returns how many inputs have been taken.
    pub(super) fn taken(&self) -> usize {
        self.state().taken
    }

    /// Takes and counts all inputs of the pages that have arrived.
    pub(super) fn drain(&self) -> usize {
        let mut state = self.state();
        if !std::mem::replace(&mut state.drained, true) {
            let left = state.page.take().map_or(0, Iterator::count);
            state.taken += left;
        }
        state.taken
    }
}

//! Model of tokio's `Notify` for shuttle tests.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use shuttle::sync::{Mutex, MutexGuard, PoisonError};

/// Wakes all waiters.
#[derive(Debug, Default)]
pub(crate) struct Notify(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Number of calls of `notify_waiters`.
    calls: u64,
    waiters: Vec<(u64, Waker)>,
    next: u64,
}

impl Notify {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Returns a future that completes with the next [`notify_waiters`](Self::notify_waiters), even if it is first
    /// polled after that.
    pub(crate) fn notified(&self) -> Notified<'_> {
        let mut state = self.lock();
        state.next += 1;
        Notified {
            calls: state.calls,
            number: state.next,
            notify: self,
        }
    }

    pub(crate) fn notify_waiters(&self) {
        let mut state = self.lock();
        state.calls += 1;
        let waiters = std::mem::take(&mut state.waiters);
        drop(state);
        waiters.into_iter().for_each(|(_, waker)| waker.wake());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Notify::notified`].
pub(crate) struct Notified<'a> {
    notify: &'a Notify,
    calls: u64,
    number: u64,
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.notify.lock();
        if state.calls > self.calls {
            return Poll::Ready(());
        }
        state.waiters.retain(|(number, _)| *number != self.number);
        state.waiters.push((self.number, cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        let mut state = self.notify.lock();
        state.waiters.retain(|(number, _)| *number != self.number);
    }
}

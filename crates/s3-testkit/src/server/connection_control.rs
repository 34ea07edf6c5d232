//! [`ConnectionControl`]: shared state by which faults throttle, reset or close a TCP connection.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Sleep, sleep};

/// Controls a connection; shared with its responses.
#[derive(Debug, Default)]
pub(crate) struct ConnectionControl {
    flushes: AtomicU64,
    reset: AtomicBool,
    state: Mutex<ControlState>,
}

#[derive(Debug, Default)]
struct ControlState {
    /// The task that waits for a flush.
    waiting: Option<Waker>,
    /// The task that waits for the next request.
    reading: Option<Waker>,
    throttle: Option<WriteThrottle>,
    /// Bytes to send after everything that has been written so far.
    excess: VecDeque<Bytes>,
    close: ClosePhase,
}

/// The state of closing a connection after its response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ClosePhase {
    #[default]
    No,
    Requested,
    /// The response has ended; its last flush is outstanding.
    ResponseEnded,
    Now,
}

#[derive(Debug)]
struct WriteThrottle {
    bytes: usize,
    every: Duration,
    pause: Pin<Box<Sleep>>,
}

impl ConnectionControl {
    /// Returns the number of flushes to the socket.
    pub(crate) fn flushes(&self) -> u64 {
        self.flushes.load(Ordering::Acquire)
    }

    /// Waits until the number of flushes exceeds `mark`.
    ///
    /// hyper drops buffered bytes when a body fails; a body that is truncated after n bytes waits here first.
    pub(crate) fn poll_flushed(&self, mark: u64, cx: &Context<'_>) -> Poll<()> {
        self.state().waiting = Some(cx.waker().clone());
        if self.flushes() > mark {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Resets the connection instead of closing it.
    pub(crate) fn reset_on_close(&self) {
        self.reset.store(true, Ordering::Release);
    }

    /// Writes at most `bytes` after each pause, until the next request.
    pub(crate) fn trickle(&self, bytes: usize, every: Duration) {
        self.state().throttle = Some(WriteThrottle {
            bytes,
            every,
            pause: Box::pin(sleep(every)),
        });
    }

    /// Sends bytes after everything that was written so far, outside of any response.
    pub(crate) fn send_after(&self, bytes: Bytes) {
        self.state().excess.push_back(bytes);
    }

    /// Closes the connection after the current response.
    pub(crate) fn close_when_idle(&self) {
        self.state().close = ClosePhase::Requested;
    }

    /// Records that a response has ended.
    pub(crate) fn response_ended(&self) {
        let mut state = self.state();
        if state.close == ClosePhase::Requested {
            state.close = ClosePhase::ResponseEnded;
        }
    }

    /// Removes the throttle of the previous response.
    pub(super) fn begin(&self) {
        self.state().throttle = None;
    }

    pub(super) fn is_reset(&self) -> bool {
        self.reset.load(Ordering::Acquire)
    }

    /// Returns the number of bytes that may be written now.
    pub(super) fn poll_allowance(&self, cx: &mut Context<'_>) -> Poll<usize> {
        let mut state = self.state();
        let Some(throttle) = &mut state.throttle else {
            return Poll::Ready(usize::MAX);
        };
        ready!(throttle.pause.as_mut().poll(cx));
        throttle.pause = Box::pin(sleep(throttle.every));
        Poll::Ready(throttle.bytes)
    }

    /// Returns whether the connection must be closed now; if not, wakes the caller when it must.
    pub(super) fn is_closed(&self, cx: &Context<'_>) -> bool {
        let mut state = self.state();
        state.reading = Some(cx.waker().clone());
        state.close == ClosePhase::Now
    }

    /// Returns the next bytes to send after everything else.
    pub(super) fn take_excess(&self) -> Option<Bytes> {
        self.state().excess.pop_front()
    }

    pub(super) fn put_back_excess(&self, bytes: Bytes) {
        self.state().excess.push_front(bytes);
    }

    pub(super) fn flushed(&self) {
        self.flushes.fetch_add(1, Ordering::AcqRel);
        let mut state = self.state();
        let mut woken = vec![state.waiting.take()];
        if state.close == ClosePhase::ResponseEnded {
            state.close = ClosePhase::Now;
            woken.push(state.reading.take());
        }
        drop(state);
        woken.into_iter().flatten().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, ControlState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The side of a connection that answers can reach: what a fault needs to know of it, and can do to it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Sleep, sleep};

/// What the answers of one connection share with it.
#[derive(Debug, Default)]
pub(crate) struct Link {
    flushes: AtomicU64,
    reset: AtomicBool,
    orders: Mutex<Orders>,
}

#[derive(Debug, Default)]
struct Orders {
    /// Whoever waits for a flush.
    waiting: Option<Waker>,
    /// Whoever waits for the next request.
    reading: Option<Waker>,
    throttle: Option<Throttle>,
    /// What is sent behind everything that has been written so far.
    behind: VecDeque<Bytes>,
    close: Close,
}

/// How far the end of a connection is, that is closed after its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Close {
    #[default]
    No,
    Ordered,
    /// The answer was handed over; its last flush is due.
    Answered,
    Now,
}

#[derive(Debug)]
struct Throttle {
    bytes: usize,
    every: Duration,
    pause: Pin<Box<Sleep>>,
}

impl Link {
    /// Returns how often everything written so far was handed to the system.
    pub(crate) fn flushes(&self) -> u64 {
        self.flushes.load(Ordering::Acquire)
    }

    /// Waits until everything was handed to the system once more than `mark` says.
    ///
    /// hyper drops what it holds when a body fails; a body that is to be cut after n bytes waits here first.
    pub(crate) fn poll_flushed(&self, mark: u64, cx: &Context<'_>) -> Poll<()> {
        self.orders().waiting = Some(cx.waker().clone());
        if self.flushes() > mark {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Makes the end of the connection a reset.
    pub(crate) fn reset_on_close(&self) {
        self.reset.store(true, Ordering::Release);
    }

    /// Lets only so many bytes leave after each pause, until the next request.
    pub(crate) fn trickle(&self, bytes: usize, every: Duration) {
        self.orders().throttle = Some(Throttle {
            bytes,
            every,
            pause: Box::pin(sleep(every)),
        });
    }

    /// Sends bytes behind everything that was written so far, as if they belonged to nobody.
    pub(crate) fn send_behind(&self, bytes: Bytes) {
        self.orders().behind.push_back(bytes);
    }

    /// Closes the connection when the answer under way has left.
    pub(crate) fn close_when_idle(&self) {
        self.orders().close = Close::Ordered;
    }

    /// Notes that an answer was handed over, or given up.
    pub(crate) fn answered(&self) {
        let mut orders = self.orders();
        if orders.close == Close::Ordered {
            orders.close = Close::Answered;
        }
    }

    /// Forgets what was ordered for the last answer.
    pub(super) fn begin(&self) {
        self.orders().throttle = None;
    }

    pub(super) fn is_reset(&self) -> bool {
        self.reset.load(Ordering::Acquire)
    }

    /// Returns how many bytes may be written now.
    pub(super) fn poll_allowance(&self, cx: &mut Context<'_>) -> Poll<usize> {
        let mut orders = self.orders();
        let Some(throttle) = &mut orders.throttle else {
            return Poll::Ready(usize::MAX);
        };
        ready!(throttle.pause.as_mut().poll(cx));
        throttle.pause = Box::pin(sleep(throttle.every));
        Poll::Ready(throttle.bytes)
    }

    /// Returns whether the connection has come to the end that was ordered. Whoever asks is woken when it has.
    pub(super) fn is_over(&self, cx: &Context<'_>) -> bool {
        let mut orders = self.orders();
        orders.reading = Some(cx.waker().clone());
        orders.close == Close::Now
    }

    /// Returns what is to be sent behind everything else.
    pub(super) fn take_behind(&self) -> Option<Bytes> {
        self.orders().behind.pop_front()
    }

    pub(super) fn give_back(&self, bytes: Bytes) {
        self.orders().behind.push_front(bytes);
    }

    pub(super) fn flushed(&self) {
        self.flushes.fetch_add(1, Ordering::AcqRel);
        let mut orders = self.orders();
        let mut woken = vec![orders.waiting.take()];
        if orders.close == Close::Answered {
            orders.close = Close::Now;
            woken.push(orders.reading.take());
        }
        drop(orders);
        woken.into_iter().flatten().for_each(Waker::wake);
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Model of tokio's fair `Semaphore` for shuttle tests.
//!
//! shuttle's own semaphore wakes tasks while its state is borrowed, and the wakers of a fan-out worker access it again.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use shuttle::sync::{Mutex, MutexGuard, PoisonError};

/// Counts permits.
#[derive(Debug)]
pub(crate) struct Semaphore(Mutex<State>);

#[derive(Debug)]
struct State {
    permits: usize,
    queue: VecDeque<Waiter>,
    /// Numbers of waiters that were granted permits and have not been polled since.
    granted: Vec<u64>,
    next: u64,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    wants: usize,
    waker: Waker,
}

/// No permit is free, or the semaphore is closed, which never happens.
#[derive(Debug)]
pub(crate) struct Closed;

impl State {
    /// Takes permits if there are enough and no other task waits.
    fn take(&mut self, permits: usize) -> bool {
        let available = self.queue.is_empty() && self.permits >= permits;
        if available {
            self.permits -= permits;
        }
        available
    }

    /// Grants permits to waiters, in order. Returns the wakers to wake after the lock is released.
    fn serve(&mut self) -> Vec<Waker> {
        let mut woken = Vec::new();
        while let Some(first) = self.queue.front()
            && first.wants <= self.permits
            && let Some(first) = self.queue.pop_front()
        {
            self.permits -= first.wants;
            self.granted.push(first.number);
            woken.push(first.waker);
        }
        woken
    }

    /// Returns whether this waiter was granted permits. It owns them from now on.
    fn collect(&mut self, number: u64) -> bool {
        let granted = self.granted.iter().position(|granted| *granted == number);
        granted.is_some_and(|index| self.granted.swap_remove(index) == number)
    }
}

impl Semaphore {
    /// As tokio's.
    pub(crate) const MAX_PERMITS: usize = usize::MAX >> 3;

    pub(crate) fn new(permits: usize) -> Self {
        Self(Mutex::new(State {
            permits,
            queue: VecDeque::new(),
            granted: Vec::new(),
            next: 0,
        }))
    }

    pub(crate) fn add_permits(&self, permits: usize) {
        let mut state = self.lock();
        state.permits += permits;
        let woken = state.serve();
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn try_acquire(&self) -> Result<Permit<'_>, Closed> {
        let taken = self.lock().take(1);
        taken.then(|| Permit(self)).ok_or(Closed)
    }

    pub(crate) async fn acquire(&self) -> Result<Permit<'_>, Closed> {
        self.turn(1).await;
        Ok(Permit(self))
    }

    pub(crate) async fn acquire_many_owned(
        self: Arc<Self>,
        permits: u32,
    ) -> Result<OwnedSemaphorePermit, Closed> {
        let permits = permits as usize;
        self.turn(permits).await;
        Ok(OwnedSemaphorePermit {
            semaphore: self,
            permits,
        })
    }

    #[cfg(test)]
    pub(crate) fn available_permits(&self) -> usize {
        self.lock().permits
    }

    fn turn(&self, wants: usize) -> Turn<'_> {
        Turn {
            semaphore: self,
            wants,
            number: None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for permits.
struct Turn<'a> {
    semaphore: &'a Semaphore,
    wants: usize,
    /// The place in the queue, from the first poll that finds too few until the permits are collected.
    number: Option<u64>,
}

impl Future for Turn<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let (semaphore, wants) = (self.semaphore, self.wants);
        let mut state = semaphore.lock();
        let waker = cx.waker().clone();
        match self.number {
            None if state.take(wants) => return Poll::Ready(()),
            None => {
                let number = state.next;
                state.next += 1;
                state.queue.push_back(Waiter {
                    number,
                    wants,
                    waker,
                });
                self.number = Some(number);
            }
            Some(number) if state.collect(number) => {
                self.number = None;
                return Poll::Ready(());
            }
            Some(number) => {
                let mut queue = state.queue.iter_mut();
                if let Some(waiter) = queue.find(|waiter| waiter.number == number) {
                    waiter.waker = waker;
                }
            }
        }
        Poll::Pending
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut state = self.semaphore.lock();
        if state.collect(number) {
            state.permits += self.wants;
        }
        state.queue.retain(|waiter| waiter.number != number);
        let woken = state.serve();
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }
}

/// One permit; returned when dropped.
#[must_use]
pub(crate) struct Permit<'a>(&'a Semaphore);

impl Permit<'_> {
    /// Drops the permit without returning it.
    pub(crate) fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

/// Permits; returned when dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct OwnedSemaphorePermit {
    semaphore: Arc<Semaphore>,
    permits: usize,
}

impl OwnedSemaphorePermit {
    pub(crate) fn num_permits(&self) -> usize {
        self.permits
    }

    /// Splits off `permits`, if it has that many.
    pub(crate) fn split(&mut self, permits: usize) -> Option<Self> {
        self.permits = self.permits.checked_sub(permits)?;
        Some(Self {
            semaphore: Arc::clone(&self.semaphore),
            permits,
        })
    }
}

impl Drop for OwnedSemaphorePermit {
    fn drop(&mut self) {
        self.semaphore.add_permits(self.permits);
    }
}

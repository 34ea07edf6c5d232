//! Many futures in one task, without a task or an allocation for each.
//!
//! A slot keeps its memory and its waker when its future is done, for the next one. Wakers put the number of their
//! slot into a queue, and the first of them wakes the task.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{AtomicWaker, Mutex};

/// How a task that drives slots is reached. Clone is a reference count.
#[derive(Clone, Default)]
pub(super) struct Bell(Arc<Queue>);

#[derive(Default)]
struct Queue {
    task: AtomicWaker,
    /// The slots that want to be polled.
    woken: Mutex<Vec<usize>>,
}

impl Bell {
    /// Makes the task look at what has changed.
    pub(super) fn ring(&self) {
        self.0.task.wake();
    }

    fn push(&self, slot: usize) {
        let mut woken = self.0.woken.lock().unwrap_or_else(PoisonError::into_inner);
        woken.push(slot);
        let first = woken.len() == 1;
        drop(woken);
        // Otherwise the task has been woken and has not looked yet.
        if first {
            self.ring();
        }
    }
}

/// Wakes one slot.
struct SlotWaker {
    slot: usize,
    /// The slot is in the queue already.
    queued: AtomicBool,
    bell: Bell,
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.bell.push(self.slot);
        }
    }
}

struct Slot<F> {
    /// The number of the input that the future is for.
    input: usize,
    future: Pin<Box<Option<F>>>,
    shared: Arc<SlotWaker>,
    waker: Waker,
}

/// Futures that are driven together, each for one input.
pub(super) struct Slots<F: Future> {
    slots: Vec<Slot<F>>,
    free: Vec<usize>,
    live: usize,
    /// The slots to poll in this round, from `at` on.
    round: Vec<usize>,
    at: usize,
    bell: Bell,
}

impl<F: Future> Slots<F> {
    pub(super) fn new(bell: Bell) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            live: 0,
            round: Vec::new(),
            at: 0,
            bell,
        }
    }

    /// Returns how many futures are under way.
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// Lets wakers wake this task; to be called before anything is polled.
    pub(super) fn register(&self, task: &Waker) {
        self.bell.0.task.register(task);
    }

    /// Takes a future in. It is polled with the next ones.
    pub(super) fn insert(&mut self, input: usize, future: F) {
        self.live += 1;
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot].input = input;
                self.slots[slot].future.set(Some(future));
                slot
            }
            None => self.push(input, future),
        };
        self.round.push(slot);
    }

    fn push(&mut self, input: usize, future: F) -> usize {
        let slot = self.slots.len();
        let shared = Arc::new(SlotWaker {
            slot,
            queued: AtomicBool::new(false),
            bell: self.bell.clone(),
        });
        self.slots.push(Slot {
            input,
            future: Box::pin(Some(future)),
            waker: Waker::from(Arc::clone(&shared)),
            shared,
        });
        slot
    }

    /// Polls the next future that wants it. `None` if none does; else its result, if it has one.
    pub(super) fn poll_one(&mut self) -> Option<Poll<(usize, F::Output)>> {
        let number = self.next_woken()?;
        let slot = &mut self.slots[number];
        // Before the poll: whoever wakes it from now on wants it polled again.
        slot.shared.queued.store(false, Ordering::Release);
        // A waker may outlive the future that it was made for.
        let Some(future) = slot.future.as_mut().as_pin_mut() else {
            return Some(Poll::Pending);
        };
        let Poll::Ready(output) = future.poll(&mut Context::from_waker(&slot.waker)) else {
            return Some(Poll::Pending);
        };
        let input = slot.input;
        self.clear(number);
        Some(Poll::Ready((input, output)))
    }

    fn next_woken(&mut self) -> Option<usize> {
        if self.at == self.round.len() {
            self.round.clear();
            self.at = 0;
            let queue = &self.bell.0.woken;
            let mut woken = queue.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut *woken, &mut self.round);
        }
        let next = self.round.get(self.at).copied();
        self.at += usize::from(next.is_some());
        next
    }

    /// Drops the futures of all inputs behind `input`.
    pub(super) fn cancel_behind(&mut self, input: usize) {
        for number in 0..self.slots.len() {
            let slot = &self.slots[number];
            if slot.input > input && slot.future.is_some() {
                self.clear(number);
            }
        }
    }

    fn clear(&mut self, number: usize) {
        self.slots[number].future.set(None);
        self.free.push(number);
        self.live -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use futures_util::future::BoxFuture;
    use tokio::sync::oneshot;

    use super::*;

    /// Counts its polls.
    struct Counted(oneshot::Receiver<u32>, Rc<Cell<u32>>);

    impl Future for Counted {
        type Output = u32;

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
            self.1.set(self.1.get() + 1);
            Pin::new(&mut self.0).poll(cx).map(|value| value.unwrap())
        }
    }

    fn drive<F: Future>(slots: &mut Slots<F>) -> Vec<(usize, F::Output)> {
        let mut done = Vec::new();
        while let Some(polled) = slots.poll_one() {
            if let Poll::Ready(one) = polled {
                done.push(one);
            }
        }
        done
    }

    #[test]
    fn only_what_was_woken_is_polled_and_slots_are_used_again() {
        let mut slots = Slots::new(Bell::default());
        let polls = Rc::new(Cell::new(0));
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..5).map(|_| oneshot::channel::<u32>()).unzip();
        for (input, receiver) in receivers.into_iter().enumerate() {
            slots.insert(input, Counted(receiver, Rc::clone(&polls)));
        }
        assert!(drive(&mut slots).is_empty());
        assert_eq!((polls.get(), slots.len()), (5, 5));
        let mut senders = senders;
        for value in [4, 3] {
            senders.pop().unwrap().send(value).unwrap();
        }
        assert_eq!(drive(&mut slots), [(4, 4), (3, 3)]);
        assert_eq!((polls.get(), slots.len()), (7, 3));
        let (_sender, receiver) = oneshot::channel();
        slots.insert(9, Counted(receiver, polls));
        assert_eq!((slots.len(), slots.slots.len()), (4, 5));
    }

    #[test]
    fn a_waker_that_outlives_its_future_wakes_nobody_else() {
        let mut slots: Slots<BoxFuture<'static, ()>> = Slots::new(Bell::default());
        let kept = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&kept);
        slots.insert(
            0,
            Box::pin(std::future::poll_fn(move |cx| {
                *keep.lock().unwrap() = Some(cx.waker().clone());
                Poll::Ready(())
            })),
        );
        assert_eq!(drive(&mut slots).len(), 1);
        let stale: Waker = kept.lock().unwrap().take().unwrap();
        stale.wake_by_ref();
        assert!(drive(&mut slots).is_empty());
        slots.insert(1, Box::pin(std::future::pending()));
        stale.wake();
        assert!(drive(&mut slots).is_empty());
        assert_eq!(slots.len(), 1);
    }

    #[test]
    fn what_is_behind_an_input_is_dropped_at_once() {
        let mut slots: Slots<BoxFuture<'static, ()>> = Slots::new(Bell::default());
        let alive = Arc::new(());
        for input in 0..6 {
            let held = Arc::clone(&alive);
            slots.insert(
                input,
                Box::pin(async move {
                    let _held = held;
                    std::future::pending::<()>().await;
                }),
            );
        }
        drive(&mut slots);
        slots.cancel_behind(2);
        assert_eq!((slots.len(), Arc::strong_count(&alive)), (3, 4));
    }
}

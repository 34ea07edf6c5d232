//! [`Explorer`]: random scheduler that polls tasks in an order that depends on a seed, and cancels some of them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use fastrand::Rng;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::task::AtomicWaker;
use tokio::time::timeout;

use crate::prove::Figures;

/// Longer than any case, unless its tasks never end.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

/// The future of a task. Its error describes the problem.
pub(super) type Work = BoxFuture<'static, Result<(), String>>;

/// Polls the tasks of a case in random order.
pub(super) struct Explorer {
    tasks: Vec<Task>,
    random: Rng,
    outer: Arc<AtomicWaker>,
    polls: u64,
    dropped: u64,
}

struct Task {
    work: Work,
    alarm: Arc<Alarm>,
    waker: Waker,
    /// If set, the task is dropped after this many polls.
    polls_left: Option<u32>,
}

/// Waker of a task: records that the task wants to be polled.
struct Alarm {
    rings: AtomicBool,
    outer: Arc<AtomicWaker>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.rings.store(true, Ordering::Release);
        self.outer.wake();
    }
}

impl Explorer {
    pub(super) fn new(random: Rng) -> Self {
        Self {
            tasks: Vec::new(),
            random,
            outer: Arc::default(),
            polls: 0,
            dropped: 0,
        }
    }

    /// Adds a task. One in three is dropped after a random number of polls.
    pub(super) fn add(&mut self, work: impl Future<Output = Result<(), String>> + Send + 'static) {
        let condemned = self.random.u8(0..3) == 0;
        let polls_left = condemned.then(|| self.random.u32(0..30));
        self.push(work.boxed(), polls_left);
    }

    fn push(&mut self, work: Work, polls_left: Option<u32>) {
        let alarm = Arc::new(Alarm {
            rings: AtomicBool::new(true),
            outer: Arc::clone(&self.outer),
        });
        self.tasks.push(Task {
            work,
            waker: Waker::from(Arc::clone(&alarm)),
            alarm,
            polls_left,
        });
    }

    /// Runs all tasks until they end.
    pub(super) async fn run(mut self) -> Result<Figures, String> {
        let all = timeout(FOR_EVER, &mut self).await;
        all.map_err(|_| format!("{} tasks wait for each other", self.tasks.len()))??;
        let mut figures = Figures::default();
        figures.count("polls", self.polls);
        figures.count("cancelled", self.dropped);
        Ok(figures)
    }
}

impl Future for Explorer {
    type Output = Result<(), String>;

    /// Polls one task, then yields so that spawned tasks run before the next poll.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), String>> {
        let this = &mut *self;
        this.outer.register(cx.waker());
        let wants = |task: &Task| task.alarm.rings.load(Ordering::Acquire);
        let woken: Vec<usize> = (0..this.tasks.len())
            .filter(|index| wants(&this.tasks[*index]))
            .collect();
        if woken.is_empty() {
            return if this.tasks.is_empty() {
                Poll::Ready(Ok(()))
            } else {
                Poll::Pending
            };
        }
        let index = woken[this.random.usize(0..woken.len())];
        let task = &mut this.tasks[index];
        task.alarm.rings.store(false, Ordering::Release);
        if task.polls_left == Some(0) {
            this.dropped += 1;
            drop(this.tasks.swap_remove(index));
        } else {
            this.polls += 1;
            task.polls_left = task.polls_left.map(|left| left - 1);
            let waker = task.waker.clone();
            match task.work.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(Ok(())) => drop(this.tasks.swap_remove(index)),
                Poll::Ready(Err(what)) => return Poll::Ready(Err(what)),
                Poll::Pending => {}
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

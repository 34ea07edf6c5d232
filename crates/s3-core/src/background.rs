//! Runs spawned tasks and new connections on a runtime that outlives the current call; set per thread.
//!
//! A thread may poll a call on a runtime that runs only as long as the call. Tasks and connections that other calls
//! use too, such as those of a credentials provider, must be started on a runtime that keeps running.

use std::cell::RefCell;
use std::rc::Rc;

thread_local! {
    static BACKGROUND: RefCell<Option<Rc<dyn Background>>> = const { RefCell::new(None) };
}

/// A runtime that outlives single calls.
pub trait Background {
    /// Calls `start` once, with this runtime as the current one.
    fn enter(&self, start: &mut dyn FnMut());
}

/// Sets the runtime for tasks and connections that calls on this thread start. With `None`, the default, that is the
/// runtime of the call.
pub fn set_background(background: Option<Rc<dyn Background>>) {
    BACKGROUND.set(background);
}

/// Calls `start` in the background runtime: the tasks and connections that it starts outlive the current call.
pub fn in_background<T>(start: impl FnOnce() -> T) -> T {
    let Some(background) = BACKGROUND.with_borrow(Clone::clone) else {
        return start();
    };
    let (mut start, mut started) = (Some(start), None);
    background.enter(&mut || started = start.take().map(|start| start()));
    started.expect("a background calls the function")
}

/// Polls `work` in the background runtime: the tasks and connections that it starts outlive the current call.
#[cfg(feature = "sdk")]
pub(crate) async fn poll_in_background<F: Future>(work: F) -> F::Output {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|cx| in_background(|| work.as_mut().poll(cx))).await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    struct Counted(Rc<Cell<usize>>);

    impl Background for Counted {
        fn enter(&self, start: &mut dyn FnMut()) {
            self.0.set(self.0.get() + 1);
            start();
        }
    }

    #[test]
    fn work_starts_in_the_background_only_where_one_is_set() {
        assert_eq!(in_background(|| 1), 1);
        let entered = Rc::new(Cell::new(0));
        set_background(Some(Rc::new(Counted(Rc::clone(&entered)))));
        assert_eq!(in_background(|| in_background(|| 2)), 2);
        set_background(None);
        assert_eq!(in_background(|| 3), 3);
        assert_eq!(entered.get(), 2);
    }
}

//! Runs blocking file operations: in place where this thread may block, else with `spawn_blocking`.

use std::io;

use s3_core::blocking_io::blocking_io_allowed;

/// Runs short work on local files: in place on a thread that allows blocking I/O, otherwise on tokio's blocking pool. A
/// round trip to the pool costs 5 to 10 µs, as much as a small file.
///
/// If the future is dropped, the work may continue in the background.
///
/// # Errors
///
/// Those of [`run_blocking`].
pub(crate) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    if blocking_io_allowed() {
        work()
    } else {
        run_blocking(work).await
    }
}

/// Runs blocking work on tokio's blocking pool. Resumes its panic.
///
/// # Errors
///
/// Those of `work`, and another one if the runtime is shut down before the work starts.
pub(crate) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failure) => match failure.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(cancelled) => Err(io::Error::other(cancelled)),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_runtime_that_was_shut_down_is_an_error() {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let handle = runtime.handle().clone();
        runtime.shutdown_background();
        assert!(handle.block_on(run_blocking(|| Ok(()))).is_err());
    }

    #[test]
    fn only_a_thread_that_allows_blocking_io_works_in_place() {
        for allowed in [false, true] {
            let here = thread::spawn(move || {
                if allowed {
                    s3_core::blocking_io::allow_blocking_io();
                }
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                let worker = on_disk(|| Ok(thread::current().id()));
                runtime.unwrap().block_on(worker).unwrap() == thread::current().id()
            });
            assert_eq!(here.join().unwrap(), allowed);
        }
    }
}

//! Ends an attempt that does not move. Slow progress is not a stall.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, select};
use s3_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, sleep};
use tower::{Layer, Service};

use crate::{Job, Progress};

/// Ends an attempt during which no byte has moved for a while.
#[derive(Clone, Copy, Debug)]
pub struct StallTimeoutLayer(pub Duration);

impl<S> Layer<S> for StallTimeoutLayer {
    type Service = StallTimeout<S>;

    fn layer(&self, inner: S) -> StallTimeout<S> {
        StallTimeout {
            inner,
            limit: self.0,
        }
    }
}

/// The service of [`StallTimeoutLayer`].
#[derive(Clone, Debug)]
pub struct StallTimeout<S> {
    inner: S,
    limit: Duration,
}

impl<S, J> Service<J> for StallTimeout<S>
where
    J: Job,
    S: Service<J, Response = J::Output, Error = Error>,
    S::Future: Send + 'static,
{
    type Response = J::Output;
    type Error = Error;
    type Future = BoxFuture<'static, Result<J::Output>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, job: J) -> Self::Future {
        let limit = self.limit.saturating_add(job.allowance());
        let progress = job.progress().cloned().unwrap_or_default();
        let (operation, place) = (job.operation(), job.place().to_owned());
        let attempt = self.inner.call(job);
        Box::pin(async move {
            while_moving(limit, &progress, attempt)
                .await
                .unwrap_or_else(|| {
                    Err(Error::new(ErrorKind::Timeout, operation)
                        .with_place(&place)
                        .with_message(format!("nothing moved for {} s", limit.as_secs_f32())))
                })
        })
    }
}

/// Runs `attempt` as long as it moves; `None` if it has stood still for `limit`.
///
/// Looks four times per limit, so a stall is noticed after one to one and a quarter limits.
async fn while_moving<T>(
    limit: Duration,
    progress: &Progress,
    attempt: impl Future<Output = T> + Send,
) -> Option<T> {
    let mut attempt = pin!(attempt);
    let (mut seen, mut since) = (progress.pulse(), Instant::now());
    loop {
        match select(attempt.as_mut(), pin!(sleep(limit / 4))).await {
            Either::Left((done, _)) => return Some(done),
            Either::Right(_) if progress.is_own_wait() || progress.pulse() != seen => {
                (seen, since) = (progress.pulse(), Instant::now());
            }
            Either::Right(_) if since.elapsed() >= limit => return None,
            Either::Right(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_stands_still_ends_within_one_and_a_quarter_limits() {
        let start = Instant::now();
        let ended = while_moving(LIMIT, &Progress::default(), std::future::pending::<()>()).await;
        assert_eq!(ended, None);
        assert!(start.elapsed() <= LIMIT * 5 / 4 + Duration::from_millis(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_attempt_that_moves_is_left_alone() {
        let progress = Progress::default();
        let slow = async {
            for _ in 0..100 {
                sleep(LIMIT - Duration::from_secs(1)).await;
                progress.add(1);
            }
            "done"
        };
        assert_eq!(while_moving(LIMIT, &progress, slow).await, Some("done"));
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_the_disk_is_not_a_stall() {
        let progress = Progress::default();
        let waits = async {
            let _wait = progress.own_wait();
            sleep(LIMIT * 10).await;
        };
        assert_eq!(while_moving(LIMIT, &progress, waits).await, Some(()));
    }
}

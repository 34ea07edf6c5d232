//! [`Pace`]: slows the server down, with a latency before each response and a rate limit of each body.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use s3s::stream::{ByteStream, RemainingLength};
use s3s::{Body, StdError};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// Maximum number of bytes that are sent at once: 64 KiB, so that the rate is even instead of one burst per frame.
const STEP: usize = 64 << 10;

/// The latency and rate limit of the server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    pub(crate) latency: Duration,
    /// Bytes per second of one body; no limit if 0.
    pub(crate) rate: u64,
}

impl Pace {
    /// Waits for the latency.
    pub(crate) async fn wait(self) {
        if !self.latency.is_zero() {
            sleep(self.latency).await;
        }
    }

    /// Wraps a body so that it is sent at the rate.
    pub(crate) fn body(self, body: Body) -> Body {
        if self.rate == 0 {
            return body;
        }
        let stream: s3s::stream::DynByteStream = Box::pin(Paced {
            body,
            rest: Bytes::new(),
            rate: self.rate,
            began: None,
            moved: 0,
            wait: None,
        });
        Body::from(stream)
    }
}

struct Paced {
    body: Body,
    /// Received bytes that are not sent yet.
    rest: Bytes,
    rate: u64,
    began: Option<Instant>,
    moved: u64,
    wait: Option<Pin<Box<Sleep>>>,
}

impl Stream for Paced {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        while this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_next(cx)) {
                Some(Ok(frame)) => this.rest = frame,
                end => return Poll::Ready(end),
            }
        }
        let began = *this.began.get_or_insert_with(Instant::now);
        let due = began + Duration::from_secs_f64(this.moved as f64 / this.rate as f64);
        let wait = this.wait.get_or_insert_with(|| Box::pin(sleep_until(due)));
        ready!(wait.as_mut().poll(cx));
        this.wait = None;
        let step = this.rest.split_to(this.rest.len().min(STEP));
        this.moved += step.len() as u64;
        Poll::Ready(Some(Ok(step)))
    }
}

impl ByteStream for Paced {
    fn remaining_length(&self) -> RemainingLength {
        match self.body.remaining_length().exact() {
            Some(left) => RemainingLength::new_exact(left + self.rest.len()),
            None => RemainingLength::unknown(),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_takes_as_long_as_its_rate_says() {
        let pace = Pace {
            latency: Duration::from_millis(30),
            rate: 1 << 20,
        };
        let began = Instant::now();
        pace.wait().await;
        assert_eq!(began.elapsed(), Duration::from_millis(30));
        let began = Instant::now();
        let mut body = pace.body(Body::from(vec![7; 4 << 20]));
        let mut bytes = 0;
        while let Some(frame) = body.next().await {
            bytes += frame.unwrap().len();
        }
        assert_eq!(bytes, 4 << 20);
        // The last step needs no wait after it.
        let took = began.elapsed();
        assert!(
            took > Duration::from_millis(3900) && took <= Duration::from_secs(4),
            "{took:?}"
        );
    }
}

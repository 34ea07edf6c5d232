//! Converts the body of a store's GetObject response to a streaming response body of `s3s`.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use s3_core::Body;
use s3s::StdError;
use s3s::dto::StreamingBlob;
use s3s::stream::{ByteStream, RemainingLength};

/// Streams `body`, which has `len` bytes.
pub(super) fn streamed(body: Body, len: u64) -> StreamingBlob {
    StreamingBlob::new(Streamed {
        body: Mutex::new(body),
        left: len,
    })
}

/// A response body. The mutex makes it `Sync`, which the protocol layer requires; it is never locked.
struct Streamed {
    body: Mutex<Body>,
    left: u64,
}

impl Stream for Streamed {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let body = this.body.get_mut().unwrap_or_else(PoisonError::into_inner);
        let polled = Pin::new(body).poll_next(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            this.left = this.left.saturating_sub(frame.len() as u64);
        }
        polled.map(|frame| frame.map(|frame| frame.map_err(StdError::from)))
    }
}

impl ByteStream for Streamed {
    fn remaining_length(&self) -> RemainingLength {
        usize::try_from(self.left)
            .map_or_else(|_| RemainingLength::unknown(), RemainingLength::new_exact)
    }
}

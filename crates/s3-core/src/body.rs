//! The body of an answer: bytes at hand, or a stream of them.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;

use crate::Result;

/// The body of a [`GetResponse`](crate::GetResponse): one piece in memory, or frames as they arrive.
///
/// Frames are the network's own buffers; nothing is copied before the reader asks for it.
pub struct Body(Kind);

enum Kind {
    Whole(Option<Bytes>),
    Stream(Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>),
}

impl Body {
    /// Returns a body of bytes that are at hand.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Whole(Some(bytes.into())))
    }

    /// Returns a body that is read from `stream` on demand.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use futures_util::stream;
    /// use s3_core::Body;
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let frames = [Ok(Bytes::from("hiss, ")), Ok(Bytes::from("purr"))];
    /// let body = Body::from_stream(stream::iter(frames));
    /// assert_eq!(body.collect().await?, "hiss, purr");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("the memory store never waits").unwrap();
    /// ```
    #[must_use]
    pub fn from_stream(stream: impl Stream<Item = Result<Bytes>> + Send + 'static) -> Self {
        Self(Kind::Stream(Box::pin(stream)))
    }

    /// Returns the next frame, or `None` at the end.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::Body;
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let mut body = Body::from_bytes("purr");
    /// let mut size = 0;
    /// while let Some(frame) = body.next().await {
    ///     size += frame?.len();
    /// }
    /// assert_eq!(size, 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("the memory store never waits").unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Whatever the transport says: usually `Network`, `Timeout` or `Integrity`. After an error the body is over.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Reads everything into one buffer. A body that arrived in one piece is not copied.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{GetRequest, MemoryStore, S3Url, Store, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// store.put_bytes(url.clone(), "purr").await?;
    /// let answer = store.get(GetRequest::new(url)).await?;
    /// assert_eq!(answer.body.collect().await?, "purr");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("the memory store never waits").unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// The first error of [`next`](Self::next).
    pub async fn collect(mut self) -> Result<Bytes> {
        let Some(first) = self.next().await.transpose()? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.next().await.transpose()? else {
            return Ok(first);
        };
        let mut whole = BytesMut::with_capacity(2 * (first.len() + second.len()));
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&second);
        while let Some(frame) = self.next().await.transpose()? {
            whole.extend_from_slice(&frame);
        }
        Ok(whole.freeze())
    }
}

impl Stream for Body {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.0 {
            Kind::Whole(bytes) => {
                Poll::Ready(bytes.take().filter(|bytes| !bytes.is_empty()).map(Ok))
            }
            Kind::Stream(stream) => stream.as_mut().poll_next(cx),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::from_bytes(bytes)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Whole(bytes) => {
                write!(f, "Body({} bytes)", bytes.as_ref().map_or(0, Bytes::len))
            }
            Kind::Stream(_) => f.write_str("Body(stream)"),
        }
    }
}

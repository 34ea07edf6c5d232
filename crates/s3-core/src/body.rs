//! [`Body`]: the body of a response, in memory or streamed.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;

use crate::{ChecksumAlgorithm, Result};

/// The body of a [`GetResponse`](crate::GetResponse): one buffer in memory, or frames as they arrive.
///
/// Frames are the buffers of the network, passed on without a copy.
pub struct Body {
    kind: BodyKind,
    /// The checksum that the bytes in memory were verified with.
    verified: Option<ChecksumAlgorithm>,
}

enum BodyKind {
    Whole(Option<Bytes>),
    Stream {
        frames: Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>,
        /// The end of the last frame, which [`Body::poll_fill`] has not returned yet.
        rest: Bytes,
    },
    Source(Box<dyn BodySource>),
}

/// A source of a body's bytes that can write them into the reader's buffer.
///
/// Reading a socket directly into the buffer that is written to a file, or into the memory that the caller keeps, saves
/// one copy of every byte.
pub trait BodySource: Send {
    /// Appends the available bytes, at most `at_most`, to `into` and returns their number; 0 is the end of the body.
    /// `at_most` is never 0.
    ///
    /// Uses the spare capacity of `into`; without any, `into` grows.
    ///
    /// # Errors
    ///
    /// The error that interrupted the body. Nothing follows an error.
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut BytesMut,
        at_most: usize,
    ) -> Poll<Result<usize>>;

    /// Returns the checksum that the source verifies at its end; `None` if it verifies nothing.
    fn verified_by_store(&self) -> Option<ChecksumAlgorithm> {
        None
    }

    /// Turns off verification, for a reader that computes the checksum itself.
    fn skip_verification(&mut self) {}
}

/// Size of the frames that are read from a source, in bytes: the content of a socket buffer at full speed.
const FRAME: usize = 64 << 10;

impl Body {
    /// Returns a body of bytes in memory.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self::of(BodyKind::Whole(Some(bytes.into())))
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
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    #[must_use]
    pub fn from_stream(stream: impl Stream<Item = Result<Bytes>> + Send + 'static) -> Self {
        Self::of(BodyKind::Stream {
            frames: Box::pin(stream),
            rest: Bytes::new(),
        })
    }

    /// Returns a body that is read from `source` on demand.
    #[must_use]
    pub fn from_source(source: impl BodySource + 'static) -> Self {
        Self::of(BodyKind::Source(Box::new(source)))
    }

    const fn of(kind: BodyKind) -> Self {
        let verified = None;
        Self { kind, verified }
    }

    /// Marks bytes in memory as verified with this checksum of the whole object.
    #[must_use]
    pub fn with_verified(mut self, algorithm: ChecksumAlgorithm) -> Self {
        self.verified = Some(algorithm);
        self
    }

    /// Returns the checksum of the whole object that this body was verified with, or that is verified at its end; a
    /// mismatch is an error of kind `Integrity`. `None` if nothing is verified.
    #[must_use]
    pub fn verified_by_store(&self) -> Option<ChecksumAlgorithm> {
        match &self.kind {
            BodyKind::Source(source) => source.verified_by_store(),
            _ => self.verified,
        }
    }

    /// Turns off checksum verification of a body that has not arrived yet, for a reader that verifies it itself.
    pub fn skip_verification(&mut self) {
        if let BodyKind::Source(source) = &mut self.kind {
            source.skip_verification();
        }
    }

    /// Takes the whole body if it is in memory, without a copy; leaves an empty body.
    pub fn take_whole(&mut self) -> Option<Bytes> {
        match &mut self.kind {
            BodyKind::Whole(bytes) => Some(bytes.take().unwrap_or_default()),
            _ => None,
        }
    }

    /// Appends the available bytes, at most `at_most`, to `into` and returns their number; 0 is the end of the body.
    ///
    /// Bytes from the network are read directly into the spare capacity of `into`; without any, `into` grows.
    ///
    /// # Errors
    ///
    /// As for [`Body::next`].
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use s3_core::Body;
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let mut body = Body::from_bytes("hiss, purr");
    /// let mut buffer = BytesMut::with_capacity(4);
    /// assert_eq!(body.fill(&mut buffer, 4).await?, 4);
    /// assert_eq!(buffer, "hiss");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    pub async fn fill(&mut self, into: &mut BytesMut, at_most: usize) -> Result<usize> {
        poll_fn(|cx| self.poll_fill(cx, into, at_most)).await
    }

    /// Polling version of [`Body::fill`].
    ///
    /// # Errors
    ///
    /// As for [`Body::next`].
    pub fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut BytesMut,
        at_most: usize,
    ) -> Poll<Result<usize>> {
        if at_most == 0 {
            return Poll::Ready(Ok(0));
        }
        match &mut self.kind {
            BodyKind::Whole(bytes) => Poll::Ready(Ok(bytes
                .as_mut()
                .map_or(0, |bytes| append(bytes, into, at_most)))),
            BodyKind::Stream { frames, rest } => {
                while rest.is_empty() {
                    match ready!(frames.as_mut().poll_next(cx)).transpose()? {
                        Some(frame) => *rest = frame,
                        None => return Poll::Ready(Ok(0)),
                    }
                }
                Poll::Ready(Ok(append(rest, into, at_most)))
            }
            BodyKind::Source(source) => source.poll_fill(cx, into, at_most),
        }
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
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of the transport: usually `Network`, `Timeout` or `Integrity`. Nothing follows an error.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Reads the whole body into one buffer. A body of one frame is not copied.
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
    /// let response = store.get(GetRequest::new(url)).await?;
    /// assert_eq!(response.body.collect().await?, "purr");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
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

/// Moves at most `at_most` bytes from the front of `bytes` to `into`.
fn append(bytes: &mut Bytes, into: &mut BytesMut, at_most: usize) -> usize {
    let taken = bytes.split_to(bytes.len().min(at_most));
    into.extend_from_slice(&taken);
    taken.len()
}

impl Stream for Body {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.kind {
            BodyKind::Whole(bytes) => {
                Poll::Ready(bytes.take().filter(|bytes| !bytes.is_empty()).map(Ok))
            }
            BodyKind::Stream { frames, rest } => {
                if rest.is_empty() {
                    return frames.as_mut().poll_next(cx);
                }
                Poll::Ready(Some(Ok(std::mem::take(rest))))
            }
            BodyKind::Source(source) => {
                let mut frame = BytesMut::with_capacity(FRAME);
                let filled = ready!(source.poll_fill(cx, &mut frame, FRAME));
                Poll::Ready(match filled {
                    Ok(0) => None,
                    Ok(_) => Some(Ok(frame.freeze())),
                    Err(error) => Some(Err(error)),
                })
            }
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
        match &self.kind {
            BodyKind::Whole(bytes) => {
                write!(f, "Body({} bytes)", bytes.as_ref().map_or(0, Bytes::len))
            }
            BodyKind::Stream { .. } | BodyKind::Source(_) => f.write_str("Body(stream)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::stream;

    use super::*;

    struct CountingSource(u8);

    impl BodySource for CountingSource {
        fn poll_fill(
            &mut self,
            _: &mut Context<'_>,
            into: &mut BytesMut,
            at_most: usize,
        ) -> Poll<Result<usize>> {
            let count = at_most.min(3).min(usize::from(9 - self.0));
            for _ in 0..count {
                self.0 += 1;
                into.extend_from_slice(&[self.0]);
            }
            Poll::Ready(Ok(count))
        }
    }

    fn bodies() -> [Body; 3] {
        let frames = [&[1, 2, 3, 4][..], &[], &[5, 6], &[7, 8, 9]];
        [
            Body::from_bytes((1..=9).collect::<Vec<u8>>()),
            Body::from_stream(stream::iter(
                frames.map(|frame| Ok(Bytes::from_static(frame))),
            )),
            Body::from_source(CountingSource(0)),
        ]
    }

    #[test]
    fn fill_and_next_in_any_order_return_the_same_bytes() {
        for by_fill in [
            vec![true],
            vec![false],
            vec![true, false],
            vec![false, true],
        ] {
            for mut body in bodies() {
                let mut all = BytesMut::new();
                for fill in by_fill.iter().cycle().take(20) {
                    if *fill {
                        body.fill(&mut all, 2).now_or_never().unwrap().unwrap();
                    } else if let Some(frame) = body.next().now_or_never().unwrap() {
                        all.extend_from_slice(&frame.unwrap());
                    }
                }
                assert_eq!(&all[..], [1, 2, 3, 4, 5, 6, 7, 8, 9], "{by_fill:?}");
            }
        }
    }

    #[test]
    fn only_a_body_that_was_marked_is_verified() {
        for mut body in bodies() {
            assert_eq!(body.verified_by_store(), None);
            body.skip_verification();
        }
        let body = Body::from_bytes("a").with_verified(ChecksumAlgorithm::Crc32);
        assert_eq!(body.verified_by_store(), Some(ChecksumAlgorithm::Crc32));
    }

    #[test]
    fn only_a_body_in_memory_is_taken_whole() {
        let taken = bodies().map(|mut body| body.take_whole().map(|bytes| bytes.len()));
        assert_eq!(taken, [Some(9), None, None]);
    }
}

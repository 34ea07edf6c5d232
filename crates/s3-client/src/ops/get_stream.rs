//! `get(key).reader()` and `get(key).stream()`: streaming downloads, which do not store the bytes.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};
use s3_transfer::ObjectReader;

use super::Get;
use crate::context::ClientContext;
use crate::error::{Error, Result};
use crate::request::{Async, Request};

impl Request<Get, Async> {
    /// Sends the request and returns a reader of the object, or of the range, with the headers of the first response.
    ///
    /// The reader is a `Stream` of frames and an [`AsyncRead`](tokio::io::AsyncRead). Sends one GET per part, as
    /// [`get`](crate::S3::get) does, and reads parts ahead within the memory budget. All bytes are of one version of
    /// the object: if it is replaced, the reader fails with
    /// [`ChangedDuringRead`](crate::ErrorKind::ChangedDuringRead). An interrupted body resumes after the last byte.
    /// Dropping the reader cancels its requests.
    ///
    /// # Errors
    ///
    /// As [`get`](crate::S3::get), here or while reading; the checksum is compared at the end.
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) after [`to_file`](Self::to_file) or [`resume`](Self::resume).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use tokio::io::AsyncReadExt;
    ///
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/k", "hello").await?;
    /// let mut reader = s3.get("s3://b/k").reader().await?;
    /// assert_eq!(reader.meta().size, 5);
    /// let mut text = String::new();
    /// reader.read_to_string(&mut text).await?;
    /// assert_eq!(text, "hello");
    /// # Ok(()) }
    /// ```
    pub async fn reader(self) -> Result<ObjectReader> {
        self.client.check_process()?;
        let (get, call) = self.into_call();
        let item = get.item_to_stream(&call.client)?;
        Ok(call.client.transfer.open(item, &call.options).await?)
    }

    /// Returns the bytes of the object, or of the range, as a stream. Nothing is sent before it is polled.
    ///
    /// # Errors
    ///
    /// As [`reader`](Self::reader): the failing item is the last one.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use futures_util::TryStreamExt;
    ///
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/k", "hello").await?;
    /// let mut frames = s3.get("s3://b/k").stream();
    /// let mut len = 0;
    /// while let Some(frame) = frames.try_next().await? {
    ///     len += frame.len();
    /// }
    /// assert_eq!(len, 5);
    /// # Ok(()) }
    /// ```
    pub fn stream(self) -> ByteStream {
        let client = Arc::clone(&self.client);
        let frames = |reader: ObjectReader| reader.map_err(Error::from);
        let opened = self.reader().boxed().map_ok(frames);
        ByteStream {
            client,
            frames: Some(opened.try_flatten_stream().boxed()),
        }
    }
}

/// The bytes of an object in order. Dropping the stream cancels its requests.
#[must_use = "a stream does nothing until it is polled"]
pub struct ByteStream {
    client: Arc<ClientContext>,
    /// The frames; `None` in a forked child after its error.
    frames: Option<BoxStream<'static, Result<Bytes>>>,
}

impl Stream for ByteStream {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Err(forked) = self.client.check_process() {
            // Requests in flight belong to the parent: dropping them could wait for threads that do not exist here.
            let frames = self.frames.take().map(std::mem::forget);
            return Poll::Ready(frames.map(|()| Err(forked)));
        }
        match &mut self.frames {
            Some(frames) => frames.poll_next_unpin(cx),
            None => Poll::Ready(None),
        }
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByteStream")
    }
}

#[cfg(test)]
mod tests {
    use s3_core::{MemoryStore, Operation};
    use s3_transfer::TransferConfig;
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::{ErrorClass, S3, S3GetObject};

    /// Returns a client with parts of 1 KiB, and an object of ten parts.
    async fn client() -> (MemoryStore, S3, Vec<u8>) {
        let store = MemoryStore::with_buckets(["b"]);
        let mut transfer = TransferConfig::default();
        transfer.part_size = 1024;
        let builder = S3::builder().store(store.clone()).s3root("s3://b");
        let builder = builder.transfer(transfer).tmproot(std::env::temp_dir());
        let s3 = builder.build().unwrap();
        let bytes: Vec<u8> = (0..10 * 1024_u32).map(|n| (n % 251) as u8).collect();
        s3.put("k", bytes.clone()).await.unwrap();
        (store, s3, bytes)
    }

    #[tokio::test]
    async fn stream_and_reader_return_the_bytes_of_object_and_range() {
        let (_, s3, bytes) = client().await;
        let frames: Vec<_> = s3.get("k").stream().try_collect().await.unwrap();
        assert_eq!(frames.concat(), bytes);

        let range = S3GetObject::new("k", 1000, 3000);
        let mut reader = s3.get(range).reader().await.unwrap();
        assert_eq!((reader.meta().size, reader.range()), (10240, 1000..4000));
        let mut read = Vec::new();
        reader.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, &bytes[1000..4000]);
    }

    #[tokio::test]
    async fn a_stream_sends_nothing_before_it_is_polled_and_few_requests_for_its_first_frame() {
        let (store, s3, _) = client().await;
        let before = store.operations().get(Operation::Get);
        let mut frames = s3.get("k").stream();
        assert_eq!(store.operations().get(Operation::Get), before);
        frames.try_next().await.unwrap().unwrap();
        assert!(store.operations().get(Operation::Get) - before <= 3);
    }

    #[tokio::test]
    async fn errors_are_those_of_a_get_and_end_the_stream() {
        let (_, s3, _) = client().await;
        let mut frames = s3.get("nope").stream();
        let error = frames.try_next().await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::NotFound);
        assert!(frames.try_next().await.unwrap().is_none());
        let error = s3.get(S3GetObject::new("k", -1, 1)).reader().await;
        assert_eq!(error.unwrap_err().class(), ErrorClass::InvalidRange);
    }

    #[tokio::test]
    async fn a_file_for_the_bytes_of_a_reader_is_an_error() {
        let (store, s3, _) = client().await;
        let before = store.operations().total();
        let path = std::env::temp_dir().join("unused");
        let resume = crate::Resume::in_dir(std::env::temp_dir());
        let to_file = || s3.get("k").to_file(&path);
        let resuming = || s3.get("k").resume(&resume);
        for error in [
            to_file().reader().await.unwrap_err(),
            resuming().reader().await.unwrap_err(),
            to_file().stream().try_next().await.unwrap_err(),
            resuming().stream().try_next().await.unwrap_err(),
        ] {
            let kind = error.as_request().unwrap().kind();
            assert_eq!(kind, crate::ErrorKind::InvalidInput, "{error}");
        }
        assert_eq!(store.operations().total(), before);
    }
}

//! Converts a [`Payload`] to a request body of the SDK's HTTP client: buffers in memory, or a file read in chunks.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::task::JoinHandle;

use crate::Payload;

/// Number of bytes read from a file at a time: large enough to hide the thread switch, small enough that an upload of
/// hundreds of parts at once takes tens of megabytes.
const READ_SIZE: usize = 256 << 10;

/// Returns the payload as a request body of the SDK's HTTP client: a stream of known length. With `signed`, a payload
/// of one buffer is passed as that buffer, which the SDK then hashes; it cannot hash a stream.
pub(super) fn outgoing(payload: &Payload, signed: bool) -> SdkBody {
    match payload.as_chunks() {
        Some([only]) if signed => SdkBody::from(only.clone()),
        _ if payload.is_empty() => SdkBody::empty(),
        _ => SdkBody::from_body_1_x(PayloadBody::new(payload.clone())),
    }
}

/// A payload that is sent in chunks: buffers one by one; a file is read on tokio's blocking threads.
struct PayloadBody {
    payload: Payload,
    position: u64,
    /// The read in flight, which starts at `position`.
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl PayloadBody {
    fn new(payload: Payload) -> Self {
        Self {
            payload,
            position: 0,
            reading: None,
        }
    }

    fn left(&self) -> u64 {
        self.payload.len() - self.position
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        if self.payload.as_chunks().is_some() {
            // Memory is sliced, not copied.
            return Poll::Ready(self.payload.read_at(self.position, usize::MAX));
        }
        let position = self.position;
        let payload = &self.payload;
        let reading = self.reading.get_or_insert_with(|| read(payload, position));
        let outcome = ready!(Pin::new(reading).poll(cx));
        self.reading = None;
        Poll::Ready(
            outcome.unwrap_or_else(|_| Err(io::Error::other("the runtime is shutting down"))),
        )
    }
}

fn read(payload: &Payload, position: u64) -> JoinHandle<io::Result<Bytes>> {
    let payload = payload.clone();
    tokio::task::spawn_blocking(move || payload.read_at(position, READ_SIZE))
}

impl http_body::Body for PayloadBody {
    type Data = Bytes;
    type Error = UnreadablePayload;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UnreadablePayload>>> {
        if self.left() == 0 {
            return Poll::Ready(None);
        }
        let chunk = ready!(self.poll_chunk(cx)).map_err(UnreadablePayload)?;
        self.position += chunk.len() as u64;
        if let Some(counter) = self.payload.byte_counter() {
            counter.add(chunk.len() as u64);
        }
        if self.left() > 0 && self.payload.as_chunks().is_none() {
            // The next chunk is read while this one is being sent.
            self.reading = Some(read(&self.payload, self.position));
        }
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left())
    }
}

/// The error of a payload that could not be read. Found again in the source chain of the HTTP client's error.
#[derive(Debug)]
pub(super) struct UnreadablePayload(pub(super) io::Error);

impl fmt::Display for UnreadablePayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the payload could not be read: {}", self.0)
    }
}

impl std::error::Error for UnreadablePayload {}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use aws_smithy_types::byte_stream::ByteStream;

    use super::super::causes::find;
    use super::*;

    fn ramp(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at % 251) as u8).collect()
    }

    fn file_of(bytes: &[u8]) -> Arc<File> {
        let path = std::env::temp_dir().join(format!(
            "s3-core-body-{}-{}",
            std::process::id(),
            bytes.len()
        ));
        std::fs::write(&path, bytes).unwrap();
        let file = File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        Arc::new(file)
    }

    async fn all(body: SdkBody) -> Vec<u8> {
        let collected = ByteStream::new(body).collect().await;
        collected.unwrap().into_bytes().to_vec()
    }

    #[tokio::test]
    async fn a_file_is_sent_in_pieces_of_known_total_length() {
        let bytes = ramp(3 * READ_SIZE / 2);
        let payload = Payload::from_file(file_of(&bytes), 10, bytes.len() as u64 - 10);
        let body = outgoing(&payload, true);
        assert!(body.is_streaming());
        assert_eq!(body.content_length(), Some(payload.len()));
        assert_eq!(all(body).await, bytes[10..]);
    }

    #[tokio::test]
    async fn buffers_are_sent_one_after_the_other() {
        let chunks = [
            Bytes::from_static(b"abc"),
            Bytes::new(),
            Bytes::from_static(b"de"),
        ];
        let body = outgoing(&Payload::from_chunks(chunks), false);
        assert_eq!(body.content_length(), Some(5));
        assert_eq!(all(body).await, b"abcde");
    }

    #[test]
    fn a_single_buffer_is_passed_to_the_sdk_for_signing() {
        let body = |signed| outgoing(&Payload::from("abc"), signed);
        assert_eq!(body(true).bytes(), Some(&b"abc"[..]));
        assert_eq!(body(false).bytes(), None);
        assert_eq!(outgoing(&Payload::empty(), false).bytes(), Some(&b""[..]));
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_fails_instead_of_ending_early() {
        let payload = Payload::from_file(file_of(b"12345"), 0, 6);
        let body = ByteStream::new(outgoing(&payload, false));
        let error = body.collect().await.unwrap_err();
        assert!(find::<UnreadablePayload>(&error).is_some(), "{error:?}");
    }
}

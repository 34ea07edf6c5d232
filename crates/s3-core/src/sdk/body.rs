//! Payloads on their way out, and bodies on their way in.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use futures_util::stream;
use http_body::{Frame, SizeHint};
use tokio::task::JoinHandle;

use super::errors;
use crate::{Body, Payload};

/// How much of a file is read at a time: large enough to hide the hop to another thread, small enough that an
/// upload of hundreds of parts at once stays in tens of megabytes.
const PIECE: usize = 256 << 10;

/// Returns the payload as the SDK wants it: one buffer as it is, anything else as a stream of known length
/// that can be started again.
pub(super) fn outgoing(payload: &Payload) -> ByteStream {
    let body = match in_one_buffer(payload) {
        Some(bytes) => SdkBody::from(bytes),
        None => {
            let payload = payload.clone();
            SdkBody::retryable(move || SdkBody::from_body_1_x(Pieces::new(payload.clone())))
        }
    };
    ByteStream::new(body)
}

/// Returns the payload if all of it is in one buffer.
pub(super) fn in_one_buffer(payload: &Payload) -> Option<Bytes> {
    if payload.is_empty() {
        return Some(Bytes::new());
    }
    match payload.as_chunks() {
        Some([only]) => Some(only.clone()),
        _ => None,
    }
}

/// Returns an answer's body; `place` goes into its errors.
pub(super) fn incoming(mut bytes: ByteStream, place: String) -> Body {
    let mut over = false;
    Body::from_stream(stream::poll_fn(move |cx| {
        if over {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut bytes).poll_next(cx));
        over = !matches!(frame, Some(Ok(_)));
        Poll::Ready(frame.map(|frame| {
            frame.map_err(|error| errors::while_reading(&error).with_resource(&place))
        }))
    }))
}

/// A payload that is sent in pieces: buffers one by one, a file by reading it on tokio's blocking threads.
struct Pieces {
    payload: Payload,
    position: u64,
    /// The read under way. It is always the one for `position`.
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Pieces {
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

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
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
    tokio::task::spawn_blocking(move || payload.read_at(position, PIECE))
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = UnreadablePayload;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UnreadablePayload>>> {
        if self.left() == 0 {
            return Poll::Ready(None);
        }
        let piece = ready!(self.poll_piece(cx)).map_err(UnreadablePayload)?;
        self.position += piece.len() as u64;
        if let Some(moved) = self.payload.moved() {
            moved.add(piece.len() as u64);
        }
        if self.left() > 0 && self.payload.as_chunks().is_none() {
            // The next piece is read while this one is being sent.
            self.reading = Some(read(&self.payload, self.position));
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left())
    }
}

/// Our own side of an upload failed; looked for in whatever the HTTP stack wraps it in.
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

    async fn all(body: ByteStream) -> Vec<u8> {
        body.collect().await.unwrap().into_bytes().to_vec()
    }

    #[tokio::test]
    async fn a_file_is_sent_in_pieces_of_known_total_length_and_can_be_sent_again() {
        let bytes = ramp(3 * PIECE / 2);
        let payload = Payload::from_file(file_of(&bytes), 10, bytes.len() as u64 - 10);
        let body = outgoing(&payload).into_inner();
        assert!(body.is_streaming());
        assert_eq!(body.content_length(), Some(payload.len()));
        let again = body.try_clone().unwrap();
        assert_eq!(all(ByteStream::new(body)).await, bytes[10..]);
        assert_eq!(all(ByteStream::new(again)).await, bytes[10..]);
    }

    #[tokio::test]
    async fn buffers_are_sent_one_after_the_other() {
        let chunks = [
            Bytes::from_static(b"abc"),
            Bytes::new(),
            Bytes::from_static(b"de"),
        ];
        let body = outgoing(&Payload::from_chunks(chunks));
        assert_eq!(body.size_hint(), (5, Some(5)));
        assert_eq!(all(body).await, b"abcde");
    }

    #[test]
    fn one_buffer_is_sent_as_it_is() {
        let body = outgoing(&Payload::from("abc")).into_inner();
        assert_eq!(body.bytes(), Some(&b"abc"[..]));
        assert_eq!(
            outgoing(&Payload::empty()).into_inner().bytes(),
            Some(&b""[..])
        );
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_fails_instead_of_ending_early() {
        let payload = Payload::from_file(file_of(b"12345"), 0, 6);
        let error = outgoing(&payload).collect().await.unwrap_err();
        assert!(find::<UnreadablePayload>(&error).is_some(), "{error:?}");
    }
}

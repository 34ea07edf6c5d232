//! [`ResponseBody`]: reads the body of a response from the socket into the caller's buffer.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};

use super::chunked::{Chunked, Next};
use super::connection::{Channel, Connection};
use super::error::{WireError, WireErrorKind};
use super::framing::Framing;
use super::idle_pool::IdlePool;

/// Number of bytes by which a full buffer grows.
const GROWTH: usize = 64 << 10;

/// Maximum number of bytes that are reserved because a server announces them.
const TRUSTED: usize = 1 << 20;

/// Data of chunks shorter than this is read through the connection's own buffer, together with their ends.
const SHORT_CHUNK: u64 = 8 << 10;

/// A body that is being read.
///
/// The connection returns to the pool when the last byte of the body has been read. If the body is dropped before, the
/// connection is closed.
pub struct ResponseBody {
    state: BodyState,
    /// The announced length, if there is one.
    len: Option<u64>,
}

enum BodyState {
    /// The whole body has arrived, and the connection was released.
    Whole(Bytes),
    Length {
        left: u64,
        held: Lease,
    },
    Chunked {
        decoder: Chunked,
        held: Lease,
    },
    UntilClose(Lease),
    /// Frames of another HTTP client, and the rest of the last one.
    Frames {
        next: NextFrame,
        rest: Bytes,
    },
    /// An error, returned after all bytes before it were read.
    Failed(Option<WireError>),
}

/// Polls for the next frame of a body.
type NextFrame = Box<dyn FnMut(&mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> + Send>;

/// A connection in use.
struct Lease {
    conn: Box<Connection>,
    /// The pool that it returns to; `None` if it cannot be used again.
    idle_pool: Option<Arc<IdlePool>>,
}

impl Lease {
    fn channel(&mut self) -> &mut Channel {
        &mut self.conn.channel
    }

    fn release(self) {
        // Bytes after the body belong to no response, so the connection is not used again.
        if let Some(idle_pool) = self.idle_pool
            && self.conn.channel.read_buffer.is_empty()
        {
            idle_pool.check_in(self.conn);
        }
    }
}

impl ResponseBody {
    /// Returns the body of a response that has none.
    pub(super) fn none(conn: Box<Connection>, idle_pool: Option<Arc<IdlePool>>) -> Self {
        Self::new(Framing::Empty, conn, idle_pool)
    }

    pub(super) fn new(
        framing: Framing,
        conn: Box<Connection>,
        idle_pool: Option<Arc<IdlePool>>,
    ) -> Self {
        let mut held = Lease { conn, idle_pool };
        let (state, len) = match framing {
            Framing::Empty => (held.whole(0), Some(0)),
            Framing::Length(len) => match usize::try_from(len) {
                Ok(size) if size <= held.channel().read_buffer.unread().len() => {
                    (held.whole(size), Some(len))
                }
                _ => (BodyState::Length { left: len, held }, Some(len)),
            },
            Framing::Chunked => {
                let decoder = Chunked::new();
                (BodyState::Chunked { decoder, held }, None)
            }
            Framing::UntilClose => {
                held.idle_pool = None;
                (BodyState::UntilClose(held), None)
            }
        };
        Self { state, len }
    }

    /// Returns a body that another HTTP client receives, frame by frame.
    pub fn from_frames(
        next: impl FnMut(&mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> + Send + 'static,
    ) -> Self {
        let (next, rest) = (Box::new(next), Bytes::new());
        Self {
            state: BodyState::Frames { next, rest },
            len: None,
        }
    }

    /// Returns the body's whole length, if the server announced it.
    #[cfg(test)]
    pub(super) fn len(&self) -> Option<u64> {
        self.len
    }

    /// Takes the body if all of it arrived with the head. The buffer has exactly its size.
    pub fn take_whole(&mut self) -> Option<Bytes> {
        match &mut self.state {
            BodyState::Whole(bytes) => Some(std::mem::take(bytes)),
            _ => None,
        }
    }

    /// Appends at most `at_most` bytes to `into`, as many as have arrived. Returns their number; 0 is the end.
    ///
    /// Bytes go into the free capacity of `into`, which grows if it is full. An error is returned after all bytes
    /// before it.
    pub fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut BytesMut,
        at_most: usize,
    ) -> Poll<Result<usize, WireError>> {
        if at_most == 0 {
            return Poll::Ready(Ok(0));
        }
        if into.len() == into.capacity() {
            let left = self.left().and_then(|left| usize::try_from(left).ok());
            into.reserve(at_most.min(GROWTH).min(left.unwrap_or(GROWTH)));
        }
        let room = (into.capacity() - into.len()).min(at_most);
        let mut filled = 0;
        while filled < room {
            match self.poll_some(cx, into, room - filled) {
                Poll::Ready(Ok(0)) => break,
                Poll::Ready(Ok(count)) => filled += count,
                Poll::Ready(Err(error)) => {
                    self.state = BodyState::Failed(Some(error));
                    break;
                }
                Poll::Pending if filled == 0 => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        match &mut self.state {
            BodyState::Failed(error) if filled == 0 => Poll::Ready(error.take().map_or(Ok(0), Err)),
            _ => Poll::Ready(Ok(filled)),
        }
    }

    /// Reads the whole body. Fails if it has more than `limit` bytes.
    pub async fn collect(&mut self, limit: usize) -> Result<Bytes, WireError> {
        self.collect_counted(limit, None).await
    }

    /// Reads the first `limit` bytes, or all if there are fewer.
    pub async fn collect_beginning(&mut self, limit: usize) -> Result<Bytes, WireError> {
        let mut all = BytesMut::new();
        while all.len() < limit {
            let at_most = limit - all.len();
            if poll_fn(|cx| self.poll_fill(cx, &mut all, at_most)).await? == 0 {
                break;
            }
        }
        Ok(all.freeze())
    }

    /// As [`collect`](Self::collect), and counts the bytes in `received_bytes`.
    pub async fn collect_counted(
        &mut self,
        limit: usize,
        received_bytes: Option<&AtomicU64>,
    ) -> Result<Bytes, WireError> {
        let announced = self
            .left()
            .map(|left| usize::try_from(left).unwrap_or(usize::MAX));
        if announced.is_some_and(|announced| announced > limit) {
            return Err(too_large());
        }
        if let Some(whole) = self.take_whole() {
            return Ok(whole);
        }
        let mut all = BytesMut::with_capacity(announced.unwrap_or(GROWTH).min(TRUSTED));
        loop {
            let at_most = limit.saturating_add(1).saturating_sub(all.len());
            if all.len() == all.capacity() {
                all.reserve(all.len().min(TRUSTED).min(at_most));
            }
            let count = poll_fn(|cx| self.poll_fill(cx, &mut all, at_most)).await?;
            if count == 0 {
                return Ok(all.freeze());
            }
            if all.len() > limit {
                return Err(too_large());
            }
            if let Some(received) = received_bytes {
                received.fetch_add(count as u64, Ordering::Relaxed);
            }
        }
    }

    /// Returns the remaining length, if it is known.
    fn left(&self) -> Option<u64> {
        match &self.state {
            BodyState::Whole(bytes) => Some(bytes.len() as u64),
            BodyState::Length { left, .. } => Some(*left),
            _ => None,
        }
    }

    /// Appends at most `at_most` bytes to the free capacity. Returns 0 at the end. Releases the connection after the
    /// last byte.
    fn poll_some(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut BytesMut,
        at_most: usize,
    ) -> Poll<Result<usize, WireError>> {
        match &mut self.state {
            BodyState::Whole(bytes) => {
                let taken = bytes.split_to(bytes.len().min(at_most));
                into.extend_from_slice(&taken);
                Poll::Ready(Ok(taken.len()))
            }
            BodyState::Length { left, held } => {
                let count = ready!(held.poll_data(cx, into, at_most, *left))?;
                if count == 0 {
                    return Poll::Ready(Err(missing(*left)));
                }
                *left -= count as u64;
                if *left == 0 {
                    self.release();
                }
                Poll::Ready(Ok(count))
            }
            BodyState::Chunked { decoder, held } => {
                let count = ready!(poll_chunks(decoder, held, cx, into, at_most))?;
                if count == 0 {
                    self.release();
                }
                Poll::Ready(Ok(count))
            }
            BodyState::UntilClose(held) => {
                let count = ready!(held.poll_data(cx, into, at_most, u64::MAX))?;
                if count == 0 {
                    self.release();
                }
                Poll::Ready(Ok(count))
            }
            BodyState::Frames { next, rest } => {
                while rest.is_empty() {
                    match ready!(next(cx)) {
                        Some(frame) => *rest = frame.map_err(WireError::reading)?,
                        None => {
                            self.release();
                            return Poll::Ready(Ok(0));
                        }
                    }
                }
                let taken = rest.split_to(rest.len().min(at_most));
                into.extend_from_slice(&taken);
                Poll::Ready(Ok(taken.len()))
            }
            BodyState::Failed(_) => Poll::Ready(Ok(0)),
        }
    }

    fn release(&mut self) {
        match std::mem::replace(&mut self.state, BodyState::Whole(Bytes::new())) {
            BodyState::Length { held, .. }
            | BodyState::Chunked { held, .. }
            | BodyState::UntilClose(held) => {
                held.release();
            }
            BodyState::Whole(_) | BodyState::Frames { .. } | BodyState::Failed(_) => {}
        }
    }
}

impl Lease {
    /// Copies a body that has arrived with its head, and releases the connection.
    fn whole(mut self, size: usize) -> BodyState {
        let read_buffer = &mut self.channel().read_buffer;
        let bytes = Bytes::copy_from_slice(&read_buffer.unread()[..size]);
        read_buffer.consume(size);
        self.release();
        BodyState::Whole(bytes)
    }

    /// Appends at most `left` bytes of the body: those that arrived with the head, then those of the socket.
    fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut BytesMut,
        at_most: usize,
        left: u64,
    ) -> Poll<Result<usize, WireError>> {
        let most = usize::try_from(left).map_or(at_most, |left| left.min(at_most));
        let Channel {
            io, read_buffer, ..
        } = self.channel();
        if read_buffer.is_empty() {
            let read = ready!(io.poll_read(cx, &mut into.limit(most)));
            return Poll::Ready(read.map_err(WireError::reading));
        }
        let count = read_buffer.unread().len().min(most);
        into.extend_from_slice(&read_buffer.unread()[..count]);
        read_buffer.consume(count);
        Poll::Ready(Ok(count))
    }
}

/// Appends data of chunks. Returns 0 after the last chunk.
fn poll_chunks(
    decoder: &mut Chunked,
    held: &mut Lease,
    cx: &mut Context<'_>,
    into: &mut BytesMut,
    at_most: usize,
) -> Poll<Result<usize, WireError>> {
    loop {
        let Channel {
            io, read_buffer, ..
        } = held.channel();
        let (taken, next) = decoder.advance(read_buffer.unread())?;
        read_buffer.consume(taken);
        match next {
            Next::End => return Poll::Ready(Ok(0)),
            Next::Data(left) if !read_buffer.is_empty() || left >= SHORT_CHUNK => {
                let count = ready!(held.poll_data(cx, into, at_most, left))?;
                if count == 0 {
                    return Poll::Ready(Err(cut()));
                }
                decoder.took(count);
                return Poll::Ready(Ok(count));
            }
            _ => {
                let count = ready!(read_buffer.poll_more(io, cx)).map_err(WireError::reading)?;
                if count == 0 {
                    return Poll::Ready(Err(cut()));
                }
            }
        }
    }
}

fn missing(left: u64) -> WireError {
    WireError::text(
        WireErrorKind::Closed,
        format!("{left} bytes of the body are missing"),
    )
}

fn cut() -> WireError {
    WireError::text(WireErrorKind::Closed, "the body's last chunk is missing")
}

fn too_large() -> WireError {
    WireError::text(
        WireErrorKind::TooLarge,
        "the response body exceeds the limit",
    )
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len {
            Some(len) => write!(f, "ResponseBody({len} bytes)"),
            None => f.write_str("ResponseBody"),
        }
    }
}

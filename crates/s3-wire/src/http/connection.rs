//! [`Connection`]: an HTTP connection (TCP or TLS) with its buffers; writes bytes and reads response heads.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::unconstrained;

use super::error::{WireError, WireErrorKind};
use super::file_chunks::FileRange;
use super::read_buffer::ReadBuffer;
use super::response_head::{self, ParsedHead};
use super::sendfile;

/// Maximum number of interim responses (1xx) to one request. A server that sends more is considered broken.
const MOST_INTERIM: u32 = 32;

/// The byte stream of a connection: TCP, or TLS over it.
pub(super) enum Io {
    Plain(TcpStream),
    #[cfg(feature = "https")]
    Tls(Box<super::tls::TlsStream>),
}

impl Io {
    /// Reads once into the free capacity of `into`, which must not be empty.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut impl BufMut,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(tcp) => poll_into(tcp, cx, into),
            #[cfg(feature = "https")]
            Self::Tls(tls) => poll_into(tls, cx, into),
        }
    }

    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(tcp) => match slices {
                [only] => Pin::new(tcp).poll_write(cx, only),
                _ => Pin::new(tcp).poll_write_vectored(cx, slices),
            },
            #[cfg(feature = "https")]
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, slices),
        }
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) => {
                let _ = cx;
                Poll::Ready(Ok(()))
            }
            #[cfg(feature = "https")]
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }
}

fn poll_into(
    stream: &mut (impl AsyncRead + Unpin),
    cx: &mut Context<'_>,
    into: &mut impl BufMut,
) -> Poll<io::Result<usize>> {
    // The future has no state of its own: if it is dropped while it waits, it has read nothing.
    pin!(stream.read_buf(into)).poll(cx)
}

/// A connection.
pub(super) struct Connection {
    pub(super) channel: Channel,
    /// Buffer for heads and small bodies; reused.
    pub(super) out: Vec<u8>,
}

/// Socket and read buffer: borrowed separately from `Connection::out` while it is being sent.
pub(super) struct Channel {
    pub(super) io: Io,
    pub(super) read_buffer: ReadBuffer,
    /// Whether any byte has arrived since the request began.
    pub(super) has_received: bool,
    /// Number of unread bytes that are known to contain no whole head.
    searched: usize,
    /// Number of interim responses since the request began.
    interim: u32,
}

impl Connection {
    pub(super) fn new(io: Io) -> Self {
        let channel = Channel {
            io,
            read_buffer: ReadBuffer::default(),
            has_received: false,
            searched: 0,
            interim: 0,
        };
        let out = Vec::new();
        Self { channel, out }
    }

    /// Returns whether an idle connection can be used: neither a byte nor the end nor an error has arrived.
    ///
    /// A socket whose runtime has ended cannot be used either.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut byte = [0; 1];
        let Channel {
            io, read_buffer, ..
        } = &mut self.channel;
        // A tokio socket reports "not ready" to a task that has used up its cooperative budget, even if it is ready.
        let read = unconstrained(poll_fn(|cx| io.poll_read(cx, &mut &mut byte[..])));
        let mut cx = Context::from_waker(Waker::noop());
        read_buffer.is_empty() && pin!(read).poll(&mut cx).is_pending()
    }

    /// Resets the state of the last request.
    pub(super) fn begin(&mut self) {
        self.channel.has_received = false;
        self.channel.searched = 0;
        self.channel.interim = 0;
    }

    /// Prepares the connection for the idle pool, and frees memory.
    pub(super) fn rest(&mut self) {
        self.out.clear();
        self.channel.read_buffer.shrink();
    }
}

impl Channel {
    /// Writes some of `slices`, or returns `None` if `watch` is on and the server has sent something.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        watch: bool,
    ) -> Poll<io::Result<Option<usize>>> {
        match self.io.poll_write(cx, slices) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Poll::Ready(written) => Poll::Ready(written.map(Some)),
            Poll::Pending if watch && self.poll_readable(cx).is_ready() => Poll::Ready(Ok(None)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Returns whether sendfile(2) works on this connection.
    pub(super) fn has_sendfile(&self) -> bool {
        sendfile::IS_SUPPORTED && matches!(self.io, Io::Plain(_))
    }

    /// Sends some bytes of a file range with sendfile(2) and returns how many, 0 if the file ends there;
    /// `None` if `watch` is on and a response has begun to arrive.
    pub(super) fn poll_sendfile(
        &mut self,
        cx: &mut Context<'_>,
        range: FileRange<'_>,
        watch: bool,
    ) -> Poll<io::Result<Option<u64>>> {
        let sent = match &self.io {
            Io::Plain(tcp) => sendfile::poll_sendfile(tcp, cx, range),
            #[cfg(feature = "https")]
            Io::Tls(_) => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        };
        match sent {
            Poll::Ready(sent) => Poll::Ready(sent.map(Some)),
            Poll::Pending if watch && self.poll_readable(cx).is_ready() => Poll::Ready(Ok(None)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Flushes the bytes that the TLS layer still holds. Returns `false` if the server responds before that.
    pub(super) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        watch: bool,
    ) -> Poll<io::Result<bool>> {
        match self.io.poll_flush(cx) {
            Poll::Ready(flushed) => Poll::Ready(flushed.map(|()| true)),
            Poll::Pending if watch && self.poll_readable(cx).is_ready() => Poll::Ready(Ok(false)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Ready when bytes, the end or an error can be read; [`next_head`](Self::next_head) returns which.
    pub(super) fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.read_buffer.is_empty() {
            // An end or an error shows again at the next read.
            let count = ready!(self.read_buffer.poll_more(&mut self.io, cx)).unwrap_or(0);
            self.has_received |= count > 0;
        }
        Poll::Ready(())
    }

    /// Reads the head of the next response, interim or final. Cancel-safe.
    pub(super) async fn next_head(&mut self) -> Result<ParsedHead, WireError> {
        let parsed = poll_fn(|cx| self.poll_head(cx)).await?;
        if parsed.is_interim() {
            self.interim += 1;
            if self.interim > MOST_INTERIM {
                return Err(WireError::malformed("more than 32 interim (1xx) responses"));
            }
        }
        Ok(parsed)
    }

    /// Reads the head of the final response.
    pub(super) async fn final_head(&mut self) -> Result<ParsedHead, WireError> {
        loop {
            let parsed = self.next_head().await?;
            if !parsed.is_interim() {
                return Ok(parsed);
            }
        }
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<ParsedHead, WireError>> {
        loop {
            let unread = self.read_buffer.unread();
            if response_head::may_be_whole(unread, self.searched)
                && let Some((size, parsed)) = response_head::parse(unread)?
            {
                self.read_buffer.consume(size);
                self.searched = 0;
                return Poll::Ready(Ok(parsed));
            }
            self.searched = unread.len();
            if self.searched > response_head::LIMIT {
                let text = "the head exceeds 64 KiB";
                return Poll::Ready(Err(WireError::text(WireErrorKind::TooLarge, text)));
            }
            match ready!(self.read_buffer.poll_more(&mut self.io, cx)) {
                Ok(0) => return Poll::Ready(Err(self.no_head())),
                Ok(_) => self.has_received = true,
                Err(error) => return Poll::Ready(Err(WireError::reading(error))),
            }
        }
    }

    fn no_head(&self) -> WireError {
        let text = match self.has_received {
            true => "in the middle of the response's head",
            false => "before the response",
        };
        WireError::text(WireErrorKind::Closed, text)
    }
}

//! One TCP connection, which does what its [`Link`] is told.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::Link;
use super::activity::Activity;

/// A TCP connection that tells its [`Link`] about flushes, and everybody that something has moved.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    link: Arc<Link>,
    activity: Activity,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, link: Arc<Link>, activity: Activity) -> Self {
        activity.opened();
        Self {
            stream,
            link,
            activity,
        }
    }

    fn poll_noted<T>(&self, polled: Poll<T>) -> Poll<T> {
        if polled.is_ready() {
            self.activity.note();
        }
        polled
    }

    /// Sends what was to be sent behind everything else.
    fn poll_behind(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(mut bytes) = self.link.take_behind() {
            let written = Pin::new(&mut self.stream).poll_write(cx, &bytes);
            if let Poll::Ready(Ok(count)) = written {
                bytes.advance(count);
            }
            if !bytes.is_empty() {
                self.link.give_back(bytes);
            }
            ready!(written)?;
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.link.is_reset() {
            // A failure leaves an orderly end, which is all that can be done.
            let _ = self.stream.set_zero_linger();
        }
        self.activity.closed();
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.link.is_over(cx) {
            return Poll::Ready(Ok(()));
        }
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.poll_noted(polled)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let allowed = ready!(self.link.poll_allowance(cx)).min(data.len());
        let polled = Pin::new(&mut self.stream).poll_write(cx, &data[..allowed]);
        self.poll_noted(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let allowed = ready!(self.link.poll_allowance(cx));
        let first = buffers.iter().find(|buffer| !buffer.is_empty());
        let polled = match first {
            Some(first) if allowed < usize::MAX => {
                let piece = &first[..allowed.min(first.len())];
                Pin::new(&mut self.stream).poll_write(cx, piece)
            }
            _ => Pin::new(&mut self.stream).poll_write_vectored(cx, buffers),
        };
        self.poll_noted(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        ready!(self.poll_behind(cx))?;
        self.link.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

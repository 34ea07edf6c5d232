//! A TCP connection whose [`ConnectionControl`] can throttle, reset or close it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::ConnectionControl;
use super::socket_activity::SocketActivity;

/// A TCP connection. It reports flushes to its [`ConnectionControl`] and counts socket events.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    control: Arc<ConnectionControl>,
    activity: SocketActivity,
}

impl Connection {
    pub(crate) fn new(
        stream: TcpStream,
        control: Arc<ConnectionControl>,
        activity: SocketActivity,
    ) -> Self {
        // Without it, small responses wait for the client's acknowledgement, about 40 ms each.
        let _ = stream.set_nodelay(true);
        activity.opened();
        Self {
            stream,
            control,
            activity,
        }
    }

    fn poll_counted<T>(&self, polled: Poll<T>) -> Poll<T> {
        if polled.is_ready() {
            self.activity.record();
        }
        polled
    }

    /// Sends the excess bytes after everything else.
    fn poll_excess(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(mut bytes) = self.control.take_excess() {
            let written = Pin::new(&mut self.stream).poll_write(cx, &bytes);
            if let Poll::Ready(Ok(count)) = written {
                bytes.advance(count);
            }
            if !bytes.is_empty() {
                self.control.put_back_excess(bytes);
            }
            ready!(written)?;
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.control.is_reset() {
            // If this fails, the connection is closed without a reset.
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
        if self.control.is_closed(cx) {
            return Poll::Ready(Ok(()));
        }
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.poll_counted(polled)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let allowed = ready!(self.control.poll_allowance(cx)).min(data.len());
        let polled = Pin::new(&mut self.stream).poll_write(cx, &data[..allowed]);
        self.poll_counted(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let allowed = ready!(self.control.poll_allowance(cx));
        let first = buffers.iter().find(|buffer| !buffer.is_empty());
        let polled = match first {
            Some(first) if allowed < usize::MAX => {
                let piece = &first[..allowed.min(first.len())];
                Pin::new(&mut self.stream).poll_write(cx, piece)
            }
            _ => Pin::new(&mut self.stream).poll_write_vectored(cx, buffers),
        };
        self.poll_counted(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        ready!(self.poll_excess(cx))?;
        self.control.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

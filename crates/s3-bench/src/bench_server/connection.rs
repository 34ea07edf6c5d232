//! `Connection`: socket operations of the benchmark server: read a head or body, discard a body, send a response.

use std::io;

use rustix::fs::sendfile;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::pace::Pace;
use super::pool::{Pool, Window};
use super::request::{Malformed, Request};

/// Buffer space reserved before each read of request heads.
const ROOM: usize = 16 << 10;

/// Maximum number of bytes per system call, so that one connection does not delay the others for long.
const AT_ONCE: usize = 4 << 20;

/// Bodies up to this size are sent in one system call with their head.
const WITH_HEAD: u64 = 32 << 10;

/// A connection and its unparsed input.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    /// The parsed part of `input`, in bytes.
    begin: usize,
    /// Buffer for discarded bytes. The kernel never writes to it, but `recv` needs its length.
    nowhere: Vec<u8>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            input: Vec::with_capacity(ROOM),
            begin: 0,
            nowhere: Vec::new(),
        }
    }

    /// The next request; `None` when the client has closed.
    pub(super) async fn request(&mut self) -> io::Result<Option<Request>> {
        loop {
            let parsed = Request::parse(self.unread());
            if let Some((request, len)) = parsed.map_err(|Malformed| io::ErrorKind::InvalidData)? {
                self.begin += len;
                return Ok(Some(request));
            }
            if self.fill().await? == 0 {
                return Ok(None);
            }
        }
    }

    fn unread(&self) -> &[u8] {
        &self.input[self.begin..]
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.input.drain(..self.begin);
        self.begin = 0;
        self.input.reserve(ROOM);
        loop {
            match self.stream.try_read_buf(&mut self.input) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stream.readable().await?;
                }
                result => return result,
            }
        }
    }

    /// Takes up to `most` bytes that have already been read.
    fn take(&mut self, most: u64) -> Vec<u8> {
        let len = usize::try_from(most).unwrap_or(usize::MAX);
        let bytes = &self.unread()[..len.min(self.unread().len())];
        let bytes = bytes.to_vec();
        self.begin += bytes.len();
        bytes
    }

    /// Discards the next bytes in the kernel, without copying them.
    pub(super) async fn discard(&mut self, len: u64, mut pace: Pace) -> io::Result<()> {
        let mut left = len - self.take(len).len() as u64;
        while left > 0 {
            let wanted = usize::try_from(left).map_or(AT_ONCE, |left| left.min(AT_ONCE));
            let wanted = pace.allowed(wanted).await;
            if self.nowhere.len() < wanted {
                self.nowhere = vec![0; AT_ONCE];
            }
            let (stream, nowhere) = (&self.stream, &mut self.nowhere[..wanted]);
            let dropped = stream
                .async_io(Interest::READABLE, || {
                    Ok(recv(stream, &mut *nowhere, RecvFlags::TRUNC)?.1)
                })
                .await?;
            if dropped == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            pace.moved(dropped);
            left -= dropped as u64;
        }
        Ok(())
    }

    /// Reads the next bytes.
    pub(super) async fn read_exact(&mut self, len: u64, mut pace: Pace) -> io::Result<Vec<u8>> {
        let mut body = self.take(len);
        let len = usize::try_from(len).map_err(io::Error::other)?;
        while body.len() < len {
            let begin = body.len();
            body.resize(begin + pace.allowed((len - begin).min(AT_ONCE)).await, 0);
            let (stream, free) = (&self.stream, &mut body[begin..]);
            let read = stream
                .async_io(Interest::READABLE, || stream.try_read(free))
                .await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            pace.moved(read);
            body.truncate(begin + read);
        }
        Ok(body)
    }

    /// Reads a body with `Transfer-Encoding: chunked`, and its trailers.
    pub(super) async fn read_chunked(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line().await?;
            let len = chunk_length(&line).ok_or(io::ErrorKind::InvalidData)?;
            if len == 0 {
                while !self.line().await?.is_empty() {}
                return Ok(body);
            }
            let chunk = self.read_exact(len as u64 + 2, Pace::new(None)).await?;
            body.extend_from_slice(&chunk[..len]);
        }
    }

    /// The next line, without its end.
    async fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = line_end(self.unread()) {
                let line = self.unread()[..end].to_vec();
                self.begin += end + 2;
                return Ok(line);
            }
            if self.fill().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Sends bytes; `more` says that more of the same response follows.
    pub(super) async fn send(&self, mut bytes: &[u8], more: bool) -> io::Result<()> {
        let mut flags = SendFlags::NOSIGNAL;
        flags.set(SendFlags::MORE, more);
        while !bytes.is_empty() {
            let stream = &self.stream;
            let sent = stream
                .async_io(Interest::WRITABLE, || Ok(send(stream, bytes, flags)?))
                .await?;
            bytes = &bytes[sent..];
        }
        Ok(())
    }

    /// Sends a body from memory, with the limited bandwidth.
    pub(super) async fn send_body(&self, mut body: &[u8], mut pace: Pace) -> io::Result<()> {
        while !body.is_empty() {
            let now = pace.allowed(body.len().min(AT_ONCE)).await;
            self.send(&body[..now], false).await?;
            pace.moved(now);
            body = &body[now..];
        }
        Ok(())
    }

    /// Sends a head and a slice of the pool; `sendfile` copies a large one within the kernel.
    pub(super) async fn send_window(
        &self,
        mut head: Vec<u8>,
        pool: &Pool,
        mut window: Window,
        mut pace: Pace,
    ) -> io::Result<()> {
        if window.len <= WITH_HEAD {
            pool.read(window, &mut head)?;
            return self.send(&head, false).await;
        }
        self.send(&head, true).await?;
        while window.len > 0 {
            let piece = pool.contiguous(window);
            let wanted = usize::try_from(piece.len).map_or(AT_ONCE, |len| len.min(AT_ONCE));
            let wanted = pace.allowed(wanted).await;
            let stream = &self.stream;
            let sent = stream
                .async_io(Interest::WRITABLE, || {
                    let mut offset = piece.start;
                    Ok(sendfile(stream, pool.file(), Some(&mut offset), wanted)?)
                })
                .await?;
            pace.moved(sent);
            window = window.part(sent as u64, window.len - sent as u64);
        }
        Ok(())
    }
}

fn line_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair == b"\r\n")
}

/// The size in a chunk's first line.
fn chunk_length(line: &[u8]) -> Option<usize> {
    let digits = line.split(|byte| *byte == b';').next()?;
    usize::from_str_radix(str::from_utf8(digits).ok()?.trim(), 16).ok()
}

/// Decodes a body with `Content-Encoding: aws-chunked`.
pub(super) fn without_aws_chunks(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(body.len());
    loop {
        let end = line_end(body)?;
        let len = chunk_length(&body[..end])?;
        if len == 0 {
            return Some(decoded);
        }
        let chunk = body.get(end + 2..)?;
        decoded.extend_from_slice(chunk.get(..len)?);
        body = chunk.get(len + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aws_chunked_body_is_decoded() {
        let body =
            b"4;chunk-signature=x\r\nWiki\r\n5\r\npedia\r\n0\r\nx-amz-checksum-crc32:x\r\n\r\n";
        assert_eq!(without_aws_chunks(body).unwrap(), b"Wikipedia");
        assert_eq!(without_aws_chunks(b"0\r\n\r\n").unwrap(), b"");
        for broken in [&b"5\r\nab\r\n"[..], b"", b"zz\r\n", b"3\r\nabc"] {
            assert_eq!(without_aws_chunks(broken), None, "{broken:?}");
        }
    }
}

//! Sends the head and body of a request, and watches for a response that arrives before the request is complete.
//!
//! A server may respond early (an unknown key, too many requests, a bucket in another region) and stop reading. A
//! client that only writes would then wait forever, or see the connection break without the reason.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use memchr::memmem;

use super::connection::{Channel, Connection};
use super::error::{WireError, WireErrorKind};
use super::file_chunks::{BufferPool, FileChunks, FileRange, append_file, file_was_truncated};
use super::request_body::RequestBody;
use super::response_head::ParsedHead;
use super::sendfile;
use super::trailer::{CHUNK, ChunkFramer};
use crate::Request;

/// Maximum size of a body that is sent with its head in one write: copying it costs less than a second system call.
const SMALL: u64 = 64 << 10;

/// Number of last bytes of a file that are only sent after its version was checked.
const LAST: u64 = 4 << 10;

/// Maximum time to wait for the response to `Expect: 100-continue`. S3 responds within one round trip.
const WAIT_FOR_CONTINUE: Duration = Duration::from_secs(1);

/// Why a request was not sent completely.
pub(super) enum Stop {
    /// The server sent an error response before the request was complete.
    Responded(ParsedHead),
    /// Writing failed; a response may give the reason.
    Broken(io::Error),
    /// The connection or the payload cannot be used.
    Failed(WireError),
}

/// Sends all of `request`. Returns a success response that arrived before the request was complete, if there was one.
pub(super) async fn transmit(
    conn: &mut Connection,
    mut head: &[u8],
    request: &Request<'_>,
    buffers: &BufferPool,
) -> Result<Option<ParsedHead>, Stop> {
    let mut sender = Transmitter {
        channel: &mut conn.channel,
        sent_bytes: request.sent_bytes,
        early: None,
        begun: false,
    };
    let len = request.encoded_len();
    if len > 0 && memmem::find(head, b"\r\nexpect: 100-continue\r\n").is_some() {
        sender.write(&mut [IoSlice::new(head)]).await?;
        sender.flush().await?;
        sender.wait_for_continue().await?;
        head = &[];
    }
    match request.body {
        _ if len == 0 => sender.write(&mut [IoSlice::new(head)]).await?,
        _ if len <= SMALL => {
            let whole = joined(std::mem::take(&mut conn.out), head, request).await;
            conn.out = whole.map_err(unreadable)?;
            sender.write(&mut [IoSlice::new(&conn.out)]).await?;
        }
        RequestBody::Empty | RequestBody::Chunks(_) => {
            let chunks = match request.body {
                RequestBody::Chunks(chunks) => chunks,
                _ => &[],
            };
            match request.trailer {
                Some(trailer) => {
                    let framer = ChunkFramer::new(trailer);
                    Box::pin(sender.framed_chunks(head, chunks, framer)).await?;
                }
                None => {
                    let chunks = chunks.iter().map(|chunk| IoSlice::new(chunk));
                    let mut slices: Vec<_> =
                        [IoSlice::new(head)].into_iter().chain(chunks).collect();
                    sender.write(&mut slices).await?;
                }
            }
        }
        RequestBody::File {
            file,
            offset,
            len,
            version,
        } => {
            let mut range = FileRange {
                file,
                offset,
                len,
                version,
            };
            let mut head = head;
            // sendfile may wait for the disk.
            if request.trailer.is_none() && request.blocking_io && sender.channel.has_sendfile() {
                range = Box::pin(sender.sendfile(head, range)).await?;
                head = &[];
            }
            if range.len > 0 {
                let chunks = FileChunks::new(range, request.blocking_io, buffers);
                let framer = request.trailer.map(ChunkFramer::new);
                Box::pin(sender.file(head, chunks, framer)).await?;
            }
        }
    }
    sender.flush().await?;
    Ok(sender.early)
}

/// Writes a head and a small body into one buffer.
async fn joined(mut out: Vec<u8>, head: &[u8], request: &Request<'_>) -> io::Result<Vec<u8>> {
    let mut framer = request.trailer.map(ChunkFramer::new);
    out.clear();
    out.extend_from_slice(head);
    if let (Some(framer), Ok(len @ 1..)) = (&mut framer, usize::try_from(request.body.len())) {
        framer.before(&mut out, len);
    }
    let start = out.len();
    match request.body {
        RequestBody::Empty => {}
        RequestBody::Chunks(chunks) => chunks.iter().for_each(|chunk| out.extend_from_slice(chunk)),
        RequestBody::File {
            file,
            offset,
            len,
            version,
        } => {
            let range = FileRange {
                file,
                offset,
                len,
                version,
            };
            out = append_file(range, request.blocking_io, out).await?;
        }
    }
    if let Some(framer) = &mut framer {
        framer.update(&out[start..]);
        framer.after(&mut out);
    }
    Ok(out)
}

fn unreadable(error: io::Error) -> Stop {
    Stop::Failed(WireError::io(WireErrorKind::Payload, error))
}

struct Transmitter<'a> {
    channel: &'a mut Channel,
    sent_bytes: Option<&'a AtomicU64>,
    /// A success response received before the end of the body: accepted only if the rest can be sent, too.
    early: Option<ParsedHead>,
    /// Whether anything was written, so that the server may have responded.
    begun: bool,
}

impl Transmitter<'_> {
    /// Sends a file range with sendfile(2), so that its bytes never enter this process. Returns the range that is left
    /// to send: not empty if the system cannot send or read this file. A plain read then returns the error, if there is
    /// one.
    async fn sendfile<'f>(
        &mut self,
        head: &[u8],
        mut range: FileRange<'f>,
    ) -> Result<FileRange<'f>, Stop> {
        self.write(&mut [IoSlice::new(head)]).await?;
        let mut held_back = range.version.map_or(0, |_| LAST.min(range.len));
        while range.len > 0 {
            let watch = self.early.is_none();
            if watch && self.has_response().await {
                self.listen().await?;
                continue;
            }
            if held_back == range.len {
                range.check_version().map_err(unreadable)?;
                held_back = 0;
            }
            let len = range.len - held_back;
            let piece = FileRange { len, ..range };
            let sent = poll_fn(|cx| self.channel.poll_sendfile(cx, piece, watch)).await;
            match sent {
                Ok(Some(0)) => return Err(unreadable(file_was_truncated())),
                Ok(Some(count)) => {
                    range.offset += count;
                    range.len -= count;
                    self.count(count);
                }
                Ok(None) => self.listen().await?,
                Err(error) if sendfile::is_socket_error(&error) => return Err(Stop::Broken(error)),
                Err(_) => break,
            }
        }
        Ok(range)
    }

    /// Sends the chunks of a file, framed if a checksum follows.
    async fn file(
        &mut self,
        head: &[u8],
        mut chunks: FileChunks<'_>,
        mut framer: Option<ChunkFramer>,
    ) -> Result<(), Stop> {
        let mut before = head.to_vec();
        while let Some(chunk) = chunks.next().await.map_err(unreadable)? {
            if let Some(framer) = &mut framer {
                framer.before(&mut before, chunk.bytes().len());
                framer.update(chunk.bytes());
            }
            let mut slices = [IoSlice::new(&before), IoSlice::new(chunk.bytes())];
            self.write(&mut slices).await?;
            before.clear();
            chunks.reuse(chunk);
        }
        match framer {
            Some(framer) => self.end(before, framer).await,
            None => Ok(()),
        }
    }

    /// Sends buffers in frames of [`CHUNK`] bytes, without copying them.
    async fn framed_chunks(
        &mut self,
        head: &[u8],
        chunks: &[Bytes],
        mut framer: ChunkFramer,
    ) -> Result<(), Stop> {
        let mut before = head.to_vec();
        let mut left: usize = chunks.iter().map(Bytes::len).sum();
        let mut chunks = chunks.iter();
        let mut rest: &[u8] = &[];
        while left > 0 {
            let mut want = left.min(CHUNK);
            left -= want;
            framer.before(&mut before, want);
            let mut slices = vec![IoSlice::new(&before)];
            while want > 0 {
                if rest.is_empty() {
                    rest = chunks.next().map_or(rest, |chunk| &**chunk);
                }
                let (taken, behind) = rest.split_at(rest.len().min(want));
                framer.update(taken);
                slices.push(IoSlice::new(taken));
                want -= taken.len();
                rest = behind;
            }
            self.write(&mut slices).await?;
            before.clear();
        }
        self.end(before, framer).await
    }

    async fn end(&mut self, mut before: Vec<u8>, mut framer: ChunkFramer) -> Result<(), Stop> {
        framer.after(&mut before);
        self.write(&mut [IoSlice::new(&before)]).await
    }

    /// Writes all of `slices`. Checks for a response whenever the socket is full, and before each write but the first.
    async fn write(&mut self, mut slices: &mut [IoSlice<'_>]) -> Result<(), Stop> {
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            let watch = self.early.is_none();
            if watch && self.begun && self.has_response().await {
                self.listen().await?;
                continue;
            }
            self.begun = true;
            let written = poll_fn(|cx| self.channel.poll_write(cx, slices, watch)).await;
            match written.map_err(Stop::Broken)? {
                Some(count) => {
                    IoSlice::advance_slices(&mut slices, count);
                    self.count(count as u64);
                }
                None => self.listen().await?,
            }
        }
        Ok(())
    }

    fn count(&self, bytes: u64) {
        if let Some(sent) = self.sent_bytes {
            sent.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    async fn has_response(&mut self) -> bool {
        poll_fn(|cx| Poll::Ready(self.channel.poll_readable(cx).is_ready())).await
    }

    async fn flush(&mut self) -> Result<(), Stop> {
        loop {
            let watch = self.early.is_none();
            let flushed = poll_fn(|cx| self.channel.poll_flush(cx, watch)).await;
            match flushed.map_err(Stop::Broken)? {
                true => return Ok(()),
                false => self.listen().await?,
            }
        }
    }

    async fn wait_for_continue(&mut self) -> Result<(), Stop> {
        // Without a response the body is sent anyway: not every server knows `Expect`.
        let said = tokio::time::timeout(WAIT_FOR_CONTINUE, self.listen()).await;
        said.unwrap_or(Ok(()))
    }

    /// Reads the response that has begun to arrive.
    async fn listen(&mut self) -> Result<(), Stop> {
        let parsed = self.channel.next_head().await.map_err(Stop::Failed)?;
        match parsed.status {
            100..200 => Ok(()),
            200..300 => {
                self.early = Some(parsed);
                Ok(())
            }
            _ => Err(Stop::Responded(parsed)),
        }
    }
}

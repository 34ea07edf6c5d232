//! Sending a request, with an ear for an answer that does not wait for its end.
//!
//! A server that has seen enough (an unknown key, too many requests, a bucket elsewhere) answers and stops reading.
//! Whoever only writes would then wait for ever, or see the connection break and miss the reason.

use std::fs::File;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::task::Poll;
use std::time::Duration;

use memchr::memmem;

use super::conn::{Conn, Wire};
use super::error::{WireError, WireErrorKind};
use super::head::Parsed;
use super::kernel;
use super::outgoing::{OutBody, Outgoing};
use super::pieces::{Pieces, Spare, append_all};
use super::trailer::{PIECE, Trailer};
use crate::payload::became_shorter;
use crate::{ByteCounter, Payload, blocking_io};

/// A body up to this size leaves with its head, in one write: copying it costs less than the kernel's second call.
const SMALL: u64 = 64 << 10;

/// How long a server that was asked whether it wants the body may take to say so. S3 answers within one round trip.
const WAIT_FOR_CONTINUE: Duration = Duration::from_secs(1);

/// Why a request did not go out whole.
pub(super) enum Stop {
    /// The server refused it before its end.
    Answered(Parsed),
    /// Writing failed; there may be an answer that says why.
    Broken(io::Error),
    /// The connection is of no use, or the payload is not.
    Failed(WireError),
}

/// Sends all of `outgoing`. Returns an answer that claimed success before it had everything, if there was one.
pub(super) async fn transmit(
    conn: &mut Conn,
    outgoing: &Outgoing<'_>,
    spare: &Spare,
) -> Result<Option<Parsed>, Stop> {
    let mut sender = Sender {
        wire: &mut conn.wire,
        moved: outgoing.body.moved(),
        early: None,
        begun: false,
    };
    let mut head = outgoing.head;
    let len = outgoing.body.encoded_len();
    if len > 0 && memmem::find(head, b"\r\nexpect: 100-continue\r\n").is_some() {
        sender.write(&mut [IoSlice::new(head)]).await?;
        sender.flush().await?;
        sender.wait_for_continue().await?;
        head = &[];
    }
    match &outgoing.body {
        OutBody::None => sender.write(&mut [IoSlice::new(head)]).await?,
        body if len <= SMALL => {
            let whole = joined(std::mem::take(&mut conn.out), head, body).await;
            conn.out = whole.map_err(unreadable)?;
            sender.write(&mut [IoSlice::new(&conn.out)]).await?;
        }
        OutBody::Payload(payload) => match payload.as_chunks() {
            Some(chunks) => {
                let chunks = chunks.iter().map(|chunk| IoSlice::new(chunk));
                let mut slices: Vec<_> = [IoSlice::new(head)].into_iter().chain(chunks).collect();
                sender.write(&mut slices).await?;
            }
            None if let Some(file) = sender.kernel_can_send(payload) => {
                let left = Box::pin(sender.by_kernel(head, file, payload.len())).await?;
                if left > 0 {
                    let rest = payload.slice(payload.len() - left, left);
                    Box::pin(sender.file(&[], &rest, None, spare)).await?;
                }
            }
            None => Box::pin(sender.file(head, payload, None, spare)).await?,
        },
        OutBody::Trailer {
            payload,
            algorithm,
            name,
        } => {
            let trailer = Trailer::new(*algorithm, name);
            if payload.as_chunks().is_some() {
                Box::pin(sender.chunks(head, payload, trailer)).await?;
            } else {
                Box::pin(sender.file(head, payload, Some(trailer), spare)).await?;
            }
        }
    }
    sender.flush().await?;
    Ok(sender.early)
}

/// Puts a head and a small body into one buffer.
async fn joined(mut out: Vec<u8>, head: &[u8], body: &OutBody<'_>) -> io::Result<Vec<u8>> {
    out.clear();
    out.extend_from_slice(head);
    match body {
        OutBody::None => Ok(out),
        OutBody::Payload(payload) => append_all(payload, out).await,
        OutBody::Trailer {
            payload,
            algorithm,
            name,
        } => {
            let mut trailer = Trailer::new(*algorithm, name);
            if let Ok(len @ 1..) = usize::try_from(payload.len()) {
                trailer.before(&mut out, len);
            }
            let start = out.len();
            let mut out = append_all(payload, out).await?;
            trailer.update(&out[start..]);
            trailer.after(&mut out);
            Ok(out)
        }
    }
}

fn unreadable(error: io::Error) -> Stop {
    Stop::Failed(WireError::io(WireErrorKind::Payload, error))
}

struct Sender<'a> {
    wire: &'a mut Wire,
    /// Where to count what has left.
    moved: Option<&'a ByteCounter>,
    /// An answer of success that came before the end of the body: believed only if the rest can be sent as well.
    early: Option<Parsed>,
    /// Whether anything was written, so that the server may have an opinion.
    begun: bool,
}

impl Sender<'_> {
    /// Returns the payload's file if the kernel can send it, and if this thread may wait for its disk.
    fn kernel_can_send<'p>(&self, payload: &'p Payload) -> Option<(&'p File, u64)> {
        let may = self.wire.sends_files() && blocking_io::blocking_io_allowed();
        payload.as_file().filter(|_| may)
    }

    /// Has the kernel send a file's bytes, which this process then never sees. Returns how many it has left, because it
    /// cannot do it with such a file, or not read on: whoever reads them then says why.
    async fn by_kernel(
        &mut self,
        head: &[u8],
        (file, mut offset): (&File, u64),
        mut left: u64,
    ) -> Result<u64, Stop> {
        self.write(&mut [IoSlice::new(head)]).await?;
        while left > 0 {
            let watch = self.early.is_none();
            if watch && self.is_spoken_to().await {
                self.listen().await?;
                continue;
            }
            let rest = (file, offset, left);
            let sent = poll_fn(|cx| self.wire.poll_send_file(cx, rest, watch)).await;
            match sent {
                Ok(Some(0)) => return Err(unreadable(became_shorter())),
                Ok(Some(count)) => {
                    offset += count;
                    left -= count;
                    self.count(count);
                }
                Ok(None) => self.listen().await?,
                Err(error) if kernel::is_of_socket(&error) => return Err(Stop::Broken(error)),
                Err(_) => return Ok(left),
            }
        }
        Ok(0)
    }

    /// Sends a file's bytes, in chunks if there is a trailer.
    async fn file(
        &mut self,
        head: &[u8],
        payload: &Payload,
        mut trailer: Option<Trailer>,
        spare: &Spare,
    ) -> Result<(), Stop> {
        let mut pieces = Pieces::new(payload, spare);
        let mut before = head.to_vec();
        while let Some(piece) = pieces.next().await.map_err(unreadable)? {
            if let Some(trailer) = &mut trailer {
                trailer.before(&mut before, piece.bytes().len());
                trailer.update(piece.bytes());
            }
            let mut slices = [IoSlice::new(&before), IoSlice::new(piece.bytes())];
            self.write(&mut slices).await?;
            before.clear();
            pieces.done(piece);
        }
        match trailer {
            Some(trailer) => self.end(before, trailer).await,
            None => Ok(()),
        }
    }

    /// Sends buffers in chunks, without copying them.
    async fn chunks(
        &mut self,
        head: &[u8],
        payload: &Payload,
        mut trailer: Trailer,
    ) -> Result<(), Stop> {
        let mut before = head.to_vec();
        let mut chunks = payload.as_chunks().unwrap_or_default().iter();
        let mut rest: &[u8] = &[];
        let mut left = payload.len();
        while left > 0 {
            let mut want = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
            left -= want as u64;
            trailer.before(&mut before, want);
            let mut slices = vec![IoSlice::new(&before)];
            while want > 0 {
                if rest.is_empty() {
                    // The chunks add up to the payload's length.
                    let Some(chunk) = chunks.next() else { break };
                    rest = chunk;
                }
                let (taken, behind) = rest.split_at(rest.len().min(want));
                trailer.update(taken);
                slices.push(IoSlice::new(taken));
                want -= taken.len();
                rest = behind;
            }
            self.write(&mut slices).await?;
            before.clear();
        }
        self.end(before, trailer).await
    }

    async fn end(&mut self, mut before: Vec<u8>, mut trailer: Trailer) -> Result<(), Stop> {
        trailer.after(&mut before);
        self.write(&mut [IoSlice::new(&before)]).await
    }

    /// Writes all of `slices`; looks for an answer whenever the socket is full, and before each write but the first.
    async fn write(&mut self, mut slices: &mut [IoSlice<'_>]) -> Result<(), Stop> {
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            let watch = self.early.is_none();
            if watch && self.begun && self.is_spoken_to().await {
                self.listen().await?;
                continue;
            }
            self.begun = true;
            let written = poll_fn(|cx| self.wire.poll_write(cx, slices, watch)).await;
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
        if let Some(moved) = self.moved {
            moved.add(bytes);
        }
    }

    async fn is_spoken_to(&mut self) -> bool {
        poll_fn(|cx| Poll::Ready(self.wire.poll_hear(cx).is_ready())).await
    }

    async fn flush(&mut self) -> Result<(), Stop> {
        loop {
            let watch = self.early.is_none();
            let flushed = poll_fn(|cx| self.wire.poll_flush(cx, watch)).await;
            match flushed.map_err(Stop::Broken)? {
                true => return Ok(()),
                false => self.listen().await?,
            }
        }
    }

    async fn wait_for_continue(&mut self) -> Result<(), Stop> {
        // Without a word the body goes out all the same: not every server knows the question.
        let said = tokio::time::timeout(WAIT_FOR_CONTINUE, self.listen()).await;
        said.unwrap_or(Ok(()))
    }

    /// Reads the answer that has begun to arrive.
    async fn listen(&mut self) -> Result<(), Stop> {
        let parsed = self.wire.next_head().await.map_err(Stop::Failed)?;
        match parsed.status {
            100..200 => Ok(()),
            200..300 => {
                self.early = Some(parsed);
                Ok(())
            }
            _ => Err(Stop::Answered(parsed)),
        }
    }
}

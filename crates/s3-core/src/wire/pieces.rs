//! A file's bytes, piece by piece, into memory that is used again.

use std::io;
use std::sync::{Mutex, PoisonError};

use tokio::task::JoinHandle;

use super::trailer::PIECE;
use crate::{Payload, blocking_io};

/// How many buffers wait for the next upload: 8 MiB at most.
const MOST_SPARE: usize = 16;

/// Buffers of [`PIECE`] bytes that nobody uses right now.
#[derive(Default)]
pub(super) struct Spare(Mutex<Vec<Vec<u8>>>);

impl Spare {
    fn take(&self) -> Vec<u8> {
        let spare = self.lock().pop();
        spare.unwrap_or_else(|| vec![0; PIECE])
    }

    fn give(&self, buffer: Vec<u8>) {
        let mut spare = self.lock();
        if spare.len() < MOST_SPARE {
            spare.push(buffer);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a payload in pieces: ahead of the sender where other threads read, in place where this one may.
pub(super) struct Pieces<'a> {
    payload: &'a Payload,
    spare: &'a Spare,
    /// Where the next read begins.
    position: u64,
    ahead: Option<Reading>,
}

/// The first `len` bytes of a buffer.
pub(super) struct Piece {
    buffer: Vec<u8>,
    len: usize,
}

impl Piece {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}

impl<'a> Pieces<'a> {
    pub(super) fn new(payload: &'a Payload, spare: &'a Spare) -> Self {
        Self {
            payload,
            spare,
            position: 0,
            ahead: None,
        }
    }

    /// Returns the next piece; `None` behind the last.
    pub(super) async fn next(&mut self) -> io::Result<Option<Piece>> {
        if blocking_io::blocking_io_allowed() && self.ahead.is_none() {
            return self.read_here();
        }
        if self.ahead.is_none() {
            self.ahead = self.start();
        }
        let Some(reading) = &mut self.ahead else {
            return Ok(None);
        };
        let piece = finished((&mut reading.0).await)?;
        // The next piece is read while this one is being sent.
        self.ahead = self.start();
        Ok(Some(piece))
    }

    /// Takes a piece's memory back.
    pub(super) fn done(&self, piece: Piece) {
        self.spare.give(piece.buffer);
    }

    fn read_here(&mut self) -> io::Result<Option<Piece>> {
        let Some(len) = self.claim() else {
            return Ok(None);
        };
        let mut buffer = self.spare.take();
        let position = self.position - len as u64;
        self.payload.read_into(position, &mut buffer[..len])?;
        Ok(Some(Piece { buffer, len }))
    }

    fn start(&mut self) -> Option<Reading> {
        let len = self.claim()?;
        let position = self.position - len as u64;
        let payload = self.payload.clone();
        let mut buffer = self.spare.take();
        Some(Reading(tokio::task::spawn_blocking(move || {
            payload.read_into(position, &mut buffer[..len])?;
            Ok(Piece { buffer, len })
        })))
    }

    /// Moves on by the length of the next piece and returns it.
    fn claim(&mut self) -> Option<usize> {
        let left = self.payload.len() - self.position;
        let len = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
        self.position += len as u64;
        (len > 0).then_some(len)
    }
}

/// A read on another thread; one that has not begun when its reader is gone never begins.
struct Reading(JoinHandle<io::Result<Piece>>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Appends the whole payload to `buffer`; for small ones.
pub(super) async fn append_all(payload: &Payload, mut buffer: Vec<u8>) -> io::Result<Vec<u8>> {
    let start = buffer.len();
    let len = usize::try_from(payload.len()).map_err(io::Error::other)?;
    buffer.resize(start + len, 0);
    if payload.as_chunks().is_some() || blocking_io::blocking_io_allowed() {
        payload.read_into(0, &mut buffer[start..])?;
        return Ok(buffer);
    }
    let payload = payload.clone();
    let reading = tokio::task::spawn_blocking(move || {
        payload.read_into(0, &mut buffer[start..])?;
        Ok(buffer)
    });
    finished(reading.await)
}

fn finished<T>(outcome: Result<io::Result<T>, tokio::task::JoinError>) -> io::Result<T> {
    outcome.unwrap_or_else(|_| Err(io::Error::other("the runtime is shutting down")))
}

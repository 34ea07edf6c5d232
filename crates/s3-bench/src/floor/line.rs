//! `Line`: one non-blocking TCP connection of the benchmark's lower-bound client (the floor), and the request in flight
//! on it.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::mem;
use std::net::TcpStream;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::rc::Rc;

use memchr::memmem;
use rustix::fs::sendfile;
use rustix::net::{SendFlags, send};

use super::job::{Job, Sink, Upload};
use crate::failure::Outcome;

/// Maximum size of a file that is sent together with the head.
const WITH_HEAD: u64 = 64 << 10;

/// Maximum number of bytes of a file per system call.
const AT_ONCE: usize = 4 << 20;

/// A connection.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) socket: TcpStream,
    sink: Option<Sink>,
    out: Vec<u8>,
    sent: usize,
    file: Option<(Rc<File>, Range<u64>)>,
    /// The received part of the head, then the body if it is kept.
    held: Vec<u8>,
    /// Missing bytes of the body; `None` while the head is incomplete.
    left: Option<u64>,
    target: Option<(Rc<File>, u64)>,
    /// Bytes of all bodies so far.
    pub(super) received: u64,
}

/// Result of a read.
#[derive(Debug)]
pub(super) enum Progress {
    /// No more bytes are available yet.
    Waiting,
    /// The job is done: its sink, and the bytes that were kept.
    Done(Sink, Vec<u8>),
}

impl Line {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            sink: None,
            out: Vec::new(),
            sent: 0,
            file: None,
            held: Vec::new(),
            left: None,
            target: None,
            received: 0,
        }
    }

    pub(super) const fn is_idle(&self) -> bool {
        self.sink.is_none()
    }

    /// Prepares a job without sending.
    pub(super) fn begin(&mut self, job: Job) -> Outcome {
        self.out.clear();
        self.sent = 0;
        self.out.extend_from_slice(job.head.as_bytes());
        match job.upload {
            Upload::Nothing => self.out.extend_from_slice(b"\r\n"),
            Upload::Part(file, range) => {
                self.push_length(range.end - range.start);
                self.file = Some((file, range));
            }
            Upload::File(path) => {
                let len = fs::metadata(&path)?.len();
                self.push_length(len);
                let mut file = File::open(path)?;
                if len <= WITH_HEAD {
                    file.read_to_end(&mut self.out)?;
                } else {
                    self.file = Some((Rc::new(file), 0..len));
                }
            }
        }
        self.held.clear();
        self.left = None;
        self.sink = Some(job.sink);
        Ok(())
    }

    fn push_length(&mut self, len: u64) {
        let line = format!("Content-Length: {len}\r\n\r\n");
        self.out.extend_from_slice(line.as_bytes());
    }

    /// Sends as much as the socket accepts. Returns whether more is left.
    pub(super) fn send(&mut self) -> io::Result<bool> {
        let mut flags = SendFlags::NOSIGNAL;
        flags.set(SendFlags::MORE, self.file.is_some());
        while self.sent < self.out.len() {
            match send(&self.socket, &self.out[self.sent..], flags).map_err(io::Error::from) {
                Ok(sent) => self.sent += sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        let Some((file, range)) = &mut self.file else {
            return Ok(false);
        };
        while !range.is_empty() {
            let wanted = usize::try_from(range.end - range.start).unwrap_or(AT_ONCE);
            let sent = sendfile(
                &self.socket,
                &**file,
                Some(&mut range.start),
                wanted.min(AT_ONCE),
            );
            match sent.map_err(io::Error::from) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        self.file = None;
        Ok(false)
    }

    /// Reads the available bytes, at most the rest of one response.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> Outcome<Progress> {
        loop {
            let read = match (&self.socket).read(buffer) {
                Ok(0) => return Err("the server has closed a connection".into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Ok(Progress::Waiting);
                }
                Err(error) => return Err(error.into()),
            };
            if self.take(&buffer[..read])? {
                let sink = self.sink.take().ok_or("a response without a request")?;
                self.target = None;
                return Ok(Progress::Done(sink, mem::take(&mut self.held)));
            }
        }
    }

    /// Processes received bytes and returns whether the response is complete.
    fn take(&mut self, bytes: &[u8]) -> Outcome<bool> {
        let Some(left) = self.left else {
            return self.take_head(bytes);
        };
        self.take_body(bytes, left)
    }

    fn take_head(&mut self, bytes: &[u8]) -> Outcome<bool> {
        let before = self.held.len();
        // The head nearly always arrives in one read, and is then not copied.
        let head_len = if before == 0 {
            memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4)
        } else {
            self.held.extend_from_slice(bytes);
            memmem::find(&self.held, b"\r\n\r\n").map(|at| at + 4)
        };
        let Some(head_len) = head_len else {
            if before == 0 {
                self.held.extend_from_slice(bytes);
            }
            return Ok(false);
        };
        let head = if before == 0 {
            &bytes[..head_len]
        } else {
            &self.held[..head_len]
        };
        let len = body_length(head)?;
        self.held.clear();
        let left = self.open(len)?;
        self.left = Some(left);
        self.take_body(&bytes[head_len - before..], left)
    }

    /// Makes room for a body and returns its length.
    fn open(&mut self, len: u64) -> Outcome<u64> {
        match self.sink.as_ref().ok_or("a response without a request")? {
            Sink::HeadOnly => return Ok(0),
            Sink::Drop => {}
            Sink::Memory | Sink::Keys(_) => self.held.reserve(usize::try_from(len)?),
            Sink::File(path) => self.target = Some((Rc::new(File::create(path)?), 0)),
            Sink::At(file, offset) => self.target = Some((Rc::clone(file), *offset)),
        }
        Ok(len)
    }

    fn take_body(&mut self, bytes: &[u8], left: u64) -> Outcome<bool> {
        if let Some((file, offset)) = &mut self.target {
            file.write_all_at(bytes, *offset)?;
            *offset += bytes.len() as u64;
        } else if let Some(Sink::Memory | Sink::Keys(_)) = self.sink {
            self.held.extend_from_slice(bytes);
        }
        let left = left
            .checked_sub(bytes.len() as u64)
            .ok_or("a response is longer than its Content-Length")?;
        self.left = Some(left);
        self.received += bytes.len() as u64;
        Ok(left == 0)
    }
}

/// Returns the `Content-Length` of a head, or an error if its status is not a success.
fn body_length(head: &[u8]) -> Outcome<u64> {
    let status = head.get(9..12).unwrap_or_default();
    if status.first() != Some(&b'2') {
        return Err(format!("status {}", String::from_utf8_lossy(status)).into());
    }
    let name = b"Content-Length: ";
    let begin = memmem::find(head, name).ok_or("a response without Content-Length")? + name.len();
    let digits = head[begin..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    Ok(digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_parsed_and_a_bad_status_is_an_error() {
        let head = b"HTTP/1.1 206 Partial\r\nServer: s\r\nContent-Length: 1234\r\n\r\n";
        assert_eq!(body_length(head).unwrap(), 1234);
        let head = b"HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\n";
        assert_eq!(body_length(head).unwrap_err().to_string(), "status 404");
    }
}

//! The epoll event loop of the benchmark's lower-bound client (the floor): many connections on one thread, without an
//! async runtime.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::os::fd::OwnedFd;

use memchr::{memchr, memmem};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

use super::job::{Job, Sink};
use super::line::{Line, Progress};
use super::plan::page;
use crate::failure::Outcome;

/// Bytes per read; the buffer fits into the L2 cache.
const BUFFER: usize = 512 << 10;

/// Events per `epoll_wait`.
const EVENTS: usize = 256;

/// Connections and pending jobs.
#[derive(Debug)]
pub(super) struct EventLoop {
    host: String,
    bucket: String,
    epoll: OwnedFd,
    lines: Vec<Line>,
    jobs: VecDeque<Job>,
    buffer: Vec<u8>,
    busy: usize,
    /// Number of completed jobs.
    pub(super) done: u64,
    /// The keys of all listed objects.
    pub(super) keys: Vec<Box<[u8]>>,
}

impl EventLoop {
    /// Runs all jobs over at most `connections` connections. Listings are of `bucket`.
    pub(super) fn run(
        host: &str,
        bucket: &str,
        connections: usize,
        jobs: Vec<Job>,
    ) -> Outcome<Self> {
        let mut this = Self {
            host: host.to_owned(),
            bucket: bucket.to_owned(),
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            lines: Vec::new(),
            jobs: jobs.into(),
            buffer: vec![0; BUFFER],
            busy: 0,
            done: 0,
            keys: Vec::new(),
        };
        for index in 0..connections.min(this.jobs.len()) {
            let socket = TcpStream::connect(host)?;
            socket.set_nodelay(true)?;
            socket.set_nonblocking(true)?;
            epoll::add(&this.epoll, &socket, named(index), EventFlags::IN)?;
            this.lines.push(Line::new(socket));
            this.next_job(index)?;
        }
        this.turn()?;
        Ok(this)
    }

    /// Returns the number of bytes of received bodies.
    pub(super) fn received(&self) -> u64 {
        self.lines.iter().map(|line| line.received).sum()
    }

    fn turn(&mut self) -> Outcome {
        let mut events: Vec<Event> = Vec::with_capacity(EVENTS);
        while self.busy > 0 {
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => drop(result?),
            }
            for event in &events {
                let (flags, index) = (event.flags, usize::try_from(event.data.u64())?);
                if flags.contains(EventFlags::OUT) && !self.lines[index].send()? {
                    self.listen_for(index, EventFlags::IN)?;
                }
                if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
                    self.receive(index)?;
                }
            }
        }
        Ok(())
    }

    fn receive(&mut self, index: usize) -> Outcome {
        let Progress::Done(sink, held) = self.lines[index].receive(&mut self.buffer)? else {
            return Ok(());
        };
        self.busy -= 1;
        self.done += 1;
        if let Sink::Keys(prefix) = sink {
            self.take_page(&prefix, &held);
        }
        self.next_job(index)?;
        // A page may have added jobs for idle connections.
        for idle in 0..self.lines.len() {
            if self.jobs.is_empty() {
                break;
            }
            if self.lines[idle].is_idle() {
                self.next_job(idle)?;
            }
        }
        Ok(())
    }

    fn next_job(&mut self, index: usize) -> Outcome {
        let Some(job) = self.jobs.pop_front() else {
            return Ok(());
        };
        self.busy += 1;
        self.lines[index].begin(job)?;
        if self.lines[index].send()? {
            self.listen_for(index, EventFlags::IN | EventFlags::OUT)?;
        }
        Ok(())
    }

    fn listen_for(&self, index: usize, flags: EventFlags) -> Outcome {
        Ok(epoll::modify(
            &self.epoll,
            &self.lines[index].socket,
            named(index),
            flags,
        )?)
    }

    fn take_page(&mut self, prefix: &str, xml: &[u8]) {
        for begin in memmem::find_iter(xml, b"<Key>") {
            self.keys.push(text(&xml[begin + 5..]).into());
        }
        if let Some(begin) = memmem::find(xml, b"<NextContinuationToken>") {
            let token = String::from_utf8_lossy(text(&xml[begin + 23..]));
            let next = page(&self.host, &self.bucket, prefix, Some(&token));
            self.jobs.push_front(next);
        }
    }
}

const fn named(index: usize) -> EventData {
    EventData::new_u64(index as u64)
}

/// Returns the text before the next tag.
fn text(xml: &[u8]) -> &[u8] {
    &xml[..memchr(b'<', xml).unwrap_or(xml.len())]
}

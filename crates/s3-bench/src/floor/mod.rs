//! The floor: the same bytes over the same sockets and files with as little code as possible, as a lower bound.
//!
//! One thread, `epoll`, kept connections, requests that are written ahead and not signed, responses of which only status
//! and length are read. No client that signs and checks can cost less; how much more one costs is what counts.

mod event_loop;
mod job;
mod line;
mod multipart;
mod plan;

pub(crate) use plan::run;

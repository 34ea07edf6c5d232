//! The floor: the same bytes over the same sockets and files with as little code as possible, as a lower bound.
//!
//! One thread, `epoll`, reused connections, requests that are prepared and unsigned, responses of which only status and
//! length are read. A client that signs and checks cannot cost less.

mod event_loop;
mod job;
mod line;
mod multipart;
mod plan;

pub(crate) use plan::run;

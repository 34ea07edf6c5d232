//! The floor: the same bytes over the same sockets and files with as little code as possible, as a lower bound.
//!
//! One thread, `epoll`, reused connections, requests that are prepared and unsigned, responses of which only status and
//! length are read. It neither signs nor checks; in some workloads a client may still cost less (docs/TUNING.md: W2t,
//! W5, W6).

mod event_loop;
mod job;
mod line;
mod multipart;
mod plan;

pub(crate) use plan::run;

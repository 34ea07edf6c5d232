//! Lower-bound client ("the floor"): runs the benchmark workloads with as little code as possible.
//!
//! It uses one thread, `epoll` and reused connections. Requests are prepared in advance and not signed. Only the status
//! and `Content-Length` of a response are parsed, and the keys of a listing; checksums are not verified. In some
//! workloads a client may still cost less (docs/TUNING.md: W2t, W5, W6).

mod event_loop;
mod job;
mod line;
mod multipart;
mod plan;

pub(crate) use plan::run;

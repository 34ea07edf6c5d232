//! HTTP/1.1 client for S3: one request and one response at a time per connection.
//!
//! A request is a prepared head and a body in memory or in a file; a response is a head and a body that is read into
//! the reader's buffer. There is no background task, no channel and no header map: the caller's task writes to the
//! socket and reads from it.
//!
//! ```text
//! Pool::send ── idle_pool.rs        takes an idle connection of this runtime and origin, or
//!     │         connect.rs          opens one, with tls.rs, or through a proxy with tunnel.rs
//!     └─ exchange.rs
//!          ├─ transmit.rs           sends head and body, and watches for an early response:
//!          │                        trailer.rs frames, file_chunks.rs reads files, sendfile.rs sends them
//!          ├─ response_head.rs      parses the head; framing.rs finds where the body ends
//!          └─ response_body.rs      reads the body, chunked.rs decodes it; then the connection is idle again
//! ```
//!
//! Invariants:
//!
//! * A connection is idle only after a body was read to its end by the rules of RFC 9112, with no bytes after it.
//!   Everything else (an error, a dropped future, a dropped body, an early response) closes it.
//! * A request is sent a second time only if the caller declared it idempotent, the connection was idle before, and no
//!   byte of a response arrived.
//! * Everything whose size the server decides has a limit.
//!
//! The only timers here are those for connecting, for the response to `Expect: 100-continue`, and for the response of a
//! server that has stopped reading. The layers above limit the time of a response.

mod chunked;
mod connect;
mod connection;
mod error;
mod exchange;
mod file_chunks;
mod framing;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod idle_pool;
mod origin;
mod pool;
mod proxy;
mod read_buffer;
mod request_body;
mod response_body;
mod response_head;
mod sendfile;
#[cfg(feature = "https")]
mod tls;
mod trailer;
mod transmit;
#[cfg(feature = "https")]
mod tunnel;

#[cfg(test)]
mod tests;

pub use error::{WireError, WireErrorKind};
pub use exchange::Response;
pub use origin::Origin;
pub use pool::Pool;
pub use proxy::Proxy;
pub use request_body::{ChecksumTrailer, RequestBody};
pub use response_body::ResponseBody;
pub use response_head::ResponseHead;
pub use trailer::trailer_len;

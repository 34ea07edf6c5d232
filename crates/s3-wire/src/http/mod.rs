//! HTTP/1.1 as a client of S3 needs it: one request, one response, one connection at a time.
//!
//! A request is a head that somebody else has written and a body that is at hand or in a file; a response is a head
//! and a body that is read straight into the reader's buffer. Between the two there is no task, no channel and no
//! header map: the caller's own task writes to the socket and reads from it.
//!
//! ```text
//! Pool::send ── slot.rs      takes an idle connection of this runtime and origin, or
//!     │         connect.rs   makes one (tls.rs puts TLS on it), perhaps through a proxy.rs
//!     └─ exchange.rs
//!          ├─ transmit.rs    head and body out; trailer.rs frames, pieces.rs reads files, or kernel.rs
//!     │                    has the kernel send them; watches for an early response
//!          ├─ head.rs        the response's head, framing.rs how its body ends
//!          └─ incoming.rs    the body, chunked.rs decodes; at its end the connection is idle again
//! ```
//!
//! What keeps it correct:
//!
//! * A connection is idle only after a body was read to its end by the rules of RFC 9112 and nothing lay behind it.
//!   Everything else (an error, a dropped future, a dropped body, a response that came early) closes it.
//! * Only a request that the caller declared safe, on a connection that was idle before, is sent a second time, and
//!   only when not a byte of a response was seen.
//! * Everything that the server decides the size of has a limit.
//!
//! The only timers here are those for connecting, for a server that does not say whether it wants a body, and for the
//! last words of one that has stopped to read: how long a response may take is decided above.

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

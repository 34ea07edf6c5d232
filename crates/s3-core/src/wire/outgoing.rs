//! What is sent: a finished head and a body that can be sent again.

use crc_fast::CrcAlgorithm;

use super::trailer::trailer_len;
use crate::{ByteCounter, Payload};

/// One request.
pub(crate) struct Outgoing<'a> {
    /// The request line, all headers (`Host` and `Content-Length` included) and the blank line.
    ///
    /// With `expect: 100-continue` among them (in lower case), the body waits for the server's word, for up to a
    /// second.
    pub(crate) head: &'a [u8],
    pub(crate) body: OutBody<'a>,
    /// Whether the answer has a body: not to a HEAD.
    pub(crate) answer_has_body: bool,
    /// Whether the request may be sent once more, at once, when a connection that was idle turns out to be dead
    /// before any byte of the answer.
    pub(crate) resend: bool,
}

/// The body of a request.
#[derive(Clone, Copy)]
pub(crate) enum OutBody<'a> {
    None,
    /// The bytes as they are.
    Payload(&'a Payload),
    /// The bytes in the chunks of `STREAMING-UNSIGNED-PAYLOAD-TRAILER`, with their checksum behind them: computed
    /// while they pass.
    Trailer {
        payload: &'a Payload,
        algorithm: CrcAlgorithm,
        /// The trailing header's name, such as `x-amz-checksum-crc64nvme`.
        name: &'static str,
    },
}

impl<'a> OutBody<'a> {
    /// Returns where to count what has left.
    pub(super) const fn moved(&self) -> Option<&'a ByteCounter> {
        match self {
            Self::None => None,
            Self::Payload(payload) | Self::Trailer { payload, .. } => payload.moved(),
        }
    }

    /// Returns how many bytes go out behind the head.
    pub(super) fn encoded_len(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::Payload(payload) => payload.len(),
            Self::Trailer {
                payload,
                algorithm,
                name,
            } => trailer_len(payload.len(), *algorithm, name),
        }
    }
}

//! What it means that a request or its answer got lost on the way.

use crate::wire::{WireError, WireErrorKind};
use crate::{Error, ErrorKind, Operation};

/// Returns the error of a request that got no answer, or only a part of one.
pub(super) fn on_the_way(operation: Operation, lost: &WireError) -> Error {
    let kind = match lost.kind() {
        WireErrorKind::ConnectTimeout => ErrorKind::Timeout,
        WireErrorKind::Certificate | WireErrorKind::NoTls => ErrorKind::Config,
        WireErrorKind::Payload => ErrorKind::LocalIo,
        WireErrorKind::Resolve
        | WireErrorKind::Connect
        | WireErrorKind::Tls
        | WireErrorKind::Closed
        | WireErrorKind::Io
        | WireErrorKind::Malformed
        | WireErrorKind::TooLarge => ErrorKind::Network,
    };
    let error = Error::new(kind, operation).with_message(lost.to_string());
    match lost.kind() {
        WireErrorKind::Certificate => {
            error.with_hint("this machine's root certificates do not vouch for the endpoint")
        }
        WireErrorKind::NoTls => {
            error.with_hint("build with the feature `https`, or use an http:// endpoint")
        }
        _ => error,
    }
}

/// Returns the error of a payload that cannot be read.
pub(super) fn unreadable(operation: Operation, cause: &std::io::Error) -> Error {
    Error::new(ErrorKind::LocalIo, operation)
        .with_message(format!("the payload could not be read: {cause}"))
}

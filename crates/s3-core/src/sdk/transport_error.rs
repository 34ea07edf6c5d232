//! Converts errors of `s3-wire` to [`Error`]: requests that got no response, and bodies that were interrupted.

use std::io;

use s3_wire::{WireError, WireErrorKind};

use super::errors::other_text;
use super::hint::{
    CONNECTION_REFUSED, OUT_OF_DESCRIPTORS, PROXY, UNKNOWN_HOST, UNTRUSTED_CERTIFICATE,
};
use crate::{Error, ErrorKind, Operation, Phase, Retryability};

/// Returns the error of a response whose body did not arrive completely.
pub(super) fn in_body(operation: Operation, lost: &WireError) -> Error {
    let error = before_response(operation, lost).with_phase(Phase::Body);
    match lost.kind() {
        // For example, a chunk size was corrupted in transit.
        WireErrorKind::Malformed | WireErrorKind::TooLarge => error.with_kind(ErrorKind::Network),
        _ => error,
    }
}

/// Returns the error of a request that got no response.
pub(super) fn before_response(operation: Operation, lost: &WireError) -> Error {
    let kind = match lost.kind() {
        WireErrorKind::ConnectTimeout => ErrorKind::Timeout,
        WireErrorKind::Io if is(lost, io::ErrorKind::TimedOut) => ErrorKind::Timeout,
        WireErrorKind::Certificate
        | WireErrorKind::NoTls
        | WireErrorKind::NotTls
        | WireErrorKind::Proxy => ErrorKind::Config,
        WireErrorKind::Payload => ErrorKind::LocalIo,
        WireErrorKind::Malformed | WireErrorKind::TooLarge => ErrorKind::Protocol,
        WireErrorKind::Resolve
        | WireErrorKind::Connect
        | WireErrorKind::Tls
        | WireErrorKind::Closed
        | WireErrorKind::Io => ErrorKind::Network,
    };
    let phase = match lost.kind() {
        WireErrorKind::Resolve
        | WireErrorKind::Connect
        | WireErrorKind::ConnectTimeout
        | WireErrorKind::Certificate
        | WireErrorKind::NotTls
        | WireErrorKind::Proxy
        | WireErrorKind::Tls => Phase::Connect,
        WireErrorKind::NoTls | WireErrorKind::Payload => Phase::Local,
        _ => Phase::AwaitingResponse,
    };
    let said = match (lost.kind(), lost.io_error()) {
        (WireErrorKind::Payload, Some(reason)) => Some(reason.to_string()),
        _ => lost.proxy_response().and_then(other_text),
    };
    let text = match said {
        Some(said) => format!("{lost}: {said}"),
        None => lost.to_string(),
    };
    let error = Error::new(kind, operation)
        .with_message(text)
        .with_phase(phase);
    let out_of_descriptors = lost.io_error().map(Retryability::of_os_error);
    if let Some(retryability @ Retryability::Throttled { .. }) = out_of_descriptors {
        return error
            .with_retryability(retryability)
            .with_hint(OUT_OF_DESCRIPTORS);
    }
    match lost.kind() {
        WireErrorKind::Resolve if lost.io_error().is_some_and(is_unknown_name) => {
            unknown_name(error)
        }
        WireErrorKind::Resolve => error.with_hint(UNKNOWN_HOST),
        WireErrorKind::NotTls => not_tls(error),
        WireErrorKind::Connect if is(lost, io::ErrorKind::ConnectionRefused) => {
            error.with_hint(CONNECTION_REFUSED)
        }
        WireErrorKind::Certificate => error.with_hint(UNTRUSTED_CERTIFICATE),
        WireErrorKind::Proxy => error.with_hint(PROXY),
        WireErrorKind::NoTls => {
            error.with_hint("build with the feature `https`, or use an http:// endpoint")
        }
        _ => error,
    }
}

pub(super) fn unknown_name(error: Error) -> Error {
    error
        .with_hint(UNKNOWN_HOST)
        .with_retryability(Retryability::No)
}

pub(super) fn not_tls(error: Error) -> Error {
    error
        .with_hint("use http:// if the port is for plain HTTP: the server does not speak TLS there")
}

/// Returns whether a DNS error means that the name does not exist, rather than that the lookup failed. The standard
/// library only exposes the resolver's error code as text.
pub(super) fn is_unknown_name(error: &io::Error) -> bool {
    let text = error.to_string();
    [
        "Name or service not known",
        "No address associated",
        "nodename nor servname",
    ]
    .iter()
    .any(|known| text.contains(known))
}

fn is(error: &WireError, kind: io::ErrorKind) -> bool {
    error.io_error().is_some_and(|error| error.kind() == kind)
}

/// Returns the error of a payload that cannot be read.
pub(super) fn unreadable_payload(operation: Operation, cause: &io::Error) -> Error {
    Error::new(ErrorKind::LocalIo, operation)
        .with_message(format!("the payload could not be read: {cause}"))
}

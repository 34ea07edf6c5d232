//! Truncates, interrupts, stalls or changes the body of a `get` of a [`FaultStore`](super::FaultStore).

use std::ops::Range;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::unfold;
use s3_core::{Body, Error, ErrorKind, Operation, Result};
use tokio::time::sleep;

use crate::FaultAction;
use crate::faults::Position;
use crate::faults::active_plan::{DeliveryCounter, Fault};
use crate::faults::http::stall;

/// Returns the body with the fault; unchanged if the body ends before its position.
pub(super) fn with_fault(body: Body, range: &Range<u64>, fault: Fault, resource: &str) -> Body {
    let Some(left) = position(&fault.action).and_then(|at| at.within(range.end - range.start))
    else {
        return body;
    };
    let stream = FaultyStream {
        body,
        left,
        fault: Some((fault.action, fault.counter)),
        rest: Bytes::new(),
        trickle: None,
        resource: resource.to_owned(),
    };
    Body::from_stream(unfold(stream, async |mut stream| {
        stream.next().await.map(|frame| (frame, stream))
    }))
}

const fn position(action: &FaultAction) -> Option<Position> {
    match *action {
        FaultAction::TruncateBody { at }
        | FaultAction::BodyError { at }
        | FaultAction::FlipByte { at }
        | FaultAction::Trickle { at: Some(at), .. }
        | FaultAction::Stall { at: Some(at), .. } => Some(at),
        FaultAction::Trickle { at: None, .. } => Some(Position::Byte(0)),
        _ => None,
    }
}

struct FaultyStream {
    body: Body,
    /// The number of bytes before the fault.
    left: u64,
    /// The fault; `None` once it has taken effect.
    fault: Option<(FaultAction, DeliveryCounter)>,
    /// The rest of the frame that was split at the fault.
    rest: Bytes,
    /// Maximum number of bytes that are sent at once, and the pause before each.
    trickle: Option<(usize, Duration)>,
    resource: String,
}

impl FaultyStream {
    async fn next(&mut self) -> Option<Result<Bytes>> {
        if self.left == 0
            && let Some((action, counter)) = self.fault.take()
        {
            counter.count();
            match action {
                FaultAction::Trickle { bytes, every, .. } => {
                    self.trickle = Some((bytes.max(1), every));
                }
                FaultAction::FlipByte { .. } => return self.flipped().await,
                FaultAction::Stall { wait, .. } => stall(wait).await,
                FaultAction::BodyError { .. } => {
                    self.end();
                    return Some(Err(self.interrupted()));
                }
                _ => {
                    self.end();
                    return None;
                }
            }
        }
        if let Some((bytes, every)) = self.trickle {
            sleep(every).await;
            let mut frame = match self.frame().await? {
                Ok(frame) => frame,
                Err(error) => return Some(Err(error)),
            };
            self.rest = frame.split_off(bytes.min(frame.len()));
            return Some(Ok(frame));
        }
        let mut frame = match self.frame().await? {
            Ok(frame) => frame,
            Err(error) => return Some(Err(error)),
        };
        if self.fault.is_some() {
            let head = usize::try_from(self.left).map_or(frame.len(), |left| left.min(frame.len()));
            self.rest = frame.split_off(head);
            self.left -= head as u64;
        }
        Some(Ok(frame))
    }

    /// Returns the rest of the last frame, or the next one.
    async fn frame(&mut self) -> Option<Result<Bytes>> {
        match self.rest.is_empty() {
            true => self.body.next().await,
            false => Some(Ok(std::mem::take(&mut self.rest))),
        }
    }

    async fn flipped(&mut self) -> Option<Result<Bytes>> {
        let frame = match self.frame().await? {
            Ok(frame) => frame,
            Err(error) => return Some(Err(error)),
        };
        let mut frame = BytesMut::from(&frame[..]);
        if let Some(byte) = frame.first_mut() {
            *byte ^= 1;
        }
        Some(Ok(frame.freeze()))
    }

    /// Ends the body.
    fn end(&mut self) {
        self.body = Body::from_bytes(Bytes::new());
        self.rest = Bytes::new();
    }

    fn interrupted(&self) -> Error {
        Error::new(ErrorKind::Network, Operation::Get)
            .with_resource(&self.resource)
            .with_message("the connection was interrupted in the body")
    }
}

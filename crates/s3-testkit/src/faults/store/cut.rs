//! The body of a get that ends, breaks or stalls where a fault says.

use std::ops::Range;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use s3_core::{Body, Error, ErrorKind, Operation, Result};
use tokio::time::sleep;

use crate::FaultAction;
use crate::faults::Position;
use crate::faults::http::stall;
use crate::faults::live::{Fault, Receipt};

/// Returns the body with the fault in it, or as it is if the body ends before the place of the fault.
pub(super) fn shaped(body: Body, range: &Range<u64>, fault: Fault, place: &str) -> Body {
    let Some(left) = position(&fault.action).and_then(|at| at.within(range.end - range.start))
    else {
        return body;
    };
    let cut = Cut {
        body,
        left,
        turn: Some((fault.action, fault.receipt)),
        rest: Bytes::new(),
        trickle: None,
        place: place.to_owned(),
    };
    Body::from_stream(stream::unfold(cut, async |mut cut| {
        cut.next().await.map(|frame| (frame, cut))
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

struct Cut {
    body: Body,
    /// The bytes that still go through before the turn.
    left: u64,
    /// What happens then; `None` once it has.
    turn: Option<(FaultAction, Receipt)>,
    /// What came in one frame with the last byte before the turn.
    rest: Bytes,
    /// So many bytes at a time, with a pause before each.
    trickle: Option<(usize, Duration)>,
    place: String,
}

impl Cut {
    async fn next(&mut self) -> Option<Result<Bytes>> {
        if self.left == 0
            && let Some((action, receipt)) = self.turn.take()
        {
            receipt.delivered();
            match action {
                FaultAction::Trickle { bytes, every, .. } => {
                    self.trickle = Some((bytes.max(1), every));
                }
                FaultAction::FlipByte { .. } => return self.flipped().await,
                FaultAction::Stall { wait, .. } => stall(wait).await,
                FaultAction::BodyError { .. } => {
                    self.end();
                    return Some(Err(self.broken()));
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
        if self.turn.is_some() {
            let head = usize::try_from(self.left).map_or(frame.len(), |left| left.min(frame.len()));
            self.rest = frame.split_off(head);
            self.left -= head as u64;
        }
        Some(Ok(frame))
    }

    /// Returns what was kept of the last frame, or the next one.
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

    /// Lets nothing follow.
    fn end(&mut self) {
        self.body = Body::from_bytes(Bytes::new());
        self.rest = Bytes::new();
    }

    fn broken(&self) -> Error {
        Error::new(ErrorKind::Network, Operation::Get)
            .with_resource(&self.place)
            .with_message("the connection broke in the middle of the body")
    }
}

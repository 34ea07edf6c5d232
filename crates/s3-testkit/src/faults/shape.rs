//! The body of an answer that ends, breaks or stalls where a fault says.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use s3s::StdError;
use tokio::time::{Sleep, sleep};

use super::live::Receipt;
use crate::server::Link;

/// What happens at the place.
#[derive(Debug)]
pub(crate) enum Turn {
    /// The connection is closed, with a reset or in good order.
    End { reset: bool },
    /// Nothing moves for so long, or for ever.
    Wait(Option<Duration>),
}

/// The body of an answer, as it is or with a turn for the worse after some bytes.
pub(crate) struct Shaped {
    body: s3s::Body,
    turn: Option<PlannedTurn>,
    stage: Stage,
    link: Arc<Link>,
}

struct PlannedTurn {
    /// How many bytes are still sent before it.
    left: u64,
    turn: Turn,
    receipt: Receipt,
}

enum Stage {
    /// Frames go through.
    Flowing,
    /// The bytes before the end were handed over; they must reach the socket before the connection is closed.
    Ending {
        mark: Option<u64>,
        reset: bool,
        receipt: Option<Receipt>,
    },
    /// Nothing moves; the rest of the frame in hand comes afterwards.
    Waiting {
        until: Option<Pin<Box<Sleep>>>,
        rest: Bytes,
    },
}

impl Shaped {
    /// Passes the body through.
    pub(crate) fn whole(body: s3s::Body, link: Arc<Link>) -> Self {
        Self {
            body,
            turn: None,
            stage: Stage::Flowing,
            link,
        }
    }

    /// Passes `at` bytes through, which are fewer than the body has.
    pub(crate) fn turning(mut self, at: u64, turn: Turn, receipt: Receipt) -> Self {
        self.turn = Some(PlannedTurn {
            left: at,
            turn,
            receipt,
        });
        self.reach();
        self
    }

    /// Goes to the next stage if the place of the turn is reached.
    fn reach(&mut self) {
        self.reach_with(Bytes::new());
    }

    fn reach_with(&mut self, rest: Bytes) {
        let Some(PlannedTurn { turn, receipt, .. }) =
            self.turn.take_if(|planned| planned.left == 0)
        else {
            return;
        };
        self.stage = match turn {
            Turn::End { reset } => Stage::Ending {
                mark: None,
                reset,
                receipt: Some(receipt),
            },
            Turn::Wait(wait) => {
                receipt.delivered();
                Stage::Waiting {
                    until: wait.map(|wait| Box::pin(sleep(wait))),
                    rest,
                }
            }
        };
    }

    fn poll_flowing(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let Some(planned) = &mut self.turn else {
            return Poll::Ready(frame);
        };
        let mut data = match frame.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(data))) => data,
            Some(Ok(Err(trailers))) => return Poll::Ready(Some(Ok(trailers))),
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => return Poll::Ready(None),
        };
        let head = usize::try_from(planned.left).map_or(data.len(), |left| left.min(data.len()));
        let rest = data.split_off(head);
        planned.left -= head as u64;
        self.reach_with(rest);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }
}

impl Body for Shaped {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        let this = &mut *self;
        match &mut this.stage {
            Stage::Flowing => this.poll_flowing(cx),
            Stage::Ending {
                mark,
                reset,
                receipt,
            } => {
                let mark = *mark.get_or_insert_with(|| this.link.flushes());
                ready!(this.link.poll_flushed(mark, cx));
                if *reset {
                    this.link.reset_on_close();
                }
                if let Some(receipt) = receipt.take() {
                    receipt.delivered();
                }
                Poll::Ready(Some(Err(
                    io::Error::other("a fault ends the body here").into()
                )))
            }
            Stage::Waiting { until, rest } => {
                match until {
                    Some(until) => ready!(until.as_mut().poll(cx)),
                    None => return Poll::Pending,
                }
                let rest = std::mem::take(rest);
                this.stage = Stage::Flowing;
                if rest.is_empty() {
                    this.poll_flowing(cx)
                } else {
                    Poll::Ready(Some(Ok(Frame::data(rest))))
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.turn.is_none() && matches!(self.stage, Stage::Flowing) && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.stage {
            Stage::Waiting { rest, .. } => {
                let mut hint = self.body.size_hint();
                if let Some(exact) = hint.exact() {
                    hint.set_exact(exact + rest.len() as u64);
                }
                hint
            }
            Stage::Flowing | Stage::Ending { .. } => self.body.size_hint(),
        }
    }
}

//! The body of an answer that ends, breaks, stalls, drips or changes where a fault says.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use s3s::StdError;
use tokio::time::{Sleep, sleep};

use super::live::Receipt;
use crate::server::Link;

type Polled = Poll<Option<Result<Frame<Bytes>, StdError>>>;

/// What happens at the place.
#[derive(Debug)]
pub(crate) enum Turn {
    /// The connection is closed, with a reset or in good order.
    End { reset: bool },
    /// Nothing moves for so long, or for ever.
    Wait(Option<Duration>),
    /// The next byte is not what it was.
    Flip,
    /// From here on, so many bytes at a time, with a pause before each.
    Trickle(usize, Duration),
}

/// The body of an answer, as it is or with a turn for the worse after some bytes.
pub(crate) struct Shaped {
    body: s3s::Body,
    turn: Option<PlannedTurn>,
    stage: Stage,
    /// What came in one frame with the byte before the turn, or before the pause of a trickle.
    rest: Bytes,
    announced: Option<Announced>,
    link: Arc<Link>,
}

struct PlannedTurn {
    /// How many bytes are still sent before it.
    left: u64,
    turn: Turn,
    receipt: Receipt,
}

/// A length that is not the body's.
struct Announced {
    left: u64,
    receipt: Option<Receipt>,
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
    /// Nothing moves.
    Waiting(Option<Pin<Box<Sleep>>>),
    /// A few bytes after each pause.
    Trickling {
        bytes: usize,
        every: Duration,
        pause: Pin<Box<Sleep>>,
    },
    /// The declaration of XML at once, and so many blanks, one after each pause, before the rest of the document.
    Blank {
        declared: bool,
        left: u128,
        every: Duration,
        pause: Pin<Box<Sleep>>,
        receipt: Option<Receipt>,
    },
}

impl Shaped {
    /// Passes the body through.
    pub(crate) fn whole(body: s3s::Body, link: Arc<Link>) -> Self {
        Self {
            body,
            turn: None,
            stage: Stage::Flowing,
            rest: Bytes::new(),
            announced: None,
            link,
        }
    }

    /// Returns the connection that the body goes to.
    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// Passes `at` bytes through, which are fewer than the body has.
    pub(super) fn turning(mut self, at: u64, turn: Turn, receipt: Receipt) -> Self {
        self.turn = Some(PlannedTurn {
            left: at,
            turn,
            receipt,
        });
        self.reach();
        self
    }

    /// Sends blanks for so long before the body, which is a document, and behind its declaration: XML allows none
    /// before it, so that is what S3 and MinIO do.
    pub(super) fn behind_white_space(
        mut self,
        wait: Duration,
        every: Duration,
        receipt: Receipt,
    ) -> Self {
        let every = every.max(Duration::from_millis(1));
        self.stage = Stage::Blank {
            declared: false,
            left: (wait.as_nanos() / every.as_nanos()).max(1),
            every,
            pause: Box::pin(sleep(every)),
            receipt: Some(receipt),
        };
        self
    }

    /// Has a header that announces this length, which is not the body's.
    pub(super) fn announced_as(mut self, len: u64, receipt: Receipt) -> Self {
        self.announced = Some(Announced {
            left: len,
            receipt: Some(receipt),
        });
        self
    }

    /// Goes to the next stage if the place of the turn is reached.
    fn reach(&mut self) {
        let Some(PlannedTurn { turn, receipt, .. }) =
            self.turn.take_if(|planned| planned.left == 0)
        else {
            return;
        };
        self.stage = match turn {
            Turn::End { reset } => ending(reset, receipt),
            Turn::Wait(wait) => {
                receipt.delivered();
                Stage::Waiting(wait.map(|wait| Box::pin(sleep(wait))))
            }
            Turn::Trickle(bytes, every) => {
                receipt.delivered();
                Stage::Trickling {
                    bytes,
                    every,
                    pause: Box::pin(sleep(every)),
                }
            }
            Turn::Flip => {
                self.turn = Some(PlannedTurn {
                    left: 0,
                    turn,
                    receipt,
                });
                Stage::Flowing
            }
        };
    }

    /// Returns the next frame of the body, with what was kept of the last one first.
    fn poll_frame_of_body(&mut self, cx: &mut Context<'_>) -> Polled {
        if self.rest.is_empty() {
            Pin::new(&mut self.body).poll_frame(cx)
        } else {
            let rest = std::mem::take(&mut self.rest);
            Poll::Ready(Some(Ok(Frame::data(rest))))
        }
    }

    fn poll_flowing(&mut self, cx: &mut Context<'_>) -> Polled {
        let frame = ready!(self.poll_frame_of_body(cx));
        if self.turn.is_none() {
            return Poll::Ready(frame);
        }
        let mut data = match frame.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(data))) => data,
            Some(Ok(Err(trailers))) => return Poll::Ready(Some(Ok(trailers))),
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => return Poll::Ready(None),
        };
        if self.flips_next() && !data.is_empty() {
            data = self.flipped(&data);
        } else if let Some(planned) = &mut self.turn {
            let head =
                usize::try_from(planned.left).map_or(data.len(), |left| left.min(data.len()));
            self.rest = data.split_off(head);
            planned.left -= head as u64;
            self.reach();
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn flips_next(&self) -> bool {
        let is_due =
            |planned: &PlannedTurn| planned.left == 0 && matches!(planned.turn, Turn::Flip);
        self.turn.as_ref().is_some_and(is_due)
    }

    fn flipped(&mut self, data: &[u8]) -> Bytes {
        if let Some(planned) = self.turn.take() {
            planned.receipt.delivered();
        }
        let mut data = BytesMut::from(data);
        data[0] ^= 1;
        data.freeze()
    }

    fn poll_shaped(&mut self, cx: &mut Context<'_>) -> Polled {
        match &mut self.stage {
            Stage::Flowing => self.poll_flowing(cx),
            Stage::Ending {
                mark,
                reset,
                receipt,
            } => {
                let mark = *mark.get_or_insert_with(|| self.link.flushes());
                ready!(self.link.poll_flushed(mark, cx));
                if *reset {
                    self.link.reset_on_close();
                }
                if let Some(receipt) = receipt.take() {
                    receipt.delivered();
                }
                Poll::Ready(Some(Err(
                    io::Error::other("a fault ends the body here").into()
                )))
            }
            Stage::Waiting(None) => Poll::Pending,
            Stage::Waiting(Some(until)) => {
                ready!(until.as_mut().poll(cx));
                self.stage = Stage::Flowing;
                self.poll_flowing(cx)
            }
            Stage::Trickling {
                bytes,
                every,
                pause,
            } => {
                ready!(pause.as_mut().poll(cx));
                let (bytes, every) = (*bytes, *every);
                let mut data = match ready!(self.poll_frame_of_body(cx)) {
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => data,
                        Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                    },
                    other => return Poll::Ready(other),
                };
                self.rest = data.split_off(bytes.min(data.len()));
                if let Stage::Trickling { pause, .. } = &mut self.stage {
                    *pause = Box::pin(sleep(every));
                }
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Stage::Blank { declared, .. } if !*declared => {
                *declared = true;
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(DECLARATION)))))
            }
            Stage::Blank { left: 0, .. } => {
                let mut first = match ready!(self.poll_frame_of_body(cx)) {
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => data,
                        Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                    },
                    other => return Poll::Ready(other),
                };
                self.stage = Stage::Flowing;
                Poll::Ready(Some(Ok(Frame::data(
                    first.split_off(declaration_len(&first)),
                ))))
            }
            Stage::Blank {
                left,
                every,
                pause,
                receipt,
                ..
            } => {
                ready!(pause.as_mut().poll(cx));
                if let Some(receipt) = receipt.take() {
                    receipt.delivered();
                }
                *left -= 1;
                *pause = Box::pin(sleep(*every));
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b" ")))))
            }
        }
    }

    /// Keeps to the length that was announced: what is behind it goes out all the same, but not as a part of the
    /// body, and what is missing is the connection's end.
    fn keep_to_announced(&mut self, polled: Polled, cx: &mut Context<'_>) -> Polled {
        let Some(announced) = &mut self.announced else {
            return polled;
        };
        match ready!(polled) {
            Some(Ok(frame)) => {
                let Ok(mut data) = frame.into_data() else {
                    return Poll::Ready(None);
                };
                let within =
                    usize::try_from(announced.left).map_or(data.len(), |left| left.min(data.len()));
                let behind = data.split_off(within);
                announced.left -= within as u64;
                if announced.left == 0
                    && let Some(receipt) = announced.receipt.take()
                {
                    // Nobody asks for more frames: if the rest is in another one, something else stands for it.
                    let excess = match behind.is_empty() {
                        true => Bytes::from_static(b"excess"),
                        false => behind,
                    };
                    self.link.send_behind(excess);
                    receipt.delivered();
                }
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            None if announced.left > 0 => match announced.receipt.take() {
                Some(receipt) => {
                    self.stage = ending(false, receipt);
                    self.poll_shaped(cx)
                }
                None => Poll::Ready(None),
            },
            other => Poll::Ready(other),
        }
    }
}

/// How a document begins.
const DECLARATION: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

fn declaration_len(document: &[u8]) -> usize {
    match document.starts_with(b"<?xml") {
        true => document
            .windows(2)
            .position(|end| end == b"?>")
            .map_or(0, |at| at + 2),
        false => 0,
    }
}

fn ending(reset: bool, receipt: Receipt) -> Stage {
    Stage::Ending {
        mark: None,
        reset,
        receipt: Some(receipt),
    }
}

impl Body for Shaped {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        let polled = this.poll_shaped(cx);
        this.keep_to_announced(polled, cx)
    }

    fn is_end_stream(&self) -> bool {
        self.turn.is_none()
            && self.announced.is_none()
            && self.rest.is_empty()
            && matches!(self.stage, Stage::Flowing)
            && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.announced.is_some() || matches!(self.stage, Stage::Blank { .. }) {
            return SizeHint::default();
        }
        let mut hint = self.body.size_hint();
        if let Some(exact) = hint.exact() {
            hint.set_exact(exact + self.rest.len() as u64);
        }
        hint
    }
}

impl Drop for Shaped {
    fn drop(&mut self) {
        self.link.answered();
    }
}

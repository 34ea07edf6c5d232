//! [`FaultyBody`]: a response body that is truncated, interrupted, stalled, slowed down or changed by a fault.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use s3s::StdError;
use tokio::time::{Sleep, sleep};

use super::active_plan::DeliveryCounter;
use crate::server::ConnectionControl;

type Polled = Poll<Option<Result<Frame<Bytes>, StdError>>>;

/// The fault at a position of the body.
#[derive(Debug)]
pub(crate) enum BodyFault {
    /// The connection is closed, with or without a reset.
    End { reset: bool },
    /// The body stalls; forever if there is no duration.
    Wait(Option<Duration>),
    /// A bit of the next byte is flipped.
    Flip,
    /// The rest is sent a few bytes at a time, with a pause before each.
    Trickle(usize, Duration),
}

/// The body of a response, with at most one fault after some bytes.
pub(crate) struct FaultyBody {
    body: s3s::Body,
    fault: Option<PlannedFault>,
    stage: Stage,
    /// The rest of the frame that was split at the fault, or at the pause of a trickle.
    rest: Bytes,
    announced: Option<AnnouncedLength>,
    control: Arc<ConnectionControl>,
}

struct PlannedFault {
    /// The number of bytes before the fault.
    left: u64,
    fault: BodyFault,
    counter: DeliveryCounter,
}

/// A `Content-Length` that differs from the length of the body.
struct AnnouncedLength {
    left: u64,
    counter: Option<DeliveryCounter>,
}

enum Stage {
    /// Frames pass unchanged.
    Flowing,
    /// The bytes before the end were passed to hyper; they must be flushed before the connection is closed.
    Ending {
        mark: Option<u64>,
        reset: bool,
        counter: Option<DeliveryCounter>,
    },
    /// The body stalls.
    Waiting(Option<Pin<Box<Sleep>>>),
    /// A few bytes follow each pause.
    Trickling {
        bytes: usize,
        every: Duration,
        pause: Pin<Box<Sleep>>,
    },
    /// The XML declaration is sent immediately, then spaces, one after each pause, then the rest of the document.
    Blank {
        declared: bool,
        left: u128,
        every: Duration,
        pause: Pin<Box<Sleep>>,
        counter: Option<DeliveryCounter>,
    },
}

impl FaultyBody {
    /// Returns a body without a fault.
    pub(crate) fn whole(body: s3s::Body, control: Arc<ConnectionControl>) -> Self {
        Self {
            body,
            fault: None,
            stage: Stage::Flowing,
            rest: Bytes::new(),
            announced: None,
            control,
        }
    }

    /// Returns the control of the connection.
    pub(super) fn control(&self) -> &ConnectionControl {
        &self.control
    }

    /// Adds a fault after `at` bytes, which must be less than the length of the body.
    pub(super) fn with_fault(
        mut self,
        at: u64,
        fault: BodyFault,
        counter: DeliveryCounter,
    ) -> Self {
        self.fault = Some(PlannedFault {
            left: at,
            fault,
            counter,
        });
        self.start_fault_if_due();
        self
    }

    /// Sends spaces between the XML declaration and the rest of the document, as S3 and MinIO do: XML does not allow
    /// white space before the declaration.
    pub(super) fn after_white_space(
        mut self,
        wait: Duration,
        every: Duration,
        counter: DeliveryCounter,
    ) -> Self {
        let every = every.max(Duration::from_millis(1));
        self.stage = Stage::Blank {
            declared: false,
            left: (wait.as_nanos() / every.as_nanos()).max(1),
            every,
            pause: Box::pin(sleep(every)),
            counter: Some(counter),
        };
        self
    }

    /// Declares a `Content-Length` that differs from the length of the body.
    pub(super) fn with_announced_length(mut self, len: u64, counter: DeliveryCounter) -> Self {
        self.announced = Some(AnnouncedLength {
            left: len,
            counter: Some(counter),
        });
        self
    }

    /// Starts the fault if its position is reached.
    fn start_fault_if_due(&mut self) {
        let Some(PlannedFault { fault, counter, .. }) =
            self.fault.take_if(|planned| planned.left == 0)
        else {
            return;
        };
        self.stage = match fault {
            BodyFault::End { reset } => ending(reset, counter),
            BodyFault::Wait(wait) => {
                counter.count();
                Stage::Waiting(wait.map(|wait| Box::pin(sleep(wait))))
            }
            BodyFault::Trickle(bytes, every) => {
                counter.count();
                Stage::Trickling {
                    bytes,
                    every,
                    pause: Box::pin(sleep(every)),
                }
            }
            BodyFault::Flip => {
                self.fault = Some(PlannedFault {
                    left: 0,
                    fault,
                    counter,
                });
                Stage::Flowing
            }
        };
    }

    /// Returns the rest of the last frame, or the next one.
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
        if self.fault.is_none() {
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
        } else if let Some(planned) = &mut self.fault {
            let head =
                usize::try_from(planned.left).map_or(data.len(), |left| left.min(data.len()));
            self.rest = data.split_off(head);
            planned.left -= head as u64;
            self.start_fault_if_due();
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn flips_next(&self) -> bool {
        let is_due =
            |planned: &PlannedFault| planned.left == 0 && matches!(planned.fault, BodyFault::Flip);
        self.fault.as_ref().is_some_and(is_due)
    }

    fn flipped(&mut self, data: &[u8]) -> Bytes {
        if let Some(planned) = self.fault.take() {
            planned.counter.count();
        }
        let mut data = BytesMut::from(data);
        data[0] ^= 1;
        data.freeze()
    }

    fn poll_with_fault(&mut self, cx: &mut Context<'_>) -> Polled {
        match &mut self.stage {
            Stage::Flowing => self.poll_flowing(cx),
            Stage::Ending {
                mark,
                reset,
                counter,
            } => {
                let mark = *mark.get_or_insert_with(|| self.control.flushes());
                ready!(self.control.poll_flushed(mark, cx));
                if *reset {
                    self.control.reset_on_close();
                }
                if let Some(counter) = counter.take() {
                    counter.count();
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
                counter,
                ..
            } => {
                ready!(pause.as_mut().poll(cx));
                if let Some(counter) = counter.take() {
                    counter.count();
                }
                *left -= 1;
                *pause = Box::pin(sleep(*every));
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b" ")))))
            }
        }
    }

    /// Enforces the announced length: excess bytes are sent outside of the response, and missing bytes end the
    /// connection.
    fn enforce_announced_length(&mut self, polled: Polled, cx: &mut Context<'_>) -> Polled {
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
                let excess_data = data.split_off(within);
                announced.left -= within as u64;
                if announced.left == 0
                    && let Some(counter) = announced.counter.take()
                {
                    // No more frames are polled: if the excess is in a later one, a placeholder is sent.
                    let excess = match excess_data.is_empty() {
                        true => Bytes::from_static(b"excess"),
                        false => excess_data,
                    };
                    self.control.send_after(excess);
                    counter.count();
                }
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            None if announced.left > 0 => match announced.counter.take() {
                Some(counter) => {
                    self.stage = ending(false, counter);
                    self.poll_with_fault(cx)
                }
                None => Poll::Ready(None),
            },
            other => Poll::Ready(other),
        }
    }
}

/// The XML declaration.
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

fn ending(reset: bool, counter: DeliveryCounter) -> Stage {
    Stage::Ending {
        mark: None,
        reset,
        counter: Some(counter),
    }
}

impl Body for FaultyBody {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        let polled = this.poll_with_fault(cx);
        this.enforce_announced_length(polled, cx)
    }

    fn is_end_stream(&self) -> bool {
        self.fault.is_none()
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

impl Drop for FaultyBody {
    fn drop(&mut self) {
        self.control.response_ended();
    }
}

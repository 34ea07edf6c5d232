//! Answers that do not end.
//!
//! The SDK collects an answer in memory before it reads it, however long it is. A server that never stops would take all
//! memory there is. Only the body of an object, which is handed on as it comes, may be of any length.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_sdk_s3::config::interceptors::{
    BeforeDeserializationInterceptorContextMut, BeforeSerializationInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};

use super::tolerant::{correct_headers, corrected};
use crate::ByteCounter;

/// The longest document that is read. A thousand keys of a thousand bytes, each written as three, and what is said of
/// each, are less than half.
pub(super) const DOCUMENT: usize = 16 << 20;
/// The longest refusal that is read; what S3 says takes less than one.
pub(super) const REFUSAL: usize = 64 << 10;

/// Breaks off answers that are too long to be what they should be.
#[derive(Debug)]
pub(super) struct BoundedAnswer;

impl Intercept for BoundedAnswer {
    fn name(&self) -> &'static str {
        "BoundedAnswer"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response_mut();
        correct_headers(answer);
        let reads = config.load::<Metadata>().map(Metadata::name) == Some("GetObject");
        let left = match answer.status().is_success() {
            true if reads => return Ok(()),
            true => DOCUMENT,
            false => REFUSAL,
        };
        // What is in memory already does no more harm.
        let is_document = answer.status().is_success();
        if let Some(bytes) = answer.body().bytes() {
            if let Some(better) = is_document.then(|| corrected(bytes)).flatten() {
                *answer.body_mut() = SdkBody::from(better);
            }
        } else {
            let inner = std::mem::replace(answer.body_mut(), SdkBody::taken());
            let moved = config.load::<CountedAnswer>().cloned();
            *answer.body_mut() = SdkBody::from_body_1_x(Bounded {
                inner,
                left,
                moved,
                document: is_document.then(BytesMut::new),
            });
        }
        Ok(())
    }
}

/// Has what comes of an answer counted.
#[derive(Clone, Debug)]
pub(super) struct CountedAnswer(pub(super) ByteCounter);

impl Storable for CountedAnswer {
    type Storer = StoreReplace<Self>;
}

impl Intercept for CountedAnswer {
    fn name(&self) -> &'static str {
        "CountedAnswer"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(self.clone());
        Ok(())
    }
}

/// A body that fails when it is too long.
struct Bounded {
    inner: SdkBody,
    left: usize,
    moved: Option<CountedAnswer>,
    /// What has come of a document, which is handed on as a whole.
    document: Option<BytesMut>,
}

impl Body for Bounded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = loop {
            let frame = ready!(self.bounded(cx));
            let Some(document) = &mut self.document else {
                break frame;
            };
            match frame {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        document.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => break Some(Err(error)),
                None => {
                    let document = self.document.take().unwrap_or_default().freeze();
                    let better = corrected(&document).map_or(document, Bytes::from);
                    break (!better.is_empty()).then(|| Ok(Frame::data(better)));
                }
            }
        };
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.document.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.document {
            Some(_) => SizeHint::default(),
            None => Body::size_hint(&self.inner),
        }
    }
}

impl Bounded {
    /// Returns the next frame, unless the body is too long.
    fn bounded(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        let len = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
            _ => 0,
        };
        if let Some(CountedAnswer(moved)) = &self.moved {
            moved.add(len as u64);
        }
        Poll::Ready(match self.left.checked_sub(len) {
            Some(left) => {
                self.left = left;
                frame
            }
            None => Some(Err("the answer is too large".into())),
        })
    }
}

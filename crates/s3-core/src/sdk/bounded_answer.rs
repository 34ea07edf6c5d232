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
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

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
        let reads = config.load::<Metadata>().map(Metadata::name) == Some("GetObject");
        let left = match answer.status().is_success() {
            true if reads => return Ok(()),
            true => DOCUMENT,
            false => REFUSAL,
        };
        // What is in memory already does no more harm.
        if answer.body().bytes().is_none() {
            let inner = std::mem::replace(answer.body_mut(), SdkBody::taken());
            let moved = config.load::<CountedAnswer>().cloned();
            *answer.body_mut() = SdkBody::from_body_1_x(Bounded { inner, left, moved });
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
}

impl Body for Bounded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
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

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        Body::size_hint(&self.inner)
    }
}

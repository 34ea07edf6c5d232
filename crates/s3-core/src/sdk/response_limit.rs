//! Limits the length of responses that are collected in memory.
//!
//! The SDK collects a response before it parses it, however long it is. A server that never stops would take all memory
//! there is.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The longest document that is read. A thousand keys of a thousand bytes, each written as three, and their attributes,
/// are less than half.
pub(super) const MAX_DOCUMENT: usize = 16 << 20;
/// The longest error document that is read; those of S3 take less than 1 KiB.
pub(super) const MAX_ERROR_BODY: usize = 64 << 10;

/// Fails calls of the generated client whose response is too long. Successful responses to requests of our own are
/// limited where they are read.
#[derive(Debug)]
pub(super) struct ResponseLimit;

impl Intercept for ResponseLimit {
    fn name(&self) -> &'static str {
        "ResponseLimit"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        let is_ours = matches!(
            config.load::<Metadata>().map(Metadata::name),
            Some("HeadObject" | "ListBuckets")
        );
        // What is in memory already does no more harm.
        let is_in_memory = response.body().bytes().is_some();
        if !(is_in_memory || is_ours && response.status().is_success()) {
            let inner = std::mem::replace(response.body_mut(), SdkBody::taken());
            *response.body_mut() = SdkBody::from_body_1_x(LimitedBody {
                inner,
                left: MAX_ERROR_BODY,
            });
        }
        Ok(())
    }
}

/// A body that fails when it is too long.
struct LimitedBody {
    inner: SdkBody,
    left: usize,
}

impl Body for LimitedBody {
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
        Poll::Ready(match self.left.checked_sub(len) {
            Some(left) => {
                self.left = left;
                frame
            }
            None => Some(Err("the response is too large".into())),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        Body::size_hint(&self.inner)
    }
}

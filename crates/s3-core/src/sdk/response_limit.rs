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
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};

use super::tolerant::{correct_headers, corrected};

/// The longest document that is read. A thousand keys of a thousand bytes, each written as three, and their attributes,
/// are less than half.
pub(super) const MAX_DOCUMENT: usize = 16 << 20;
/// The longest error document that is read; those of S3 take less than 1 KiB.
pub(super) const MAX_ERROR_BODY: usize = 64 << 10;

/// Fails calls whose response is too long.
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
        let answer = context.response_mut();
        correct_headers(answer);
        // The call that carries requests of ours, whose responses this crate limits itself.
        let ours = config.load::<Metadata>().map(Metadata::name) == Some("HeadObject");
        let left = match answer.status().is_success() {
            true if ours => return Ok(()),
            true => MAX_DOCUMENT,
            false => MAX_ERROR_BODY,
        };
        let is_document = answer.status().is_success();
        // What is in memory already does no more harm.
        if let Some(bytes) = answer.body().bytes() {
            if let Some(better) = is_document.then(|| corrected(bytes)).flatten() {
                *answer.body_mut() = SdkBody::from(better);
            }
        } else {
            let inner = std::mem::replace(answer.body_mut(), SdkBody::taken());
            *answer.body_mut() = SdkBody::from_body_1_x(LimitedBody {
                inner,
                left,
                document: is_document.then(BytesMut::new),
            });
        }
        Ok(())
    }
}

/// A body that fails when it is too long.
struct LimitedBody {
    inner: SdkBody,
    left: usize,
    /// What has come of a document, which is handed on as a whole.
    document: Option<BytesMut>,
}

impl Body for LimitedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = loop {
            let frame = ready!(self.poll_limited(cx));
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

impl LimitedBody {
    /// Returns the next frame, unless the body is too long.
    fn poll_limited(
        &mut self,
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
}

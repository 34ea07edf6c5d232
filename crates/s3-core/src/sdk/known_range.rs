//! Parts of objects that do not say which part they are.
//!
//! A 206 without a `Content-Range` cannot be told from a whole object once the SDK has read it: the part would be
//! taken for an object of the part's size, and the rest would be missing in silence.

use aws_sdk_s3::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

/// Status of an answer that holds a part of an object.
pub(super) const PARTIAL_CONTENT: u16 = 206;

/// What is wrong with such an answer.
pub(super) const UNKNOWN_PART: &str =
    "the answer holds a part of the object and has no Content-Range";

/// Fails a call that is answered with a part of an object, if the answer does not say which. Goes on all calls.
#[derive(Debug)]
pub(super) struct KnownRange;

impl Intercept for KnownRange {
    fn name(&self) -> &'static str {
        "KnownRange"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        let partial = answer.status().as_u16() == PARTIAL_CONTENT;
        if partial && !answer.headers().contains_key("content-range") {
            return Err(UNKNOWN_PART.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, answer};
    use crate::{ErrorKind, GetRequest, Retryability, S3Url, Store};

    #[tokio::test]
    async fn a_part_that_does_not_say_which_is_no_whole_object() {
        let replay = Replay::new([answer(206, &[("content-length", "4")], "part")]);
        let url = S3Url::parse("s3://bucket/key").unwrap();
        let request = GetRequest::new(url).with_range(0..4);
        let error = replay.store().get(request).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retryability()),
            (ErrorKind::Integrity, Retryability::Transient),
            "{error}"
        );
        assert!(error.to_string().contains("Content-Range"), "{error}");
    }
}

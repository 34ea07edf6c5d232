//! One more attempt of the generated client where the server has told the time.
//!
//! The SDK's own correction does not repeat what was refused when its retries are off, and leaves presigned URLs out.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::config::interceptors::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction, RetryConfig};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use aws_smithy_types::retry::ErrorKind;

use super::clock::{Clock, ErrorResponse};

/// Sets the clock by an error response whose time is far from it, and has the SDK repeat what was refused, at once.
#[derive(Debug)]
pub(super) struct SetClock {
    pub(super) clock: Clock,
    /// How the SDK retries otherwise; its attempts are one more here.
    pub(super) retries: RetryConfig,
}

/// Marks a response that has set the clock.
#[derive(Clone, Debug)]
struct HasSetClock;

/// When an attempt was signed.
#[derive(Clone, Debug)]
struct SignedAt(SystemTime);

impl Storable for SignedAt {
    type Storer = StoreReplace<Self>;
}

impl Intercept for SetClock {
    fn name(&self) -> &'static str {
        "SetClock"
    }

    fn read_before_signing(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let now = SignedAt(self.clock.now());
        config.interceptor_state().store_put(now);
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        let header = |name| response.headers().get(name);
        let error_response = config.load::<SignedAt>().map(|signed_at| ErrorResponse {
            status: response.status().as_u16(),
            // The reason is in the body, which is yet to be read: the time alone decides.
            code: None,
            date: header("date"),
            age: header("age"),
            signed_at: signed_at.0,
        });
        if error_response.is_some_and(|error_response| self.clock.learn(error_response)) {
            response.add_extension(HasSetClock);
            let attempts = self.retries.max_attempts() + 1;
            let retries = self.retries.clone().with_max_attempts(attempts);
            config.interceptor_state().store_put(retries);
        }
        Ok(())
    }
}

/// Says that a response that has set the clock is worth another attempt.
#[derive(Debug)]
pub(super) struct RetryAfterSkew;

impl ClassifyRetry for RetryAfterSkew {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let response = context.response();
        match response.and_then(|response| response.extension::<HasSetClock>()) {
            Some(HasSetClock) => RetryAction::retryable_error_with_explicit_delay(
                ErrorKind::ClientError,
                Duration::ZERO,
            ),
            None => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "RetryAfterSkew"
    }
}

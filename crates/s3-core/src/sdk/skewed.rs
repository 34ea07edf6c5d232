//! One more attempt of the generated client where the server has told the time.
//!
//! The SDK's own correction does not repeat what was refused when its retries are off, and leaves presigned URLs out.

use std::time::Duration;

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction, RetryConfig};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_types::retry::ErrorKind;

use super::clock::Clock;

/// Sets the clock by a refusal whose time is far from it, and has the SDK repeat what was refused, at once.
#[derive(Debug)]
pub(super) struct SetClock {
    pub(super) clock: Clock,
    /// How the SDK retries otherwise; its attempts are one more here.
    pub(super) retries: RetryConfig,
}

/// Marks an answer that has set the clock.
#[derive(Clone, Debug)]
struct HasSetClock;

impl Intercept for SetClock {
    fn name(&self) -> &'static str {
        "SetClock"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response_mut();
        let (status, date) = (answer.status().as_u16(), answer.headers().get("date"));
        // The reason is in the body, which is yet to be read: the time alone decides.
        if self.clock.is_set_right_by(status, None, date) {
            answer.add_extension(HasSetClock);
            let attempts = self.retries.max_attempts() + 1;
            let retries = self.retries.clone().with_max_attempts(attempts);
            config.interceptor_state().store_put(retries);
        }
        Ok(())
    }
}

/// Says that an answer that has set the clock is worth another attempt.
#[derive(Debug)]
pub(super) struct AskAgain;

impl ClassifyRetry for AskAgain {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let answer = context.response();
        match answer.and_then(|answer| answer.extension::<HasSetClock>()) {
            Some(HasSetClock) => RetryAction::retryable_error_with_explicit_delay(
                ErrorKind::ClientError,
                Duration::ZERO,
            ),
            None => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "AskAgain"
    }
}

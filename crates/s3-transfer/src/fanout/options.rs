//! Options of a fan-out: the number of inputs in flight, and how it continues after a failure.

use std::num::NonZeroUsize;

/// Options of a fan-out.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct FanOutOptions {
    /// Maximum number of inputs in flight; the configuration's window when `None`.
    pub window: Option<NonZeroUsize>,
}

impl FanOutOptions {
    /// Sets the maximum number of inputs in flight.
    #[must_use]
    pub fn with_window(mut self, window: NonZeroUsize) -> Self {
        self.window = Some(window);
        self
    }
}

/// How a fan-out continues after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AfterFailure {
    /// Runs all inputs.
    Continue,
    /// Starts no further input, and completes those in flight. For writes: a cancelled write may have taken effect.
    Drain,
    /// Starts no further input, cancels those in flight after the failed one, and completes those before it.
    Cancel,
}

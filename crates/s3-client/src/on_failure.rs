//! [`OnFailure`]: whether a batch call stops or continues when an input fails.

use s3_transfer::AfterFailure;

use crate::Outcome;
use crate::request::{Op, Request};

/// Whether a call with many inputs stops or continues when one fails.
///
/// In both cases the [`BatchError`](crate::BatchError) has the outcome of every input, and its error is that of the
/// failing input with the lowest index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnFailure {
    /// Starts no further input. Reads in flight after the failing input are cancelled. Writes in flight are completed,
    /// because a cancelled write may have taken effect.
    Stop,
    /// Attempts every input. The error of a call that reads contains the objects that were read.
    Collect,
}

impl OnFailure {
    /// Returns the function that converts a read's result into an outcome. The outcome contains the result only if the
    /// call collects.
    pub(crate) fn outcome<T: Into<Outcome>>(self) -> fn(T) -> Outcome {
        match self {
            Self::Stop => |_| Outcome::Done,
            Self::Collect => T::into,
        }
    }

    pub(crate) const fn for_reads(self) -> AfterFailure {
        match self {
            Self::Stop => AfterFailure::Cancel,
            Self::Collect => AfterFailure::Continue,
        }
    }

    pub(crate) const fn for_writes(self) -> AfterFailure {
        match self {
            Self::Stop => AfterFailure::Drain,
            Self::Collect => AfterFailure::Continue,
        }
    }
}

/// An operation with many inputs.
pub trait ManyOp: Op {
    #[doc(hidden)]
    fn set_on_failure(&mut self, choice: OnFailure);
}

impl<O: ManyOp, M> Request<O, M> {
    /// Sets what happens when an input fails. By default, calls that read [stop](OnFailure::Stop) and calls that write
    /// [continue](OnFailure::Collect), as in Metaflow.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use s3_client::{OnFailure, S3};
    ///
    /// let s3 = S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/1", "one").await?;
    /// let get = s3.get_many(["s3://b/nothing", "s3://b/1"]).on_failure(OnFailure::Collect);
    /// let error = get.await.unwrap_err();
    /// let batch = error.as_batch().expect("a call over many inputs");
    /// assert_eq!((batch.succeeded(), batch.failed(), batch.not_attempted()), (1, 1, 0));
    /// assert!(batch.outcomes()[0].error().is_some());
    /// assert_eq!(batch.outcomes()[1].object().map(|object| object.size()), Some(3));
    /// # Ok(()) }
    /// ```
    pub fn on_failure(mut self, choice: OnFailure) -> Self {
        self.op.set_on_failure(choice);
        self
    }
}

/// Implements [`ManyOp`] for an operation with a field `on_failure`.
macro_rules! many_op {
    ($op:ident $(<$output:ident>)?) => {
        impl $(<$output: $crate::ReadOutput>)? $crate::ManyOp for $op $(<$output>)?
        where
            Self: $crate::Op,
        {
            fn set_on_failure(&mut self, choice: $crate::OnFailure) {
                self.on_failure = choice;
            }
        }
    };
}

pub(crate) use many_op;

//! [`Verdict`]: result of a conformance case, run or skipped, and the macro `require!` that skips a case.

/// The outcome of a case that did not fail; a failing case panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The case ran and passed.
    Ran,
    /// The backend lacks a capability that the case needs: the field of [`Capabilities`](s3_core::Capabilities).
    Skipped(&'static str),
}

/// Returns from a case early unless the backend has the capabilities.
macro_rules! require {
    ($harness:expr, $($capability:ident),+) => {
        $(
            if !s3_core::Store::capabilities(&$harness.store).$capability {
                return $crate::conformance::Verdict::Skipped(stringify!($capability));
            }
        )+
    };
}

pub(super) use require;

//! What came of a case that did not fail.

/// What came of a case; one that fails panics instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The case ran and its rule holds.
    Ran,
    /// The backend says that it lacks what the case needs: the name of the field of
    /// [`Capabilities`](s3_core::Capabilities).
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

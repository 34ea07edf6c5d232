//! Exit codes of `mfs3`, and the [`FailureClass`] that determines them.

/// The kind of a failure, which determines the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FailureClass {
    /// Any other failure, or several classes at once.
    Other,
    /// Wrong arguments; nothing was sent.
    Usage,
    /// A bucket, a key or a local file is missing, or a wildcard matches nothing.
    NotFound,
    /// Credentials are missing, wrong or expired, or access is denied.
    Denied,
    /// A condition of a conditional request failed.
    Condition,
    /// The endpoint cannot be reached, or the deadline has passed.
    Unreachable,
}

/// All inputs succeeded or were skipped.
pub(crate) const SUCCESS: u8 = 0;
/// Interrupted by Ctrl-C: 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;
/// The reader of the output was closed: 128 + SIGPIPE.
pub(crate) const OUTPUT_CLOSED: u8 = 141;
/// Terminated: 128 + SIGTERM.
pub(crate) const TERMINATED: u8 = 143;

impl FailureClass {
    /// Returns the exit code of a command whose failures all have this class.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Denied => 4,
            Self::Condition => 5,
            Self::Unreachable => 6,
        }
    }
}

//! Exit codes of `mfs3`.

/// Why an input or a command failed, as far as the exit code tells.
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
    /// A condition does not hold.
    Condition,
    /// The endpoint cannot be reached, or the deadline has passed.
    Unreachable,
}

/// Everything is done, or was done before.
pub(crate) const SUCCESS: u8 = 0;
/// Interrupted by Ctrl-C: 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;
/// The reader of the output is gone: 128 + SIGPIPE.
pub(crate) const OUTPUT_CLOSED: u8 = 141;
/// Terminated: 128 + SIGTERM.
pub(crate) const TERMINATED: u8 = 143;

impl FailureClass {
    /// Returns the exit code of a command whose failures are all of this class.
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

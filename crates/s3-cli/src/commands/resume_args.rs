//! [`ResumeArgs`]: the options `--no-resume` and `--resume` of commands with resumable transfers.

use clap::{Args, ValueEnum};
use s3_client::Resume;

use crate::session::Session;

/// Whether a transfer resumes an interrupted one.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(super) struct ResumeArgs {
    /// Neither keep parts nor resume from kept ones
    #[arg(long, overrides_with = "resume")]
    no_resume: bool,
    /// Resume from kept parts, the default; with `trust`, do not read a file again of which parts were sent
    #[arg(long, hide = true, value_enum, value_name = "trust", num_args = 0..=1, require_equals = true,
          default_missing_value = "check", overrides_with = "no_resume", hide_possible_values = true)]
    resume: Option<ResumeCheck>,
}

/// The check of the file before an upload resumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ResumeCheck {
    /// Size, times and bytes of the file.
    Check,
    /// Size and times.
    Trust,
}

impl ResumeArgs {
    /// Returns options that keep no parts.
    pub(super) fn never() -> Self {
        Self {
            no_resume: true,
            resume: None,
        }
    }

    /// Returns the journals of interrupted transfers, unless `--no-resume` is given.
    pub(super) fn resume(self, session: &Session) -> Option<Resume> {
        let resume = session.resume.clone();
        match self.resume {
            _ if self.no_resume => None,
            Some(ResumeCheck::Trust) => Some(resume.trusting_files()),
            _ => Some(resume),
        }
    }
}

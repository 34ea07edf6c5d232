//! What had come of an answer when an attempt began, to tell how far it is when somebody ends it.

use s3_core::{ByteCounter, Phase};

use crate::{Job, Progress};

/// A job's counts at the beginning of an attempt.
#[derive(Debug, Default)]
pub(crate) struct Mark {
    progress: Option<Progress>,
    pulse: u64,
    bytes: u64,
    /// What has come of a page, and had come.
    page: Option<(ByteCounter, u64)>,
}

impl Mark {
    pub(crate) fn at(job: &impl Job) -> Self {
        let progress = job.progress();
        // What moves of a job that sends is no answer.
        let page = job.moved().filter(|_| job.sends() == 0);
        Self {
            pulse: progress.map_or(0, Progress::pulse),
            bytes: progress.map_or(0, Progress::bytes),
            progress: progress.cloned(),
            page: page.map(|moved| (moved.clone(), moved.bytes())),
        }
    }

    /// Returns how far the attempt is.
    pub(crate) fn phase(&self) -> Phase {
        let progress = self.progress.as_ref();
        let comes = progress.is_some_and(|progress| progress.pulse() != self.pulse)
            || (self.page.as_ref()).is_some_and(|(moved, before)| moved.bytes() != *before);
        if comes {
            Phase::Body
        } else {
            Phase::NoResponse
        }
    }

    /// Returns how many bytes it has kept, if the job can tell.
    pub(crate) fn kept(&self) -> Option<u64> {
        let progress = self.progress.as_ref()?;
        Some(progress.bytes().saturating_sub(self.bytes))
    }
}

//! Byte counters at the start of an attempt, to tell which phase it had reached when it is cancelled.

use s3_core::{ByteCounter, Phase};

use crate::{Job, Progress};

/// A job's counters at the start of an attempt.
#[derive(Debug, Default)]
pub(crate) struct AttemptSnapshot {
    progress: Option<Progress>,
    generation: u64,
    bytes: u64,
    /// The counter of a page's bytes, and its value.
    page: Option<(ByteCounter, u64)>,
}

impl AttemptSnapshot {
    pub(crate) fn of(job: &impl Job) -> Self {
        let progress = job.progress();
        // The counter of an upload counts the request, not the response.
        let page = job.byte_counter().filter(|_| job.upload_bytes() == 0);
        Self {
            generation: progress.map_or(0, Progress::generation),
            bytes: progress.map_or(0, Progress::bytes),
            progress: progress.cloned(),
            page: page.map(|counter| (counter.clone(), counter.bytes())),
        }
    }

    /// Returns the phase that the attempt has reached.
    pub(crate) fn phase(&self) -> Phase {
        let progress = self.progress.as_ref();
        let has_response = progress.is_some_and(|now| now.generation() != self.generation)
            || (self.page.as_ref()).is_some_and(|(counter, before)| counter.bytes() != *before);
        if has_response {
            Phase::Body
        } else {
            Phase::NoResponse
        }
    }

    /// Returns how many bytes the attempt has kept, if the job has progress.
    pub(crate) fn bytes_kept(&self) -> Option<u64> {
        let progress = self.progress.as_ref()?;
        Some(progress.bytes().saturating_sub(self.bytes))
    }
}

//! Directory probes of a listing: requests a page with delimiter `/`, and splits key ranges at the directories found.

use std::collections::VecDeque;
use std::sync::Arc;

use s3_core::{ListPage, ListRequest, S3Prefix};

use super::super::directories::{self, DELIMITER, DirectoryRange, Level};
use super::super::key_range::{KeyRange, RangeState, without_redundant_start};
use super::{ListScheduler, MAX_WASTED_PROBES};

/// With fewer ranges than this, the next level is probed as well.
const FEW_RANGES: usize = 16;

/// A request for directories, in parallel with the next page so that a bucket without directories costs no delay.
#[derive(Debug)]
pub(super) struct DelimiterProbe {
    /// The ID of its request, once it is sent.
    pub(super) id: Option<u64>,
    pub(super) after: Arc<str>,
    pub(super) prefix: S3Prefix,
    pub(super) levels: VecDeque<Level>,
}

impl DelimiterProbe {
    /// Returns the directory whose subdirectories are requested.
    fn directory(&self) -> Option<S3Prefix> {
        let (level, _) = *self.levels.front()?;
        let directory = self.after.get(..level)?;
        S3Prefix::from_parts(self.prefix.bucket(), directory).ok()
    }
}

impl ListScheduler {
    /// Returns the request for a probe that has not been sent, if there is one.
    pub(super) fn send_probe(&mut self) -> Option<(u64, ListRequest)> {
        let probe = self.probes.iter_mut().find(|probe| probe.id.is_none())?;
        let id = self.next_id;
        self.next_id += 1;
        probe.id = Some(id);
        let mut request = self.base.clone();
        request.prefix = probe.directory().unwrap_or_else(|| probe.prefix.clone());
        request.delimiter = Some(DELIMITER.into());
        request.start_after = Some(Arc::clone(&probe.after));
        Some((id, without_redundant_start(request)))
    }

    /// Splits the unlisted ranges of a probe at the directories found.
    pub(super) fn handle_probe(&mut self, mut probe: DelimiterProbe, page: &ListPage) {
        let (Some(directory), Some((level, density))) =
            (probe.directory(), probe.levels.pop_front())
        else {
            return;
        };
        if !directories::is_plausible(page, directory.prefix(), &probe.after) {
            self.wasted_probes = MAX_WASTED_PROBES;
            return;
        }
        let max = self.concurrency.requests;
        let mut ranges = directories::ranges(page, &probe.after, density, max);
        self.wasted_probes += usize::from(ranges.is_empty() && probe.levels.is_empty());
        let is_few = ranges.len() < FEW_RANGES;
        let last_level = level_after(page, level);
        // From the last range, so that the boundaries of each range are at the end of `ranges`.
        for index in (0..self.ranges.len()).rev() {
            let range = &self.ranges[index];
            let is_done = matches!(range.state, RangeState::Listed(_) | RangeState::Failed(_));
            if range.prefix != probe.prefix || is_done {
                continue;
            }
            let from = ranges.partition_point(|cut| {
                range
                    .after
                    .as_ref()
                    .is_some_and(|after| cut.until <= *after)
            });
            self.cut_at(index, ranges.split_off(from), last_level);
        }
        if is_few && !probe.levels.is_empty() {
            // All keys so far are in one directory, which is probed next.
            probe.id = None;
            self.probes.push(probe);
        }
    }

    /// Splits a range at the ends of `cuts`. Its first part keeps its state; in the last one, directories may be probed
    /// for at `last_level`.
    fn cut_at(&mut self, index: usize, cuts: Vec<DirectoryRange>, last_level: usize) {
        let range = &mut self.ranges[index];
        let end = range.until.clone();
        let is_inside = |cut: &DirectoryRange| end.as_ref().is_none_or(|end| cut.until < *end);
        let mut cuts = cuts.into_iter().filter(is_inside);
        let Some(first) = cuts.next() else {
            return;
        };
        let prefix = range.prefix.clone();
        let mut after = Arc::clone(&first.until);
        range.until = Some(first.until);
        let mut parts = Vec::new();
        for cut in cuts {
            let begin = std::mem::replace(&mut after, Arc::clone(&cut.until));
            let level = cut.prefix.as_ref().map(|prefix| prefix.prefix().len());
            let prefix = cut.prefix.unwrap_or_else(|| prefix.clone());
            parts.push(KeyRange {
                level,
                ..KeyRange::after(begin, Some(cut.until), prefix)
            });
        }
        parts.push(KeyRange {
            level: Some(last_level),
            ..KeyRange::after(after, end.clone(), prefix)
        });
        for (offset, part) in parts.into_iter().enumerate() {
            self.ranges.insert(index + 1 + offset, part);
        }
    }
}

/// Returns the level to probe after a page of directories: its own if more follow, else that of its last directory.
fn level_after(page: &ListPage, level: usize) -> usize {
    match page.prefixes.last() {
        Some(last) if page.next.is_none() => last.prefix().len(),
        _ => level,
    }
}

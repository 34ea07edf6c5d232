//! Looking for directories, and cutting what is not listed yet at what is found.

use std::collections::VecDeque;
use std::sync::Arc;

use s3_core::{ListPage, ListRequest, Result, S3Prefix};

use super::super::directories::{self, DELIMITER, Range};
use super::super::span::{self, Level, Span, Start, State};
use super::{Next, PROBES_IN_VAIN, Plan};

/// With fewer ranges than this the directories in a directory are looked for as well.
const FEW_RANGES: usize = 16;

/// A request for directories beside the one for the next page, so that nobody waits if there are none.
#[derive(Debug)]
pub(super) struct Scout {
    /// Its number, once it is sent.
    pub(super) id: Option<u64>,
    pub(super) after: Arc<str>,
    pub(super) within: S3Prefix,
    pub(super) levels: VecDeque<Level>,
}

impl Scout {
    fn directory(&self) -> Option<S3Prefix> {
        let (level, _) = *self.levels.front()?;
        span::directory(&self.within, &self.after, level)
    }
}

impl Plan {
    pub(super) fn send_scout(&mut self) -> Option<(u64, ListRequest)> {
        let scout = self.scouts.iter_mut().find(|scout| scout.id.is_none())?;
        let id = self.next_id;
        self.next_id += 1;
        scout.id = Some(id);
        let mut request = self.base.clone();
        request.prefix = scout.directory().unwrap_or_else(|| scout.within.clone());
        request.delimiter = Some(DELIMITER.into());
        request.start_after = Some(Arc::clone(&scout.after));
        Some((id, span::without_idle_start(request)))
    }

    /// Takes a page of objects and directories where only objects were expected: the objects before the first
    /// directory are a page, and the rest is cut at the directories.
    pub(super) fn cut(
        &mut self,
        index: usize,
        start: Start,
        (level, density): Level,
        mut page: ListPage,
    ) -> Result<()> {
        let lead = directories::lead(&mut page);
        let mut index = index;
        if lead.is_empty() {
            self.reopen(index, start);
        } else {
            let lead = ListPage::new(lead, Vec::new(), Some(Arc::default()));
            let count = self.spans.len();
            self.shrink(index, Start::default(), lead, Next::ByKey)?;
            if self.spans.len() <= count {
                // The objects have filled the span.
                return Ok(());
            }
            index += 1;
        }
        let begin = self.spans[index].after.clone().unwrap_or_default();
        let ranges = directories::ranges(&page, &begin, density, self.spread.lanes);
        self.probes_in_vain += usize::from(ranges.is_empty());
        self.cut_at(index, ranges, level_behind(&page, level));
        Ok(())
    }

    /// Takes the answer to a scout: cuts what is not listed yet of the spans that it looked at.
    pub(super) fn scouted(&mut self, mut scout: Scout, page: &ListPage) {
        let (Some(directory), Some((level, density))) =
            (scout.directory(), scout.levels.pop_front())
        else {
            return;
        };
        if !directories::is_credible(page, directory.prefix(), &scout.after) {
            self.probes_in_vain = PROBES_IN_VAIN;
            return;
        }
        let mut ranges = directories::ranges(page, &scout.after, density, self.spread.lanes);
        self.probes_in_vain += usize::from(ranges.is_empty() && scout.levels.is_empty());
        let is_few = ranges.len() < FEW_RANGES;
        let last_level = level_behind(page, level);
        // From behind, so that a span's own ranges are the last ones that are left.
        for index in (0..self.spans.len()).rev() {
            let span = &self.spans[index];
            if span.within != scout.within
                || matches!(span.state, State::Listed(_) | State::Failed(_))
            {
                continue;
            }
            let from = ranges.partition_point(|range| {
                span.after
                    .as_ref()
                    .is_some_and(|after| range.until <= *after)
            });
            self.cut_at(index, ranges.split_off(from), last_level);
        }
        if is_few && !scout.levels.is_empty() {
            // All keys so far are in one directory: what is in there?
            scout.id = None;
            self.scouts.push(scout);
        }
    }

    /// Cuts a span that is not listed at the ends of ranges. The first piece stays what it is; `last_level` is where
    /// directories may be looked for in the last.
    fn cut_at(&mut self, index: usize, ranges: Vec<Range>, last_level: usize) {
        let span = &mut self.spans[index];
        let end = span.until.clone();
        let is_inside = |range: &Range| end.as_ref().is_none_or(|end| range.until < *end);
        let mut ranges = ranges.into_iter().filter(is_inside);
        let Some(first) = ranges.next() else {
            return;
        };
        let within = span.within.clone();
        let mut after = Arc::clone(&first.until);
        span.until = Some(first.until);
        let piece = |after, until, within, level| Span {
            after: Some(after),
            until,
            within,
            level,
            state: State::Open(Start::default()),
        };
        let mut pieces = Vec::new();
        for range in ranges {
            let begin = std::mem::replace(&mut after, Arc::clone(&range.until));
            let level = range.within.as_ref().map(|within| within.prefix().len());
            let within = range.within.unwrap_or_else(|| within.clone());
            pieces.push(piece(begin, Some(range.until), within, level));
        }
        pieces.push(piece(after, end.clone(), within, Some(last_level)));
        for (offset, piece) in pieces.into_iter().enumerate() {
            self.spans.insert(index + 1 + offset, piece);
        }
    }
}

/// Where directories may be looked for behind a page of them: at its own level if it was not the last, else in the
/// last directory.
fn level_behind(page: &ListPage, level: usize) -> usize {
    match page.prefixes.last() {
        Some(last) if page.next.is_none() => last.prefix().len(),
        _ => level,
    }
}

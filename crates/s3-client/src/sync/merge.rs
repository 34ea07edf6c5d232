//! Merges the source and target of a sync in key order into pages of [`Step`]s: transfer, compare, skip or fail.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use s3_core::{Error as RequestError, ErrorKind, Operation};

use super::compare::Verdict;
use super::entry::{Pages, SyncEntry, Unreadable};
use super::state::SyncState;
use crate::error::Error;

/// Maximum number of steps of a page.
const PAGE: usize = 256;

/// The action for one path.
#[derive(Debug)]
pub(crate) enum Step {
    /// Transfer the entry: the target does not have it, or has a different one.
    Transfer(SyncEntry),
    /// Compare the contents, because sizes and times do not decide.
    Compare {
        source: SyncEntry,
        target: SyncEntry,
    },
    /// Report a socket, a pipe or a device of the source as skipped.
    Skip(SyncEntry),
    /// Report an entry of either side that cannot be read.
    Fail(Unreadable),
}

/// Returns the steps that make the target equal to the source, in key order. Entries that only the target has are added
/// to the deletions of the state.
pub(crate) fn merge(
    source: Pages,
    target: Pages,
    state: Arc<SyncState>,
) -> impl Stream<Item = Result<Vec<Step>, Unreadable>> + Send + 'static {
    let settings = &state.settings;
    let merge = SyncMerge {
        source: Cursor::new(source, settings.from.show("")),
        target: Cursor::new(target, settings.to.show("")),
        kept: Vec::new(),
        state,
    };
    stream::unfold(Some(merge), |merge| async move {
        let mut merge = merge?;
        match merge.page().await {
            Ok(page) if page.is_empty() => {
                merge.state.update(|seen| seen.whole = true);
                None
            }
            Ok(page) => Some((Ok(page), Some(merge))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

struct SyncMerge {
    source: Cursor,
    target: Cursor,
    /// The directories of the source that may be parents of the next path, outermost first.
    kept: Vec<String>,
    state: Arc<SyncState>,
}

impl SyncMerge {
    /// Returns the next steps; an empty page at the end.
    async fn page(&mut self) -> Result<Vec<Step>, Unreadable> {
        let mut steps = Vec::new();
        while steps.len() < PAGE {
            for side in [&mut self.source, &mut self.target] {
                side.fill(&mut steps).await.map_err(|failure| {
                    let is_out_of_order = matches!(failure, CursorFailure::OutOfOrder(_));
                    self.state
                        .update(|seen| seen.is_out_of_order |= is_out_of_order);
                    side.unreadable(failure.into())
                })?;
            }
            let order = match (&self.source.next, &self.target.next) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(source), Some(target)) => source.path.cmp(&target.path),
            };
            let source = self.source.next.take_if(|_| order.is_le());
            let target = self.target.next.take_if(|_| order.is_ge());
            let step = self.step(source, target);
            steps.extend(step.map_err(|error| self.target.unreadable(error))?);
        }
        Ok(steps)
    }

    fn step(
        &mut self,
        source: Option<SyncEntry>,
        target: Option<SyncEntry>,
    ) -> Result<Option<Step>, Error> {
        // A special file of the target is neither compared nor deleted.
        let target = target.filter(|target| !target.is_special);
        let Some(source) = source else {
            return match target.filter(|target| !target.is_implied) {
                Some(target) => self.delete_later(&target.path).map(|()| None),
                None => Ok(None),
            };
        };
        if source.is_directory() {
            self.kept.retain(|kept| source.path.starts_with(&**kept));
            self.kept.push(source.path.clone());
        }
        if source.is_implied {
            return Ok(None);
        }
        self.state.update(|seen| seen.source_has_entries = true);
        if source.is_special {
            return Ok(Some(Step::Skip(source)));
        }
        let Some(target) = target else {
            return Ok(Some(Step::Transfer(source)));
        };
        if source.is_directory() && source.size == 0 {
            self.state.update(|seen| seen.unchanged += 1);
            return Ok(None);
        }
        Ok(match self.state.settings.verdict(&source, &target) {
            Verdict::Same => {
                self.state.update(|seen| seen.unchanged += 1);
                None
            }
            Verdict::Different => Some(Step::Transfer(source)),
            Verdict::ByContent => Some(Step::Compare { source, target }),
        })
    }
}

impl SyncMerge {
    /// Records a path of the target for deletion at the end. Its innermost parent that the source has is kept.
    fn delete_later(&mut self, path: &str) -> Result<(), Error> {
        self.kept.retain(|kept| path.starts_with(&**kept));
        let kept = self.kept.last().map_or(0, String::len);
        self.state.delete_later(path, kept)
    }
}

/// The pages of a side, and its next entry.
struct Cursor {
    /// The path or URL of the side.
    name: String,
    pages: Option<Pages>,
    page: VecDeque<Result<SyncEntry, Unreadable>>,
    next: Option<SyncEntry>,
    /// The path of the previous entry, to detect a side that is out of order.
    last: Option<String>,
}

impl Cursor {
    fn new(pages: Pages, name: String) -> Self {
        Self {
            name,
            pages: Some(pages),
            page: VecDeque::new(),
            next: None,
            last: None,
        }
    }

    /// Reads the next entry, unless there is one or the side has ended. Unreadable entries become steps.
    async fn fill(&mut self, steps: &mut Vec<Step>) -> Result<(), CursorFailure> {
        while self.next.is_none() {
            match self.page.pop_front() {
                Some(Err(unreadable)) => steps.push(Step::Fail(unreadable)),
                Some(Ok(entry)) => {
                    if self.last.as_ref().is_some_and(|last| *last >= entry.path) {
                        return Err(CursorFailure::OutOfOrder(entry.path));
                    }
                    self.last = Some(entry.path.clone());
                    self.next = Some(entry);
                }
                None => {
                    let Some(pages) = &mut self.pages else {
                        return Ok(());
                    };
                    match pages.next().await {
                        Some(Ok(page)) => self.page.extend(page),
                        Some(Err(error)) => return Err(CursorFailure::Other(error)),
                        None => self.pages = None,
                    }
                }
            }
        }
        Ok(())
    }

    fn unreadable(&self, error: Error) -> Unreadable {
        let what = self.name.clone();
        Unreadable { what, error }
    }
}

/// Reason why a side cannot be read to its end.
enum CursorFailure {
    /// The path does not sort after its predecessor: the merge would transfer and delete equal entries.
    OutOfOrder(String),
    Other(Error),
}

impl From<CursorFailure> for Error {
    fn from(failure: CursorFailure) -> Self {
        match failure {
            CursorFailure::OutOfOrder(path) => {
                RequestError::new(ErrorKind::Protocol, Operation::List)
                    .with_message(format!("the listing is not in key order at {path:?}"))
                    .into()
            }
            CursorFailure::Other(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use s3_core::Attributes;

    use super::*;
    use crate::sync::{SyncCompare, SyncPlace, SyncSettings};

    fn state() -> Arc<SyncState> {
        let remote = s3_core::S3Prefix::parse("s3://bkt/p").unwrap();
        Arc::new(SyncState::new(SyncSettings {
            from: std::path::Path::new("from").into(),
            to: SyncPlace::from(remote),
            compare: SyncCompare::SizeOnly,
            delete: true,
            delete_excluded: false,
            from_empty: false,
            max_deletions: None,
            dry_run: false,
            follow_links: true,
            empty_directories: false,
            keep_times: false,
            filter: Arc::new(|_: &str| true),
            resume: None,
            copy_part_size: None,
            attributes: Arc::new(|_: &str| Attributes::default()),
        }))
    }

    /// Returns a side with two entries per page; the size of an entry is the length of its path.
    fn side(paths: &[&str]) -> Pages {
        let entry = |path: &&str| {
            Ok(SyncEntry {
                path: (*path).to_owned(),
                size: path.len() as u64,
                modified: None,
                etag: None,
                is_implied: false,
                is_special: false,
            })
        };
        let pages: Vec<_> = paths
            .chunks(2)
            .map(|page| Ok(page.iter().map(entry).collect()))
            .collect();
        stream::iter(pages).boxed()
    }

    async fn transfers(
        source: Pages,
        target: Pages,
        state: &Arc<SyncState>,
    ) -> Result<Vec<String>, Unreadable> {
        let mut pages = Box::pin(merge(source, target, Arc::clone(state)));
        let mut paths = Vec::new();
        while let Some(page) = pages.next().await {
            paths.extend(page?.into_iter().map(|step| match step {
                Step::Transfer(entry) => entry.path,
                other => panic!("{other:?}"),
            }));
        }
        Ok(paths)
    }

    #[tokio::test]
    async fn each_path_is_transferred_deleted_or_unchanged() {
        let state = state();
        let source = side(&["a", "b", "d", "g"]);
        let target = side(&["b", "c", "e", "f", "h"]);
        let paths = transfers(source, target, &state).await.unwrap();
        assert_eq!(paths, ["a", "d", "g"]);
        assert_eq!(state.update(|seen| (seen.unchanged, seen.whole)), (1, true));
        let deletions = state.deletions().unwrap().into_paths();
        let deletions: Vec<_> = deletions.map(|deletion| deletion.unwrap().path).collect();
        assert_eq!(deletions, ["c", "e", "f", "h"]);
    }

    #[tokio::test]
    async fn a_side_that_is_out_of_order_is_an_error_and_nothing_is_deleted() {
        for (source, target, side_with_error) in [
            (&["a", "c", "b"][..], &["d"][..], "from/"),
            (&["a"], &["a", "a", "b"], "s3://bkt/p/"),
        ] {
            let state = state();
            let failed = transfers(side(source), side(target), &state).await;
            let Unreadable { what, error } = failed.unwrap_err();
            let error = error.to_string();
            assert!(error.contains("not in key order"), "{error}");
            assert_eq!(what, side_with_error);
            assert!(state.update(|seen| seen.is_out_of_order));
            state.delete_later("x", 0).unwrap();
            assert!(state.deletions().is_err());
        }
    }
}

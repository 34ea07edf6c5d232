//! [`SyncSettings`] and [`SyncState`]: options of a sync, and its counts, failures and deletions so far.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use s3_core::Attributes;

use super::compare::SyncCompare;
use super::deletions::Deletions;
use super::event::{NotDeletedReason, SyncAction};
use super::local_walk::PathFilter;
use super::place::SyncPlace;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::letter_case::{folds_letter_case, has_exact_names};
use crate::resume::Resume;

/// Source, destination and options of a sync.
#[derive(Clone)]
pub(crate) struct SyncSettings {
    pub(crate) from: SyncPlace,
    pub(crate) to: SyncPlace,
    pub(crate) compare: SyncCompare,
    pub(crate) delete: bool,
    /// Whether paths of the target that the filter excludes are deleted too.
    pub(crate) delete_excluded: bool,
    pub(crate) from_empty: bool,
    pub(crate) max_deletions: Option<u64>,
    pub(crate) dry_run: bool,
    pub(crate) follow_links: bool,
    /// Whether empty directories are kept, in S3 as keys that end in a slash.
    pub(crate) empty_directories: bool,
    /// Whether downloaded files get the modification times stored with the objects.
    pub(crate) keep_times: bool,
    pub(crate) filter: PathFilter,
    pub(crate) resume: Option<Resume>,
    /// The size of the parts of resumable copies within S3.
    pub(crate) copy_part_size: Option<u64>,
    /// The attributes of an uploaded file, by its path below the source.
    pub(crate) attributes: Arc<dyn Fn(&str) -> Attributes + Send + Sync>,
}

impl fmt::Debug for SyncSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncSettings")
            .field("from", &self.from)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

impl SyncSettings {
    pub(crate) fn action(&self) -> SyncAction {
        match (&self.from, &self.to) {
            (SyncPlace::Local(_), _) => SyncAction::Upload,
            (_, SyncPlace::Local(_)) => SyncAction::Download,
            _ => SyncAction::Copy,
        }
    }

    /// Returns an error for a source and target that cannot be synced.
    pub(crate) fn check(&self, call: &Call) -> Result<()> {
        call.client.check_process()?;
        match (&self.from, &self.to) {
            (SyncPlace::Local(_), SyncPlace::Local(_)) => {
                return Err(Error::config("sync: one side has to be in S3"));
            }
            (SyncPlace::Remote(from), SyncPlace::Remote(to)) if from.bucket() == to.bucket() => {
                let (one, other) = (from.prefix(), to.prefix());
                if one.starts_with(other) || other.starts_with(one) {
                    let message = format!("sync: {from} and {to} overlap");
                    return Err(Error::config(message));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Settings and running state of a sync.
#[derive(Debug)]
pub(crate) struct SyncState {
    pub(crate) settings: SyncSettings,
    seen: Mutex<Seen>,
    /// Whether the target's file system is case-insensitive. The first download checks it.
    folds_case: OnceLock<bool>,
    hasher: RandomState,
}

/// Counts and findings of a sync so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Number of unchanged entries.
    pub(crate) unchanged: u64,
    pub(crate) has_failed: bool,
    pub(crate) source_has_entries: bool,
    /// Whether both sides were read to their ends.
    pub(crate) whole: bool,
    /// Whether a side was not in key order.
    pub(crate) is_out_of_order: bool,
    deletions: Deletions,
    /// Hashes of the lower-case paths that were written; empty if the target's file system is case-sensitive.
    names: HashSet<u64>,
}

impl SyncState {
    pub(crate) fn new(settings: SyncSettings) -> Self {
        Self {
            settings,
            seen: Mutex::default(),
            folds_case: OnceLock::new(),
            hasher: RandomState::new(),
        }
    }

    /// Marks the target's file system as case-insensitive, without the check of the first download.
    #[cfg(test)]
    pub(crate) fn with_folded_case(mut self) -> Self {
        self.folds_case = OnceLock::from(true);
        self
    }

    /// Returns an error if, on a case-insensitive file system, a path differs only in case from a path that was written
    /// before, or from an existing file. Blocks.
    pub(crate) fn check_case(&self, directory: &Path, path: &str) -> io::Result<()> {
        let folds_case = || folds_letter_case(directory);
        if !*self.folds_case.get_or_init(folds_case) {
            return Ok(());
        }
        let hash = self.hasher.hash_one(path.to_lowercase());
        let is_first = self.update(|seen| seen.names.insert(hash));
        let file = directory.join(path);
        if is_first && (!file.exists() || has_exact_names(directory, &file)?) {
            return Ok(());
        }
        let problem =
            "the file system is case-insensitive, and already has this name in another case";
        Err(io::Error::other(problem))
    }

    /// Forgets the entries seen, except failures, so that the sync can run again.
    pub(crate) fn restart(&self) {
        self.update(|seen| {
            *seen = Seen {
                has_failed: seen.has_failed,
                ..Seen::default()
            };
        });
    }

    pub(crate) fn update<T>(&self, update: impl FnOnce(&mut Seen) -> T) -> T {
        update(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Records a path that only the target has. The directory in its first `kept` bytes is kept even if it is empty
    /// then.
    pub(crate) fn delete_later(&self, path: &str, kept: usize) -> Result<()> {
        match self.settings.delete {
            true => self
                .update(|seen| seen.deletions.push(path, kept))
                .map_err(|error| Error::local("remember what to delete", error)),
            false => Ok(()),
        }
    }

    /// Returns the paths to delete, or an error with the reason why nothing is deleted.
    pub(crate) fn deletions(&self) -> Result<Deletions> {
        let settings = &self.settings;
        self.update(|seen| {
            let count = seen.deletions.count();
            let reason = if count == 0 {
                None
            } else if !seen.whole {
                Some(NotDeletedReason::NotListed)
            } else if seen.has_failed {
                Some(NotDeletedReason::Failures)
            } else if !seen.source_has_entries && !settings.from_empty {
                Some(NotDeletedReason::EmptySource)
            } else {
                let most = settings.max_deletions.filter(|most| count > *most);
                most.map(NotDeletedReason::TooMany)
            };
            match reason {
                Some(reason) => Err(Error::NotDeleted { count, reason }),
                None => Ok(std::mem::take(&mut seen.deletions)),
            }
        })
    }
}

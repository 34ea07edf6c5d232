//! [`SyncCompare`]: when a source counts as different from its target.

use std::cmp::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use s3_core::ETag;

use super::content::is_md5;
use super::entry::SyncEntry;
use super::place::SyncPlace;
use super::state::SyncSettings;

/// When a source counts as different from a target of the same size. Other sizes are always different.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyncCompare {
    /// The source is newer, in whole seconds as S3 keeps them. If both are of the same second, an ETag that is an MD5
    /// decides.
    #[default]
    Newer,
    /// The times differ, in whole seconds.
    ExactTimes,
    /// Never: the size decides.
    SizeOnly,
    /// The content differs: the ETag of one part or of several is computed from the local file and compared. If it is no
    /// MD5, or of parts of an unknown size, the checksum that the server stores decides, which costs a HEAD. Without one the
    /// source is transferred, and the event says so.
    Content,
    /// Never, whatever the size: existing entries are kept.
    Exists,
}

/// Result of comparing size and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Same,
    Different,
    ByContent,
}

impl SyncSettings {
    /// Returns the verdict by the metadata of both entries.
    pub(crate) fn verdict(&self, source: &SyncEntry, target: &SyncEntry) -> Verdict {
        if self.compare == SyncCompare::Exists {
            return Verdict::Same;
        }
        if source.size != target.size {
            return Verdict::Different;
        }
        match self.compare {
            SyncCompare::SizeOnly | SyncCompare::Exists => Verdict::Same,
            SyncCompare::Content => self.by_content(source, target, Verdict::ByContent),
            SyncCompare::Newer | SyncCompare::ExactTimes => {
                let times = source.modified.zip(target.modified);
                let Some((from, to)) = times else {
                    return Verdict::Different;
                };
                let is_exact = self.compare == SyncCompare::ExactTimes;
                match seconds(from).cmp(&seconds(to)) {
                    Ordering::Less if !is_exact => Verdict::Same,
                    // The file may have the time that is kept with the object.
                    Ordering::Less | Ordering::Greater if self.sets_kept_times() => {
                        Verdict::ByContent
                    }
                    Ordering::Less | Ordering::Greater => Verdict::Different,
                    Ordering::Equal if self.was_set(to) => Verdict::Same,
                    Ordering::Equal => self.by_content(source, target, Verdict::Same),
                }
            }
        }
    }

    /// Returns whether files get the times that are kept with their objects.
    pub(crate) fn sets_kept_times(&self) -> bool {
        self.keep_times && matches!(self.to, SyncPlace::Local(_))
    }

    /// Returns the verdict by ETag, or that the contents must be compared; `otherwise` if there is nothing to compare.
    fn by_content(&self, source: &SyncEntry, target: &SyncEntry, otherwise: Verdict) -> Verdict {
        let md5 = |entry: &SyncEntry| entry.etag.clone().filter(is_md5);
        match (&self.from, &self.to) {
            (SyncPlace::Remote(_), SyncPlace::Remote(_)) => {
                match (&source.etag, &target.etag, md5(source).zip(md5(target))) {
                    (Some(from), Some(to), _) if from == to => Verdict::Same,
                    (_, _, Some(_)) if self.compare != SyncCompare::Content => Verdict::Different,
                    _ => otherwise,
                }
            }
            _ => match md5(source).or_else(|| md5(target)) {
                Some(_) => Verdict::ByContent,
                None => otherwise,
            },
        }
    }

    /// Returns whether a local target has the time that a download set: writing a file hardly ever yields a whole second.
    fn was_set(&self, time: SystemTime) -> bool {
        matches!(self.to, SyncPlace::Local(_))
            && time
                .duration_since(UNIX_EPOCH)
                .is_ok_and(|since| since.subsec_nanos() == 0)
    }
}

/// Returns the number of parts that an ETag of a multipart upload names.
pub(crate) fn parts(etag: &ETag) -> Option<u64> {
    let (md5, parts) = etag.as_str().split_once('-')?;
    let parts = parts
        .parse()
        .ok()
        .filter(|parts| (1..=10_000).contains(parts))?;
    is_md5(&ETag::new(md5)).then_some(parts)
}

/// Returns whole seconds since 1970.
pub(crate) fn seconds(time: SystemTime) -> i64 {
    let whole = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => whole(since.as_secs()),
        // Rounded down, as file systems do.
        Err(before) => {
            let before = before.duration();
            -whole(before.as_secs()) - i64::from(before.subsec_nanos() > 0)
        }
    }
}

//! [`SyncCompare`]: decides by size, modification time and ETag whether a source differs from its target.

use std::cmp::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use s3_core::ETag;

use super::content::is_md5;
use super::entry::SyncEntry;
use super::place::SyncPlace;
use super::state::SyncSettings;

/// Whether a source is transferred to a target of the same size. Entries of different sizes always differ, except with
/// [`Exists`](Self::Exists).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyncCompare {
    /// The source differs if it is newer, in whole seconds as S3 stores them. Within the same second, an ETag that is
    /// an MD5 decides.
    #[default]
    Newer,
    /// The source differs if its time does, in whole seconds.
    ExactTimes,
    /// The source never differs: only the size is compared.
    SizeOnly,
    /// The source differs if its content does. The ETag is computed from the local file and compared, for one part or
    /// several. If the ETag is not an MD5, or the part size is unknown, the checksum that the server stores decides,
    /// which costs a HEAD. Without a checksum the source is transferred, and the event says so.
    Content,
    /// The source never differs, whatever its size: existing entries are kept.
    Exists,
}

/// Result of comparing sizes, times and ETags of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Same,
    Different,
    ByContent,
}

impl SyncSettings {
    /// Compares the metadata of both entries.
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
                    // The file may have the modification time stored with the object.
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

    /// Returns whether downloaded files get the modification times stored with their objects.
    pub(crate) fn sets_kept_times(&self) -> bool {
        self.keep_times && matches!(self.to, SyncPlace::Local(_))
    }

    /// Compares ETags, or returns that contents must be compared, or `otherwise` if there is nothing to compare.
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

    /// Returns whether the time of a local target was set by a download: it has no fraction of a second, as the time of
    /// a written file almost always has.
    fn was_set(&self, time: SystemTime) -> bool {
        matches!(self.to, SyncPlace::Local(_))
            && time
                .duration_since(UNIX_EPOCH)
                .is_ok_and(|since| since.subsec_nanos() == 0)
    }
}

/// Returns the number of parts in the ETag of a multipart upload.
pub(crate) fn parts(etag: &ETag) -> Option<u64> {
    let (md5, parts) = etag.as_str().split_once('-')?;
    let parts = parts
        .parse()
        .ok()
        .filter(|parts| (1..=10_000).contains(parts))?;
    is_md5(&ETag::new(md5)).then_some(parts)
}

/// Returns a time in whole seconds since 1970.
pub(crate) fn seconds(time: SystemTime) -> i64 {
    let whole = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => whole(since.as_secs()),
        // Before 1970: rounded down, as file systems do.
        Err(before) => {
            let before = before.duration();
            -whole(before.as_secs()) - i64::from(before.subsec_nanos() > 0)
        }
    }
}

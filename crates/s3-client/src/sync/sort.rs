//! Sorts the entries of a listing without key order: external merge sort, with sorted runs in a temporary file.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::{StreamExt, TryStreamExt, stream};
use s3_core::ETag;
use serde_json::{Value, json};

use super::entry::{Pages, SyncEntry, Unreadable};
use crate::error::{Error, Result};
use crate::on_blocking_thread::on_blocking_thread;

/// Maximum number of bytes of entries that are sorted in memory. 8 MiB are some 50,000 entries.
const IN_MEMORY: usize = 8 << 20;

/// Estimated memory of an entry, besides its path and its ETag.
const ENTRY: usize = 120;

/// Number of entries in a page.
const PAGE: usize = 256;

/// Size of the buffer for reading a run.
const BUFFER: usize = 16 << 10;

/// Returns the same entries in the byte order of their paths. Reads all pages first.
pub(super) fn sorted(pages: Pages) -> Pages {
    stream::once(sort(pages)).try_flatten().boxed()
}

async fn sort(mut pages: Pages) -> Result<Pages> {
    let mut sorter = Sorter::new(IN_MEMORY);
    let mut unreadable = Vec::new();
    while let Some(page) = pages.next().await {
        for entry in page? {
            match entry {
                Ok(entry) => sorter.push(entry),
                Err(input) => unreadable.push(Err(input)),
            }
        }
        if sorter.is_full() {
            sorter = on_blocking_thread(move || {
                sorter.spill().map_err(failed)?;
                Ok(sorter)
            })
            .await?;
        }
    }
    let merge = on_blocking_thread(move || Ok(sorter.merge())).await?;
    let sorted = stream::try_unfold(merge, |mut merge| async move {
        on_blocking_thread(move || {
            let page: io::Result<Vec<_>> = merge.by_ref().take(PAGE).collect();
            let page = page.map_err(failed)?;
            let page: Vec<_> = page.into_iter().map(Ok::<_, Unreadable>).collect();
            Ok((!page.is_empty()).then_some((page, merge)))
        })
        .await
    });
    Ok(stream::iter([Ok(unreadable)]).chain(sorted).boxed())
}

fn failed(error: io::Error) -> Error {
    Error::local("sort a listing in a temporary file", error)
}

/// Collects entries in any order and sorts them in runs.
struct Sorter {
    entries: Vec<SyncEntry>,
    bytes: usize,
    /// Size of a run in bytes of entries.
    run: usize,
    file: Option<Arc<File>>,
    runs: Vec<Range<u64>>,
}

impl Sorter {
    fn new(run: usize) -> Self {
        Self {
            entries: Vec::new(),
            bytes: 0,
            run,
            file: None,
            runs: Vec::new(),
        }
    }

    fn push(&mut self, entry: SyncEntry) {
        let etag = entry.etag.as_ref().map_or(0, |etag| etag.as_str().len());
        self.bytes += ENTRY + entry.path.len() + etag;
        self.entries.push(entry);
    }

    fn is_full(&self) -> bool {
        self.bytes >= self.run
    }

    /// Sorts the entries in memory and writes them as a run.
    fn spill(&mut self) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => Arc::clone(self.file.insert(Arc::new(tempfile::tempfile()?))),
        };
        self.sort();
        let mut out = BufWriter::new(&*file);
        let start = self.runs.last().map_or(0, |run| run.end);
        for entry in self.entries.drain(..) {
            serde_json::to_writer(&mut out, &record(&entry))?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
        drop(out);
        self.runs.push(start..file.metadata()?.len());
        self.bytes = 0;
        Ok(())
    }

    fn sort(&mut self) {
        self.entries
            .sort_unstable_by(|one, other| one.path.cmp(&other.path));
    }

    /// Merges the runs and returns all entries in order.
    fn merge(mut self) -> RunMerge {
        self.sort();
        let mut sources: Vec<Source> = Vec::new();
        if let Some(file) = self.file {
            for range in self.runs {
                let file = Arc::clone(&file);
                let run = BufReader::with_capacity(BUFFER, Run { file, range });
                sources.push(Box::new(run.lines().map(|line| parsed(&line?))));
            }
        }
        sources.push(Box::new(self.entries.into_iter().map(Ok)));
        RunMerge {
            heads: BinaryHeap::new(),
            unread: (0..sources.len()).collect(),
            sources,
        }
    }
}

type Source = Box<dyn Iterator<Item = io::Result<SyncEntry>> + Send>;

/// Merges sorted runs.
struct RunMerge {
    sources: Vec<Source>,
    /// The next entry of each run that has one.
    heads: BinaryHeap<Head>,
    /// The runs whose next entry must be read.
    unread: Vec<usize>,
}

impl Iterator for RunMerge {
    type Item = io::Result<SyncEntry>;

    fn next(&mut self) -> Option<io::Result<SyncEntry>> {
        while let Some(source) = self.unread.pop() {
            match self.sources[source].next() {
                Some(Ok(entry)) => self.heads.push(Head { entry, source }),
                Some(Err(error)) => return Some(Err(error)),
                None => {}
            }
        }
        let Head { entry, source } = self.heads.pop()?;
        self.unread.push(source);
        Some(Ok(entry))
    }
}

/// The next entry of a run. The smallest path compares as the greatest, for the max-heap.
struct Head {
    entry: SyncEntry,
    source: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        other.entry.path.cmp(&self.entry.path)
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

/// The bytes of a run, read by position because the runs share a file descriptor.
struct Run {
    file: Arc<File>,
    range: Range<u64>,
}

impl Read for Run {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX);
        let len = buffer.len().min(left);
        let count = self.file.read_at(&mut buffer[..len], self.range.start)?;
        self.range.start += count as u64;
        Ok(count)
    }
}

/// Formats a listed entry as a line of a run.
fn record(entry: &SyncEntry) -> Value {
    let since = |time: std::time::SystemTime| time.duration_since(UNIX_EPOCH).ok();
    let since = entry.modified.and_then(since);
    json!([
        entry.path,
        entry.size,
        since.map(|since| (since.as_secs(), since.subsec_nanos())),
        entry.etag.as_ref().map(ETag::as_str),
    ])
}

fn parsed(line: &str) -> io::Result<SyncEntry> {
    let record: Value = serde_json::from_str(line)?;
    let entry = || {
        let time = &record[2];
        let nanos = u32::try_from(time[1].as_u64().unwrap_or_default()).ok()?;
        let since = time[0]
            .as_u64()
            .map(|seconds| Duration::new(seconds, nanos));
        Some(SyncEntry {
            path: record[0].as_str()?.to_owned(),
            size: record[1].as_u64()?,
            modified: since.map(|since| UNIX_EPOCH + since),
            etag: record[3].as_str().map(ETag::new),
            is_implied: false,
            is_special: false,
        })
    };
    entry().ok_or_else(|| io::Error::other("a line of a temporary file was changed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, number: u64) -> SyncEntry {
        SyncEntry {
            path: path.to_owned(),
            size: number,
            modified: (!number.is_multiple_of(3)).then(|| UNIX_EPOCH + Duration::new(number, 5)),
            etag: (!number.is_multiple_of(2)).then(|| ETag::new(&format!("e{number}"))),
            is_implied: false,
            is_special: false,
        }
    }

    #[test]
    fn runs_on_disk_and_in_memory_are_merged() {
        let mut entries: Vec<_> = (0..1000)
            .map(|n| entry(&format!("{:03}\n\"é/", n * 7 % 1000), n))
            .collect();
        for run in [1, 10_000, usize::MAX] {
            let mut sorter = Sorter::new(run);
            for entry in &entries {
                sorter.push(entry.clone());
                if sorter.is_full() {
                    sorter.spill().unwrap();
                }
            }
            assert_eq!(sorter.runs.is_empty(), run == usize::MAX);
            let merged: Vec<_> = sorter.merge().map(Result::unwrap).collect();
            entries.sort_by(|one, other| one.path.cmp(&other.path));
            assert_eq!(merged, entries);
            entries.reverse();
        }
    }
}

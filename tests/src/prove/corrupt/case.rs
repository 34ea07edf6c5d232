//! Property `corrupt`: reads from a store that corrupts bodies, and checks the outcome.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use fastrand::Rng;
use s3_core::{MemoryStore, S3Url, StoreExt};
use s3_transfer::{
    CallOptions, Concurrency, Destination, Fetched, GetItem, MemoryShare, NotVerified, ObjectData,
    Transfer, TransferConfig, Verified,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::corruption::Corruption;
use super::layout::{Layout, Offer, To};
use super::store::CorruptingStore;
use crate::orphans::no_orphans;
use crate::prove::Figures;

/// Runs the case of a seed.
pub(in crate::prove) fn case(runtime: &Runtime, seed: u64) -> Result<Figures, String> {
    let mut random = Rng::with_seed(seed);
    let layout = Arc::new(Layout::draw(&mut random));
    let directory = match layout.to {
        To::Memory => None,
        To::File | To::Auto => Some(tempfile::tempdir().map_err(|error| error.to_string())?),
    };
    let case = Case {
        layout,
        directory,
        random,
    };
    runtime.block_on(case.run())
}

struct Case {
    layout: Arc<Layout>,
    directory: Option<TempDir>,
    random: Rng,
}

impl Case {
    async fn run(mut self) -> Result<Figures, String> {
        let url = S3Url::parse("s3://b/k").map_err(|error| error.to_string())?;
        let memory = MemoryStore::with_buckets(["b"]);
        let put = memory.put_bytes(url.clone(), self.layout.object.clone());
        let tag = put.await.map_err(|error| error.to_string())?.etag;
        let store = CorruptingStore::new(memory, Arc::clone(&self.layout), self.random.fork());
        let transfer = Transfer::new(store.clone(), self.config());
        let mut item = GetItem::new(url);
        item.range.clone_from(&self.layout.range);
        if self.layout.known {
            item = item.with_known(self.layout.object.len() as u64, tag);
        }
        let fetched = transfer
            .get(item, self.destination(), &CallOptions::default())
            .await;
        self.judge(fetched, &store.done())
    }

    fn config(&self) -> TransferConfig {
        let mut config = TransferConfig::default();
        config.part_size = self.layout.part_size;
        config.concurrency = Concurrency::Fixed(self.layout.at_once);
        config.max_attempts = 4;
        config.seed = Some(1);
        config
    }

    fn path(&self) -> &Path {
        self.directory.as_ref().map_or(Path::new(""), TempDir::path)
    }

    fn destination(&self) -> Destination {
        let path = self.path().join("out");
        match self.layout.to {
            To::Memory => Destination::Memory,
            To::File => Destination::File(path),
            To::Auto => Destination::Auto {
                memory: MemoryShare::up_to(100),
                path: path.into(),
            },
        }
    }

    fn judge(
        &self,
        fetched: s3_transfer::Result<Fetched>,
        done: &[Corruption],
    ) -> Result<Figures, String> {
        let mut figures = Figures::default();
        for corruption in done {
            figures.count(corruption.name(), 1);
        }
        if self.directory.is_some() {
            no_orphans(0, &[self.path()])?;
        }
        let wanted = self.wanted();
        let fetched = match (fetched, &wanted) {
            (Ok(fetched), Some(_)) => fetched,
            (Err(error), Some(_)) if done.is_empty() && !broke(&error) => {
                return Err(self.wrong(&format!("a read without corruption failed: {error}")));
            }
            (Err(_), _) => {
                figures.count("refused", 1);
                return Ok(figures);
            }
            (Ok(_), None) => return Err(self.wrong("a range without bytes was read")),
        };
        let wanted = wanted.unwrap_or_default();
        let whole = wanted == (0..self.layout.object.len());
        self.check_verdict(fetched.verified, whole)?;
        let truth = self.layout.object.slice(wanted);
        let bytes = bytes(&fetched)?;
        if bytes == truth {
            let name = if done.is_empty() { "intact" } else { "healed" };
            figures.count(name, 1);
            return Ok(figures);
        }
        if bytes.len() != truth.len() {
            let lengths = (bytes.len(), truth.len());
            return Err(self.wrong(&format!("{} bytes were read of {}", lengths.0, lengths.1)));
        }
        if !matches!(fetched.verified, Verified::NotVerified(_)) {
            return Err(self.wrong("wrong bytes are said to have been compared"));
        }
        if !self.layout.ignores_ranges && done.iter().all(|corruption| corruption.shows()) {
            return Err(self.wrong(&format!("lengths show {done:?}, and were not compared")));
        }
        figures.count("undetectable", 1);
        Ok(figures)
    }

    /// Returns the requested range of the object; `None` if it is outside of the object.
    fn wanted(&self) -> Option<Range<usize>> {
        let len = self.layout.object.len();
        let range = match &self.layout.range {
            None => return Some(0..len),
            Some(range) => range.resolve(len as u64).ok()?,
        };
        Some(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
    }

    /// Checks that the client verified everything that it could, and that it reports the correct reason otherwise.
    fn check_verdict(&self, verified: Verified, whole: bool) -> Result<(), String> {
        let allowed = match (self.layout.offer, verified) {
            (Offer::Whole(kind), Verified::Checksum(with)) => whole && kind == with,
            // A response was interrupted and resumed, and the object has no full-object checksum.
            (
                Offer::Nothing | Offer::Malformed | Offer::Digest | Offer::FirstPart,
                Verified::Etag,
            ) => whole,
            (Offer::Whole(_) | Offer::FirstPart | Offer::Digest, Verified::NotVerified(why))
                if !whole =>
            {
                why == NotVerified::Range
            }
            (Offer::Nothing, Verified::NotVerified(why)) => why == NotVerified::NotOffered,
            (Offer::Malformed, Verified::NotVerified(why)) => {
                matches!(why, NotVerified::NotOffered | NotVerified::Range)
            }
            (Offer::Digest, Verified::NotVerified(why)) => matches!(why, NotVerified::Digest(_)),
            (Offer::FirstPart, Verified::NotVerified(why)) => why == NotVerified::Part,
            _ => false,
        };
        if allowed {
            return Ok(());
        }
        Err(self.wrong(&format!("the verdict is {verified:?}")))
    }

    fn wrong(&self, what: &str) -> String {
        format!("{what}; {:?}", self.layout)
    }
}

fn bytes(fetched: &Fetched) -> Result<Bytes, String> {
    match &fetched.data {
        ObjectData::Memory(bytes) => Ok(bytes.clone()),
        ObjectData::File(path) => match std::fs::read(path) {
            Ok(bytes) => Ok(bytes.into()),
            Err(error) => Err(error.to_string()),
        },
        other => Err(format!("unknown: {other:?}")),
    }
}

/// Returns whether the read failed because too many connections broke.
fn broke(error: &s3_core::Error) -> bool {
    error.kind() == s3_core::ErrorKind::Network
}

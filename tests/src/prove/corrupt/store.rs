//! [`CorruptingStore`]: a store that corrupts the bodies it returns.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use fastrand::Rng;
use futures_util::stream;
use s3_core::{
    Body, Capabilities, Error, ErrorKind, GetRequest, GetResponse, MemoryStore, Operation, Result,
    Store,
};

use super::corruption::Corruption;
use super::layout::Layout;
use crate::prove::forward::forward;

/// Returns the object of a layout, corrupted as the layout says. Clone is a reference count.
#[derive(Clone)]
pub(super) struct CorruptingStore {
    memory: MemoryStore,
    layout: Arc<Layout>,
    draws: Arc<Mutex<Draws>>,
}

struct Draws {
    random: Rng,
    done: Vec<Corruption>,
}

impl CorruptingStore {
    pub(super) fn new(memory: MemoryStore, layout: Arc<Layout>, random: Rng) -> Self {
        let done = Vec::new();
        Self {
            memory,
            layout,
            draws: Arc::new(Mutex::new(Draws { random, done })),
        }
    }

    /// Returns the corruptions that were applied.
    pub(super) fn done(&self) -> Vec<Corruption> {
        let draws = self.draws.lock().unwrap_or_else(PoisonError::into_inner);
        draws.done.clone()
    }

    fn corrupt(&self, mut response: GetResponse) -> GetResponse {
        let Layout {
            object,
            corruptions,
            ..
        } = &*self.layout;
        let mut draws = self.draws.lock().unwrap_or_else(PoisonError::into_inner);
        let Draws { random, done } = &mut *draws;
        let sent = at(response.range.start)..at(response.range.end);
        let mut bytes = object.slice(sent);
        let mut harmed_by = None;
        if random.f64() < self.layout.corrupted {
            let corruption = corruptions[random.usize(0..corruptions.len())];
            let corrupted = match corruption {
                Corruption::Elsewhere | Corruption::OtherRange => {
                    let start = random.usize(0..=object.len() - bytes.len());
                    if corruption == Corruption::OtherRange {
                        response.range = start as u64..(start + bytes.len()) as u64;
                    }
                    object.slice(start..start + bytes.len())
                }
                _ => corruption.done_to(&bytes, random),
            };
            harmed_by = (corrupted != bytes).then_some(corruption);
            bytes = corrupted;
        }
        response.meta.checksum.clone_from(&self.layout.checksum);
        let broken;
        (response.body, broken) = body(bytes, random);
        // The client does not see the length of a body that is interrupted.
        done.extend(harmed_by.map(|corruption| match corruption {
            Corruption::Duplicate if broken => Corruption::Gap,
            corruption => corruption,
        }));
        response
    }
}

/// Returns the bytes at once or in frames; sometimes the connection breaks between two frames.
fn body(mut bytes: Bytes, random: &mut Rng) -> (Body, bool) {
    if random.u8(0..3) == 0 {
        return (Body::from_bytes(bytes), false);
    }
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let most = bytes.len().min(1 + random.usize(0..400));
        frames.push(Ok(bytes.split_to(random.usize(1..=most))));
    }
    let broken = random.u8(0..8) == 0;
    if broken {
        frames.truncate(random.usize(0..=frames.len()));
        frames.push(Err(Error::new(ErrorKind::Network, Operation::Get)));
    }
    (Body::from_stream(stream::iter(frames)), broken)
}

fn at(position: u64) -> usize {
    usize::try_from(position).expect("objects of cases are small")
}

impl fmt::Debug for CorruptingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CorruptingStore")
    }
}

impl Store for CorruptingStore {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    async fn get(&self, mut request: GetRequest) -> Result<GetResponse> {
        if self.layout.ignores_ranges {
            request.range = None;
        }
        Ok(self.corrupt(self.memory.get(request).await?))
    }

    forward! { memory:
        head put copy delete list_page create_upload upload_part upload_part_copy complete_upload
        abort_upload list_uploads list_parts list_buckets create_bucket delete_bucket presign
    }
}

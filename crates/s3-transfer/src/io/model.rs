//! Shuttle tests of the pool of result buffers: a buffer that several threads share is returned by its last owner.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use shuttle::future::{block_on, yield_now};

use super::{BUFFER, Buffers};
use crate::sync::{chance, draw, explore, spawn};

/// The addresses of buffers in use.
type Held = Arc<Mutex<BTreeSet<usize>>>;

/// One of two readers of the same bytes.
struct Reader {
    bytes: Bytes,
    /// Shared by both readers.
    both: Arc<()>,
}

impl Reader {
    /// Drops the reader. The last of the two removes the address just before the memory is released.
    fn go(self, held: &Held) {
        if Arc::into_inner(self.both).is_some() {
            held.lock().unwrap().remove(&(self.bytes.as_ptr() as usize));
        }
    }
}

async fn read(buffers: Buffers, held: Held) {
    let again = buffers.results.take(BUFFER);
    let mut buffer = again.unwrap_or_else(|| BytesMut::with_capacity(BUFFER));
    buffer.extend_from_slice(b"of the results");
    let bytes = buffers.results.freeze(buffer);
    let fresh = held.lock().unwrap().insert(bytes.as_ptr() as usize);
    assert!(fresh, "two have the same memory");
    let both = Arc::new(());
    let [one, two] = [0, 1].map(|_| Reader {
        bytes: bytes.clone(),
        both: Arc::clone(&both),
    });
    drop((bytes, both));
    let elsewhere = Arc::clone(&held);
    let other = spawn(async move {
        yield_now().await;
        two.go(&elsewhere);
    });
    if chance(2) {
        yield_now().await;
    }
    one.go(&held);
    let _ = other.await;
}

async fn write(buffers: Buffers, held: Held) {
    let buffer = buffers.take();
    let address = buffer.as_ptr() as usize;
    assert!(
        held.lock().unwrap().insert(address),
        "two have the same memory"
    );
    yield_now().await;
    held.lock().unwrap().remove(&address);
    buffers.put(buffer);
}

fn memory_has_one_owner() {
    let (buffers, held) = (Buffers::default(), Held::default());
    let tasks = (0..2 + draw(3)).map(|_| {
        let (buffers, held) = (buffers.clone(), Arc::clone(&held));
        match chance(3) {
            true => spawn(write(buffers, held)),
            false => spawn(read(buffers, held)),
        }
    });
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        block_on(task).unwrap();
    }
}

#[test]
fn memory() {
    explore("memory has one owner", memory_has_one_owner);
}

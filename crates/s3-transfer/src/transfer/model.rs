//! Shuttle tests of the memory budgets with the concurrency limit: downloads wait for memory while holding a permit,
//! uploads wait for a permit while holding memory.

use s3_core::MemoryStore;
use shuttle::future::{block_on, yield_now};

use super::{Engine, Transfer, give_back};
use crate::layer::limit::Controller;
use crate::sync::{chance, draw, explore, spawn};
use crate::{Concurrency, TransferConfig};

const MEMORY: usize = 3;

async fn read(transfer: Transfer, limit: Controller) {
    let _permit = limit.acquire().await;
    let bytes = draw(6);
    let mut memory = transfer.reserve_to_read(bytes as u64).await;
    assert_eq!(memory.num_permits(), bytes.min(MEMORY));
    if chance(2) {
        yield_now().await;
        give_back(&mut memory, 1);
        assert!(memory.num_permits() <= 1);
        yield_now().await;
    }
}

async fn collect(transfer: Transfer, limit: Controller) {
    let mut memory = transfer.reserve_to_collect(MEMORY as u64).await;
    give_back(&mut memory, draw(MEMORY + 1));
    let _permit = limit.acquire().await;
    yield_now().await;
}

async fn send(transfer: Transfer, limit: Controller) {
    let _memory = transfer.reserve_to_send(1 + draw(5) as u64).await;
    let _permit = limit.acquire().await;
    yield_now().await;
}

fn all_memory_is_returned() {
    let config = TransferConfig {
        memory: MEMORY,
        ..TransferConfig::default()
    };
    let transfer = Transfer::new(MemoryStore::new(), config);
    let limit = Controller::new(Concurrency::Fixed(1 + draw(2)));
    let tasks = (0..3 + draw(3)).map(|_| {
        let (transfer, limit) = (transfer.clone(), limit.clone());
        match draw(3) {
            0 => spawn(read(transfer, limit)),
            1 => spawn(collect(transfer, limit)),
            _ => spawn(send(transfer, limit)),
        }
    });
    let tasks: Vec<_> = tasks.collect();
    for task in &tasks {
        if chance(4) {
            task.abort();
        }
    }
    for task in tasks {
        let _ = block_on(task);
    }
    let Engine {
        reading,
        collecting,
        sending,
        ..
    } = &*transfer.0;
    let budgets = [reading, collecting, sending];
    assert_eq!(
        budgets.map(|budget| budget.available_permits()),
        [MEMORY; 3]
    );
}

#[test]
fn budget() {
    explore("all memory is returned", all_memory_is_returned);
}

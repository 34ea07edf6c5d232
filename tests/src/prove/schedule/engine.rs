//! Property `schedule`: random interleavings of transfers and batches in the engine, with few permits and little
//! memory.

use std::num::NonZeroUsize;
use std::time::Duration;

use fastrand::Rng;
use futures_util::StreamExt;
use futures_util::future::join_all;
use s3_core::{ErrorKind, Payload, S3Url, StoreExt};
use s3_testkit::ramp;
use s3_transfer::{
    AfterFailure, CallOptions, Concurrency, Destination, FanOutOptions, Fetched, GetItem,
    ObjectData, PutItem, Source, Transfer, TransferConfig,
};
use tokio::time::{sleep, timeout};

use super::delayed_store::DelayedStore;
use super::explorer::Explorer;
use crate::prove::Figures;

/// Part size in bytes.
const PART: usize = 64;

/// Number of inputs of a batch.
const INPUTS: usize = 6;

/// Size of the object that is read: several parts, the last one shorter.
const OBJECT: usize = 3 * PART + 7;

/// Time after which background work has ended.
const LATER: Duration = Duration::from_secs(3600);

pub(super) async fn case(mut random: Rng) -> Result<Figures, String> {
    let store = DelayedStore::new(random.fork());
    let seeded = store.memory.put_bytes(url("k"), ramp(0, OBJECT)).await;
    seeded.map_err(|error| error.to_string())?;
    let permits = random.usize(1..=4);
    let transfer = Transfer::new(store.clone(), config(permits, &mut random));
    let mut explorer = Explorer::new(random.fork());
    for number in 0..random.usize(1..=4) {
        let transfer = transfer.clone();
        let random = random.fork();
        explorer.add(task(transfer, number, random));
    }
    let figures = explorer.run().await?;
    sleep(LATER).await;
    let (inside, most) = store.inside();
    // A body counts as in flight briefly together with the call that returned it.
    if inside > 0 || most > permits + 1 {
        return Err(format!("{inside} requests are left, {most} were at once"));
    }
    if store.memory.unfinished_uploads() > 0 {
        return Err("an unfinished upload is left on the server".to_owned());
    }
    everything_is_back(&transfer, &store, permits).await?;
    Ok(figures)
}

fn config(permits: usize, random: &mut Rng) -> TransferConfig {
    let mut config = TransferConfig::default();
    config.part_size = PART as u64;
    config.single_put_up_to = 2 * PART as u64;
    config.concurrency = Concurrency::Fixed(permits);
    config.memory = [1, PART / 2, PART, 2 * PART + 1][random.usize(0..4)];
    // Half of the attempts may fail. With 100 attempts, transient errors do not exhaust the retries in a million cases.
    config.max_attempts = 100;
    config.retry_floor = 10_000;
    config.seed = Some(random.u64(..));
    config
}

async fn task(transfer: Transfer, number: usize, mut random: Rng) -> Result<(), String> {
    match random.u8(0..6) {
        0 | 1 => read(&transfer, &mut random).await,
        2 => write(&transfer, number, false, &mut random).await,
        3 => write(&transfer, number, true, &mut random).await,
        4 => batch(&transfer, &mut random).await,
        _ => dropped_batch(&transfer, &mut random).await,
    }
}

async fn read(transfer: &Transfer, random: &mut Rng) -> Result<(), String> {
    let start = random.u64(0..OBJECT as u64);
    let item = GetItem::new(url("k")).with_range(start..OBJECT as u64);
    let options = CallOptions::default();
    check(transfer.get(item, Destination::Memory, &options).await)
}

async fn write(
    transfer: &Transfer,
    number: usize,
    from_reader: bool,
    random: &mut Rng,
) -> Result<(), String> {
    let bytes = ramp(0, random.usize(0..6 * PART));
    let source = match from_reader {
        true => Source::AsyncRead(Box::pin(std::io::Cursor::new(bytes.to_vec()))),
        false => Payload::from(bytes).into(),
    };
    let item = PutItem::new(url(&format!("w{number}")), source);
    let put = transfer.put(item, &CallOptions::default()).await;
    put.map(drop).map_err(|error| error.to_string())
}

/// Reads many objects, some of which are missing, to the end or until the first failure.
async fn batch(transfer: &Transfer, random: &mut Rng) -> Result<(), String> {
    let missing = random.usize(0..2 * INPUTS);
    let many = fan_out(transfer, missing, random);
    if random.bool() {
        let results = many.all().await;
        let failed: Vec<usize> = (0..results.len())
            .filter(|index| results[*index].is_err())
            .collect();
        let expected: Vec<usize> = (missing..INPUTS).take(1).collect();
        return match failed == expected && results.len() == INPUTS {
            true => Ok(()),
            false => Err(format!(
                "inputs {failed:?} failed, not {expected:?}: {results:?}"
            )),
        };
    }
    let outcomes = many.outcomes(AfterFailure::Cancel).await;
    let failed = |outcome: &Option<_>| matches!(outcome, Some(Err(_)));
    let first = outcomes.iter().position(failed).unwrap_or(INPUTS);
    let is_done = |outcome: &Option<_>| matches!(outcome, Some(Ok(_)));
    match first == missing.min(INPUTS) && outcomes[..first].iter().all(is_done) {
        true if outcomes.len() == INPUTS => Ok(()),
        _ => Err(format!("input {missing} is missing: {outcomes:?}")),
    }
}

/// Takes some results of a batch, then drops it.
async fn dropped_batch(transfer: &Transfer, random: &mut Rng) -> Result<(), String> {
    let wanted = random.usize(0..INPUTS);
    let mut many = fan_out(transfer, INPUTS, random);
    for _ in 0..wanted {
        match many.next().await {
            Some((_, Ok(_))) => {}
            other => return Err(format!("of all inputs came {other:?}")),
        }
    }
    Ok(())
}

fn fan_out(transfer: &Transfer, missing: usize, random: &mut Rng) -> s3_transfer::FanOut<Fetched> {
    let mut options = FanOutOptions::default();
    if let Some(window) = NonZeroUsize::new(random.usize(0..4)) {
        options = options.with_window(window);
    }
    transfer.fan_out(0..INPUTS, options, move |transfer, index| async move {
        let key = if index == missing { "missing" } else { "k" };
        let options = CallOptions::default();
        transfer
            .get(GetItem::new(url(key)), Destination::Memory, &options)
            .await
    })
}

fn check(fetched: s3_core::Result<Fetched>) -> Result<(), String> {
    let fetched = fetched.map_err(|error| error.to_string())?;
    let ObjectData::Memory(bytes) = fetched.data else {
        return Err("memory was asked for".to_owned());
    };
    let start = fetched.range.start;
    match bytes == ramp(start, bytes.len()) && start + bytes.len() as u64 == OBJECT as u64 {
        true => Ok(()),
        false => Err("wrong bytes were read".to_owned()),
    }
}

/// Checks that all permits and the whole memory budget are free again.
async fn everything_is_back(
    transfer: &Transfer,
    store: &DelayedStore,
    permits: usize,
) -> Result<(), String> {
    let whole = || async {
        let item = GetItem::new(url("k")).with_range(0..PART as u64);
        let options = CallOptions::default();
        transfer.get(item, Destination::Memory, &options).await
    };
    store.gather(permits);
    let together = timeout(LATER, join_all((0..permits).map(|_| whole()))).await;
    let together = together.map_err(|_| format!("not all of {permits} permits are back"))?;
    for fetched in together {
        fetched.map_err(|error| error.to_string())?;
    }
    let reader = Source::AsyncRead(Box::pin(std::io::Cursor::new(vec![0; 3 * PART])));
    let put = PutItem::new(url("last"), reader);
    let options = CallOptions::default();
    let written = timeout(LATER, transfer.put(put, &options)).await;
    let written = written.map_err(|_| "not all memory is back".to_owned())?;
    match written {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::Cancelled => Err("it was cancelled".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn url(key: &str) -> S3Url {
    S3Url::from_parts("b", key).expect("the keys of cases are legal")
}

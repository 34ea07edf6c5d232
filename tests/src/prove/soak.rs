//! `soak`: runs clients over TCP with faults for a long time, and checks that sockets, files and memory do not grow.
//!
//! Rounds follow each other until the time is over: several clients concurrently write, read, list and delete objects
//! of many sizes, and every result must equal the written bytes. Between rounds there is no client. At the end the
//! process must have no more sockets and files than before the first round, and no more allocated memory: the minimum
//! over the rounds of the first third after a warm-up is compared with that of the last third. A single round may end
//! with a connection more or less; only a leak raises the minimum of many rounds.
//!
//! Resident memory is larger than allocated memory: between rounds about 0.2 MiB are allocated, and the allocator keeps
//! tens of MiB of a peak of 200 MiB and more. Run it with `cargo xtask prove`, which configures one arena in glibc's
//! allocator and lets it return large buffers to the system.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use fastrand::Rng;
use futures_util::future::try_join_all;
use peak_alloc::PeakAlloc;
use s3_client::{S3, TransferConfig};
use s3_core::{AbortUpload, ListUploads, MemoryStore, S3Prefix, Store};
use s3_testkit::{FaultAction, FaultPlan, Recorded, S3Server, ramp};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::Figures;
use crate::orphans::no_orphans;

/// Number of concurrent clients.
const CLIENTS: usize = 4;

/// Number of objects that a client writes in a round.
const OBJECTS: usize = 24;

/// Number of rounds until the process has reached its full size.
const WARM_UP: u64 = 5;

/// Minimum number of rounds after the warm-up, so that there are thirds to compare.
const FEWEST: usize = 15;

/// Maximum growth of allocated memory from the first to the last third, in KiB: 42 were seen. A leak of one byte per
/// object exceeds it after an hour: 350,000 are written and read, and 200,000 between the rounds that are compared.
const MARGIN: u64 = 128;

/// Maximum resident memory at the end, in KiB: 29 to 41 MiB were seen.
const RESIDENT: u64 = 64 << 10;

/// Runs for `time` in a process whose allocations `memory` counts.
///
/// # Errors
///
/// A result that differs from the written bytes, or an orphan.
pub fn soak(time: Duration, seed: u64, memory: &PeakAlloc) -> Result<Figures, String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    let mut figures = Figures::default();
    runtime.block_on(rounds(time, seed, memory, &mut figures))?;
    Ok(figures)
}

async fn rounds(
    time: Duration,
    seed: u64,
    memory: &PeakAlloc,
    figures: &mut Figures,
) -> Result<(), String> {
    let objects = MemoryStore::with_buckets(["bkt"]);
    let started = S3Server::builder(objects.clone()).start().await;
    let server = started.map_err(|error| error.to_string())?;
    let before = descriptors().map_err(|error| error.to_string())?;
    let mut at_rest = Vec::new();
    let begun = Instant::now();
    let mut round = 0;
    while begun.elapsed() < time || at_rest.len() < FEWEST {
        let seed = seed.wrapping_add(round);
        server.faults().set(faults(seed));
        let clients = (0..CLIENTS).map(|client| work(&server, client, Rng::with_seed(seed)));
        for moved in try_join_all(clients).await? {
            figures.count("objects", OBJECTS as u64);
            figures.count("MiB", moved >> 20);
        }
        figures.count("faults", server.faults().delivered().total());
        let unfinished = aborted(&objects).await?;
        figures.count("uploads without a name", unfinished.len() as u64);
        if let Some(id) = unfinished.iter().find(|id| is_named(&server, id)) {
            return Err(format!("round {round}: the upload {id} is left"));
        }
        server.request_log().clear();
        if objects.object_count() > 0 {
            return Err(format!(
                "round {round}: objects that were deleted are there"
            ));
        }
        round += 1;
        if round > WARM_UP {
            at_rest.push(memory.current_usage() as u64 >> 10);
        }
    }
    figures.count("rounds", round);
    figures.count("descriptors in the end", closed(before).await? as u64);
    figures.count("descriptors before", before as u64);
    let (first, last) = least_of_thirds(&at_rest);
    figures.count("KiB allocated at first", first);
    figures.count("KiB allocated in the end", last);
    if last > first + MARGIN {
        return Err(format!("memory grows: {figures}"));
    }
    let peak = memory.peak_usage() as u64 >> 10;
    let resident = resident_kib().map_err(|error| error.to_string())?;
    figures.count("KiB allocated at most", peak);
    figures.count("KiB resident in the end", resident);
    if resident > RESIDENT {
        return Err(format!("too much stays resident: {figures}"));
    }
    Ok(())
}

/// Aborts unfinished uploads and returns their names. The server runs in this process, and its memory fragments the
/// memory that the clients free.
async fn aborted(objects: &MemoryStore) -> Result<Vec<String>, String> {
    let bucket = S3Prefix::from_parts("bkt", "").map_err(|error| error.to_string())?;
    let failed = |error: s3_core::Error| error.to_string();
    let list = ListUploads::new(bucket);
    let page = objects.list_uploads(list).await.map_err(failed)?;
    for upload in &page.uploads {
        let abort = AbortUpload::new(upload.url.clone(), upload.upload.clone());
        objects.abort_upload(abort).await.map_err(failed)?;
    }
    let names = page.uploads.iter();
    Ok(names.map(|upload| upload.upload.to_string()).collect())
}

/// Returns whether a client has named an upload in a request. Otherwise no client knew the name: the response to
/// CreateMultipartUpload was lost, or arrived after the call had ended.
fn is_named(server: &S3Server, id: &str) -> bool {
    let names = |request: &Recorded| request.call.parameter("uploadId") == Some(id);
    server.request_log().count(names) > 0
}

/// Waits until no more descriptors are open than `before`; connections take a moment to close.
async fn closed(before: usize) -> Result<usize, String> {
    let mut now = before;
    for _ in 0..100 {
        now = descriptors().map_err(|error| error.to_string())?;
        if now <= before {
            return Ok(now);
        }
        sleep(Duration::from_millis(100)).await;
    }
    Err(format!(
        "not all is closed: {before} descriptors at first, then {now}"
    ))
}

/// Returns the minimum of the first third and that of the last.
fn least_of_thirds(values: &[u64]) -> (u64, u64) {
    let third = values.len().div_ceil(3);
    let least = |values: &[u64]| values.iter().copied().min().unwrap_or_default();
    (
        least(&values[..third]),
        least(&values[values.len() - third..]),
    )
}

/// Runs one client: writes, reads, lists and deletes its objects.
async fn work(server: &S3Server, client: usize, mut random: Rng) -> Result<u64, String> {
    let failed = |error: s3_client::Error| format!("client {client}: {error}");
    for _ in 0..client {
        random = random.fork();
    }
    let scratch = TempDir::new().map_err(|error| error.to_string())?;
    let mut config = TransferConfig::default();
    config.part_size = 5 << 20;
    config.single_put_up_to = 6 << 20;
    config.backoff_base = Duration::from_millis(5);
    config.backoff_cap = Duration::from_millis(50);
    config.stall_timeout = Duration::from_secs(1);
    let s3 = S3::builder()
        .store(server.sdk_store())
        .s3root(format!("s3://bkt/c{client}"))
        .tmproot(scratch.path())
        .transfer(config)
        .build()
        .map_err(failed)?;
    let objects: Vec<(String, usize)> = (0..OBJECTS)
        .map(|number| (format!("k{number:02}"), size(&mut random)))
        .collect();
    let pairs = objects
        .iter()
        .map(|(key, len)| (key.clone(), ramp(0, *len)));
    let written = s3.put_many(pairs).await.map_err(failed)?;
    if written.len() != OBJECTS {
        return Err(format!(
            "{} of {OBJECTS} objects are written",
            written.len()
        ));
    }
    let keys = || objects.iter().map(|(key, _)| key.clone());
    let listed = s3.list_paths().await.map_err(failed)?;
    if listed.len() != OBJECTS {
        return Err(format!("{} of {OBJECTS} objects are listed", listed.len()));
    }
    let read = s3.get_many(keys()).await.map_err(failed)?;
    let mut moved = 0;
    for (object, (key, len)) in read.iter().zip(&objects) {
        let bytes = object.bytes().map_err(failed)?;
        if bytes != ramp(0, *len) {
            return Err(format!("client {client}: {key} is not what was written"));
        }
        moved += 2 * *len as u64;
    }
    drop(read);
    for (key, _) in &objects {
        s3.delete(key).await.map_err(failed)?;
    }
    drop(s3);
    no_orphans(0, &[scratch.path()])?;
    Ok(moved)
}

/// Returns an object size: mostly small, sometimes several parts.
fn size(random: &mut Rng) -> usize {
    match random.u8(0..24) {
        0 => random.usize(6 << 20..12 << 20),
        1..4 => random.usize(0..1 << 20),
        _ => random.usize(0..20_000),
    }
}

fn faults(seed: u64) -> FaultPlan {
    let actions = [
        FaultAction::status(503, "SlowDown"),
        FaultAction::status(500, "InternalError"),
        FaultAction::Drop,
        FaultAction::LoseReply,
        FaultAction::truncate_half(),
        FaultAction::body_error_after(100),
        FaultAction::stall_after(1000),
    ];
    FaultPlan::random(seed, 0.05, actions)
}

/// Returns the number of open sockets, files and pipes of this process.
fn descriptors() -> io::Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

/// Returns the anonymous resident memory of this process in KiB.
fn resident_kib() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let number = || {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"))?;
        line.split_whitespace().next()?.parse().ok()
    };
    number().ok_or_else(|| io::Error::other("the system does not tell what this process holds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_measured_between_the_minimums() {
        assert_eq!(
            least_of_thirds(&[5, 9, 5, 100, 100, 100, 90, 5, 80]),
            (5, 5)
        );
        assert_eq!(
            least_of_thirds(&[5, 9, 5, 100, 100, 100, 90, 70, 80]),
            (5, 70)
        );
    }
}

//! Property `schedule`: random interleavings of the client's batch calls and `close()`.

use std::time::Duration;

use fastrand::Rng;
use s3_client::{Error, S3};
use s3_core::{S3Url, StoreExt};
use s3_testkit::ramp;
use s3_transfer::{Concurrency, TransferConfig};
use tempfile::TempDir;
use tokio::time::sleep;

use super::delayed_store::DelayedStore;
use super::explorer::Explorer;
use crate::orphans::no_orphans;
use crate::prove::Figures;

pub(super) async fn case(mut random: Rng) -> Result<Figures, String> {
    let store = DelayedStore::new(random.fork());
    for key in 0..4 {
        let url = S3Url::from_parts("b", &format!("r/k{key}"));
        let url = url.map_err(|error| error.to_string())?;
        let seeded = store.memory.put_bytes(url, ramp(0, 100 * key)).await;
        seeded.map_err(|error| error.to_string())?;
    }
    let directory = TempDir::new().map_err(|error| error.to_string())?;
    let mut config = TransferConfig::default();
    config.part_size = 64;
    config.single_put_up_to = 128;
    config.concurrency = Concurrency::Fixed(random.usize(1..=4));
    config.max_attempts = 100;
    config.retry_floor = 10_000;
    config.seed = Some(random.u64(..));
    let s3 = S3::builder()
        .store(store.clone())
        .s3root("s3://b/r")
        .tmproot(directory.path())
        .transfer(config)
        .build()
        .map_err(|error| error.to_string())?;
    let mut explorer = Explorer::new(random.fork());
    for number in 0..random.usize(1..=3) {
        explorer.add(task(s3.clone(), number, random.fork()));
    }
    drop(s3);
    let figures = explorer.run().await?;
    sleep(Duration::from_secs(3600)).await;
    no_orphans(store.memory.unfinished_uploads(), &[directory.path()])?;
    match store.inside() {
        (0, _) => Ok(figures),
        (left, _) => Err(format!("{left} requests are left")),
    }
}

async fn task(s3: S3, number: usize, mut random: Rng) -> Result<(), String> {
    let keys = || (0..4).map(|key| format!("k{key}"));
    match random.u8(0..6) {
        0 | 1 => match s3.get_many(keys()).await {
            Ok(objects) => {
                for (index, object) in objects.iter().enumerate() {
                    if object.size() != 100 * index as u64 {
                        return Err(format!("object {index} has {} bytes", object.size()));
                    }
                }
                Ok(())
            }
            // After `close()`, the directory for the files may be missing.
            Err(error) if is_closed(&error) => Ok(()),
            Err(error) => Err(error.to_string()),
        },
        2 | 3 => {
            let pair = |key: usize| (format!("w{number}-{key}"), ramp(0, 90 * key));
            let written = s3.put_many((0..4).map(pair)).await;
            match written {
                Ok(written) if written.len() == 4 => Ok(()),
                Ok(written) => Err(format!("{} of 4 objects were written", written.len())),
                Err(error) => Err(error.to_string()),
            }
        }
        4 => match s3.info_many(keys()).await {
            Ok(objects) if objects.len() == 4 => Ok(()),
            Ok(objects) => Err(format!("{} of 4 objects were described", objects.len())),
            Err(error) => Err(error.to_string()),
        },
        _ => {
            sleep(Duration::from_millis(random.u64(0..60))).await;
            s3.close().await.map_err(|error| error.to_string())
        }
    }
}

/// Returns whether the error, or that of the input that failed a batch, is that the client is closed.
fn is_closed(error: &Error) -> bool {
    let decisive = error.as_batch().map_or(error, |batch| batch.error());
    matches!(decisive, Error::Closed { .. })
}

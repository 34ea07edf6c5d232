//! Call patterns, one call after the other.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store_0_13::path::Path;
use object_store_0_13::{ObjectStore, ObjectStoreExt};

use crate::Result;
use crate::client::Client;
use crate::cost::{Clock, Cost};
use crate::row::Row;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Makes a call once unmeasured and then `count` times. Returns the cost, and a digest of the first result with the
/// bytes of all.
pub(crate) async fn run(
    row: Row,
    client: Client,
    endpoint: &str,
    count: u32,
) -> Result<(Cost, String)> {
    let bucket = if row == Row::Put4m { "sink" } else { "bench" };
    let calls = Calls {
        row,
        store: client.store(endpoint, bucket)?,
        upload: Bytes::from(vec![7; 4 << 20]),
    };
    let first = calls.call(true).await?;
    let clock = Clock::start()?;
    let mut bytes = 0;
    for _ in 0..count {
        bytes += calls.call(false).await?.bytes;
    }
    let cost = clock.stop()?;
    Ok((cost, format!("{bytes} bytes, digest {:x}", first.digest)))
}

struct Calls {
    row: Row,
    store: Arc<dyn ObjectStore>,
    upload: Bytes,
}

#[derive(Default)]
struct CallResult {
    bytes: u64,
    digest: u64,
}

impl Calls {
    /// Makes one call. Looks at the content only if it is to make a digest.
    async fn call(&self, digest: bool) -> Result<CallResult> {
        let mut result = CallResult::default();
        let mut add = |bytes: &[u8]| {
            result.bytes += bytes.len() as u64;
            if digest {
                result.digest = bytes.iter().fold(result.digest, |digest, byte| {
                    digest.wrapping_mul(31).wrapping_add(u64::from(*byte))
                });
            }
        };
        let big = Path::from("big/64m");
        match self.row {
            Row::Head => {
                result.bytes = self.store.head(&big).await?.size;
            }
            Row::Range8k => {
                add(&self
                    .store
                    .get_range(&big, 3 * MIB..3 * MIB + 8 * KIB)
                    .await?);
            }
            Row::Range512k => {
                let footer = 64 * MIB - 512 * KIB..64 * MIB;
                add(&self.store.get_range(&big, footer).await?);
            }
            Row::TwoRanges => {
                let ranges = [8 * MIB, 16 * MIB].map(|start| start..start + 64 * KIB);
                for bytes in self.store.get_ranges(&big, &ranges).await? {
                    add(&bytes);
                }
            }
            Row::Put4m => {
                let upload = self.upload.clone();
                add(&upload);
                self.store.put(&Path::from("up/4m"), upload.into()).await?;
            }
            Row::Get4m => {
                let found = self.store.get(&Path::from("big/4m")).await?;
                add(&found.bytes().await?);
            }
            Row::Stream256m => {
                let found = self.store.get(&Path::from("big/256m")).await?;
                let mut frames = found.into_stream();
                while let Some(frame) = frames.try_next().await? {
                    add(&frame);
                }
            }
            Row::QueryCsv | Row::QueryParquet | Row::QueryColumn => {
                return Err(format!("{} is not a call", self.row).into());
            }
        }
        Ok(result)
    }
}

//! Benchmark workloads with object_store.

use std::fs::File;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt};
use tokio::task::JoinSet;

use super::concurrent::{
    MID_AT_ONCE, PART, PARTS_AT_ONCE, SMALL_AT_ONCE, create_shared_file, read_at, run_concurrently,
    write_at,
};
use crate::contract::{BUCKET, Contract, RANGE};
use crate::failure::Outcome;
use crate::tally::Tally;
use crate::workload::Workload;

pub(super) async fn run(workload: Workload, contract: &Contract) -> Outcome<Tally> {
    let store = store(contract, BUCKET)?;
    match workload {
        Workload::One
        | Workload::SmallToFiles
        | Workload::SmallToMemory
        | Workload::MidToFiles
        | Workload::MidToMemory => get_all(workload, contract, store).await,
        Workload::BigToFile | Workload::BigToMemory => get_big(workload, contract, store).await,
        Workload::PutSmall | Workload::PutMid => put_all(workload, contract).await,
        Workload::PutBig => put_big(contract).await,
        Workload::List => list(contract).await,
        Workload::Info => {
            let keys = contract.keys(workload);
            run_concurrently(keys, SMALL_AT_ONCE, move |key| {
                let store = Arc::clone(&store);
                async move { Ok(store.head(&Path::from(key)).await?.size) }
            })
            .await
        }
        Workload::Ranges => {
            let path = Path::from(contract.big_key.as_str());
            run_concurrently(contract.range_starts(), SMALL_AT_ONCE, move |start| {
                let (store, path) = (Arc::clone(&store), path.clone());
                async move {
                    let bytes = store.get_range(&path, start..start + RANGE).await?;
                    Ok(bytes.len() as u64)
                }
            })
            .await
        }
    }
}

fn store(contract: &Contract, bucket: &str) -> Outcome<Arc<AmazonS3>> {
    let options = ClientOptions::new().with_allow_http(true);
    let builder = AmazonS3Builder::from_env()
        .with_endpoint(&contract.endpoint)
        .with_bucket_name(bucket)
        .with_client_options(options);
    Ok(Arc::new(builder.build()?))
}

async fn get_all(workload: Workload, contract: &Contract, store: Arc<AmazonS3>) -> Outcome<Tally> {
    let mut keys = contract.keys(workload);
    if workload == Workload::One {
        keys.truncate(1);
    }
    let files = workload.writes_files();
    let targets = keys.into_iter().map(|key| {
        let file = files.then(|| contract.file(&key));
        (key, file)
    });
    run_concurrently(targets.collect(), SMALL_AT_ONCE, move |(key, file)| {
        let store = Arc::clone(&store);
        async move {
            let bytes = store.get(&Path::from(key)).await?.bytes().await?;
            let len = bytes.len() as u64;
            if let Some(file) = file {
                tokio::fs::write(file, bytes).await?;
            }
            Ok(len)
        }
    })
    .await
}

async fn get_big(workload: Workload, contract: &Contract, store: Arc<AmazonS3>) -> Outcome<Tally> {
    let file = match workload.writes_files() {
        true => Some(create_shared_file(contract.big_file())?),
        false => None,
    };
    let path = Path::from(contract.big_key.as_str());
    let parts = run_concurrently(contract.parts(PART), PARTS_AT_ONCE, move |part| {
        let (store, path, file) = (Arc::clone(&store), path.clone(), file.clone());
        async move {
            let bytes = store.get_range(&path, part.clone()).await?;
            let len = bytes.len() as u64;
            if let Some(file) = file {
                write_at(file, vec![bytes], part.start).await?;
            }
            Ok(len)
        }
    });
    Ok(Tally::one(parts.await?.bytes))
}

async fn put_all(workload: Workload, contract: &Contract) -> Outcome<Tally> {
    let store = store(contract, &contract.put_bucket)?;
    let at_once = if workload.is_mid() {
        MID_AT_ONCE
    } else {
        SMALL_AT_ONCE
    };
    run_concurrently(contract.uploads(workload), at_once, move |(key, file)| {
        let store = Arc::clone(&store);
        async move {
            let bytes = tokio::fs::read(file).await?;
            let len = bytes.len() as u64;
            store.put(&Path::from(key), bytes.into()).await?;
            Ok(len)
        }
    })
    .await
}

async fn put_big(contract: &Contract) -> Outcome<Tally> {
    let store = store(contract, &contract.put_bucket)?;
    let file = Arc::new(File::open(contract.big_source())?);
    let mut upload = store.put_multipart(&Path::from("up/big.bin")).await?;
    let mut parts = JoinSet::new();
    for part in contract.parts(PART) {
        if parts.len() >= PARTS_AT_ONCE
            && let Some(done) = parts.join_next().await
        {
            done??;
        }
        let bytes = read_at(Arc::clone(&file), part).await?;
        parts.spawn(upload.put_part(bytes.into()));
    }
    while let Some(done) = parts.join_next().await {
        done??;
    }
    upload.complete().await?;
    Ok(Tally::one(contract.big_bytes))
}

/// Lists keys. On a slow server it lists the prefixes in parallel, as a user who knows the bucket would.
async fn list(contract: &Contract) -> Outcome<Tally> {
    let store = store(contract, &contract.list_bucket)?;
    if !contract.is_slow {
        let objects: Vec<_> = store.list(None).try_collect().await?;
        return Ok(objects.iter().map(|object| object.size).collect());
    }
    let top = store.list_with_delimiter(None).await?;
    let lists = top.common_prefixes.iter().map(|prefix| {
        let objects = store.list(Some(prefix));
        objects.try_collect::<Vec<_>>()
    });
    let mut lists = stream::iter(lists).buffer_unordered(SMALL_AT_ONCE);
    let mut tally: Tally = top.objects.iter().map(|object| object.size).collect();
    while let Some(objects) = lists.next().await {
        tally += objects?.iter().map(|object| object.size).collect();
    }
    Ok(tally)
}

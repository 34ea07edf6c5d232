//! Benchmark workloads with OpenDAL.

use std::fs::File;
use std::sync::Arc;

use futures_util::{StreamExt, stream};

use opendal::services::S3;
use opendal::{Entry, HttpTransporter, Operator};
use opendal_http_transport_reqwest::ReqwestTransport;

use super::concurrent::{
    MID_AT_ONCE, PART, PARTS_AT_ONCE, SMALL_AT_ONCE, create_shared_file, read_at, run_concurrently,
    write_at,
};
use crate::contract::{BUCKET, Contract, RANGE};
use crate::failure::Outcome;
use crate::tally::Tally;
use crate::workload::Workload;

pub(super) async fn run(workload: Workload, contract: &Contract) -> Outcome<Tally> {
    // OpenDAL's default features, which are off, would install it before `main`.
    HttpTransporter::install_default(ReqwestTransport::default());
    let operator = operator(contract, BUCKET)?;
    match workload {
        Workload::One
        | Workload::SmallToFiles
        | Workload::SmallToMemory
        | Workload::MidToFiles
        | Workload::MidToMemory => get_all(workload, contract, operator).await,
        Workload::BigToFile | Workload::BigToMemory => get_big(workload, contract, operator).await,
        Workload::PutSmall | Workload::PutMid => put_all(workload, contract).await,
        Workload::PutBig => put_big(contract).await,
        Workload::List => list(contract).await,
        Workload::Info => {
            let keys = contract.keys(workload);
            run_concurrently(keys, SMALL_AT_ONCE, move |key| {
                let operator = operator.clone();
                async move { Ok(operator.stat(&key).await?.content_length()) }
            })
            .await
        }
        Workload::Ranges => {
            let key = contract.big_key.clone();
            run_concurrently(contract.range_starts(), SMALL_AT_ONCE, move |start| {
                let (operator, key) = (operator.clone(), key.clone());
                async move {
                    let read = operator.read_with(&key).range(start..start + RANGE);
                    Ok(read.await?.len() as u64)
                }
            })
            .await
        }
    }
}

/// Credentials and region come from the environment.
fn operator(contract: &Contract, bucket: &str) -> Outcome<Operator> {
    let service = S3::default()
        .bucket(bucket)
        .region("us-east-1")
        .endpoint(&contract.endpoint);
    Ok(Operator::new(service)?)
}

async fn get_all(workload: Workload, contract: &Contract, operator: Operator) -> Outcome<Tally> {
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
        let operator = operator.clone();
        async move {
            let buffer = operator.read(&key).await?;
            let len = buffer.len() as u64;
            if let Some(file) = file {
                tokio::fs::write(file, buffer.to_bytes()).await?;
            }
            Ok(len)
        }
    })
    .await
}

async fn get_big(workload: Workload, contract: &Contract, operator: Operator) -> Outcome<Tally> {
    let file = match workload.writes_files() {
        true => Some(create_shared_file(contract.big_file())?),
        false => None,
    };
    let key = contract.big_key.clone();
    let parts = run_concurrently(contract.parts(PART), PARTS_AT_ONCE, move |part| {
        let (operator, key, file) = (operator.clone(), key.clone(), file.clone());
        async move {
            let buffer = operator.read_with(&key).range(part.clone()).await?;
            let len = buffer.len() as u64;
            if let Some(file) = file {
                write_at(file, Iterator::collect(buffer), part.start).await?;
            }
            Ok(len)
        }
    });
    Ok(Tally::one(parts.await?.bytes))
}

async fn put_all(workload: Workload, contract: &Contract) -> Outcome<Tally> {
    let operator = operator(contract, &contract.put_bucket)?;
    let at_once = if workload.is_mid() {
        MID_AT_ONCE
    } else {
        SMALL_AT_ONCE
    };
    run_concurrently(contract.uploads(workload), at_once, move |(key, file)| {
        let operator = operator.clone();
        async move {
            let bytes = tokio::fs::read(file).await?;
            let len = bytes.len() as u64;
            operator.write(&key, bytes).await?;
            Ok(len)
        }
    })
    .await
}

async fn put_big(contract: &Contract) -> Outcome<Tally> {
    let operator = operator(contract, &contract.put_bucket)?;
    let file = Arc::new(File::open(contract.big_source())?);
    let chunk = usize::try_from(PART)?;
    let writer = operator.writer_with("up/big.bin").chunk(chunk);
    let mut writer = writer.concurrent(PARTS_AT_ONCE).await?;
    for part in contract.parts(PART) {
        writer
            .write(read_at(Arc::clone(&file), part).await?)
            .await?;
    }
    writer.close().await?;
    Ok(Tally::one(contract.big_bytes))
}

/// Lists keys. On a slow server it lists the prefixes in parallel, as a user who knows the bucket would.
async fn list(contract: &Contract) -> Outcome<Tally> {
    let operator = operator(contract, &contract.list_bucket)?;
    let sizes = |entries: &[Entry]| -> Tally {
        let files = entries.iter().filter(|entry| !entry.path().ends_with('/'));
        files
            .map(|entry| entry.metadata().content_length())
            .collect()
    };
    if !contract.is_slow {
        let entries = operator.list_with("/").recursive(true).await?;
        return Ok(sizes(&entries));
    }
    let top = operator.list("/").await?;
    let folders = top.iter().filter(|entry| entry.path().ends_with('/'));
    let lists = folders.map(|entry| {
        let list = operator.list_with(entry.path()).recursive(true);
        IntoFuture::into_future(list)
    });
    let mut lists = stream::iter(lists).buffer_unordered(SMALL_AT_ONCE);
    let mut tally = sizes(&top);
    while let Some(entries) = lists.next().await {
        tally += sizes(&entries?);
    }
    Ok(tally)
}

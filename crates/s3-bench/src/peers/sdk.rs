//! Benchmark workloads with aws-sdk-s3.

use std::fs::File;
use std::sync::Arc;

use aws_config::BehaviorVersion;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::concurrent::{
    MID_AT_ONCE, PARTS_AT_ONCE, SMALL_AT_ONCE, create_shared_file, read_at, run_concurrently,
    write_at,
};
use crate::contract::{BUCKET, Contract, RANGE};
use crate::failure::Outcome;
use crate::tally::Tally;
use crate::workload::Workload;

/// Part size in the SDK's documentation, in bytes.
const PART: u64 = 8 << 20;

pub(super) async fn run(workload: Workload, contract: &Contract) -> Outcome<Tally> {
    let client = client(contract).await;
    match workload {
        Workload::One
        | Workload::SmallToFiles
        | Workload::SmallToMemory
        | Workload::MidToFiles
        | Workload::MidToMemory => get_all(workload, contract, client).await,
        Workload::BigToFile | Workload::BigToMemory => get_big(workload, contract, client).await,
        Workload::PutSmall | Workload::PutMid => put_all(workload, contract, client).await,
        Workload::PutBig => put_big(contract, &client).await,
        Workload::List => list(contract, &client).await,
        Workload::Info => {
            let keys = contract.keys(workload);
            run_concurrently(keys, SMALL_AT_ONCE, move |key| {
                let head = client.head_object().bucket(BUCKET).key(key);
                async move { known(head.send().await?.content_length) }
            })
            .await
        }
        Workload::Ranges => {
            let key = contract.big_key.clone();
            run_concurrently(contract.range_starts(), SMALL_AT_ONCE, move |start| {
                let range = format!("bytes={start}-{}", start + RANGE - 1);
                let get = client.get_object().bucket(BUCKET).key(&key).range(range);
                async move { Ok(get.send().await?.body.collect().await?.into_bytes().len() as u64) }
            })
            .await
        }
    }
}

async fn client(contract: &Contract) -> Client {
    // Without TLS: the server has none.
    let http = aws_smithy_http_client::Builder::new().build_http();
    let shared = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .endpoint_url(&contract.endpoint)
        .load()
        .await;
    Client::from_conf(Builder::from(&shared).force_path_style(true).build())
}

fn known(size: Option<i64>) -> Outcome<u64> {
    Ok(size
        .ok_or("the response has no Content-Length")?
        .try_into()?)
}

async fn get_all(workload: Workload, contract: &Contract, client: Client) -> Outcome<Tally> {
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
        let get = client.get_object().bucket(BUCKET).key(key);
        async move {
            let bytes = get.send().await?.body.collect().await?.into_bytes();
            let len = bytes.len() as u64;
            if let Some(file) = file {
                tokio::fs::write(file, bytes).await?;
            }
            Ok(len)
        }
    })
    .await
}

async fn get_big(workload: Workload, contract: &Contract, client: Client) -> Outcome<Tally> {
    let file = match workload.writes_files() {
        true => Some(create_shared_file(contract.big_file())?),
        false => None,
    };
    let key = contract.big_key.clone();
    let parts = run_concurrently(contract.parts(PART), PARTS_AT_ONCE, move |part| {
        let range = format!("bytes={}-{}", part.start, part.end - 1);
        let get = client.get_object().bucket(BUCKET).key(&key).range(range);
        let file = file.clone();
        async move {
            let bytes = get.send().await?.body.collect().await?.into_bytes();
            let len = bytes.len() as u64;
            if let Some(file) = file {
                write_at(file, vec![bytes], part.start).await?;
            }
            Ok(len)
        }
    });
    Ok(Tally::one(parts.await?.bytes))
}

async fn put_all(workload: Workload, contract: &Contract, client: Client) -> Outcome<Tally> {
    let bucket = contract.put_bucket.clone();
    let (at_once, each) = if workload.is_mid() {
        (MID_AT_ONCE, 1 << 20)
    } else {
        (SMALL_AT_ONCE, 4096)
    };
    run_concurrently(contract.uploads(workload), at_once, move |(key, file)| {
        let put = client.put_object().bucket(&bucket).key(key);
        async move {
            put.body(ByteStream::from_path(file).await?).send().await?;
            Ok(each)
        }
    })
    .await
}

async fn put_big(contract: &Contract, client: &Client) -> Outcome<Tally> {
    let (bucket, key) = (contract.put_bucket.as_str(), "up/big.bin");
    let create = client.create_multipart_upload().bucket(bucket).key(key);
    let upload = create
        .send()
        .await?
        .upload_id
        .ok_or("the response has no upload ID")?;
    let file = Arc::new(File::open(contract.big_source())?);
    let parts = (1..).zip(contract.parts(PART)).map(|(number, part)| {
        let put = client.upload_part().bucket(bucket).key(key);
        let put = put.upload_id(&upload).part_number(number);
        let read = read_at(Arc::clone(&file), part);
        tokio::spawn(async move {
            let response = put.body(ByteStream::from(read.await?)).send().await?;
            let part = CompletedPart::builder().part_number(number);
            let part = part.set_e_tag(response.e_tag);
            Outcome::Ok(part.set_checksum_crc32(response.checksum_crc32).build())
        })
    });
    let mut parts: Vec<CompletedPart> = stream::iter(parts)
        .buffer_unordered(PARTS_AT_ONCE)
        .map(|part| part?)
        .try_collect()
        .await?;
    parts.sort_by_key(|part| part.part_number);
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts));
    let complete = client.complete_multipart_upload().bucket(bucket).key(key);
    let complete = complete.upload_id(upload).multipart_upload(parts.build());
    complete.send().await?;
    Ok(Tally::one(contract.big_bytes))
}

async fn list(contract: &Contract, client: &Client) -> Outcome<Tally> {
    let list = client.list_objects_v2().bucket(&contract.list_bucket);
    let mut pages = list.into_paginator().send();
    let mut objects = Vec::new();
    while let Some(page) = pages.next().await {
        objects.extend(page?.contents.unwrap_or_default());
    }
    let sizes = objects.iter().map(|object| known(object.size));
    Ok(sizes.collect::<Outcome<Vec<_>>>()?.into_iter().collect())
}

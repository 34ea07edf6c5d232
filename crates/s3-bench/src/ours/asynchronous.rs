//! Benchmark workloads with the async client of s3-client, on tokio's default runtime.

use std::path::PathBuf;

use futures_util::StreamExt;
use s3_client::{GetObject, PutValue, S3};
use tokio::runtime::Builder;

use super::blocking::{downloads, pieces, put_tally, put_url, ranges, uploads, url, urls};
use crate::contract::Contract;
use crate::failure::Outcome;
use crate::tally::Tally;
use crate::workload::Workload;

pub(crate) fn run(workload: Workload, contract: &Contract) -> Outcome<Tally> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(perform(workload, contract))
}

async fn perform(workload: Workload, contract: &Contract) -> Outcome<Tally> {
    let s3 = S3::builder().endpoint(&contract.endpoint).build()?;
    match workload {
        Workload::One | Workload::SmallToFiles | Workload::MidToFiles => {
            get_files(&s3, downloads(workload, contract)).await
        }
        Workload::SmallToMemory | Workload::MidToMemory => {
            get_many(&s3, urls(workload, contract)).await
        }
        Workload::BigToFile => {
            let get = s3.get(url(&contract.big_key)).to_file(contract.big_file());
            Ok(Tally::one(get.await?.size()))
        }
        Workload::BigToMemory => {
            let pieces = get_many(&s3, pieces(contract)).await?;
            Ok(Tally::one(pieces.bytes))
        }
        Workload::PutSmall | Workload::PutMid => {
            let put = s3.put_files(uploads(workload, contract)).await?.len() as u64;
            Ok(put_tally(workload, put))
        }
        Workload::PutBig => {
            let value = PutValue::path(contract.big_source());
            s3.put(put_url(contract, "up/big.bin"), value).await?;
            Ok(Tally::one(contract.big_bytes))
        }
        Workload::List => {
            let bucket = format!("s3://{}/", contract.list_bucket);
            let mut listing = s3.list_recursive().at([bucket]).stream();
            let mut tally = Tally::default();
            while let Some(object) = listing.next().await {
                tally += Tally::one(object?.size());
            }
            Ok(tally)
        }
        Workload::Info => {
            let objects = s3.info_many(urls(workload, contract)).await?;
            Ok(objects.iter().map(|object| object.size()).collect())
        }
        Workload::Ranges => get_many(&s3, ranges(contract)).await,
    }
}

async fn get_many<T: Into<GetObject>>(s3: &S3, objects: Vec<T>) -> Outcome<Tally> {
    let mut objects = s3.get_many(objects).stream();
    let mut tally = Tally::default();
    while let Some((_, object)) = objects.next().await {
        let bytes = object?.bytes()?.len() as u64;
        tally += Tally::one(bytes);
    }
    Ok(tally)
}

async fn get_files(s3: &S3, files: Vec<(String, PathBuf)>) -> Outcome<Tally> {
    let objects = s3.get_files(files).await?;
    Ok(objects.iter().map(|object| object.size()).collect())
}

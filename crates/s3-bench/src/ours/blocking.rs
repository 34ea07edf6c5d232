//! Benchmark workloads with the blocking client of s3-client, and their URLs and ranges, which the async one shares.

use std::path::PathBuf;

use s3_client::blocking::S3;
use s3_client::{PutValue, S3GetObject};

use crate::contract::{BUCKET, Contract, RANGE};
use crate::failure::Outcome;
use crate::tally::Tally;
use crate::workload::Workload;

/// Size of the ranges in which the big object is read into memory, in bytes: a fraction of a stream's read-ahead.
pub(super) const PIECE: u64 = 2 << 20;

pub(crate) fn run(workload: Workload, contract: &Contract) -> Outcome<Tally> {
    let s3 = S3::builder().endpoint(&contract.endpoint).build()?;
    match workload {
        Workload::One | Workload::SmallToFiles | Workload::MidToFiles => {
            get_files(&s3, downloads(workload, contract))
        }
        Workload::SmallToMemory | Workload::MidToMemory => get_many(&s3, urls(workload, contract)),
        Workload::BigToFile => {
            let get = s3.get(url(&contract.big_key)).to_file(contract.big_file());
            Ok(Tally::one(get.send()?.size()))
        }
        Workload::BigToMemory => {
            let pieces = get_many(&s3, pieces(contract))?;
            Ok(Tally::one(pieces.bytes))
        }
        Workload::PutSmall | Workload::PutMid => {
            let files = uploads(workload, contract);
            let put = s3.put_files(files).send()?.len() as u64;
            Ok(put_tally(workload, put))
        }
        Workload::PutBig => {
            let value = PutValue::path(contract.big_source());
            s3.put(put_url(contract, "up/big.bin"), value).send()?;
            Ok(Tally::one(contract.big_bytes))
        }
        Workload::List => {
            let mut tally = Tally::default();
            let bucket = format!("s3://{}/", contract.list_bucket);
            for object in s3.list_recursive().at([bucket]).iter()? {
                tally += Tally::one(object?.size());
            }
            Ok(tally)
        }
        Workload::Info => {
            let objects = s3.info_many(urls(workload, contract)).send()?;
            Ok(objects.iter().map(|object| object.size()).collect())
        }
        Workload::Ranges => get_many(&s3, ranges(contract)),
    }
}

/// Gets objects into memory and drops each one at once.
fn get_many<T: Into<s3_client::GetObject>>(s3: &S3, objects: Vec<T>) -> Outcome<Tally> {
    let mut tally = Tally::default();
    for (_, object) in s3.get_many(objects).iter()? {
        let bytes = object?.bytes()?.len() as u64;
        tally += Tally::one(bytes);
    }
    Ok(tally)
}

/// Downloads objects to files that the workload names.
fn get_files(s3: &S3, files: Vec<(String, PathBuf)>) -> Outcome<Tally> {
    let objects = s3.get_files(files).send()?;
    Ok(objects.iter().map(|object| object.size()).collect())
}

pub(super) fn url(key: &str) -> String {
    format!("s3://{BUCKET}/{key}")
}

pub(super) fn put_url(contract: &Contract, key: &str) -> String {
    format!("s3://{}/{key}", contract.put_bucket)
}

pub(super) fn urls(workload: Workload, contract: &Contract) -> Vec<String> {
    let keys = contract.keys(workload);
    keys.iter().map(|key| url(key)).collect()
}

pub(super) fn downloads(workload: Workload, contract: &Contract) -> Vec<(String, PathBuf)> {
    let keys = contract.keys(workload);
    keys.iter()
        .map(|key| (url(key), contract.file(key)))
        .collect()
}

pub(super) fn uploads(workload: Workload, contract: &Contract) -> Vec<(String, PathBuf)> {
    let files = contract.uploads(workload).into_iter();
    files
        .map(|(key, path)| (put_url(contract, &key), path))
        .collect()
}

pub(super) fn pieces(contract: &Contract) -> Vec<S3GetObject> {
    let parts = contract.parts(PIECE).into_iter();
    parts
        .map(|part| piece(contract, part.start, part.end - part.start))
        .collect()
}

pub(super) fn ranges(contract: &Contract) -> Vec<S3GetObject> {
    let starts = contract.range_starts().into_iter();
    starts.map(|start| piece(contract, start, RANGE)).collect()
}

fn piece(contract: &Contract, start: u64, len: u64) -> S3GetObject {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    S3GetObject::new(url(&contract.big_key), signed(start), signed(len))
}

/// The tally of puts, from the known size: results of puts have no size.
pub(super) fn put_tally(workload: Workload, items: u64) -> Tally {
    let each = if workload.is_mid() { 1 << 20 } else { 4096 };
    Tally {
        items,
        bytes: items * each,
    }
}

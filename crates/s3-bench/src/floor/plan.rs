//! Entry point of the lower-bound client (the floor): turns a workload into requests and runs them.

use std::fs::File;
use std::rc::Rc;

use super::event_loop::EventLoop;
use super::job::{Job, Sink, Upload};
use super::multipart;
use crate::contract::{BUCKET, Contract, RANGE};
use crate::failure::Outcome;
use crate::tally::Tally;
use crate::workload::Workload;

/// Part size of big objects in bytes.
const PART: u64 = 16 << 20;

/// Numbers of open connections, for small and for big objects: `FEW` keep one core busy, `MANY` hide the latency of
/// the server.
const FEW: (usize, usize) = (32, 4);
const MANY: (usize, usize) = (256, 64);

pub(crate) fn run(workload: Workload, contract: &Contract) -> Outcome<Tally> {
    let host = contract
        .endpoint
        .strip_prefix("http://")
        .ok_or("the floor supports http:// endpoints only")?;
    let plan = Plan { host, contract };
    let (small, big) = if contract.is_slow { MANY } else { FEW };
    match workload {
        Workload::One => plan.run(1, plan.downloads(workload, 1)),
        Workload::SmallToFiles | Workload::SmallToMemory => {
            plan.run(small, plan.downloads(workload, contract.count))
        }
        Workload::MidToFiles | Workload::MidToMemory => {
            plan.run(small.min(64), plan.downloads(workload, contract.count))
        }
        Workload::BigToFile | Workload::BigToMemory => plan.big(workload, big),
        Workload::PutSmall => plan.run(small, plan.uploads(workload)),
        Workload::PutMid => plan.run(small.min(64), plan.uploads(workload)),
        Workload::PutBig => plan.put_big(big),
        Workload::List => plan.list(if contract.is_slow { 64 } else { 8 }),
        Workload::Info => plan.run(small, plan.infos()),
        Workload::Ranges => plan.run(small, plan.ranges()),
    }
}

/// Returns the request for a page of keys.
pub(super) fn page(host: &str, bucket: &str, prefix: &str, token: Option<&str>) -> Job {
    let mut path = format!("/{bucket}?list-type=2&prefix={prefix}");
    if let Some(token) = token {
        path += &format!("&continuation-token={}", token.replace('/', "%2F"));
    }
    Job::get(host, &path, Sink::Keys(prefix.to_owned()))
}

struct Plan<'a> {
    host: &'a str,
    contract: &'a Contract,
}

impl Plan<'_> {
    /// Counts each job as an item, and the bytes of received bodies; the jobs of HEAD and PUT add no bytes.
    fn run(&self, connections: usize, jobs: Vec<Job>) -> Outcome<Tally> {
        let done = EventLoop::run(self.host, BUCKET, connections, jobs)?;
        Ok(Tally {
            items: done.done,
            bytes: done.received(),
        })
    }

    fn downloads(&self, workload: Workload, count: u64) -> Vec<Job> {
        let mut keys = self.contract.keys(workload);
        keys.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        let sink = |key: &str| {
            if workload.writes_files() {
                Sink::File(self.contract.file(key))
            } else {
                Sink::Memory
            }
        };
        keys.iter()
            .map(|key| Job::get(self.host, &format!("/{BUCKET}/{key}"), sink(key)))
            .collect()
    }

    fn infos(&self) -> Vec<Job> {
        let keys = self.contract.keys(Workload::Info);
        keys.iter()
            .map(|key| Job::head(self.host, &format!("/{BUCKET}/{key}")))
            .collect()
    }

    fn ranges(&self) -> Vec<Job> {
        let path = format!("/{BUCKET}/{}", self.contract.big_key);
        let starts = self.contract.range_starts().into_iter();
        starts
            .map(|start| Job::range(self.host, &path, &(start..start + RANGE), Sink::Memory))
            .collect()
    }

    fn uploads(&self, workload: Workload) -> Vec<Job> {
        let files = self.contract.uploads(workload).into_iter();
        let bucket = &self.contract.put_bucket;
        files
            .map(|(key, path)| Job::put(self.host, &format!("/{bucket}/{key}"), Upload::File(path)))
            .collect()
    }

    fn big(&self, workload: Workload, connections: usize) -> Outcome<Tally> {
        let path = format!("/{BUCKET}/{}", self.contract.big_key);
        let file = match workload.writes_files() {
            true => Some(Rc::new(File::create(self.contract.big_file())?)),
            false => None,
        };
        let sink = |offset| match &file {
            Some(file) => Sink::At(Rc::clone(file), offset),
            None => Sink::Drop,
        };
        let parts = self.contract.parts(PART).into_iter();
        let jobs = parts.map(|part| Job::range(self.host, &path, &part, sink(part.start)));
        let done = EventLoop::run(self.host, BUCKET, connections, jobs.collect())?;
        Ok(Tally::one(done.received()))
    }

    fn put_big(&self, connections: usize) -> Outcome<Tally> {
        let path = format!("/{}/up/big.bin", self.contract.put_bucket);
        let file = Rc::new(File::open(self.contract.big_source())?);
        let id = multipart::begin(self.host, &path)?;
        let parts = self.contract.parts(PART);
        let put = |(number, part): (usize, _)| {
            let target = format!("{path}?partNumber={number}&uploadId={id}");
            Job::put(self.host, &target, Upload::Part(Rc::clone(&file), part))
        };
        let jobs = (1..).zip(parts.iter().cloned()).map(put).collect();
        EventLoop::run(self.host, BUCKET, connections, jobs)?;
        multipart::complete(self.host, &path, &id, parts.len())?;
        Ok(Tally::one(self.contract.big_bytes))
    }

    /// Lists with the known prefixes of the generated bucket, which other clients must discover.
    fn list(&self, connections: usize) -> Outcome<Tally> {
        let bucket = self.contract.list_bucket.as_str();
        let prefixes = match bucket.rsplit_once('-') {
            None => 64,
            Some((_, prefixes)) => prefixes.parse::<u64>()?,
        };
        let width = prefixes.saturating_sub(1).checked_ilog10().unwrap_or(0) as usize + 1;
        let width = width.max(2);
        let jobs = (0..prefixes)
            .map(|i| page(self.host, bucket, &format!("p{i:0width$}/"), None))
            .collect();
        let done = EventLoop::run(self.host, bucket, connections, jobs)?;
        Ok(Tally {
            items: done.keys.len() as u64,
            bytes: 0,
        })
    }
}

//! Configuration of a benchmarked client process: the environment variables that the runner sets.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `S3_ENDPOINT` | URL of the server | none |
//! | `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION` | read by each client itself | none |
//! | `BENCH_N` | number of objects or ranges | 10000 |
//! | `BENCH_SRC` | folder with `small/000000` …, `mid/000000` … and `big.bin` to put | working folder |
//! | `BENCH_DST` | folder for downloads, named by the last part of the key | working folder |
//! | `BENCH_BIG_KEY`, `BENCH_BIG_BYTES` | the big object and its size | `big/1024m` |
//! | `BENCH_PUT_BUCKET` | bucket for uploads | `sink` |
//! | `BENCH_LIST_BUCKET` | bucket for listings | `list` |
//! | `BENCH_REGIME` | network profile, `i` or `ii`; with `ii`, the floor and some listings use more connections | `i` |

use std::env;
use std::ops::Range;
use std::path::PathBuf;

use crate::failure::Outcome;
use crate::workload::Workload;

/// The bucket that is read from.
pub(crate) const BUCKET: &str = "bench";

/// Size of a range, in bytes.
pub(crate) const RANGE: u64 = 64 << 10;

/// Settings from the environment.
#[derive(Clone, Debug)]
pub(crate) struct Contract {
    pub(crate) endpoint: String,
    pub(crate) count: u64,
    pub(crate) source: PathBuf,
    pub(crate) destination: PathBuf,
    pub(crate) big_key: String,
    pub(crate) big_bytes: u64,
    pub(crate) put_bucket: String,
    pub(crate) list_bucket: String,
    pub(crate) is_slow: bool,
}

impl Contract {
    pub(crate) fn from_env() -> Outcome<Self> {
        Self::from_lookup(|name| env::var(name).ok())
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Outcome<Self> {
        let text = |name: &str, default: &str| lookup(name).unwrap_or_else(|| default.to_owned());
        let number = |name: &str, default: u64| -> Outcome<u64> {
            match lookup(name) {
                None => Ok(default),
                Some(text) => Ok(text.parse().map_err(|error| format!("{name}: {error}"))?),
            }
        };
        Ok(Self {
            endpoint: lookup("S3_ENDPOINT").ok_or("S3_ENDPOINT is not set")?,
            count: number("BENCH_N", 10_000)?,
            source: text("BENCH_SRC", ".").into(),
            destination: text("BENCH_DST", ".").into(),
            big_key: text("BENCH_BIG_KEY", "big/1024m"),
            big_bytes: number("BENCH_BIG_BYTES", 1 << 30)?,
            put_bucket: text("BENCH_PUT_BUCKET", "sink"),
            list_bucket: text("BENCH_LIST_BUCKET", "list"),
            is_slow: text("BENCH_REGIME", "i") == "ii",
        })
    }

    /// The keys that a workload reads.
    pub(crate) fn keys(&self, workload: Workload) -> Vec<String> {
        let kind = kind(workload);
        (0..self.count).map(|i| format!("{kind}/{i:06}")).collect()
    }

    /// The keys and files that a workload uploads.
    pub(crate) fn uploads(&self, workload: Workload) -> Vec<(String, PathBuf)> {
        let kind = kind(workload);
        let pair = |i| {
            let path = self.source.join(format!("{kind}/{i:06}"));
            (format!("up/{kind}/{i:06}"), path)
        };
        (0..self.count).map(pair).collect()
    }

    /// The file that the object of a key is downloaded to.
    pub(crate) fn file(&self, key: &str) -> PathBuf {
        let name = key.rsplit('/').next().unwrap_or(key);
        self.destination.join(name)
    }

    /// The file that the big object is downloaded to.
    pub(crate) fn big_file(&self) -> PathBuf {
        self.destination.join("big.bin")
    }

    /// The file that is uploaded in parts.
    pub(crate) fn big_source(&self) -> PathBuf {
        self.source.join("big.bin")
    }

    /// The parts of the big object, of `size` bytes each, in order.
    pub(crate) fn parts(&self, size: u64) -> Vec<Range<u64>> {
        let part = |i: u64| i * size..((i + 1) * size).min(self.big_bytes);
        (0..self.big_bytes.div_ceil(size)).map(part).collect()
    }

    /// Offsets of the ranges: pseudo-random, and the same for every client.
    pub(crate) fn range_starts(&self) -> Vec<u64> {
        let room = self.big_bytes.saturating_sub(RANGE).max(1);
        let start = |i: u64| i.wrapping_mul(0x9E37_79B9_7F4A_7C15) % room;
        (0..self.count).map(start).collect()
    }
}

const fn kind(workload: Workload) -> &'static str {
    if workload.is_mid() { "mid" } else { "small" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(given: &[(&str, &str)]) -> Outcome<Contract> {
        Contract::from_lookup(|name| {
            let found = given.iter().find(|(given, _)| *given == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_is_read_and_errors_name_the_variable() {
        let error = contract(&[]).unwrap_err().to_string();
        assert_eq!(error, "S3_ENDPOINT is not set");
        let error = contract(&[("S3_ENDPOINT", "http://h"), ("BENCH_N", "many")]).unwrap_err();
        assert!(error.to_string().starts_with("BENCH_N: "), "{error}");
        let set = [
            ("S3_ENDPOINT", "http://h"),
            ("BENCH_N", "2"),
            ("BENCH_REGIME", "ii"),
        ];
        let read = contract(&set).unwrap();
        assert_eq!(
            read.keys(Workload::MidToFiles),
            ["mid/000000", "mid/000001"]
        );
        assert_eq!(read.uploads(Workload::PutSmall)[1].0, "up/small/000001");
        assert!(read.is_slow);
    }

    #[test]
    fn parts_cover_the_object_once() {
        let mut contract = contract(&[("S3_ENDPOINT", "http://h")]).unwrap();
        contract.big_bytes = 10;
        assert_eq!(contract.parts(4), [0..4, 4..8, 8..10]);
        contract.big_bytes = 8;
        assert_eq!(contract.parts(4), [0..4, 4..8]);
    }

    #[test]
    fn ranges_lie_within_the_object() {
        let contract = contract(&[("S3_ENDPOINT", "http://h")]).unwrap();
        let starts = contract.range_starts();
        assert_eq!(starts.len(), 10_000);
        assert!(
            starts
                .iter()
                .all(|start| start + RANGE <= contract.big_bytes)
        );
    }
}

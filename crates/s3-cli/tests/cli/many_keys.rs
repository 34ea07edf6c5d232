//! Memory and requests of listings of many keys, and of many small files.

use std::fs::File;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use s3_bench::bench_server::{BenchServer, BenchServerConfig};
use serde_json::Value;

use crate::harness::Harness;

/// 150 pages, of which nearly all may wait for their reader: at 250 bytes an object they would take 36 MiB. A million keys
/// take a debug build a minute; docs/TUNING.md has figures for them.
const KEYS: u64 = 150_000;

/// The most memory that a command may take, in KiB, without the pages of its code, which a debug build has more of:
/// about 50 bytes for each object of 256 pages, the responses in flight, and the memory of a command with one key.
const MOST: u64 = 32 << 10;

/// How many small files are copied.
const FILES: usize = 10_000;

/// The most memory that they may take, in KiB.
const MOST_OF_FILES: u64 = 128 << 10;

/// Runs a command, and returns its lines and the most memory that it had besides its code, in KiB.
fn run(harness: &Harness, origin: &BenchServer, words: &[&str]) -> (usize, u64) {
    let mut command: Command = harness.command(words);
    let output = harness.path("output");
    let mut child = command
        .env("AWS_ENDPOINT_URL", origin.endpoint())
        .stdout(File::create(&output).expect("a file"))
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the binary runs");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let ended = loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let size = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        if let (Some(most), Some(code)) = (size("VmHWM:"), size("RssFile:")) {
            peak = peak.max(most.saturating_sub(code));
        }
        if let Some(ended) = child.try_wait().expect("it is ours") {
            break ended;
        }
        thread::sleep(Duration::from_millis(2));
    };
    assert!(ended.success(), "{words:?}");
    (harness.read("output").lines().count(), peak)
}

fn origin() -> BenchServer {
    let origin = BenchServer::start(BenchServerConfig {
        pool_bytes: 1 << 20,
        ..BenchServerConfig::default()
    });
    origin.expect("a free port")
}

#[test]
fn ten_thousand_small_files_take_little_memory() {
    let (harness, origin) = (Harness::new(), origin());
    // Generated objects of 4 KiB, which are uploaded again.
    for words in [
        ["cp", "-r", "s3://bench/small", "files"],
        ["cp", "-r", "files", "s3://sink/p"],
    ] {
        let (printed, peak) = run(&harness, &origin, &words);
        assert_eq!(printed, FILES, "{words:?}");
        assert!(
            (1 << 10..MOST_OF_FILES).contains(&peak),
            "{words:?}: {peak} KiB"
        );
    }
    let sent: Value = serde_json::from_str(&origin.stats()).expect("counters");
    assert_eq!(sent["put"], FILES);
}

#[test]
fn memory_does_not_grow_with_the_number_of_keys() {
    let (harness, origin) = (Harness::new(), origin());
    let (all, one) = (format!("s3://list-{KEYS}-64"), 1);
    let lines = usize::try_from(KEYS).expect("a number of lines");
    // Two names of one synthetic bucket: sides without a difference.
    let other = format!("s3://list-{KEYS}-064");
    for (words, expected) in [
        (&["ls", "-r", &all][..], lines),
        (&["find", &all], lines),
        (&["du", &all], one),
    ] {
        let (printed, peak) = run(&harness, &origin, words);
        assert_eq!(printed, expected, "{words:?}");
        assert!((1 << 10..MOST).contains(&peak), "{words:?}: {peak} KiB");
    }
    let (printed, peak) = run(&harness, &origin, &["sync", "--delete", &all, &other]);
    assert_eq!(printed, 0);
    assert!((1 << 10..2 * MOST).contains(&peak), "sync: {peak} KiB");
    let sent: Value = serde_json::from_str(&origin.stats()).expect("counters");
    for other in ["get", "head", "put", "post", "other"] {
        assert_eq!(sent[other], 0, "{sent}");
    }
}

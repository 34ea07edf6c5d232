//! Transfers that were killed or interrupted, and the next run.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use s3_testkit::{FaultAction, FaultMatch, FaultPlan, S3ServerBuilder};

use crate::harness::{Harness, Ran};

/// 8 parts of 5 MiB and a shorter one.
const LEN: usize = (40 << 20) + 7;
const PARTS: usize = 9;
const PART: u64 = 5 << 20;
const SIZE: [&str; 2] = ["--part-size", "5M"];

/// Returns a server that takes 40 ms for each part, and a file.
fn slow() -> (Harness, Vec<u8>) {
    slow_with(|server| server)
}

fn slow_with(set: impl FnOnce(S3ServerBuilder) -> S3ServerBuilder) -> (Harness, Vec<u8>) {
    let stall = || FaultAction::stall(Duration::from_millis(40));
    let plan = FaultPlan::none()
        .with(FaultMatch::operation("UploadPart").on(stall()))
        .with(FaultMatch::operation("UploadPartCopy").on(stall()))
        .with(FaultMatch::operation("GetObject").on(stall()));
    let harness = Harness::with_server(|server| set(server.faults(plan)));
    let data: Vec<u8> = (0..LEN).map(|at| (at % 251) as u8).collect();
    fs::write(harness.path("big"), &data).expect("a file");
    (harness, data)
}

/// The rounds of a test that kills a transfer at some moment. A round takes up to 3 s on a busy machine.
const KILLED: u64 = 12;

/// The rounds of a test that interrupts one, which take 0.3 s each.
const INTERRUPTED: u64 = 50;

/// Returns the rounds of a test, or as many as `MFS3_ROUNDS` says.
fn rounds(usual: u64) -> std::ops::Range<u64> {
    let asked = std::env::var("MFS3_ROUNDS").ok();
    0..asked.map_or(usual, |asked| asked.parse().expect("a number"))
}

/// Waits for 20 to 320 ms, a time of its own in each round; in every other round for a part to be recorded before.
fn wait(harness: &Harness, round: u64) {
    let mut tries = 0;
    while round % 2 == 1 && recorded(harness).0 == 0 && tries < 200 {
        thread::sleep(Duration::from_millis(5));
        tries += 1;
    }
    let moment = 20 + round * 7919 % 300;
    thread::sleep(Duration::from_millis(if round % 2 == 1 {
        moment / 8
    } else {
        moment
    }));
}

fn start(harness: &Harness, words: &[&str]) -> Child {
    let mut command = harness.command(&[words, &SIZE].concat());
    let quiet = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    quiet.spawn().expect("the binary runs")
}

/// Kills a process, and waits until the server has done with its requests.
fn kill(harness: &Harness, child: &mut Child) {
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    // Connections are accepted in their order: when this one is closed, those of the process were accepted.
    let server = (Ipv4Addr::LOCALHOST, harness.server.port());
    let mut last = TcpStream::connect(server).expect("a connection");
    last.shutdown(Shutdown::Write).expect("it is open");
    last.read_to_end(&mut Vec::new()).expect("it is closed");
    while harness.server.connections() > 0 {
        thread::sleep(Duration::from_millis(5));
    }
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let kill = std::process::Command::new("kill")
        .args([name, &id])
        .status();
    assert!(kill.expect("kill runs").success());
}

/// Returns the records of parts in all journals, and the number of journals.
fn recorded(harness: &Harness) -> (usize, usize) {
    let journals = journals(harness);
    let parts = journals.iter().map(|path| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .filter(|line| line.contains("\"part\":"))
            .count()
    });
    (parts.sum(), journals.len())
}

fn journals(harness: &Harness) -> Vec<PathBuf> {
    let entries = fs::read_dir(harness.path(".local/state/mfs3/transfers"));
    let entries = entries.into_iter().flatten();
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

/// Returns whether each journal has a header. A process that is killed before it has written one leaves an upload that
/// nothing names.
fn have_headers(harness: &Harness) -> bool {
    let journals = journals(harness);
    let has_header = |path: &PathBuf| fs::metadata(path).is_ok_and(|found| found.len() > 0);
    !journals.is_empty() && journals.iter().all(has_header)
}

fn partial_files(harness: &Harness) -> Vec<PathBuf> {
    let entries = fs::read_dir(harness.path("")).expect("the directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.to_string_lossy().contains(".s3-"))
        .collect()
}

/// Returns the part number of each request that sent or fetched a part of the big object since the log was cleared.
fn moved(harness: &Harness, operation: &str) -> Vec<u64> {
    let requests = harness.server.request_log().requests();
    let of_big = requests.iter().filter(|request| {
        request.call.operation == operation && request.call.key.as_deref() != Some("p/small")
    });
    of_big
        .map(|request| {
            let range = request.range.as_deref();
            let begin = range.and_then(|range| range.strip_prefix("bytes=")?.split('-').next());
            match (request.call.parameter("partNumber"), begin) {
                (Some(number), _) => number.parse().expect("a number"),
                (None, Some(begin)) => 1 + begin.parse::<u64>().expect("a number") / PART,
                (None, None) => panic!("{request:?}"),
            }
        })
        .collect()
}

/// Asserts that nothing of a transfer is left but its result.
fn assert_clean(harness: &Harness) {
    assert_eq!(recorded(harness), (0, 0));
    assert!(partial_files(harness).is_empty());
    assert_eq!(harness.server.unfinished_uploads().expect("a list"), 0);
}

#[test]
fn an_upload_that_was_killed_at_any_moment_goes_on() {
    let (harness, data) = slow();
    let up = ["cp", "big", "s3://bkt/k"];
    let mut has_resumed = false;
    for round in rounds(KILLED) {
        let mut child = start(&harness, &up);
        wait(&harness, round);
        kill(&harness, &mut child);
        let (parts, journals) = recorded(&harness);
        let has_header = have_headers(&harness);
        has_resumed |= parts > 0;
        harness.server.request_log().clear();
        let was_complete = journals == 0 && harness.keys() == ["k"];
        let again = harness.run(&[&up[..], &SIZE].concat());
        assert_eq!(again.lines().len(), 1, "{again:?}");
        if !has_header {
            // It was killed between the request for its creation, which the server may have accepted after the kill, and
            // its journal.
            harness.run(&["sweep", "s3://bkt", "--older-than", "0s"]);
        }
        let sent = moved(&harness, "UploadPart").len();
        assert!(was_complete || sent <= PARTS - parts, "{sent} {parts}");
        let down = harness.run(&["cp", "s3://bkt/k", "copy", "--no-resume"]);
        assert_eq!(down.lines().len(), 1);
        assert!(fs::read(harness.path("copy")).unwrap() == data);
        assert_clean(&harness);
        harness.run(&["rm", "s3://bkt/k"]);
    }
    assert!(has_resumed);
}

#[test]
fn a_copy_within_s3_that_was_killed_goes_on() {
    let (harness, data) = slow();
    harness.run(&["cp", "big", "s3://bkt/k"]);
    let copy = ["cp", "s3://bkt/k", "s3://bkt/copy"];
    let mut has_resumed = false;
    for round in rounds(KILLED / 2) {
        let mut child = start(&harness, &copy);
        wait(&harness, round);
        kill(&harness, &mut child);
        let (parts, journals) = recorded(&harness);
        let has_header = have_headers(&harness);
        has_resumed |= parts > 0;
        harness.server.request_log().clear();
        let was_complete = journals == 0 && harness.keys().len() == 2;
        let again = harness.run(&[&copy[..], &SIZE].concat());
        assert_eq!(again.lines().len(), 1, "{again:?}");
        if !has_header {
            // As for an upload.
            harness.run(&["sweep", "s3://bkt", "--older-than", "0s"]);
        }
        let sent = moved(&harness, "UploadPartCopy").len();
        assert!(was_complete || sent <= PARTS - parts, "{sent} {parts}");
        harness.run(&["cp", "s3://bkt/copy", "copied", "--no-resume"]);
        assert!(fs::read(harness.path("copied")).unwrap() == data);
        assert_clean(&harness);
        harness.run(&["rm", "s3://bkt/copy"]);
    }
    assert!(has_resumed);
}

#[test]
fn a_download_that_was_killed_at_any_moment_goes_on() {
    let (harness, data) = slow();
    harness.run(&["cp", "big", "s3://bkt/k"]);
    let down = ["cp", "s3://bkt/k", "copy"];
    let mut has_resumed = false;
    for round in rounds(KILLED) {
        let mut child = start(&harness, &down);
        wait(&harness, round);
        kill(&harness, &mut child);
        let (parts, journals) = recorded(&harness);
        let was_complete = harness.path("copy").exists();
        assert!(!was_complete || journals == 0 || parts == PARTS);
        has_resumed |= parts > 0;
        harness.server.request_log().clear();
        let again = harness.run(&[&down[..], &SIZE].concat());
        assert_eq!(again.lines().len(), 1, "{again:?}");
        let fetched = moved(&harness, "GetObject").len();
        assert!(
            was_complete || fetched == PARTS - parts,
            "{fetched} {parts}"
        );
        assert!(fs::read(harness.path("copy")).unwrap() == data);
        assert_clean(&harness);
        fs::remove_file(harness.path("copy")).unwrap();
    }
    assert!(has_resumed);
}

#[test]
fn a_sync_that_was_killed_goes_on_each_way() {
    let (harness, data) = slow();
    harness.write("up/small", "small");
    fs::rename(harness.path("big"), harness.path("up/big")).unwrap();
    for (from, to, operation) in [
        ("up", "s3://bkt/p", "UploadPart"),
        ("s3://bkt/p", "down", "GetObject"),
        ("s3://bkt/p", "s3://bkt/q", "UploadPartCopy"),
    ] {
        let sync = ["sync", from, to];
        let mut has_resumed = false;
        for round in rounds(KILLED / 2) {
            let mut child = start(&harness, &sync);
            wait(&harness, round);
            kill(&harness, &mut child);
            let (parts, journals) = recorded(&harness);
            let has_header = have_headers(&harness);
            has_resumed |= parts > 0;
            harness.server.request_log().clear();
            let again = harness.run(&[&sync[..], &SIZE].concat());
            assert!(again.code == Some(0) && again.err.is_empty(), "{again:?}");
            let sent = moved(&harness, operation).len();
            assert!(journals == 0 || sent <= PARTS - parts, "{sent} {parts}");
            // Killed when the transfer was complete and its journal was there, which the next sync has no use for; or as an
            // upload without a journal.
            let was_complete = parts == PARTS && sent == 0;
            if was_complete || !has_header {
                harness.run(&["sweep", "s3://bkt", "--older-than", "0s"]);
            }
            assert_eq!(recorded(&harness), (0, 0), "round {round}: {parts}, {sent}");
            assert_eq!(harness.server.unfinished_uploads().unwrap(), 0);
            let third = harness.run(&[&sync[..], &SIZE].concat());
            assert_eq!(third.lines(), [""; 0]);
            assert_synced(&harness, to, &data);
        }
        assert!(has_resumed, "{sync:?}");
        // The source of the next way.
        assert_eq!(harness.run(&["sync", "up", "s3://bkt/p"]).code, Some(0));
    }
}

/// Asserts that a directory has the two files of a sync and nothing else, and empties it.
fn assert_synced(harness: &Harness, to: &str, data: &[u8]) {
    if to != "down" {
        harness.run(&["cp", "-r", to, "down", "--no-resume"]);
        harness.run(&["rm", "-r", to]);
    }
    // A small file has no journal: killed while it is written, it leaves a temporary file, which sweep finds.
    let swept = harness.run(&["sweep", "down", "--older-than", "0s"]);
    assert_eq!(swept.code, Some(0), "{swept:?}");
    assert!(fs::read(harness.path("down/big")).expect("a file") == data);
    assert_eq!(harness.read("down/small"), "small");
    assert_eq!(
        fs::read_dir(harness.path("down"))
            .expect("a directory")
            .count(),
        2
    );
    fs::remove_dir_all(harness.path("down")).expect("a directory");
}

#[test]
fn an_interrupted_upload_says_what_is_kept_and_sweep_discards_it() {
    let up = ["cp", "big", "s3://bkt/k"];
    let (harness, ran) = interrupt_first_parts(Duration::from_millis(700), &up);
    assert!(
        ran.err.contains("kept ") && ran.err.contains("mfs3 sweep"),
        "{ran:?}"
    );
    assert_eq!(harness.server.unfinished_uploads().unwrap(), 1);
    assert_eq!(harness.run(&["sweep"]).lines(), [""; 0]);
    let planned = harness.run(&["sweep", "--older-than", "0s", "--dry-run"]);
    assert!(
        planned.lines()[0].starts_with("(dryrun) abort: s3://bkt/k "),
        "{planned:?}"
    );
    assert_eq!(
        harness.run(&["sweep", "--older-than", "0s"]).lines().len(),
        1
    );
    assert_clean(&harness);
}

#[test]
fn without_resume_nothing_is_left_at_any_moment() {
    let (harness, data) = slow();
    for round in rounds(INTERRUPTED) {
        let key = format!("s3://bkt/{round:02}");
        let child = start(&harness, &["cp", "big", &key, "--no-resume"]);
        thread::sleep(Duration::from_millis(20 + round * 7919 % 300));
        signal(&child, "-INT");
        let ran = Ran::of(child.wait_with_output().unwrap());
        // Before the tool listens to signals, one kills it.
        assert!(matches!(ran.code, Some(0 | 130) | None), "{ran:?}");
        let uploads = harness.server.unfinished_uploads().unwrap();
        assert_eq!(uploads, 0, "round {round}: {ran:?}");
        assert_clean(&harness);
    }
    for key in harness.keys() {
        let down = harness.run(&["cp", &format!("s3://bkt/{key}"), "copy"]);
        assert_eq!(down.code, Some(0), "{down:?}");
        assert!(fs::read(harness.path("copy")).unwrap() == data);
    }
}

#[test]
fn an_interrupted_sync_without_resume_leaves_nothing() {
    let (harness, data) = slow();
    for n in 0..4 {
        harness.write(&format!("up/{n}"), "");
        fs::write(harness.path(&format!("up/{n}")), &data).unwrap();
    }
    for words in [["sync", "up", "s3://bkt/p"], ["sync", "s3://bkt/p", "down"]] {
        for round in rounds(4) {
            let child = start(&harness, &[&words[..], &["--no-resume"]].concat());
            thread::sleep(Duration::from_millis(40 + round * 7919 % 300));
            signal(&child, "-INT");
            let ran = Ran::of(child.wait_with_output().unwrap());
            // Before the tool listens to signals, one kills it.
            assert!(matches!(ran.code, Some(0 | 130) | None), "{ran:?}");
            let uploads = harness.server.unfinished_uploads().unwrap();
            assert_eq!(uploads, 0, "round {round}: {ran:?}");
            let down = fs::read_dir(harness.path("down")).into_iter().flatten();
            for entry in down {
                let path = entry.unwrap().path();
                assert!(!path.to_string_lossy().contains(".s3-"), "{path:?}");
                fs::remove_file(path).unwrap();
            }
            if words[1] == "up" {
                harness.run(&["rm", "-r", "s3://bkt/p"]);
            }
        }
        assert_eq!(harness.run(&["sync", "up", "s3://bkt/p"]).code, Some(0));
    }
}

#[test]
fn other_attributes_and_part_sizes_start_over() {
    let (harness, data) = slow();
    for other in [
        &["--content-type", "a/b", "--part-size", "5M"][..],
        &["--part-size", "6M"],
    ] {
        let mut child = start(&harness, &["cp", "big", "s3://bkt/k"]);
        while recorded(&harness).0 == 0 {
            thread::sleep(Duration::from_millis(5));
        }
        kill(&harness, &mut child);
        let again = harness.run(&[&["cp", "big", "s3://bkt/k"], other].concat());
        assert_eq!(again.lines().len(), 1);
        assert_clean(&harness);
        harness.run(&["cp", "s3://bkt/k", "copy"]);
        assert!(fs::read(harness.path("copy")).unwrap() == data);
    }
}

/// Simulates a power cut: each block of a partial file and the end of each journal may be lost, as no process has
/// synced them. The header of a journal is synced before the first part.
fn cut_power(harness: &Harness, round: u64) {
    let mut random = fastrand::Rng::with_seed(round);
    for path in journals(harness) {
        let whole = fs::read(&path).expect("a journal");
        let header = whole.iter().position(|byte| *byte == b'\n');
        let synced = header.map_or(0, |end| end + 1);
        let mut left = whole[..random.usize(synced..=whole.len())].to_vec();
        // A file may have its length on disk before its bytes.
        if random.bool() {
            left.resize(whole.len(), 0);
        }
        fs::write(&path, left).expect("a journal");
    }
    for path in partial_files(harness) {
        match random.u8(0..4) {
            0 => fs::remove_file(&path).expect("a file"),
            kept => {
                let mut bytes = fs::read(&path).expect("a file");
                for block in bytes.chunks_mut(4096) {
                    if random.u8(0..3) < kept - 1 {
                        block.fill(0);
                    }
                }
                fs::write(&path, bytes).expect("a file");
            }
        }
    }
}

#[test]
fn a_power_cut_loses_parts_and_invents_none() {
    let (harness, data) = slow();
    let mut has_records = false;
    for words in [["cp", "big", "s3://bkt/k"], ["cp", "s3://bkt/k", "copy"]] {
        for round in rounds(KILLED) {
            let mut child = start(&harness, &words);
            wait(&harness, round);
            kill(&harness, &mut child);
            has_records |= recorded(&harness).0 > 0;
            if !have_headers(&harness) {
                harness.run(&["sweep", "s3://bkt", "--older-than", "0s"]);
            }
            cut_power(&harness, round);
            let again = harness.run(&[&words[..], &SIZE].concat());
            assert_eq!(again.lines().len(), 1, "{again:?}");
            let down = harness.run(&["cp", "s3://bkt/k", "whole", "--no-resume"]);
            assert_eq!(down.lines().len(), 1);
            for name in ["whole", "copy"] {
                let read = fs::read(harness.path(name));
                assert!(read.is_ok_and(|read| read == data) || (name, words[1]) == ("copy", "big"));
            }
            assert_clean(&harness);
            match words[1] {
                "big" => drop(harness.run(&["rm", "s3://bkt/k"])),
                _ => fs::remove_file(harness.path("copy")).unwrap(),
            }
        }
        harness.run(&["cp", "big", "s3://bkt/k"]);
    }
    assert!(has_records);
}

#[test]
fn the_old_one_stays_until_the_new_one_is_whole() {
    let (harness, data) = slow();
    harness.put("k", "old");
    let interrupted = |words: &[&str]| {
        let mut child = start(&harness, words);
        while recorded(&harness).0 == 0 {
            thread::sleep(Duration::from_millis(5));
        }
        kill(&harness, &mut child);
    };
    interrupted(&["cp", "big", "s3://bkt/k"]);
    assert_eq!(harness.run(&["cat", "s3://bkt/k"]).out, "old");
    harness.run(&[&["cp", "big", "s3://bkt/k"], &SIZE[..]].concat());
    harness.write("copy", "old");
    interrupted(&["cp", "s3://bkt/k", "copy"]);
    assert_eq!(harness.read("copy"), "old");
    harness.run(&[&["cp", "s3://bkt/k", "copy"], &SIZE[..]].concat());
    assert!(fs::read(harness.path("copy")).unwrap() == data);
    assert_clean(&harness);
}

#[test]
fn signed_and_anonymous_uploads_do_not_go_on_with_each_other() {
    let (harness, data) = slow_with(S3ServerBuilder::allow_anonymous);
    let up = ["cp", "big", "s3://bkt/k"];
    let mut child = start(&harness, &[&up[..], &["--no-sign-request"]].concat());
    while recorded(&harness).0 == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    kill(&harness, &mut child);
    harness.server.request_log().clear();
    assert_eq!(harness.run(&[&up[..], &SIZE].concat()).lines().len(), 1);
    assert_eq!(moved(&harness, "UploadPart").len(), PARTS);
    // The anonymous upload is still there, also after a sweep with a signature.
    assert_eq!(harness.server.unfinished_uploads().unwrap(), 1);
    assert_eq!(harness.run(&["sweep", "--older-than", "0s"]).code, Some(0));
    assert_eq!(harness.server.unfinished_uploads().unwrap(), 1);
    let swept = harness.run(&["sweep", "--older-than", "0s", "--no-sign-request"]);
    assert_eq!(swept.lines().len(), 1);
    assert_clean(&harness);
    harness.run(&["cp", "s3://bkt/k", "copy"]);
    assert!(fs::read(harness.path("copy")).unwrap() == data);
}

#[test]
fn two_processes_never_mix() {
    let (harness, data) = slow();
    for words in [["cp", "big", "s3://bkt/k"], ["cp", "s3://bkt/k", "copy"]] {
        let both = [start(&harness, &words), start(&harness, &words)];
        let ran = both.map(|child| Ran::of(child.wait_with_output().unwrap()));
        assert!(ran.iter().any(|ran| ran.code == Some(0)), "{ran:?}");
        for failed in ran.iter().filter(|ran| ran.code != Some(0)) {
            assert!(
                failed.code == Some(1) && failed.err.contains("another process"),
                "{failed:?}"
            );
        }
        assert_clean(&harness);
    }
    assert!(fs::read(harness.path("copy")).unwrap() == data);
}

#[test]
fn a_state_directory_that_cannot_be_written_is_a_warning() {
    let (harness, data) = slow();
    harness.write("file", "no directory");
    let run = |script: &str, state: &str, words: &[&str]| {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &format!("{script} exec \"$@\""), "sh"]);
        let mfs3 = harness.command(words);
        command.arg(mfs3.get_program()).args(mfs3.get_args());
        let settings = mfs3
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        command
            .current_dir(harness.path(""))
            .env_clear()
            .envs(settings);
        Ran::of(
            command
                .env("XDG_STATE_HOME", harness.path(state))
                .output()
                .unwrap(),
        )
    };
    // A file may have no byte, as on a full disk.
    let full = "ulimit -f 0; trap '' XFSZ;";
    for (script, state, words) in [
        ("", "file", ["cp", "big", "s3://bkt/k"]),
        (full, "state", ["cp", "big", "s3://bkt/k"]),
        ("", "file", ["cp", "s3://bkt/k", "copy"]),
    ] {
        let ran = run(script, state, &words);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(ran.err.lines().count(), 1, "{ran:?}");
        assert!(
            ran.err.starts_with("warning: cannot write a journal"),
            "{ran:?}"
        );
        assert_eq!(harness.server.unfinished_uploads().unwrap(), 0);
    }
    assert!(fs::read(harness.path("copy")).unwrap() == data);
}

#[test]
fn without_a_home_directory_nothing_is_kept() {
    let (harness, _) = slow();
    let mut command = harness.command(&["cp", "big", "s3://bkt/k"]);
    let ran = Ran::of(command.env_remove("HOME").output().unwrap());
    assert!(
        ran.code == Some(0) && ran.err.contains("neither HOME nor XDG_STATE_HOME"),
        "{ran:?}"
    );
    assert!(!harness.path("mfs3").exists());
}

#[test]
fn sweep_leaves_uploads_that_are_running_or_were_interrupted_lately() {
    let stall = FaultAction::stall(Duration::from_millis(400));
    let plan = FaultPlan::none().with(FaultMatch::operation("UploadPart").on(stall));
    let harness = Harness::with_server(|server| server.faults(plan));
    fs::write(harness.path("big"), vec![7; LEN]).unwrap();
    let start = || {
        let child = start(&harness, &["cp", "big", "s3://bkt/k"]);
        while !have_headers(&harness) {
            thread::sleep(Duration::from_millis(5));
        }
        child
    };
    let mut child = start();
    let swept = harness.run(&["sweep", "s3://bkt", "--older-than", "0s"]);
    assert_eq!(swept.lines(), [""; 0]);
    while recorded(&harness).0 == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    kill(&harness, &mut child);
    thread::sleep(Duration::from_secs(4));
    let child = start();
    // The upload is older than its journal.
    while recorded(&harness).0 < 3 {
        thread::sleep(Duration::from_millis(5));
    }
    signal(&child, "-KILL");
    child.wait_with_output().unwrap();
    let swept = harness.run(&["sweep", "s3://bkt", "--older-than", "4s"]);
    assert_eq!(swept.lines(), [""; 0]);
    assert_eq!(harness.server.unfinished_uploads().unwrap(), 1);
    let swept = harness.run(&["sweep", "s3://bkt", "--older-than", "0s"]);
    assert_eq!(swept.lines().len(), 1);
    assert_clean(&harness);
}

/// Interrupts a transfer before any of its parts is complete, with parts that take some time.
fn interrupt_first_parts(stall: Duration, words: &[&str]) -> (Harness, Ran) {
    let harness = Harness::new();
    fs::write(harness.path("big"), vec![7; LEN]).expect("a file");
    harness.run(&["cp", "big", "s3://bkt/old"]);
    let operations = ["UploadPart", "GetObject"].map(FaultMatch::operation);
    let rules = operations.map(|matching| matching.on(FaultAction::stall(stall)));
    harness.server.faults().set(FaultPlan::new(rules));
    let child = start(&harness, words);
    while !have_headers(&harness) {
        thread::sleep(Duration::from_millis(5));
    }
    thread::sleep(Duration::from_millis(50));
    assert_eq!(recorded(&harness), (0, 1));
    let began = Instant::now();
    signal(&child, "-INT");
    let ran = Ran::of(child.wait_with_output().expect("it ends"));
    assert!(began.elapsed() < Duration::from_secs(6), "{ran:?}");
    assert_eq!(ran.code, Some(130), "{ran:?}");
    (harness, ran)
}

#[test]
fn parts_in_flight_may_end_after_an_interruption_and_no_other_begins() {
    for words in [["cp", "big", "s3://bkt/k"], ["cp", "s3://bkt/old", "copy"]] {
        let (harness, ran) = interrupt_first_parts(Duration::from_millis(700), &words);
        // The first two.
        assert_eq!(recorded(&harness), (2, 1));
        assert!(ran.err.starts_with("kept 10.0 MiB of s3://bkt/"), "{ran:?}");
        assert_eq!(ran.err.lines().count(), 1, "{ran:?}");
    }
}

#[test]
fn an_interruption_waits_two_seconds_and_tells_of_an_upload_without_parts() {
    let up = ["cp", "big", "s3://bkt/k"];
    let (harness, ran) = interrupt_first_parts(Duration::from_secs(20), &up);
    assert_eq!(recorded(&harness), (0, 1));
    assert!(ran.err.starts_with("kept 0 B of s3://bkt/k"), "{ran:?}");
}

#[test]
fn an_anonymous_upload_goes_on_with_its_own_server_only() {
    let (harness, _) = slow_with(S3ServerBuilder::allow_anonymous);
    let other = Harness::with_server(S3ServerBuilder::allow_anonymous);
    let up = ["cp", "big", "s3://bkt/k", "--no-sign-request"];
    let mut child = start(&harness, &up);
    while recorded(&harness).0 == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    kill(&harness, &mut child);
    let parts = recorded(&harness).0;
    let mut elsewhere = harness.command(&[&up[..], &SIZE].concat());
    elsewhere.env("AWS_ENDPOINT_URL", other.server.endpoint());
    assert_eq!(Ran::of(elsewhere.output().unwrap()).lines().len(), 1);
    assert_eq!(recorded(&harness), (parts, 1));
    harness.server.request_log().clear();
    assert_eq!(harness.run(&[&up[..], &SIZE].concat()).lines().len(), 1);
    assert!(moved(&harness, "UploadPart").len() <= PARTS - parts);
    assert_clean(&harness);
}

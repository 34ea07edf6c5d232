//! Transfers that are killed, and the next run.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::relay::Relay;
use super::{Foreign, check};
use crate::tool::Ran;

/// Four parts of 5 MiB and a shorter one.
const LEN: usize = (20 << 20) + 7;
const PARTS: usize = 5;
const SIZE: [&str; 2] = ["--part-size", "5M"];

/// How long a test waits for a condition.
const LIMIT: Duration = Duration::from_secs(60);

/// Returns the rounds of a test, or as many as `MFS3_ROUNDS` says. Each ends after another number of parts.
fn rounds() -> std::ops::Range<usize> {
    let asked = std::env::var("MFS3_ROUNDS").ok();
    0..asked.map_or(PARTS, |asked| asked.parse().expect("a number"))
}

fn is_part(line: &str) -> bool {
    line.starts_with("PUT ") && line.contains("partNumber=")
}

fn is_read(line: &str) -> bool {
    line.starts_with("GET ") && line.contains("/big")
}

fn is_completion(line: &str) -> bool {
    line.starts_with("POST ") && line.contains("uploadId=")
}

/// A transfer of a file of several parts.
struct Transfer<'a> {
    server: &'a Foreign,
    relay: Relay,
    words: Vec<String>,
    /// The requests that move parts.
    moves: fn(&str) -> bool,
    data: Vec<u8>,
    /// The object that it writes, or the file.
    result: PathBuf,
}

impl<'a> Transfer<'a> {
    fn new(
        server: &'a Foreign,
        words: [&str; 3],
        moves: fn(&str) -> bool,
        result: impl AsRef<Path>,
    ) -> Self {
        let data: Vec<u8> = (0..LEN).map(|at| (at % 251) as u8).collect();
        let words = words.map(str::to_owned).to_vec();
        Self {
            server,
            relay: server.relay(),
            words,
            moves,
            data,
            result: result.as_ref().to_owned(),
        }
    }

    fn words(&self) -> Vec<&str> {
        self.words.iter().map(String::as_str).chain(SIZE).collect()
    }

    /// Writes the file, and the object `from/big` with its content.
    fn prepare(&self) {
        fs::create_dir_all(self.server.path("up")).expect("a directory");
        fs::write(self.server.path("up/big"), &self.data).expect("a file");
        let up = ["cp", "up/big", &self.server.url("from/big"), "--no-resume"];
        assert_eq!(self.server.run(&up).lines().len(), 1);
    }

    /// Runs it, and kills it when a request or a response is held and this number of parts is recorded.
    fn kill_when_held(&self, parts: usize) {
        let mut command = self.server.through(&self.relay, &self.words());
        let mut child = command.spawn().expect("the binary runs");
        self.relay.wait_until_held();
        let began = Instant::now();
        while recorded(self.server) < parts {
            let recorded = recorded(self.server);
            let words = &self.words;
            assert!(began.elapsed() < LIMIT, "{words:?}: {recorded} of {parts}");
            thread::sleep(Duration::from_millis(5));
        }
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        self.relay.drop_held();
    }

    /// Runs it again to its end, and returns how many parts it moved, repeated requests apart.
    fn resume(&self) -> usize {
        self.relay.clear();
        let mut command = self.server.through(&self.relay, &self.words());
        let again = Ran::of(command.output().expect("the binary runs"));
        assert_eq!(again.code, Some(0), "{again:?}");
        // A server may list no parts.
        let may_warn = again
            .err
            .lines()
            .all(|line| line.contains(" starts over: "));
        assert!(may_warn, "{again:?}");
        assert!(again.out.lines().count() <= 1, "{again:?}");
        self.relay.different(self.moves)
    }

    /// Asserts that the result is whole and that nothing else is left on this machine, and removes the result.
    fn assert_whole(&self) {
        let result = self.result.to_str().expect("UTF-8");
        let file = match result.strip_prefix("s3://") {
            Some(_) => {
                let down = ["cp", result, "whole", "--no-resume"];
                assert_eq!(self.server.run(&down).lines().len(), 1);
                assert_eq!(self.server.run(&["rm", result]).code, Some(0));
                self.server.path("whole")
            }
            None => self.server.path(result),
        };
        assert!(fs::read(&file).expect("a file") == self.data);
        fs::remove_file(file).expect("it was read");
        assert_eq!(journals(self.server).len(), 0);
        let below = fs::read_dir(self.server.path("down")).into_iter().flatten();
        assert_eq!(below.count(), 0);
    }
}

fn journals(server: &Foreign) -> Vec<PathBuf> {
    let entries = fs::read_dir(server.path(".local/state/mfs3/transfers"));
    let entries = entries.into_iter().flatten();
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

/// Returns how many parts all journals have.
fn recorded(server: &Foreign) -> usize {
    let count = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .filter(|line| line.contains("\"part\":"))
            .count()
    };
    journals(server).iter().map(count).sum()
}

/// Returns the uploads below the bucket that a sweep would abort.
fn unfinished_uploads(server: &Foreign) -> usize {
    let sweep = ["sweep", &server.url(""), "--older-than", "0s", "--dry-run"];
    server.run(&sweep).lines().len()
}

fn upload(server: &Foreign) -> Transfer<'_> {
    let to = server.url("to/big");
    Transfer::new(server, ["cp", "up/big", &to], is_part, &to)
}

fn download(server: &Foreign) -> Transfer<'_> {
    let from = server.url("from/big");
    Transfer::new(server, ["cp", &from, "down/big"], is_read, "down/big")
}

fn copy(server: &Foreign) -> Transfer<'_> {
    let (from, to) = (server.url("from/big"), server.url("to/big"));
    Transfer::new(server, ["cp", &from, &to], is_part, &to)
}

fn sync_up(server: &Foreign) -> Transfer<'_> {
    let to = server.url("to");
    Transfer::new(server, ["sync", "up", &to], is_part, format!("{to}/big"))
}

fn sync_down(server: &Foreign) -> Transfer<'_> {
    let from = server.url("from");
    Transfer::new(server, ["sync", &from, "down"], is_read, "down/big")
}

fn sync_across(server: &Foreign) -> Transfer<'_> {
    let (from, to) = (server.url("from"), server.url("to"));
    Transfer::new(server, ["sync", &from, &to], is_part, format!("{to}/big"))
}

/// Kills the transfer after each number of parts. The next run ends it, with only the missing parts if that is asked.
fn kill_after_each_part(transfer: &Transfer<'_>, moves_only_the_rest: bool) {
    transfer.prepare();
    for round in rounds() {
        let parts = round % PARTS;
        transfer.relay.hold_after(parts, transfer.moves);
        transfer.kill_when_held(parts);
        let moved = transfer.resume();
        if moves_only_the_rest {
            assert_eq!(moved, PARTS - parts, "round {round}");
        }
        transfer.assert_whole();
    }
}

#[test]
fn an_upload_that_was_killed_is_whole_after_the_next_run() {
    check(|server| {
        kill_after_each_part(&upload(server), false);
    });
}

#[test]
fn an_upload_that_was_killed_sends_only_missing_parts() {
    check(|server| {
        kill_after_each_part(&upload(server), true);
        assert_eq!(unfinished_uploads(server), 0);
    });
}

#[test]
fn a_download_that_was_killed_fetches_only_missing_parts() {
    check(|server| {
        kill_after_each_part(&download(server), true);
    });
}

#[test]
fn a_copy_that_was_killed_is_whole_after_the_next_run() {
    check(|server| {
        kill_after_each_part(&copy(server), false);
    });
}

#[test]
fn a_copy_that_was_killed_copies_only_missing_parts() {
    check(|server| {
        kill_after_each_part(&copy(server), true);
        assert_eq!(unfinished_uploads(server), 0);
    });
}

#[test]
fn a_sync_that_was_killed_is_whole_after_the_next_run() {
    check(|server| {
        for transfer in [sync_up(server), sync_across(server)] {
            kill_after_each_part(&transfer, false);
        }
        kill_after_each_part(&sync_down(server), true);
    });
}

#[test]
fn a_sync_that_was_killed_moves_only_missing_parts() {
    check(|server| {
        for transfer in [sync_up(server), sync_across(server)] {
            kill_after_each_part(&transfer, true);
        }
        assert_eq!(unfinished_uploads(server), 0);
    });
}

#[test]
fn an_upload_that_was_killed_before_its_completion_is_completed() {
    check(|server| {
        let transfer = upload(server);
        transfer.prepare();
        transfer.relay.hold_after(0, is_completion);
        transfer.kill_when_held(PARTS);
        assert_eq!(server.keys(), ["from/big"]);
        transfer.resume();
        transfer.assert_whole();
    });
}

#[test]
fn an_upload_whose_completion_had_no_response_is_done() {
    check(|server| {
        let transfer = upload(server);
        transfer.prepare();
        transfer.relay.hold_responses(is_completion);
        transfer.kill_when_held(PARTS);
        assert_eq!(server.keys(), ["from/big", "to/big"]);
        assert_eq!(transfer.resume(), 0);
        transfer.assert_whole();
    });
}

#[test]
fn a_file_that_was_changed_after_the_kill_goes_up_whole() {
    check(|server| {
        let mut transfer = upload(server);
        transfer.prepare();
        transfer.relay.hold_after(3, is_part);
        transfer.kill_when_held(3);
        transfer.data.reverse();
        fs::write(server.path("up/big"), &transfer.data).unwrap();
        assert_eq!(transfer.resume(), PARTS);
        transfer.assert_whole();
    });
}

#[test]
fn an_object_that_was_changed_after_the_kill_comes_down_whole() {
    check(|server| {
        let mut transfer = download(server);
        transfer.prepare();
        transfer.relay.hold_after(3, is_read);
        transfer.kill_when_held(3);
        transfer.data.reverse();
        transfer.prepare();
        transfer.resume();
        transfer.assert_whole();
    });
}

#[test]
fn sweep_discards_what_a_kill_has_left() {
    check(|server| {
        for transfer in [upload(server), download(server)] {
            transfer.prepare();
            transfer.relay.hold_after(2, transfer.moves);
            transfer.kill_when_held(2);
            let mut sweep = server.through(&transfer.relay, &["sweep", "--older-than", "0s"]);
            let swept = Ran::of(sweep.output().unwrap());
            assert_eq!(swept.lines().len(), 1, "{swept:?}");
            assert_eq!(journals(server).len(), 0);
        }
        assert_eq!(fs::read_dir(server.path("down")).unwrap().count(), 0);
    });
}

#[test]
fn sweep_aborts_uploads_that_no_journal_names() {
    check(|server| {
        let transfer = upload(server);
        transfer.prepare();
        transfer.relay.hold_after(2, is_part);
        transfer.kill_when_held(2);
        fs::remove_dir_all(server.path(".local/state/mfs3")).unwrap();
        assert_eq!(server.run(&["sweep", &server.url("")]).lines(), [""; 0]);
        assert_eq!(unfinished_uploads(server), 1);
        let swept = server.run(&["sweep", &server.url(""), "--older-than", "0s"]);
        assert!(swept.lines()[0].starts_with("abort: "), "{swept:?}");
        assert_eq!(unfinished_uploads(server), 0);
        assert_eq!(server.keys(), ["from/big"]);
    });
}

#[test]
fn an_interrupted_upload_without_resume_leaves_nothing() {
    check(|server| {
        let transfer = upload(server);
        transfer.prepare();
        transfer.relay.hold_after(2, is_part);
        let words = [transfer.words(), vec!["--no-resume"]].concat();
        let child = server.through(&transfer.relay, &words).spawn().unwrap();
        transfer.relay.wait_until_held();
        let mut kill = std::process::Command::new("kill");
        let sent = kill.args(["-INT", &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        let ran = Ran::of(child.wait_with_output().unwrap());
        transfer.relay.drop_held();
        assert_eq!(ran.code, Some(130), "{ran:?}");
        assert_eq!((unfinished_uploads(server), journals(server).len()), (0, 0));
        assert_eq!(server.keys(), ["from/big"]);
    });
}

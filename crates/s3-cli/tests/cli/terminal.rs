//! A terminal: progress is drawn, drawn again and cleared.

use std::process::{Command, Stdio};
use std::time::Duration;

use s3_testkit::{FaultAction, FaultMatch, FaultPlan};

use crate::harness::Harness;

/// Runs a line of shell in a terminal of 80 columns, and returns everything that it shows.
fn in_terminal(harness: &Harness, line: &str) -> String {
    let mfs3 = harness.command(&[]);
    let directory = std::path::Path::new(mfs3.get_program());
    let directory = directory.parent().expect("it is in a directory");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", directory.display());
    let line = format!("stty cols 80 rows 24; {line}");
    let shown = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env_clear()
        .envs(
            mfs3.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("PATH", path)
        .env("TERM", "xterm-256color")
        .current_dir(harness.path(""))
        .stdin(Stdio::null())
        .output();
    let shown = shown.expect("script of util-linux is installed");
    String::from_utf8(shown.stdout).expect("UTF-8")
}

fn slow() -> Harness {
    let stall = FaultAction::stall(Duration::from_millis(300));
    let plan = FaultPlan::none().with(FaultMatch::operation("PutObject").on(stall));
    let harness = Harness::with_server(|server| server.faults(plan));
    for n in 0..6 {
        harness.write(&format!("dir/{n}"), "content");
    }
    harness
}

#[test]
fn progress_is_drawn_drawn_again_and_cleared() {
    let harness = slow();
    let shown = in_terminal(&harness, "mfs3 cp -r -j 1 dir s3://bkt/p");
    for count in ["1/6 objects", "3/6 objects", "5/6 objects"] {
        assert!(shown.contains(count), "{count}: {shown:?}");
    }
    let (drawn, after) = shown.rsplit_once("objects").unwrap();
    assert!(drawn.matches("objects").count() > 3, "{shown:?}");
    // The bar is erased before the summary, which is the last line.
    let (before, summary) = after
        .rsplit_once("6 done, 0 skipped, 0 failed; 42 B in ")
        .unwrap();
    assert!(
        before.contains("\u{1b}[2K") || before.contains("\u{1b}[J"),
        "{shown:?}"
    );
    assert!(summary.trim_end().ends_with("/s)"), "{shown:?}");
    let operations = shown.matches("upload: dir/").count();
    assert_eq!(operations, 6, "{shown:?}");
}

#[test]
fn the_bar_of_a_large_file_follows_its_parts() {
    let stall = || FaultAction::stall(Duration::from_millis(150));
    let plan = FaultPlan::none()
        .with(FaultMatch::operation("UploadPart").on(stall()))
        .with(FaultMatch::operation("GetObject").on(stall()));
    let harness = Harness::with_server(|server| server.faults(plan));
    harness.write("big", &"x".repeat(32 << 20));
    let part = "--part-size 8M";
    for line in [
        format!("mfs3 cp big s3://bkt/k {part}"),
        format!("mfs3 cp s3://bkt/k copy {part}"),
        format!("mfs3 sync s3://bkt synced {part}"),
    ] {
        let shown = in_terminal(&harness, &line);
        // Some of the bytes, out of all of them, more than once.
        let drawn = shown.matches("MiB/32.00 MiB").count();
        assert!(
            drawn > 2 && shown.contains("0/1 objects"),
            "{line}: {shown:?}"
        );
        // Neither bytes nor objects are counted twice.
        let is_doubled = |other| shown.contains(other);
        let doubled = ["MiB/4", "MiB/6", "/2 objects"];
        assert!(!doubled.into_iter().any(is_doubled), "{line}: {shown:?}");
    }
}

#[test]
fn progress_of_deletions_and_restorations_is_in_objects() {
    let stall = || FaultAction::stall(Duration::from_millis(700));
    let plan = FaultPlan::none()
        .with(FaultMatch::operation("DeleteObjects").on(stall()))
        .with(FaultMatch::operation("RestoreObject").on(stall()));
    let harness = Harness::with_server(|server| server.faults(plan));
    harness.write("f", "f");
    for key in ["a", "b", "c"] {
        let url = format!("s3://bkt/d/{key}");
        harness.run(&["cp", "f", &url, "--storage-class", "GLACIER"]);
    }
    for command in ["restore -r --days 1", "rm -r -y"] {
        let shown = in_terminal(&harness, &format!("mfs3 {command} s3://bkt/d"));
        assert!(shown.contains("0/3 objects"), "{shown:?}");
        assert!(!shown.contains(" B/"), "{shown:?}");
        assert!(
            shown.contains("3 done, 0 skipped, 0 failed in "),
            "{shown:?}"
        );
    }
    let quick = harness.run(&["rb", "--force", "s3://bkt", "--progress", "plain"]);
    assert!(
        quick.err.starts_with("1 done, 0 skipped, 0 failed in "),
        "{quick:?}"
    );
}

#[test]
fn the_bar_stays_while_any_line_of_a_file_of_commands_runs() {
    let stall = FaultAction::stall(Duration::from_millis(1500));
    let plan = FaultPlan::none().with(
        FaultMatch::operation("PutObject")
            .with_key("slow")
            .on(stall),
    );
    let harness = Harness::with_server(|server| server.faults(plan));
    harness.write("f", "content");
    harness.write("commands", "cp f s3://bkt/quick\ncp f s3://bkt/slow\n");
    let shown = in_terminal(&harness, "mfs3 run commands");
    let (_, after) = shown.split_once("upload: f to s3://bkt/quick").unwrap();
    let (waiting, _) = after.split_once("upload: f to s3://bkt/slow").unwrap();
    assert!(waiting.matches("1/2 objects").count() > 3, "{shown:?}");
}

#[test]
fn the_bar_is_cleared_before_the_lines_of_verbose_output() {
    // The bar is drawn before the first of these attempts fails.
    let stall = FaultAction::stall(Duration::from_millis(500));
    let failure = FaultAction::status(503, "SlowDown");
    let plan = FaultPlan::none()
        .with(FaultMatch::operation("PutObject").on(stall).times(1))
        .with(FaultMatch::operation("PutObject").on(failure).times(4));
    let harness = Harness::with_server(|server| server.faults(plan));
    harness.write("dir/a", "content");
    harness.write("dir/b", "content");
    let shown = in_terminal(&harness, "mfs3 cp -v -r -j 1 dir s3://bkt/p");
    let shown = shown.replace("\u{1b}[J", "\u{1b}[2K");
    let lines: Vec<_> = shown
        .split('\n')
        .filter_map(|line| line.split_once(" DEBUG "))
        .map(|(before, _)| before)
        .collect();
    let is_cleared = |before: &&&str| before.contains("\u{1b}[2K");
    assert!(lines.iter().filter(is_cleared).count() > 1, "{shown:?}");
    for before in lines {
        // The text on the line since it was cleared.
        let rest = before.rsplit("\u{1b}[2K").next().unwrap_or_default();
        assert!(!rest.contains("objects"), "{before:?}");
    }
}

#[test]
fn no_bar_is_drawn_over_an_object_on_the_terminal() {
    let stall = FaultAction::stall(Duration::from_millis(500));
    let plan = FaultPlan::none().with(FaultMatch::operation("GetObject").on(stall));
    let harness = Harness::with_server(|server| server.faults(plan));
    harness.put("k", "content");
    assert_eq!(in_terminal(&harness, "mfs3 cp s3://bkt/k -"), "content");
}

#[test]
fn a_terminal_without_progress_shows_the_lines_alone() {
    let harness = slow();
    let shown = in_terminal(&harness, "mfs3 cp -r --no-progress dir s3://bkt/p");
    assert!(
        !shown.contains('\u{1b}') && !shown.contains("objects"),
        "{shown:?}"
    );
    assert_eq!(shown.lines().count(), 6, "{shown:?}");
}

#[test]
fn ctrl_c_in_a_terminal_clears_the_bar_and_says_what_is_left() {
    let harness = slow();
    // `timeout` interrupts the group in the foreground, as the key does.
    let line = "timeout --foreground -s INT 0.7 mfs3 cp -r -j 1 dir s3://bkt/p";
    let shown = in_terminal(&harness, line);
    let last = shown.trim_end().lines().last().unwrap_or_default();
    assert!(
        last.contains("interrupted: no partial files are left"),
        "{shown:?}"
    );
    assert_eq!(harness.server.unfinished_uploads().unwrap(), 0);
}

#[test]
fn sweep_asks_before_it_removes_anything() {
    let stall = FaultAction::stall(Duration::from_millis(40));
    let plan = FaultPlan::none().with(FaultMatch::operation("UploadPart").on(stall));
    let harness = Harness::with_server(|server| server.faults(plan));
    harness.write("big", &"x".repeat(32 << 20));
    // One upload has a journal, the other has none.
    for command in ["cp big s3://bkt/a", "cp --no-resume big s3://bkt/b"] {
        let uploads = harness.server.unfinished_uploads().unwrap();
        let words: Vec<_> = command.split(' ').chain(["--part-size", "5M"]).collect();
        let mut child = harness.command(&words).spawn().unwrap();
        while harness.server.unfinished_uploads().unwrap() == uploads {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(20));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // The terminal ends at once, which is no consent.
    let asked = in_terminal(&harness, "mfs3 sweep s3://bkt --older-than 0s");
    assert!(asked.contains("[y/N]"), "{asked:?}");
    assert_eq!(harness.server.unfinished_uploads().unwrap(), 2);
    let swept = harness.run(&["sweep", "s3://bkt", "--older-than", "0s"]);
    assert_eq!(swept.lines().len(), 2);
    assert_eq!(harness.server.unfinished_uploads().unwrap(), 0);
}

#[test]
fn a_deletion_of_many_asks_in_a_terminal_only() {
    let harness = Harness::with_keys(&["p/a", "p/b"]);
    let asked = in_terminal(&harness, "echo n | mfs3 rm -r s3://bkt/p");
    assert!(
        asked.contains("delete: s3://bkt/p/a"),
        "standard input is no terminal: {asked:?}"
    );
}

#[test]
fn the_question_before_a_deletion_names_all_that_goes() {
    let harness = Harness::with_keys(&["p/a", "q/b"]);
    // The terminal has no input, so there is no reply.
    let asked = in_terminal(&harness, "mfs3 rm -r s3://bkt/p s3://bkt/q");
    assert!(
        asked.contains("delete all objects of s3://bkt/p, s3://bkt/q? [y/N]"),
        "{asked:?}"
    );
    assert_eq!(harness.keys(), ["p/a", "q/b"]);
}

#[test]
fn an_output_that_cannot_be_written_ends_the_command_while_the_bar_is_drawn() {
    let harness = slow();
    let line = "timeout -k 1 10 mfs3 cp -r -j 1 dir s3://bkt/p > /dev/full; echo ended with $?";
    let shown = in_terminal(&harness, line);
    assert!(
        shown.contains("error: write to standard output: ") && shown.contains("ended with 1"),
        "{shown:?}"
    );
}

//! Exit codes, signals, `run`, `sweep`, `doctor`, `completions`, `man`.

use std::process::{Child, ChildStdin, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use s3_testkit::{FaultAction, FaultMatch, FaultPlan};

use crate::harness::{Harness, Ran};

#[test]
fn exit_codes_tell_the_class() {
    let harness = Harness::with_keys(&["k"]);
    let run = |key: &str, value: &str, words: &[&str]| {
        let mut command = harness.command(words);
        Ran::of(command.env(key, value).output().unwrap())
    };
    let wrong = run("AWS_SECRET_ACCESS_KEY", "another", &["ls", "s3://bkt"]);
    assert_eq!(wrong.code, Some(4), "{wrong:?}");
    let began = Instant::now();
    let mut without = harness.command(&["ls", "s3://bkt"]);
    without
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
    let without = Ran::of(without.output().unwrap());
    assert_eq!(without.code, Some(4), "{without:?}");
    assert!(
        without.err.contains("AWS_ACCESS_KEY_ID") && without.err.contains("--profile"),
        "{without:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(10));
    let late = run(
        "AWS_ENDPOINT_URL",
        "http://127.0.0.1:1",
        &["ls", "s3://bkt", "--deadline", "1s"],
    );
    assert_eq!(late.code, Some(6), "{late:?}");
    let waiting = run(
        "AWS_ENDPOINT_URL",
        "http://127.0.0.1:1",
        &["ls", "s3://bkt", "--deadline", "6s"],
    );
    assert!(
        waiting
            .err
            .starts_with("warning: network failure: could not connect")
            && waiting.code == Some(6),
        "{waiting:?}"
    );
    assert_eq!(
        harness.run(&["ls", "s3://bkt", "--profile", "none"]).code,
        Some(2)
    );
}

#[test]
fn the_endpoint_of_the_option_wins() {
    let harness = Harness::with_keys(&["k"]);
    let nobody = "http://127.0.0.1:1";
    let (key, secret) = (harness.server.access_key(), harness.server.secret_key());
    harness.write(
        ".aws/config",
        &format!(
            "[profile p]\nendpoint_url = {nobody}\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
        ),
    );
    let endpoint = harness.server.endpoint().clone();
    let run = |words: &[&str]| {
        let mut command = harness.command(words);
        command.env("AWS_ENDPOINT_URL", nobody);
        command.env("AWS_ENDPOINT_URL_S3", nobody);
        Ran::of(command.output().unwrap())
    };
    let find = ["find", "s3://bkt"];
    for option in [
        ["--endpoint-url", &endpoint].as_slice(),
        &["--endpoint", &endpoint, "--profile", "p"],
    ] {
        assert_eq!(run(&[&find[..], option].concat()).lines(), ["s3://bkt/k"]);
        assert_eq!(run(&[option, &find[..]].concat()).lines(), ["s3://bkt/k"]);
    }
    let without = run(&[&find[..], &["--deadline", "1s"]].concat());
    assert_eq!(without.code, Some(6), "{without:?}");
}

#[test]
fn a_file_of_commands_runs_all_of_them() {
    let harness = Harness::with_keys(&["k"]);
    let commands = "cp s3://bkt/k 'a b' # a comment\n\nrm s3://bkt/k2\ncat s3://bkt/gone\nls --json s3://bkt\n";
    let ran = harness.feed(&["run", "--json"], commands);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(harness.read("a b"), "k");
    let lines = ran.json();
    let line = |op: &str| {
        lines
            .iter()
            .find(|line| line["op"] == op)
            .map(|line| line["line"].clone())
    };
    assert_eq!(
        (line("download"), line("delete")),
        (Some(1.into()), Some(3.into()))
    );
    assert!(
        ran.err.contains("error: line 5: ") && ran.err.contains("global options"),
        "{ran:?}"
    );
}

/// Begins an upload of standard input that does not end, and returns when its parts are on their way.
fn piping(harness: &Harness, options: &[&str]) -> (Child, ChildStdin) {
    let mut command = harness.command(&[&["pipe", "s3://bkt/big"], options].concat());
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().expect("the binary runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, &vec![7; 40 << 20]).expect("it reads");
    while harness.server.unfinished_uploads().expect("a list") == 0 {
        thread::sleep(Duration::from_millis(10));
    }
    (child, stdin)
}

fn signal(child: &Child, name: &str) {
    let mut kill = std::process::Command::new("kill");
    let sent = kill.args([name, &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

#[test]
fn ctrl_c_and_sigterm_leave_no_upload_and_no_partial_file() {
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let harness = Harness::new();
        let (child, stdin) = piping(&harness, &["--json"]);
        signal(&child, name);
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(code), "{ran:?}");
        let lines = ran.json();
        assert_eq!(lines[0]["error"]["kind"], "cancelled", "{ran:?}");
        assert_eq!(lines[1]["interrupted"], true, "{ran:?}");
        assert_eq!(harness.server.unfinished_uploads().unwrap(), 0);
        drop(stdin);
    }
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    // The first signal waits for the abort, for 10 s at most.
    let stall = FaultAction::stall(Duration::from_secs(20));
    let plan = FaultPlan::none().with(FaultMatch::operation("AbortMultipartUpload").on(stall));
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let harness = Harness::with_server(|server| server.faults(plan.clone()));
        let (mut child, stdin) = piping(&harness, &["--json"]);
        signal(&child, "-INT");
        let log = harness.server.request_log();
        while log.count_of("AbortMultipartUpload") == 0 {
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(child.try_wait().unwrap(), None);
        let began = Instant::now();
        signal(&child, name);
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert!(began.elapsed() < Duration::from_secs(5));
        // Without a summary.
        assert_eq!((ran.code, ran.json().len()), (Some(code), 1), "{ran:?}");
        drop(stdin);
    }
}

#[test]
fn an_interrupted_copy_has_a_record_for_each_input_that_was_read() {
    const FILES: usize = 100;
    let stall = FaultAction::stall(Duration::from_secs(20));
    let plan = FaultPlan::none().with(FaultMatch::operation("PutObject").on(stall));
    let harness = Harness::with_server(|server| server.faults(plan));
    for n in 0..FILES {
        harness.write(&format!("up/{n}"), "content");
    }
    let mut command = harness.command(&["cp", "-r", "-j", "1", "up", "s3://bkt", "--json"]);
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = piped.spawn().unwrap();
    while harness.server.request_log().count_of("PutObject") == 0 {
        thread::sleep(Duration::from_millis(10));
    }
    signal(&child, "-INT");
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(130), "{ran:?}");
    let mut lines = ran.json();
    let summary = lines.pop().unwrap();
    assert_eq!(summary["failed"], FILES, "{summary}");
    let cancelled = lines
        .iter()
        .filter(|line| line["error"]["kind"] == "cancelled" && line["op"] == "upload");
    let mut sources: Vec<_> = cancelled.map(|line| line["source"].to_string()).collect();
    sources.sort_unstable();
    sources.dedup();
    assert_eq!((sources.len(), lines.len()), (FILES, FILES));
}

#[test]
fn an_upload_that_cannot_be_aborted_is_told() {
    let rejected = FaultAction::status(403, "AccessDenied");
    let plan = FaultPlan::none().with(FaultMatch::operation("AbortMultipartUpload").on(rejected));
    let harness = Harness::with_server(|server| server.faults(plan));
    let (child, stdin) = piping(&harness, &[]);
    signal(&child, "-INT");
    let ran = Ran::of(child.wait_with_output().unwrap());
    drop(stdin);
    assert_eq!(
        (ran.code, &*ran.err),
        (
            Some(130),
            "warning: 1 unfinished uploads could not be aborted; their parts are billed until mfs3 sweep URL removes them\n"
        )
    );
}

#[test]
fn sweep_aborts_uploads_and_keeps_what_is_new() {
    let harness = Harness::new();
    let (mut child, _stdin) = piping(&harness, &[]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(harness.run(&["sweep", "s3://bkt"]).lines(), [""; 0]);
    let planned = harness.run(&["sweep", "s3://bkt", "--older-than", "0s", "--dry-run"]);
    assert!(
        planned.lines()[0].starts_with("(dryrun) abort: s3://bkt/big "),
        "{planned:?}"
    );
    assert_eq!(harness.server.unfinished_uploads().unwrap(), 1);
    // A prefix is a directory.
    let beside = harness.run(&["sweep", "s3://bkt/bi", "--older-than", "0s"]);
    assert_eq!(beside.lines(), [""; 0]);
    assert_eq!(
        harness
            .run(&["sweep", "s3://bkt", "--older-than", "0s"])
            .lines()
            .len(),
        1
    );
    assert_eq!(harness.server.unfinished_uploads().unwrap(), 0);
}

#[test]
fn sweep_has_a_deadline() {
    let harness = Harness::new();
    let mut command = harness.command(&["sweep", "s3://bkt", "--deadline", "1s"]);
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let began = Instant::now();
    let late = Ran::of(command.output().unwrap());
    assert_eq!(late.code, Some(6), "{late:?}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_closed_output_ends_quietly() {
    let keys: Vec<_> = (0..3000).map(|n| format!("{n:0200}")).collect();
    let harness = Harness::with_keys(&keys.iter().map(String::as_str).collect::<Vec<_>>());
    let mut command = harness.command(&["find", "s3://bkt"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!((ran.code, &*ran.err), (Some(141), ""));
}

#[test]
fn many_failures_are_twenty_sentences_and_a_count() {
    let harness = Harness::new();
    let names: String = (0..25).map(|n| format!("{n}\n")).collect();
    let ran = harness.feed(&["cp", "s3://bkt", "d/", "--files-from", "-"], &names);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let lines: Vec<_> = ran.err.lines().collect();
    assert_eq!((lines.len(), lines[20]), (21, "… and 5 more (see --json)"));
    let json = harness.feed(
        &["cp", "s3://bkt", "d/", "--files-from", "-", "--json"],
        &names,
    );
    assert_eq!(json.json().len(), 26);
}

#[test]
fn doctor_completions_man_and_version() {
    let harness = Harness::new();
    let doctor = harness.run(&["doctor", "s3://bkt", "--json"]);
    assert_eq!(doctor.code, Some(0), "{doctor:?}");
    assert_eq!(doctor.json()[0]["part_size"], "8.0 MiB");
    assert!(!doctor.out.contains(harness.server.secret_key()));
    assert_eq!(harness.run(&["doctor", "s3://nowhere"]).code, Some(3));
    assert!(harness.run(&["completions", "bash"]).out.contains("mfs3"));
    assert_eq!(harness.run(&["man", "pages"]).code, Some(0));
    assert!(harness.read("pages/mfs3-cp.1").contains("recursive"));
    let version = format!("mfs3 {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(harness.run(&["--version"]).out, version);
}

#[test]
fn plain_progress_ends_with_a_summary() {
    let harness = Harness::with_keys(&["k"]);
    let ran = harness.run(&["cp", "s3://bkt/k", "x", "--progress", "plain"]);
    assert!(
        ran.err.starts_with("1 done, 0 skipped, 0 failed; 1 B in "),
        "{ran:?}"
    );
    assert_eq!(
        harness.run(&["cp", "s3://bkt/k", "x", "-q"]).lines(),
        [""; 0]
    );
}

#[test]
fn without_a_terminal_there_is_no_progress_unless_it_is_asked_for() {
    let harness = Harness::with_keys(&["k"]);
    let mut command = harness.command(&["cp", "s3://bkt/k", "x"]);
    let ran = Ran::of(command.env("CI", "true").output().unwrap());
    assert_eq!(ran.lines(), ["download: s3://bkt/k to x"]);
}

#[test]
fn both_ways_to_ask_for_help_print_the_same() {
    let harness = Harness::new();
    let all = harness.run(&["--help"]);
    assert_eq!(all, harness.run(&["-h"]));
    let commands = all.out.split("Commands:").nth(1).unwrap();
    let commands = commands.split("\n\n").next().unwrap().lines().skip(1);
    let names: Vec<_> = commands
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        let short = harness.run(&[name, "-h"]);
        assert!(
            short.code == Some(0) && short.out.contains("Example:"),
            "{short:?}"
        );
        assert_eq!(short, harness.run(&[name, "--help"]), "{name}");
    }
}

#[test]
fn requests_without_a_signature_need_no_credentials() {
    let harness = Harness::with_server(s3_testkit::S3ServerBuilder::allow_anonymous);
    harness.write("big", &"x".repeat(20 << 20));
    let run = |words: &[&str]| {
        let mut command = harness.command(&[words, &["--no-sign-request"]].concat());
        let without = command
            .env_remove("AWS_ACCESS_KEY_ID")
            .env("AWS_SECRET_ACCESS_KEY", "wrong");
        Ran::of(without.output().unwrap())
    };
    assert_eq!(
        run(&["cp", "big", "s3://bkt/big"]).lines(),
        ["upload: big to s3://bkt/big"]
    );
    assert_eq!(run(&["find", "s3://bkt"]).lines(), ["s3://bkt/big"]);
    assert_eq!(run(&["cp", "s3://bkt/big", "copy"]).lines().len(), 1);
    assert_eq!(harness.read("copy").len(), 20 << 20);
    assert_eq!(run(&["rm", "s3://bkt/big"]).lines().len(), 1);
    let presigned = run(&["presign", "s3://bkt/k"]);
    assert!(
        presigned.err.contains("without credentials"),
        "{presigned:?}"
    );
    assert_eq!(run(&["ls", "--profile", "p"]).code, Some(2));
    // The same server rejects a signature that is wrong.
    let mut signed = harness.command(&["ls", "s3://bkt"]);
    let signed = Ran::of(
        signed
            .env("AWS_SECRET_ACCESS_KEY", "wrong")
            .output()
            .unwrap(),
    );
    assert_eq!(signed.code, Some(4), "{signed:?}");
}

#[test]
fn every_request_of_a_requester_who_pays_says_so() {
    let harness = Harness::with_keys(&["k"]);
    harness.write("big", &"x".repeat(20 << 20));
    for words in [
        &["ls", "s3://bkt"][..],
        &["cp", "big", "s3://bkt/big"],
        &["cp", "s3://bkt/big", "copy"],
        &["cp", "s3://bkt/k", "s3://bkt/k2"],
        &["rm", "-r", "s3://bkt"],
    ] {
        let ran = harness.run(&[words, &["--request-payer", "requester"]].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    let requests = harness.server.request_log().requests();
    assert!(requests.len() > 8);
    for request in requests {
        assert_eq!(
            request.header("x-amz-request-payer"),
            Some("requester"),
            "{request:?}"
        );
    }
    assert_eq!(harness.run(&["ls", "--request-payer", "me"]).code, Some(2));
}

#[test]
fn a_command_starts_before_the_next_line_comes() {
    let harness = Harness::with_keys(&["k"]);
    let mut command = harness.command(&["run"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"cp s3://bkt/k copy\n").unwrap();
    let began = Instant::now();
    while !harness.path("copy").exists() && began.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(10));
    }
    let is_copied = harness.path("copy").exists();
    drop(stdin);
    assert!(is_copied && child.wait().unwrap().success());
}

#[test]
fn commands_that_read_the_commands_are_rejected() {
    let harness = Harness::with_keys(&["k"]);
    harness.write("f", "f");
    let commands = [
        "pipe s3://bkt/a",
        "cp - s3://bkt/a",
        "cp . s3://bkt/a --files-from -",
        "rm s3://bkt --files-from -",
        "cp f s3://bkt/b",
    ];
    let text = commands.join("\n");
    let ran = harness.feed(&["run"], &text);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(
        ran.err.matches("reads standard input").count(),
        4,
        "{ran:?}"
    );
    assert_eq!(harness.keys(), ["b", "k"]);
    harness.write("commands", "pipe s3://bkt/c\n");
    assert_eq!(harness.feed(&["run", "commands"], "c").code, Some(0));
    assert_eq!(harness.run(&["cat", "s3://bkt/c"]).out, "c");
}

#[test]
fn secrets_are_in_no_output() {
    const WRONG: &str = "another-secret-key";
    const TOKEN: &str = "a-session-token";
    for (is_wrong, token) in [(false, None), (false, Some(TOKEN)), (true, Some(TOKEN))] {
        // Attempts that fail are told.
        let failing = |operation| {
            let failure = FaultAction::status(503, "SlowDown");
            FaultMatch::operation(operation).on(failure).times(1)
        };
        let plan = FaultPlan::none()
            .with(failing("PutObject"))
            .with(failing("GetObject"))
            .with(failing("ListObjectsV2"));
        let harness = Harness::with_server(|server| server.faults(plan));
        harness.put("k", "k");
        harness.write("f", "content");
        let right = harness.server.secret_key();
        let mut told = String::new();
        for (words, code) in [
            (&["cp", "f", "s3://bkt/f"][..], 0),
            (&["cp", "s3://bkt/k", "copy"], 0),
            (&["sync", "s3://bkt", "down"], 0),
            (&["ls", "s3://bkt"], 0),
            (&["doctor", "s3://bkt"], 0),
            (&["ls", "s3://nowhere"], 3),
            (&["info", "s3://bkt/none"], 3),
        ] {
            let mut command = harness.command(&[words, &["-vv", "--json"]].concat());
            command.envs(is_wrong.then_some(("AWS_SECRET_ACCESS_KEY", WRONG)));
            command.envs(token.map(|token| ("AWS_SESSION_TOKEN", token)));
            let ran = Ran::of(command.output().unwrap());
            let code = if is_wrong { 4 } else { code };
            assert_eq!(ran.code, Some(code), "{words:?}: {ran:?}");
            told += &ran.out;
            told += &ran.err;
        }
        assert!(told.matches(" DEBUG ").count() > 1, "{told}");
        for secret in [right, WRONG, TOKEN] {
            assert!(!told.contains(secret), "{secret}: {told}");
        }
    }
}

#[test]
fn control_characters_of_names_are_not_printed() {
    let harness = Harness::with_keys(&["d/a\u{1b}cb"]);
    let name = "no\u{1b}cne";
    harness.write("dir\u{1b}c/f", "f");
    for words in [
        &["cp", name, "s3://bkt/x"][..],
        &["cp", "dir\u{1b}c", "s3://bkt/x"],
        &["cp", "s3://bkt/d/a\u{1b}cb", "dir\u{1b}c/f/g"],
        &["ls", &format!("s3://bkt/{name}/")],
        &["cat", &format!("s3://bkt/{name}")],
        &["cp", "s3://bkt/d", "x", "--files-from", name],
    ] {
        let ran = harness.run(words);
        assert!(ran.code != Some(0) && ran.err.contains("\\x1b"), "{ran:?}");
        assert!(!ran.err.contains('\u{1b}'), "{ran:?}");
        assert_eq!(ran.err.lines().count(), 1, "{ran:?}");
    }
}

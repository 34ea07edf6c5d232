//! Global options, as far as a server shows them.

use super::check;
use crate::tool::Ran;

#[test]
fn endpoint_region_and_profile_are_options() {
    check(|server| {
        server.put(&["k"]);
        let account = &server.account;
        server.write(
            ".aws/config",
            &format!(
                "[profile p]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
                account.access_key, account.secret_key
            ),
        );
        let words = ["cat", &server.url("k"), "--endpoint-url", &account.endpoint];
        let mut command = server.command(&[&words[..], &["--region", &account.region]].concat());
        command
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            .env_remove("AWS_REGION");
        assert_eq!(Ran::of(command.output().unwrap()).out, "k");
        let mut command = server.command(&["--profile", "p", "cat", &server.url("k")]);
        command
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY");
        assert_eq!(Ran::of(command.output().unwrap()).out, "k");
    });
}

#[test]
fn keys_are_resolved_below_a_root_or_a_run() {
    check(|server| {
        let root = server.url("root");
        server.feed(&["pipe", "s3:a/k", "--s3root", &root], "rooted");
        assert_eq!(server.cat("root/a/k"), "rooted");
        server.put(&["data/Flow/7/k"]);
        let data = server.url("data");
        let run = ["cat", "s3:k", "--run", "Flow/7"];
        let read = server.run_with(("METAFLOW_DATATOOLS_S3ROOT", &data), &run);
        assert_eq!(read.out, "data/Flow/7/k", "{read:?}");
    });
}

#[test]
fn output_is_as_much_as_is_asked_for() {
    check(|server| {
        server.put(&["k"]);
        let run = |words: &[&str]| server.run(&[&["cp", &server.url("k"), "x"], words].concat());
        assert_eq!(run(&["-q"]).lines(), [""; 0]);
        assert_eq!(run(&["--no-progress"]).lines().len(), 1);
        let plain = run(&["--progress", "plain"]);
        assert!(
            plain
                .err
                .starts_with("1 done, 0 skipped, 0 failed; 1 B in "),
            "{plain:?}"
        );
        let told = run(&["-vv"]);
        assert_eq!(told.code, Some(0), "{told:?}");
        assert!(!told.err.contains(&server.account.secret_key));
        assert_eq!(run(&["--request-payer", "requester"]).lines().len(), 1);
    });
}

#[test]
fn a_rate_bounds_a_transfer() {
    check(|server| {
        // 2 MiB take a second each.
        for name in ["up/1", "up/2", "up/3"] {
            server.write(name, &"x".repeat(2 << 20));
        }
        let p = server.url("p");
        for words in [["up", &p], [&p, "down"]] {
            let began = std::time::Instant::now();
            let copy = [&["cp", "-r"], &words[..], &["--limit-rate", "2M"]].concat();
            assert_eq!(server.run(&copy).lines().len(), 3);
            assert!(began.elapsed().as_secs_f64() > 3.0, "{:?}", began.elapsed());
        }
    });
}

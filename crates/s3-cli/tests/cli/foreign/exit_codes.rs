//! Exit codes, `run`, `doctor`.

use super::check;

#[test]
fn what_failed_in_part_is_1() {
    check(|server| {
        server.put(&["k"]);
        let (k, none) = (server.url("k"), server.url("none"));
        let ran = server.run(&["cp", &k, &none, "d/", "--json"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let lines = ran.json();
        let failed = lines.iter().find(|line| line["status"] == "failed");
        let error = &failed.expect("a failure")["error"];
        assert_eq!(
            (&error["kind"], &error["status"]),
            (&"not_found".into(), &404.into())
        );
        let summary = lines.last().unwrap();
        assert_eq!(
            (&summary["done"], &summary["failed"]),
            (&1.into(), &1.into())
        );
    });
}

#[test]
fn a_wrong_argument_is_2_and_sends_nothing() {
    check(|server| {
        let relay = server.relay();
        server.write("dir/f", "f");
        let k = server.url("k");
        for words in [
            &["cp", "dir", &k][..],
            &["cp", "a", "b"],
            &["mv", &k, &k],
            &["presign", &k, "--expires-in", "8d"],
            &["ls", &k, "--part-size", "many"],
            &["sync", "a", "b"],
            &["nothing"],
        ] {
            let ran = server.through(&relay, words).output().unwrap();
            assert_eq!(ran.status.code(), Some(2), "{words:?}");
        }
        assert_eq!(relay.different(|_| true), 0);
    });
}

#[test]
fn what_is_missing_is_3() {
    check(|server| {
        let none = server.url("none");
        let bucket = format!("s3://{}-none", server.bucket);
        for words in [
            &["cp", &none, "x"][..],
            &["cp", "none", &none],
            &["cp", &server.url("no*"), "x/"],
            &["cp", "-r", &none, "x"],
            &["cp", &none, &server.url("other")],
            &["cat", &none],
            &["info", &none],
            &["ls", &none],
            &["ls", &bucket],
            &["info", &format!("{bucket}/k")],
            &["find", &bucket],
            &["sync", &none, "down"],
            &["sync", "none", &none],
            &["rb", &bucket],
            &["doctor", &bucket],
        ] {
            let ran = server.run(words);
            assert_eq!(ran.code, Some(3), "{words:?}: {ran:?}");
            let out = match words[0] {
                "doctor" => "",
                _ => &*ran.out,
            };
            assert!(out.is_empty() && ran.err.starts_with("error: "), "{ran:?}");
        }
    });
}

#[test]
fn a_missing_bucket_cannot_be_written_to_which_is_3() {
    check(|server| {
        server.write("f", "content");
        server.write("big", &"x".repeat(17 << 20));
        let bucket = format!("s3://{}-none", server.bucket);
        for name in ["f", "big"] {
            let ran = server.run(&["cp", name, &format!("{bucket}/{name}")]);
            assert_eq!(ran.code, Some(3), "{ran:?}");
            assert!(ran.err.contains("bucket"), "{ran:?}");
        }
    });
}

#[test]
fn wrong_credentials_are_4() {
    check(|server| {
        server.put(&["k"]);
        server.write("f", "content");
        let k = server.url("k");
        for variable in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            for words in [
                &["ls", &server.url("")][..],
                &["ls"],
                &["cat", &k],
                &["info", &k],
                &["cp", "f", &k],
                &["rm", &k],
                &["doctor", &server.url("")],
            ] {
                let ran = server.run_with((variable, "wrong-wrong-wrong"), words);
                assert_eq!(ran.code, Some(4), "{words:?}: {ran:?}");
                let is_secret = variable == "AWS_SECRET_ACCESS_KEY";
                assert!(!is_secret || !ran.err.contains("wrong-wrong"), "{ran:?}");
            }
        }
        let unsigned = server.run(&["cat", &k, "--no-sign-request"]);
        assert_eq!(unsigned.code, Some(4), "{unsigned:?}");
        assert_eq!(server.cat("k"), "k");
    });
}

#[test]
fn missing_credentials_are_4() {
    check(|server| {
        let mut command = server.command(&["ls", &server.url("")]);
        command
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY");
        let ran = crate::tool::Ran::of(command.output().unwrap());
        assert_eq!(ran.code, Some(4), "{ran:?}");
        assert!(ran.err.contains("--profile"), "{ran:?}");
    });
}

#[test]
fn no_server_and_a_deadline_are_6() {
    check(|server| {
        let gone = [
            "ls",
            &server.url(""),
            "--endpoint-url",
            "http://127.0.0.1:1",
        ];
        let gone = server.run(&[&gone[..], &["--deadline", "1s"]].concat());
        assert_eq!(gone.code, Some(6), "{gone:?}");
        server.write("big", &"x".repeat(17 << 20));
        let key = server.url("big");
        let slow = ["cp", "big", &key, "--limit-rate", "1M", "--deadline", "1s"];
        let slow = server.run(&[&slow[..], &["--no-resume"]].concat());
        assert_eq!(slow.code, Some(6), "{slow:?}");
        assert_eq!(server.run(&["cp", "big", &key]).lines().len(), 1);
        let slow = ["cp", &key, "down", "--limit-rate", "1M", "--deadline", "1s"];
        let slow = server.run(&[&slow[..], &["--no-resume"]].concat());
        assert_eq!(slow.code, Some(6), "{slow:?}");
        assert!(!server.path("down").exists());
    });
}

#[test]
fn a_file_of_commands_runs_all_of_them() {
    check(|server| {
        server.put(&["k"]);
        let (k, other, gone) = (server.url("k"), server.url("other"), server.url("gone"));
        let commands = format!("cp {k} 'a b' # comment\n\ncp {k} {other}\ncat {gone}\n");
        let ran = server.feed(&["run", "--json"], &commands);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains("error: line 4: "), "{ran:?}");
        assert_eq!(
            (server.read("a b"), server.cat("other")),
            ("k".into(), "k".into())
        );
        let line = |op: &str| {
            let lines = ran.json();
            let found = lines.iter().find(|line| line["op"] == op);
            found.map(|line| line["line"].clone())
        };
        assert_eq!(
            (line("download"), line("copy")),
            (Some(1.into()), Some(3.into()))
        );
        server.write("commands", &format!("rm {k}\nrm {other}\n"));
        assert_eq!(server.run(&["run", "commands"]).lines().len(), 2);
        assert_eq!(server.keys(), [""; 0]);
    });
}

#[test]
fn doctor_tries_a_request() {
    check(|server| {
        for words in [&["doctor"][..], &["doctor", &server.url("")]] {
            let ran = server.run(words);
            assert!(ran.code == Some(0) && ran.err.is_empty(), "{ran:?}");
            assert!(!ran.out.contains(&server.account.secret_key), "{ran:?}");
        }
        let ran = server.run(&["doctor", &server.url(""), "--json"]);
        let request = ran.json()[0]["request"].to_string();
        assert!(!request.contains("failed"), "{ran:?}");
    });
}

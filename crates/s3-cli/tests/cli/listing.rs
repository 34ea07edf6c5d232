//! `ls`, `cat`, `info`, `du`, `find`, `presign`, `mb`, `rb`, `rm`.

use std::io::{Read, Write};
use std::net::TcpStream;

use s3_core::{SetVersioning, Store, Versioning};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan};

use crate::harness::{Harness, block_on};

#[test]
fn ls_shows_one_level_in_key_order_and_the_tree_with_whole_keys() {
    let harness = Harness::with_keys(&["a/1", "a/b/2", "a0", "z\nz"]);
    let level = harness.run(&["ls", "s3://bkt/a"]);
    let names: Vec<_> = level.out.lines().map(|line| &line[27..]).collect();
    assert_eq!(
        (names, level.code),
        (vec!["PRE a/", "  2 a0"], Some(0)),
        "{level:?}"
    );
    let tree = harness.run(&["ls", "-r", "s3://bkt/a", "--summarize"]);
    assert!(
        tree.out.contains(" a/1\n") && tree.out.contains(" a/b/2\n"),
        "{tree:?}"
    );
    assert!(
        tree.out.ends_with("Total Objects: 2\n   Total Size: 8\n"),
        "{tree:?}"
    );
    assert!(harness.run(&["ls", "s3://bkt"]).out.contains("z\\x0az\n"));
    let json = harness.run(&["ls", "s3://bkt/a/", "--json"]).json();
    assert_eq!(
        (&json[0]["type"], &json[0]["key"]),
        (&"file".into(), &"a/1".into())
    );
    assert_eq!(
        (&json[1]["type"], &json[1]["key"]),
        (&"directory".into(), &"a/b/".into())
    );
    assert!(harness.run(&["ls"]).out.ends_with(" bkt\n"));
}

#[test]
fn csv_has_a_header_and_quotes_what_needs_it() {
    let harness = Harness::with_keys(&["d/a", "d/b,\"c\"", "d/e/f"]);
    let lines = |words: &[&str]| {
        let ran = harness.run(words);
        assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{ran:?}");
        let lines: Vec<_> = ran.out.lines().map(str::to_owned).collect();
        lines
    };
    let level = lines(&["ls", "--csv", "s3://bkt/d/"]);
    assert_eq!(level.len(), 4);
    assert_eq!(level[0], "type,key,size,etag,last_modified,storage_class");
    let file = |line: &str, key: &str, size: usize| {
        let rest = line.strip_prefix(&format!("file,{key},{size},")).unwrap();
        let fields: Vec<_> = rest.split(',').map(str::to_owned).collect();
        assert_eq!(fields.len(), 3, "{line}");
        assert_eq!(fields[0].len(), 32, "{line}");
        assert!(
            fields[1].starts_with("20") && fields[1].ends_with('Z'),
            "{line}"
        );
    };
    file(&level[1], "d/a", 3);
    file(&level[2], "\"d/b,\"\"c\"\"\"", 7);
    assert_eq!(level[3], "directory,d/e/,,,,");
    let tree = lines(&["ls", "-r", "--csv", "s3://bkt"]);
    file(&tree[3], "d/e/f", 5);
    assert!(lines(&["ls", "--csv"])[0].starts_with("bucket,bkt,,,"));
}

#[test]
fn a_listing_of_nothing_is_not_found_unless_it_is_a_bucket() {
    let harness = Harness::new();
    assert_eq!(harness.run(&["ls", "s3://bkt"]).code, Some(0));
    let codes = [
        "ls s3://bkt/x",
        "ls s3://bkt/*.x",
        "ls s3://nowhere",
        "du s3://bkt/x",
        "find s3://bkt/x",
        "rm s3://bkt/*",
    ]
    .map(|words| harness.run(&words.split(' ').collect::<Vec<_>>()).code);
    assert_eq!(codes, [Some(3); 6]);
}

#[test]
fn a_failed_listing_names_its_operation_and_its_source() {
    let harness = Harness::new();
    let url = "s3://nowhere/k";
    for command in ["ls", "info", "du", "find"] {
        let ran = harness.run(&[command, url, "--json"]);
        let lines = ran.json();
        let line = &lines[0];
        assert_eq!(
            (ran.code, &line["op"], &line["source"], &line["status"]),
            (Some(3), &command.into(), &url.into(), &"failed".into()),
            "{ran:?}"
        );
        assert_eq!(line["error"]["kind"], "no_such_bucket", "{ran:?}");
        let sentence = format!("error: {command} {url}: no such bucket");
        assert!(ran.err.starts_with(&sentence), "{ran:?}");
    }
}

#[test]
fn cat_prints_ranges_and_wildcards() {
    let harness = Harness::with_keys(&["x1", "x2", "y"]);
    assert_eq!(harness.run(&["cat", "s3://bkt/x*"]).out, "x1x2");
    assert_eq!(
        harness.run(&["cat", "s3://bkt/x1", "--range", "-1"]).out,
        "1"
    );
    let missing = harness.run(&["cat", "s3://bkt/none"]);
    assert_eq!(missing.code, Some(3));
    assert!(
        missing
            .err
            .starts_with("error: cat s3://bkt/none: object not found"),
        "{missing:?}"
    );
    assert_eq!(
        harness.run(&["cat", "s3://bkt/x1", "s3://bkt/none"]).code,
        Some(1)
    );
}

#[test]
fn du_find_and_info_describe() {
    let harness = Harness::with_keys(&["d/a.txt", "d/e/b.log", "dd"]);
    assert_eq!(
        harness.run(&["du", "s3://bkt/d"]).out,
        "16 bytes in 2 objects: s3://bkt/d\n"
    );
    let found = harness.run(&[
        "find",
        "s3://bkt/d",
        "--name",
        "*.log",
        "--larger",
        "1",
        "--newer-than",
        "1h",
    ]);
    assert_eq!(found.out, "s3://bkt/d/e/b.log\n");
    let old = harness.run(&["find", "s3://bkt/d", "--older-than", "1h"]);
    assert_eq!((&*old.out, old.code), ("", Some(0)));
    assert_eq!(
        harness
            .run(&["find", "s3://bkt/d", "-0", "--regex", "^a"])
            .out,
        "s3://bkt/d/a.txt\0"
    );
    let info = harness.run(&["head", "s3://bkt/dd"]);
    assert!(
        info.out.starts_with("URL: s3://bkt/dd\nSize: 2\nETag: "),
        "{info:?}"
    );
    assert_eq!(
        harness.run(&["info", "--json", "s3://bkt/dd"]).json()[0]["size"],
        2
    );
}

#[test]
fn du_counts_each_storage_class_by_itself() {
    let harness = Harness::with_keys(&["d/a", "d/b"]);
    harness.write("f", &"x".repeat(1536));
    harness.run(&["cp", "f", "s3://bkt/d/f", "--storage-class", "STANDARD_IA"]);
    let url = "s3://bkt/d";
    assert_eq!(
        harness.run(&["du", "--group", "-H", url]).lines(),
        [
            "1.5 KiB in 1 objects: s3://bkt/d [STANDARD_IA]",
            "6 B in 2 objects: s3://bkt/d [STANDARD]",
        ]
    );
    let json = harness.run(&["du", "--json", url, "s3://bkt/d/a*"]).json();
    let fields = |line: &serde_json::Value| {
        let number = |name: &str| line[name].as_u64().unwrap();
        (line["url"].clone(), number("size"), number("count"))
    };
    assert_eq!(fields(&json[0]), (url.into(), 1542, 3));
    assert_eq!(fields(&json[1]), ("s3://bkt/d/a*".into(), 3, 1));
    assert!(json[0].get("storage_class").is_none());
    let grouped = harness.run(&["du", "--json", "--group", url]).json();
    let classes: Vec<_> = grouped.iter().map(|line| &line["storage_class"]).collect();
    assert_eq!(classes, [&"STANDARD", &"STANDARD_IA"]);
}

#[test]
fn find_compares_paths_and_sizes() {
    let harness = Harness::with_keys(&["d/a.log", "d/e/b.log", "d/e/long.log", "d/e/x"]);
    let found = |words: &[&str]| {
        let ran = harness.run(&[&["find", "s3://bkt/d"], words].concat());
        ran.lines()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        found(&["--path", "e/*.log"]),
        ["s3://bkt/d/e/b.log", "s3://bkt/d/e/long.log"]
    );
    // The size of an object is the length of its key here.
    assert_eq!(found(&["--smaller", "7"]), ["s3://bkt/d/e/x"]);
    assert_eq!(
        found(&["--path", "e/*.log", "--smaller", "12"]),
        ["s3://bkt/d/e/b.log"]
    );
}

#[test]
fn info_shows_the_checksum_where_it_may() {
    let denied = FaultAction::status(403, "AccessDenied");
    let denied = FaultMatch::operation("HeadObject").on(denied).times(1);
    let plan = FaultPlan::none().with(denied);
    let harness = Harness::with_server(|server| server.faults(plan).default_checksums());
    harness.write("f", "content");
    harness.run(&["cp", "f", "s3://bkt/f"]);
    // The first request is denied, and the second does not ask for the checksum.
    let without = harness.run(&["info", "s3://bkt/f", "--json"]).json();
    assert_eq!(without[0]["size"], 7);
    assert!(without[0]["checksum"].is_null(), "{without:?}");
    let heads: Vec<_> = harness.server.request_log().requests();
    let heads = heads
        .iter()
        .filter(|request| request.call.operation == "HeadObject")
        .map(|request| request.header("x-amz-checksum-mode"));
    assert_eq!(heads.collect::<Vec<_>>(), [Some("ENABLED"), None]);
    let with = harness.run(&["info", "s3://bkt/f", "--json"]).json();
    let checksum = &with[0]["checksum"];
    assert_eq!(
        (&checksum["alg"], &checksum["type"]),
        (&"CRC64NVME".into(), &"FULL_OBJECT".into()),
        "{with:?}"
    );
    let value = checksum["value"].as_str().unwrap();
    let text = harness.run(&["info", "s3://bkt/f"]).out;
    assert!(
        text.contains(&format!("Checksum: CRC64NVME {value}\n")),
        "{text}"
    );
}

#[test]
fn rm_deletes_what_is_named_in_batches() {
    let keys: Vec<_> = (0..1200).map(|n| format!("d/{n:04}")).collect();
    let keys: Vec<_> = keys.iter().map(String::as_str).chain(["d2", "p"]).collect();
    let harness = Harness::with_keys(&keys);
    let planned = harness.run(&["rm", "-r", "s3://bkt/d", "--dry-run", "--exclude", "1*"]);
    assert_eq!(planned.lines().len(), 1000);
    assert_eq!(planned.lines()[0], "(dryrun) delete: s3://bkt/d/0000");
    let before = harness.server.request_log().requests().len();
    let removed = harness.run(&["rm", "-r", "s3://bkt/d", "--json"]);
    let summary = removed.json().pop().unwrap();
    assert_eq!(
        (&summary["op"], &summary["done"]),
        (&"summary".into(), &1200.into())
    );
    let requests = harness.server.request_log().requests().len() - before;
    assert!(requests <= 8, "{requests} requests");
    assert_eq!(harness.keys(), ["d2", "p"]);
    let names = harness.feed(&["rm", "s3://bkt", "--files-from", "-"], "d2\nabsent\n");
    assert_eq!(
        names.lines(),
        ["delete: s3://bkt/absent", "delete: s3://bkt/d2"]
    );
    assert_eq!(harness.run(&["rm", "s3://bkt"]).code, Some(2));
}

#[test]
fn buckets_are_made_and_removed() {
    let harness = Harness::with_keys(&["k"]);
    assert_eq!(
        harness.run(&["mb", "s3://new"]).lines(),
        ["make_bucket: new"]
    );
    assert_eq!(
        harness.run(&["rb", "s3://new"]).lines(),
        ["remove_bucket: new"]
    );
    let full = harness.run(&["rb", "s3://bkt"]);
    assert!(
        full.code == Some(1) && full.err.contains("--force"),
        "{full:?}"
    );
    let forced = harness.run(&["rb", "s3://bkt", "--force"]);
    assert_eq!(forced.lines(), ["delete: s3://bkt/k", "remove_bucket: bkt"]);
    assert_eq!(harness.run(&["mb", "s3://bkt/k"]).code, Some(2));
}

#[test]
fn a_presigned_address_is_bounded_to_seven_days() {
    let harness = Harness::with_keys(&["k"]);
    let address = harness.run(&["presign", "s3://bkt/k", "--expires-in", "10m"]);
    assert!(
        address.out.contains("/bkt/k?") && address.out.contains("X-Amz-Expires=600"),
        "{address:?}"
    );
    assert_eq!(
        harness
            .run(&["presign", "s3://bkt/k", "--expire", "8d"])
            .code,
        Some(2)
    );
}

/// Sends a request to a presigned address, and returns the response.
fn send(method: &str, address: &str, body: &str) -> String {
    let rest = address.strip_prefix("http://").expect("an address");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(host).expect("a connection");
    let len = body.len();
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n{body}"
    )
    .expect("a request");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    response
}

#[test]
fn a_presigned_address_is_for_one_method() {
    let harness = Harness::with_keys(&["k"]);
    let presign = |method: &str| {
        let words = ["presign", "s3://bkt/k", "--expires-in", "10m", "--json"];
        let ran = harness.run(&[&words[..], &["--method", method]].concat());
        let line = ran.json().remove(0);
        assert_eq!(line["url"], "s3://bkt/k", "{ran:?}");
        let expires: jiff::Timestamp = line["expires"].as_str().unwrap().parse().unwrap();
        let left = expires.as_second() - jiff::Timestamp::now().as_second();
        assert!((570..=600).contains(&left), "{ran:?}");
        line["presigned"].as_str().unwrap().to_owned()
    };
    let put = presign("put");
    assert!(send("GET", &put, "").starts_with("HTTP/1.1 403 "));
    for (method, body, status) in [("put", "new", 200), ("head", "", 200), ("get", "", 200)] {
        let response = send(&method.to_uppercase(), &presign(method), body);
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "{method}: {response}"
        );
        assert!(method != "get" || response.ends_with("\r\n\r\nnew"));
    }
    assert!(send("DELETE", &presign("delete"), "").starts_with("HTTP/1.1 204 "));
    assert_eq!(harness.keys(), [""; 0]);
}

#[test]
fn all_versions_have_their_ids() {
    let harness = Harness::with_keys(&["d/old"]);
    let enabled = SetVersioning::new("bkt", Versioning::Enabled);
    block_on(harness.store.set_versioning(enabled)).unwrap();
    harness.put("d/old", "newer");
    harness.put("d/e/x", "x");
    harness.run(&["rm", "s3://bkt/d/old"]);
    assert_eq!(harness.run(&["ls", "s3://bkt/d/"]).out.lines().count(), 1);
    let json = harness.run(&["ls", "-r", "s3://bkt/d", "--all-versions", "--json"]);
    let shown: Vec<_> = json
        .json()
        .iter()
        .map(|line| {
            (
                line["key"].as_str().unwrap().to_owned(),
                line["type"].as_str().unwrap().to_owned(),
                line["size"].as_u64().unwrap(),
                line["is_latest"].as_bool().unwrap(),
            )
        })
        .collect();
    let line =
        |key: &str, kind: &str, size, latest| (key.to_owned(), kind.to_owned(), size, latest);
    assert_eq!(
        shown,
        [
            line("d/e/x", "file", 1, true),
            line("d/old", "delete_marker", 0, true),
            line("d/old", "file", 5, false),
            line("d/old", "file", 5, false),
        ]
    );
    let oldest = json.json()[3]["version"].as_str().unwrap().to_owned();
    assert_eq!(oldest, "null");
    let level = harness.run(&["ls", "s3://bkt/d/", "--all-versions", "--summarize"]);
    let lines: Vec<_> = level.out.lines().collect();
    assert!(
        lines[0].ends_with("PRE e/") && lines[1].contains("deleted"),
        "{level:?}"
    );
    assert!(lines[3].ends_with("5 null old"), "{level:?}");
    assert!(level.out.contains("Total Objects: 2"), "{level:?}");
    let read = ["cat", "s3://bkt/d/old", "--version-id", "null"];
    assert_eq!(harness.run(&read).out, "d/old");
    let none = harness.run(&["ls", "s3://bkt/none", "--all-versions"]);
    assert_eq!(none.code, Some(3));
}

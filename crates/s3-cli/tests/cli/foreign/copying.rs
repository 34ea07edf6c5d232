//! `cp` and `mv`: one file, several parts, trees, wildcards, within S3.

use std::fs;

use super::check;

#[test]
fn a_file_goes_up_and_comes_down() {
    check(|server| {
        server.write("f.txt", "content");
        let key = server.url("d/f.txt");
        let up = server.run(&["cp", "f.txt", &key]);
        assert_eq!(up.lines(), [format!("upload: f.txt to {key}")]);
        let down = server.run(&["cp", &key, "copy", "--json"]);
        let lines = down.json();
        assert_eq!(down.code, Some(0), "{down:?}");
        let field = |name: &str| lines[0][name].clone();
        assert_eq!(
            (field("op"), field("source"), field("destination")),
            ("download".into(), key.into(), "copy".into())
        );
        assert_eq!((field("size"), field("status")), (7.into(), "done".into()));
        let summary = &lines[1];
        assert_eq!(
            (&summary["op"], &summary["done"], &summary["bytes"]),
            (&"summary".into(), &1.into(), &7.into())
        );
        assert_eq!(server.read("copy"), "content");
        // An empty object, and a range of one that is not.
        server.write("empty", "");
        let empty = server.url("empty");
        assert_eq!(server.run(&["cp", "empty", &empty]).lines().len(), 1);
        assert_eq!(server.run(&["cp", &empty, "down"]).lines().len(), 1);
        assert_eq!(server.read("down"), "");
        let range = ["cp", "--range", "2-4", &server.url("d/f.txt"), "part"];
        assert_eq!(server.run(&range).lines().len(), 1);
        assert_eq!(server.read("part"), "nte");
    });
}

#[test]
fn attributes_of_an_upload_are_those_of_the_object() {
    check(|server| {
        server.write("f", "content");
        let up = [
            "cp",
            "f",
            &server.url("k"),
            "--content-type",
            "text/x-test",
            "--metadata",
            "colour=red",
            "--metadata",
            "shape=round",
        ];
        assert_eq!(server.run(&up).lines().len(), 1);
        let info = server.info("k");
        assert_eq!(info["content_type"], "text/x-test", "{info}");
        assert_eq!(
            (&info["metadata"]["colour"], &info["metadata"]["shape"]),
            (&"red".into(), &"round".into())
        );
        // Without the option, the name tells the type.
        server.write("page.html", "<p>");
        server.run(&["cp", "page.html", &server.url("page.html")]);
        assert_eq!(server.info("page.html")["content_type"], "text/html");
    });
}

#[test]
fn a_storage_class_is_the_one_asked_for() {
    check(|server| {
        server.write("f", "content");
        let up = [
            "cp",
            "f",
            &server.url("k"),
            "--storage-class",
            "STANDARD_IA",
        ];
        assert_eq!(server.run(&up).lines().len(), 1);
        assert_eq!(server.info("k")["storage_class"], "STANDARD_IA");
        let listed = server.run(&["ls", &server.url(""), "--json"]).json();
        assert_eq!(listed[0]["storage_class"], "STANDARD_IA");
    });
}

#[test]
fn an_encryption_is_the_one_asked_for() {
    check(|server| {
        server.write("f", "content");
        let up = ["cp", "f", &server.url("k"), "--sse", "AES256"];
        assert_eq!(server.run(&up).lines().len(), 1);
        assert_eq!(server.info("k")["encryption"], "AES256");
        assert_eq!(server.cat("k"), "content");
    });
}

/// More than three parts of 5 MiB.
fn big(server: &super::Foreign) -> Vec<u8> {
    let data: Vec<u8> = (0..(16 << 20) + 7)
        .map(|at: u32| (at % 251) as u8)
        .collect();
    fs::write(server.path("big"), &data).expect("a file");
    data
}

#[test]
fn a_file_of_several_parts_goes_up_across_and_down() {
    check(|server| {
        let data = big(server);
        let parts = ["--part-size", "5M", "-j", "3"];
        let (key, copy) = (server.url("big"), server.url("copy"));
        for words in [
            ["cp", "big", &key],
            ["cp", &key, "down"],
            ["cp", &key, &copy],
            ["cp", &copy, "across"],
        ] {
            let ran = server.run(&[&words[..], &parts].concat());
            assert_eq!(ran.lines().len(), 1, "{ran:?}");
        }
        for name in ["down", "across"] {
            assert!(fs::read(server.path(name)).unwrap() == data, "{name}");
        }
        let etag = server.info("big")["etag"].as_str().unwrap().to_owned();
        assert!(etag.ends_with("-4"), "{etag}");
        let range = ["cp", &key, "end", "--range", "-7"];
        assert_eq!(server.run(&range).lines().len(), 1);
        assert_eq!(
            fs::read(server.path("end")).unwrap(),
            &data[data.len() - 7..]
        );
    });
}

#[test]
fn a_copy_is_compared_when_asked() {
    check(|server| {
        big(server);
        server.write("f", "content");
        for name in ["big", "f"] {
            let key = server.url(name);
            for words in [["cp", name, &key], ["cp", &key, "down"]] {
                let ran = server.run(&[&words[..], &["--verify", "--json"]].concat());
                assert_eq!(ran.code, Some(0), "{ran:?}");
            }
        }
    });
}

#[test]
fn a_directory_goes_up_and_comes_down_without_what_is_excluded() {
    check(|server| {
        for name in ["up/a.txt", "up/d/b.log", "up/d/c", "up/d/e/f.txt"] {
            server.write(name, name);
        }
        let p = server.url("p");
        let up = server.run(&["cp", "-r", "up", &p, "--exclude", "*.log"]);
        assert_eq!(up.lines().len(), 3, "{up:?}");
        assert_eq!(server.keys(), ["p/a.txt", "p/d/c", "p/d/e/f.txt"]);
        server.put(&["p2/x"]);
        let down = server.run(&["cp", "-r", &p, "down", "--include", "*.txt"]);
        assert_eq!(
            down.lines(),
            [
                format!("download: {p}/a.txt to down/a.txt"),
                format!("download: {p}/d/e/f.txt to down/d/e/f.txt"),
            ]
        );
        assert_eq!(server.read("down/d/e/f.txt"), "up/d/e/f.txt");
        server.write("patterns", "*.txt\n");
        let rest = ["cp", "-r", &p, "rest", "--exclude-from", "patterns"];
        assert_eq!(server.run(&rest).lines().len(), 1);
        let planned = server.run(&["cp", "-r", &p, "planned", "--dry-run"]);
        assert_eq!(planned.lines().len(), 3);
        assert!(planned.out.starts_with("(dryrun) ") && !server.path("planned").exists());
    });
}

#[test]
fn names_come_from_a_list() {
    check(|server| {
        server.put(&["d/1", "d/e/2", "d/3"]);
        let d = server.url("d");
        let list = ["cp", &d, "down/", "--files-from", "-"];
        assert_eq!(server.feed(&list, "1\ne/2\n").lines().len(), 2);
        assert_eq!(server.read("down/e/2"), "d/e/2");
        let null = ["rm", &d, "-0", "--files-from", "-"];
        assert_eq!(server.feed(&null, "1\0e/2\0").lines().len(), 2);
        assert_eq!(server.keys(), ["d/3"]);
    });
}

#[test]
fn wildcards_choose_objects() {
    check(|server| {
        server.put(&["a/x/1.txt", "a/y.txt", "a/z.log"]);
        let txt = server.url("a/*.txt");
        assert_eq!(server.run(&["cp", &txt, "w/"]).lines().len(), 2);
        assert_eq!(server.read("w/x/1.txt"), "a/x/1.txt");
        assert_eq!(
            server.run(&["cp", "--flatten", &txt, "flat"]).lines().len(),
            2
        );
        assert_eq!(server.read("flat/1.txt"), "a/x/1.txt");
        let across = server.run(&["cp", &server.url("a/?.*"), &server.url("b/")]);
        assert_eq!(across.lines().len(), 2, "{across:?}");
        let all = ["a/x/1.txt", "a/y.txt", "a/z.log", "b/y.txt", "b/z.log"];
        assert_eq!(server.keys(), all);
        assert_eq!(server.run(&["rm", &server.url("[a]/*")]).lines().len(), 3);
        assert_eq!(server.keys(), ["b/y.txt", "b/z.log"]);
    });
}

#[test]
fn a_copy_within_s3_keeps_type_and_metadata() {
    check(|server| {
        server.write("f", "content");
        let from = server.url("f");
        let up = [
            "cp",
            "f",
            &from,
            "--content-type",
            "a/b",
            "--metadata",
            "k=v",
        ];
        assert_eq!(server.run(&up).lines().len(), 1);
        let copied = server.run(&["cp", &from, &server.url("g")]);
        assert_eq!(
            copied.lines(),
            [format!("copy: {from} to {}", server.url("g"))]
        );
        let info = server.info("g");
        assert_eq!(
            (&info["content_type"], &info["metadata"]["k"]),
            (&"a/b".into(), &"v".into())
        );
        let changed = ["cp", &from, &server.url("h"), "--metadata", "k=w"];
        assert_eq!(server.run(&changed).lines().len(), 1);
        let info = server.info("h");
        assert_eq!(
            (&info["content_type"], &info["metadata"]["k"]),
            (&"a/b".into(), &"w".into())
        );
    });
}

#[test]
fn a_move_leaves_no_source() {
    check(|server| {
        server.write("dir/1", "one");
        server.write("dir/e/2", "two");
        let (p, q) = (server.url("p"), server.url("q"));
        assert_eq!(server.run(&["mv", "-r", "dir", &p]).lines().len(), 2);
        assert!(!server.path("dir/1").exists());
        assert_eq!(server.run(&["mv", "-r", &p, &q]).lines().len(), 2);
        assert_eq!(server.keys(), ["q/1", "q/e/2"]);
        let one = server.run(&["mv", &server.url("q/1"), "here"]);
        assert_eq!(
            one.lines(),
            [format!("move: {} to here", server.url("q/1"))]
        );
        assert_eq!(
            (server.read("here"), server.keys()),
            ("one".into(), vec!["q/e/2".into()])
        );
        let itself = server.run(&["mv", &server.url("q/e/2"), &server.url("q/e/2")]);
        assert_eq!(itself.code, Some(2));
    });
}

/// Characters that mean something to a shell, to a URL or to a form.
const ODD_KEYS: [&str; 4] = ["d/a b", "d/ä€😀", "d/a&b=c;d", "d/'quoted' (1)"];

/// Characters that URLs encode twice when a client or server errs.
const ENCODED_KEYS: [&str; 3] = ["d/1+1", "d/100%", "d/%2F"];

fn round_trip(server: &super::Foreign, keys: &[&str]) {
    server.put(keys);
    let mut expected: Vec<_> = keys.to_vec();
    expected.sort_unstable();
    assert_eq!(server.keys(), expected);
    for key in keys {
        assert_eq!(server.cat(key), *key);
    }
    let copied = server.run(&["cp", "-r", &server.url("d"), "down"]);
    assert_eq!(copied.lines().len(), keys.len());
    for key in keys {
        assert_eq!(server.read(&format!("down/{}", &key[2..])), *key);
    }
    let across = server.run(&["cp", "-r", &server.url("d"), &server.url("e")]);
    assert_eq!(across.lines().len(), keys.len(), "{across:?}");
    let removed = server.run(&["rm", "-r", &server.url("d")]);
    assert_eq!(removed.lines().len(), keys.len(), "{removed:?}");
    assert_eq!(server.keys().len(), keys.len());
}

#[test]
fn odd_keys_are_written_listed_copied_and_deleted() {
    check(|server| {
        round_trip(server, &ODD_KEYS);
    });
}

#[test]
fn keys_that_look_encoded_are_taken_as_they_are() {
    check(|server| {
        round_trip(server, &ENCODED_KEYS);
    });
}

#[test]
fn keys_that_cannot_be_paths_are_encoded_when_asked() {
    check(|server| {
        server.put(&["d//x", "d/y"]);
        let plain = server.run(&["cp", "-r", &server.url("d"), "plain"]);
        assert_eq!(plain.code, Some(1), "{plain:?}");
        let down = ["cp", "-r", &server.url("d"), "down", "--encode-names"];
        assert_eq!(server.run(&down).lines().len(), 2);
        let up = ["cp", "-r", "down", &server.url("back"), "--encode-names"];
        assert_eq!(server.run(&up).lines().len(), 2);
        assert_eq!(server.cat("back//x"), "d//x");
    });
}

#[test]
fn empty_directories_are_keys_when_asked() {
    check(|server| {
        server.write("up/f", "f");
        fs::create_dir_all(server.path("up/empty")).unwrap();
        let up = ["cp", "-r", "up", &server.url("p"), "--empty-dirs"];
        assert_eq!(server.run(&up).lines().len(), 2);
        let down = ["cp", "-r", &server.url("p"), "down", "--empty-dirs"];
        assert_eq!(server.run(&down).lines().len(), 2);
        assert!(server.path("down/empty").is_dir());
    });
}

#[test]
fn links_are_followed_unless_they_are_to_be_skipped() {
    check(|server| {
        server.write("up/f", "f");
        std::os::unix::fs::symlink("f", server.path("up/link")).unwrap();
        let skipping = ["cp", "-r", "up", &server.url("p"), "--no-follow-symlinks"];
        assert_eq!(server.run(&skipping).lines().len(), 1);
        let following = server.run(&["cp", "-r", "up", &server.url("q")]);
        assert_eq!(following.lines().len(), 2);
        assert_eq!(server.cat("q/link"), "f");
    });
}

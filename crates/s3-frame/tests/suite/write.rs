//! Sets of CSV objects that are written and read back.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use futures_util::{StreamExt, stream};
use s3_client::S3;
use s3_frame::{Error, Existing, Frames, Index, Manifests, Result, Split};

use crate::setup::{all, column, texts, with_objects};

/// Numbers, and texts that need quotes.
fn batch(numbers: std::ops::Range<i64>) -> RecordBatch {
    let texts = numbers.clone().map(|number| match number % 4 {
        0 => None,
        1 => Some(format!("a,{number}")),
        2 => Some(format!("say \"{number}\"")),
        _ => Some(format!("two\n{number}")),
    });
    let columns: [(&str, ArrayRef); 2] = [
        ("n", Arc::new(Int64Array::from_iter_values(numbers))),
        ("text", Arc::new(texts.collect::<StringArray>())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .unwrap()
}

type Part = stream::Iter<std::vec::IntoIter<Result<RecordBatch>>>;

fn part(batches: impl IntoIterator<Item = RecordBatch>) -> Part {
    let batches: Vec<_> = batches.into_iter().map(Ok).collect();
    stream::iter(batches)
}

async fn keys(s3: &S3) -> Vec<String> {
    let listed = s3.list_recursive().at(["s3://b/"]).await.unwrap();
    listed
        .iter()
        .map(|object| object.key().to_owned())
        .collect()
}

async fn numbers(frames: &Frames) -> Vec<Option<String>> {
    let read = frames
        .read_csv(["s3://b/set/*"])
        .manifests(Manifests::Require);
    column(&all(read.open().await.unwrap()).await.unwrap(), "n")
}

#[tokio::test]
async fn what_is_written_is_read_back() {
    let (s3, frames) = with_objects(&[]).await;
    let schema = batch(0..1).schema();
    let parts = [
        part([batch(0..3), batch(3..5)]),
        part([]),
        part([batch(5..8)]),
    ];
    let write = frames.write_csv("s3://b/set").index(true);
    let manifest = write.send(schema, parts).await.unwrap();
    assert_eq!(
        manifest
            .parts
            .iter()
            .map(|part| part.rows)
            .collect::<Vec<_>>(),
        [5, 0, 3]
    );
    assert_eq!(
        keys(&s3).await,
        [
            "set.manifest.json",
            "set/0.part",
            "set/1.part",
            "set/2.part"
        ]
    );
    let last = s3.get("s3://b/set/2.part").await.unwrap();
    assert_eq!(
        last.text().unwrap(),
        ",n,text\n5,5,\"a,5\"\n6,6,\"say \"\"6\"\"\"\n7,7,\"two\n7\"\n"
    );
    for manifests in [Manifests::IfPresent, Manifests::Require, Manifests::Ignore] {
        let read = frames
            .read_csv(["s3://b/set/*"])
            .manifests(manifests)
            .index(Index::Drop);
        let batches = all(read.open().await.unwrap()).await.unwrap();
        let expected = batch(0..8);
        let expected = std::slice::from_ref(&expected);
        assert_eq!(column(&batches, "n"), column(expected, "n"));
        assert_eq!(column(&batches, "text"), column(expected, "text"));
    }
}

#[tokio::test]
async fn twelve_parts_have_two_digits_and_large_parts_several_pieces() {
    let (s3, frames) = with_objects(&[]).await;
    let schema = batch(0..1).schema();
    let parts: Vec<Part> = (0..12)
        .map(|number| match number {
            0 => part((0..12).map(|chunk| batch(chunk * 100_000..(chunk + 1) * 100_000))),
            _ => part([batch(0..1)]),
        })
        .collect();
    let manifest = frames
        .write_csv("s3://b/set")
        .send(schema, parts)
        .await
        .unwrap();
    assert!(
        manifest.parts[0].bytes > 16 << 20,
        "{}",
        manifest.parts[0].bytes
    );
    assert_eq!(manifest.parts[11].key, "set/11.part");
    assert_eq!(keys(&s3).await[1], "set/00.part");
    let read = numbers(&frames).await;
    assert_eq!(read.len(), 1_200_011);
    assert_eq!(read[1_199_999].as_deref(), Some("1199999"));
}

#[tokio::test]
async fn a_failure_leaves_nothing() {
    let memory = s3_core::MemoryStore::with_buckets(["b"]);
    let s3 = S3::builder().store(memory.clone()).build().unwrap();
    let frames = Frames::new(&s3);
    let schema = batch(0..1).schema();
    let failing: Vec<Result<RecordBatch>> =
        vec![Ok(batch(0..3)), Err(Error::NoMatch("x".to_owned()))];
    let parts = [part([batch(0..3)]), stream::iter(failing)];
    let error = frames
        .write_csv("s3://b/set")
        .send(Arc::clone(&schema), parts)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NoMatch(_)), "{error}");
    let other =
        RecordBatch::try_from_iter([("m", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]);
    let error = frames
        .write_csv("s3://b/set")
        .send(schema, [part([other.unwrap()])])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("other columns"), "{error}");
    s3.close().await.unwrap();
    assert_eq!((memory.object_count(), memory.unfinished_uploads()), (0, 0));
}

#[tokio::test]
async fn a_drop_before_the_end_leaves_nothing() {
    let memory = s3_core::MemoryStore::with_buckets(["b"]);
    let s3 = S3::builder().store(memory.clone()).build().unwrap();
    let frames = Frames::new(&s3);
    let endless = stream::iter([Ok(batch(0..200_000))]).chain(stream::pending());
    let write = frames
        .write_csv("s3://b/set")
        .send(batch(0..1).schema(), [endless]);
    let limit = std::time::Duration::from_millis(500);
    assert!(tokio::time::timeout(limit, write).await.is_err());
    s3.close().await.unwrap();
    assert_eq!((memory.object_count(), memory.unfinished_uploads()), (0, 0));
}

#[tokio::test]
async fn a_set_that_is_there_is_rejected_or_replaced() {
    let (s3, frames) = with_objects(&[]).await;
    let schema = batch(0..1).schema();
    let write = |existing| frames.write_csv("s3://b/set/").existing(existing);
    let parts = || (0..3).map(|number| part([batch(number..number + 1)]));
    write(Existing::Refuse)
        .send(Arc::clone(&schema), parts())
        .await
        .unwrap();
    let error = write(Existing::Refuse)
        .send(Arc::clone(&schema), parts())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Exists(_)), "{error}");
    s3.put("s3://b/set/other", "n,text\n9,x\n").await.unwrap();
    let fewer = [part([batch(7..8)])];
    write(Existing::Replace)
        .send(Arc::clone(&schema), fewer)
        .await
        .unwrap();
    assert_eq!(
        keys(&s3).await,
        ["set.manifest.json", "set/0.part", "set/other"]
    );
    assert_eq!(numbers(&frames).await, texts(&["7"]));
    s3.delete("s3://b/set.manifest.json").await.unwrap();
    let error = write(Existing::Append)
        .send(Arc::clone(&schema), parts())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Manifest { .. }), "{error}");
    let error = write(Existing::Refuse)
        .send(schema, parts())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Exists(_)), "{error}");
}

#[tokio::test]
async fn the_marker_of_a_folder_is_no_set() {
    // An empty object whose key does not end in a slash, or one with bytes, is data.
    for (key, bytes, is_rejected) in [
        ("set/", &b""[..], false),
        ("set/deep/", b"", false),
        ("set/x", b"", true),
        ("set/x/", b"x", true),
    ] {
        let (_, frames) = with_objects(&[(key, bytes)]).await;
        let write = frames.write_csv("s3://b/set");
        let written = write.send(batch(0..1).schema(), [part_of(0)]).await;
        let is_existing = matches!(written, Err(Error::Exists(_)));
        assert_eq!(is_existing, is_rejected, "{key}: {written:?}");
    }
}

#[tokio::test]
async fn a_reader_of_the_old_set_fails_after_a_rewrite() {
    let (s3, frames) = with_objects(&[]).await;
    let schema = batch(0..1).schema();
    let parts =
        |first: i64| (0..3).map(move |number| part([batch(first + number..first + number + 1)]));
    frames
        .write_csv("s3://b/set")
        .send(Arc::clone(&schema), parts(0))
        .await
        .unwrap();
    let read = frames.read_csv(["s3://b/set/*"]).open().await.unwrap();
    let write = frames.write_csv("s3://b/set").existing(Existing::Replace);
    write.send(schema, parts(10)).await.unwrap();
    let rows: Vec<_> = read.collect().await;
    assert!(rows[0].is_err(), "{rows:?}");
    assert_eq!(rows.len(), 1);
    assert_eq!(numbers(&frames).await, texts(&["10", "11", "12"]));
    // A missing part that the manifest names is an error, and is not skipped.
    s3.delete("s3://b/set/1.part").await.unwrap();
    let read = frames.read_csv(["s3://b/set/*"]).open().await.unwrap();
    let error = all(read).await.unwrap_err();
    assert!(error.to_string().contains("s3://b/set/1.part"), "{error}");
}

#[tokio::test]
async fn a_set_needs_a_place_and_a_part() {
    let (_, frames) = with_objects(&[]).await;
    let schema = batch(0..1).schema();
    for set in ["s3://b", "s3://b/", "set", "", "s3://b/*"] {
        let write = frames.write_csv(set).send(Arc::clone(&schema), [part([])]);
        let error = write.await.unwrap_err();
        assert!(matches!(error, Error::Pattern { .. }), "{set}: {error}");
    }
    let error = frames
        .write_csv("s3://b/set")
        .send(schema, Vec::<Part>::new())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("at least one"), "{error}");
}

#[tokio::test]
async fn a_stream_is_cut_into_even_parts_or_after_rows_or_bytes() {
    let (s3, frames) = with_objects(&[]).await;
    let schema = batch(0..1).schema();
    let some = |count: u64| std::num::NonZeroU64::new(count).unwrap();
    let rows = || part([batch(0..70), batch(70..100)]);
    let even = |parts| Split::Even {
        rows: 100,
        parts: some(parts),
    };
    for (split, expected, first) in [
        (even(3), vec![34, 33, 33], "set/0.part"),
        (even(101), [vec![1; 100], vec![0]].concat(), "set/000.part"),
        (Split::Rows(some(40)), vec![40, 40, 20], "set/000000.part"),
        (Split::Rows(some(100)), vec![100], "set/000000.part"),
        (Split::Bytes(some(10)), vec![70, 30], "set/000000.part"),
        // Fewer than the header has.
        (Split::Bytes(some(1)), vec![70, 30], "set/000000.part"),
        (Split::Bytes(some(1 << 20)), vec![100], "set/000000.part"),
    ] {
        let write = frames.write_csv("s3://b/set").existing(Existing::Replace);
        let manifest = write
            .send_split(Arc::clone(&schema), rows(), split)
            .await
            .unwrap();
        let found: Vec<_> = manifest.parts.iter().map(|part| part.rows).collect();
        assert_eq!(found, expected, "{split:?}");
        assert_eq!(manifest.parts[0].key, first);
        assert_eq!(keys(&s3).await.len(), expected.len() + 1, "{split:?}");
        let expected: Vec<_> = (0..100).map(|number| Some(number.to_string())).collect();
        assert_eq!(numbers(&frames).await, expected, "{split:?}");
    }
    let none = frames.write_csv("s3://b/none").send_split(
        Arc::clone(&schema),
        part([]),
        Split::Rows(some(1)),
    );
    assert_eq!(none.await.unwrap().parts.len(), 1);
    for rows in [99, 101] {
        let split = Split::Even {
            rows,
            parts: some(3),
        };
        let write = frames.write_csv("s3://b/other");
        let error = write
            .send_split(Arc::clone(&schema), part([batch(0..100)]), split)
            .await;
        assert_eq!(
            error.unwrap_err().to_string(),
            format!("Invalid argument error: the stream has 100 rows instead of {rows}")
        );
    }
}

#[tokio::test]
async fn rows_are_appended_with_the_next_numbers() {
    let (s3, frames) = with_objects(&[]).await;
    let schema = batch(0..1).schema();
    let write = || frames.write_csv("s3://b/set").index(true);
    write()
        .send(
            Arc::clone(&schema),
            [part([batch(0..3)]), part([batch(3..4)])],
        )
        .await
        .unwrap();
    let before = frames.read_csv(["s3://b/set/*"]).open().await.unwrap();
    let append = write().existing(Existing::Append);
    let manifest = append
        .send(Arc::clone(&schema), [part([batch(4..6)])])
        .await
        .unwrap();
    assert_eq!(manifest.parts[2].key, "set/2.part");
    assert_eq!(
        numbers(&frames).await,
        texts(&["0", "1", "2", "3", "4", "5"])
    );
    let last = s3.get("s3://b/set/2.part").await.unwrap();
    assert_eq!(last.text().unwrap(), ",n,text\n4,4,\n5,5,\"a,5\"\n");
    // A reader of the set before is not disturbed.
    assert_eq!(column(&all(before).await.unwrap(), "n").len(), 4);
    let error = frames.write_csv("s3://b/set").existing(Existing::Append);
    let error = error.send(schema, [part([batch(6..7)])]).await.unwrap_err();
    assert!(error.to_string().contains("other columns"), "{error}");
}

#[tokio::test]
async fn types_are_those_of_the_manifest() {
    let (_, frames) = with_objects(&[]).await;
    let columns: [(&str, ArrayRef); 2] = [
        ("digits", Arc::new(StringArray::from(vec!["007", "8"]))),
        ("small", Arc::new(arrow_array::Int16Array::from(vec![1, 2]))),
    ];
    let rows = RecordBatch::try_from_iter_with_nullable(
        columns.map(|(name, column)| (name, column, true)),
    );
    let rows = rows.unwrap();
    frames
        .write_csv("s3://b/set")
        .send(rows.schema(), [part([rows.clone()])])
        .await
        .unwrap();
    let read = all(frames.read_csv(["s3://b/set/*"]).open().await.unwrap())
        .await
        .unwrap();
    assert_eq!(read, [rows]);
}

#[tokio::test]
async fn one_object_is_written_and_not_replaced_by_default() {
    let (s3, frames) = with_objects(&[]).await;
    let rows = || part([batch(0..3)]);
    let write = || frames.write_csv("s3://b/df.csv");
    let schema = batch(0..1).schema();
    let url = write()
        .send_single(Arc::clone(&schema), rows())
        .await
        .unwrap();
    assert_eq!(url, "s3://b/df.csv");
    assert_eq!(keys(&s3).await, ["df.csv"]);
    let error = write()
        .send_single(Arc::clone(&schema), rows())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Exists(_)), "{error}");
    let replace = write().existing(Existing::Replace);
    replace
        .send_single(Arc::clone(&schema), part([batch(0..1)]))
        .await
        .unwrap();
    assert_eq!(
        s3.get("s3://b/df.csv").await.unwrap().text().unwrap(),
        "n,text\n0,\n"
    );
    let append = write()
        .existing(Existing::Append)
        .send_single(schema, rows())
        .await;
    assert!(matches!(append.unwrap_err(), Error::Pattern { .. }));
}

#[tokio::test]
async fn names_and_the_manifest_are_options() {
    let (s3, frames) = with_objects(&[]).await;
    let schema = batch(0..1).schema();
    let write = || {
        frames
            .write_csv("s3://b/a/x-*.csv")
            .existing(Existing::Replace)
    };
    let parts = || [part([batch(0..1)]), part([batch(1..2)])];
    write().send(Arc::clone(&schema), parts()).await.unwrap();
    assert_eq!(
        keys(&s3).await,
        ["a.x-*.csv.manifest.json", "a/x-0.csv", "a/x-1.csv"]
    );
    let read = frames
        .read_csv(["s3://b/a/x-*.csv"])
        .manifests(Manifests::Require);
    assert_eq!(read.open().await.unwrap().parts().len(), 2);
    write().manifest(false).send(schema, parts()).await.unwrap();
    assert_eq!(keys(&s3).await, ["a/x-0.csv", "a/x-1.csv"]);
    let read = frames
        .read_csv(["s3://b/a/x-*.csv"])
        .manifests(Manifests::Require);
    assert!(matches!(
        read.open().await.unwrap_err(),
        Error::Pattern { .. }
    ));
}

#[tokio::test]
async fn a_pattern_of_some_parts_reads_those_that_the_manifest_names() {
    let (s3, frames) = with_objects(&[]).await;
    let schema = batch(0..1).schema();
    let parts = (0..12).map(part_of);
    let write = frames.write_csv("s3://b/set");
    write.send(schema, parts).await.unwrap();
    // A writer that was killed, or another program, has left it.
    s3.put("s3://b/set/90.part", "n,text\n90,x\n")
        .await
        .unwrap();
    for (pattern, expected) in [
        ("*", (0..12).collect::<Vec<_>>()),
        ("*.p*", (0..12).collect()),
        ("[0-9]*.part", (0..12).collect()),
        ("*0.part", vec![0, 10]),
    ] {
        let read = frames.read_csv([format!("s3://b/set/{pattern}")]);
        let read = all(read.open().await.unwrap()).await.unwrap();
        let expected: Vec<_> = expected.iter().map(|n| Some(n.to_string())).collect();
        assert_eq!(column(&read, "n"), expected, "{pattern}");
    }
    // Objects of another name in the folder are no parts of the set.
    s3.put("s3://b/set/other.csv", "n,text\n7,x\n")
        .await
        .unwrap();
    let read = frames.read_csv(["s3://b/set/*.csv"]).open().await.unwrap();
    assert_eq!(read.parts(), ["s3://b/set/other.csv"]);
}

#[tokio::test]
async fn a_set_that_was_not_finished_is_an_error_and_can_be_replaced() {
    let (s3, frames) = with_objects(&[]).await;
    let schema = batch(0..1).schema();
    let write = |existing| frames.write_csv("s3://b/set").existing(existing);
    let parts = [part([batch(0..1)]), part([batch(1..2)])];
    write(Existing::Refuse)
        .send(Arc::clone(&schema), parts)
        .await
        .unwrap();
    let text = s3
        .get("s3://b/set.manifest.json")
        .await
        .unwrap()
        .text()
        .unwrap();
    let text = text.replace("\"complete\": true", "\"complete\": false");
    s3.put("s3://b/set.manifest.json", text).await.unwrap();
    let error = frames.read_csv(["s3://b/set/*"]).open().await.unwrap_err();
    assert!(matches!(error, Error::Unfinished(_)), "{error}");
    let append = write(Existing::Append).send(Arc::clone(&schema), [part([batch(0..1)])]);
    assert!(matches!(append.await.unwrap_err(), Error::Unfinished(_)));
    write(Existing::Replace)
        .send(schema, [part([batch(7..8)])])
        .await
        .unwrap();
    assert_eq!(numbers(&frames).await, texts(&["7"]));
    assert_eq!(keys(&s3).await, ["set.manifest.json", "set/0.part"]);
}

#[tokio::test]
async fn a_manifest_that_is_not_understood_or_names_other_keys_is_an_error() {
    let (s3, frames) = with_objects(&[("other", b"n\n1\n"), ("set/0.part", b"n\n1\n")]).await;
    let valid = r#"{"version":1,"format":"csv","complete":true,"schema":{"fields":[],"metadata":{}},"parts":[PART]}"#;
    let part = |key: &str| {
        valid.replace(
            "PART",
            &format!(r#"{{"key":"{key}","rows":1,"bytes":4,"etag":null}}"#),
        )
    };
    for (text, expected) in [
        ("{".to_owned(), "EOF while parsing"),
        (
            r#"{"version":2,"more":1}"#.to_owned(),
            "has version 2, and 1 is known",
        ),
        (
            part("set/0.part").replace("rows", "lines"),
            "unknown field `lines`",
        ),
        (
            part("other"),
            "names \"other\", which is not a key in the folder of the set",
        ),
    ] {
        s3.put("s3://b/set.manifest.json", text).await.unwrap();
        let error = frames.read_csv(["s3://b/set/*"]).open().await.unwrap_err();
        assert!(matches!(error, Error::Manifest { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let write = frames.write_csv("s3://b/set").existing(Existing::Replace);
    let error = write
        .send(batch(0..1).schema(), [part_of(0)])
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Manifest { .. }), "{error}");
    assert!(s3.info("s3://b/other").await.is_ok());
}

fn part_of(number: i64) -> Part {
    part([batch(number..number + 1)])
}

#[tokio::test]
async fn parts_of_a_set_without_manifest_are_deleted_when_it_is_replaced() {
    let keys_of_dask = [
        ("set/00.part", &b"n\n1\n"[..]),
        ("set/11.part", b"n\n1\n"),
        ("set/a.part", b"n\n1\n"),
    ];
    let (s3, frames) = with_objects(&keys_of_dask).await;
    let write = frames.write_csv("s3://b/set").existing(Existing::Replace);
    write
        .send(batch(0..1).schema(), [part_of(0)])
        .await
        .unwrap();
    assert_eq!(
        keys(&s3).await,
        ["set.manifest.json", "set/0.part", "set/a.part"]
    );
}

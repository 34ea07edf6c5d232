//! CSV objects as record batches.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use futures_util::StreamExt;
use s3_client::ErrorKind;
use s3_frame::{Error, Index};

use crate::setup::{all, column, texts, with_objects};

#[tokio::test]
async fn patterns_find_what_a_shell_finds() {
    let keys = [
        "a/1.csv",
        "a/2.csv",
        "a/b/3.csv",
        "a/b/c/4.csv",
        "a/x.txt",
        "ab/5.csv",
        "a/.6.csv",
        "a/[1].csv",
    ];
    let objects: Vec<(&str, &[u8])> = keys
        .iter()
        .map(|key| (*key, b"n\n1\n".as_slice()))
        .collect();
    let (s3, frames) = with_objects(&objects).await;
    s3.put("s3://b/a/0.csv", "").await.unwrap();
    s3.put("s3://b/a/b/", "marker").await.unwrap();
    for (pattern, expected) in [
        (
            "a/*.csv",
            &["a/.6.csv", "a/1.csv", "a/2.csv", "a/[1].csv"][..],
        ),
        ("a/?.csv", &["a/1.csv", "a/2.csv"]),
        ("a/[2-9].csv", &["a/2.csv"]),
        ("a/[[]1].csv", &["a/[1].csv"]),
        (
            "a/**/*.csv",
            &[
                "a/.6.csv",
                "a/1.csv",
                "a/2.csv",
                "a/[1].csv",
                "a/b/3.csv",
                "a/b/c/4.csv",
            ],
        ),
        ("*/5.csv", &["ab/5.csv"]),
        ("a/b/*", &["a/b/3.csv"]),
        ("a/2.csv", &["a/2.csv"]),
    ] {
        let read = frames
            .read_csv([format!("s3://b/{pattern}")])
            .open()
            .await
            .unwrap();
        let expected: Vec<_> = expected.iter().map(|key| format!("s3://b/{key}")).collect();
        assert_eq!(read.parts(), expected, "{pattern}");
    }
    let twice = frames.read_csv(["s3://b/a/2.csv", "s3://b/a/?.csv"]);
    assert_eq!(
        twice.open().await.unwrap().parts(),
        ["s3://b/a/2.csv", "s3://b/a/1.csv"]
    );
}

#[tokio::test]
async fn a_pattern_is_relative_to_the_root() {
    let (s3, _) = with_objects(&[("data/1.csv", b"n\n1\n"), ("data2.csv", b"n\n2\n")]).await;
    let rooted = s3_client::S3::builder()
        .store(s3.transfer().store().clone())
        .s3root("s3://b/data")
        .build()
        .unwrap();
    let frames = s3_frame::Frames::new(&rooted);
    for pattern in ["*.csv", "1.csv", "*"] {
        let read = frames.read_csv([pattern]).open().await.unwrap();
        assert_eq!(read.parts(), ["s3://b/data/1.csv"], "{pattern}");
    }
}

#[tokio::test]
async fn a_pattern_that_finds_nothing_or_is_not_valid_is_an_error() {
    let (_, frames) = with_objects(&[("a/1.csv", b"n\n1\n")]).await;
    let error = frames
        .read_csv(["s3://b/a/*.csv", "s3://b/c/*"])
        .open()
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "no object matches \"s3://b/c/*\"");
    for pattern in ["s3://b/a/[", "s3://b/a**", "a/*.csv", "s3://"] {
        let error = frames.read_csv([pattern]).open().await.unwrap_err();
        assert!(matches!(error, Error::Pattern { .. }), "{pattern}: {error}");
    }
}

#[tokio::test]
async fn rows_come_in_order_whatever_the_size_of_batches_and_frames() {
    let part = |first: usize| {
        let rows = (first..first + 20_000).map(|row| format!("{row},\"line\n{row}\"\n"));
        format!("n,text\n{}", rows.collect::<String>())
    };
    let parts: Vec<String> = (0..6).map(|number| part(number * 20_000)).collect();
    let names: Vec<String> = (0..6).map(|number| format!("p/{number}.part")).collect();
    let objects: Vec<(&str, &[u8])> = names
        .iter()
        .zip(&parts)
        .map(|(name, part)| (name.as_str(), part.as_bytes()))
        .collect();
    let (_, frames) = with_objects(&objects).await;
    for rows in [7, 1000, 1_000_000] {
        let read = frames.read_csv(["s3://b/p/*"]).batch_rows(rows);
        let batches = all(read.open().await.unwrap()).await.unwrap();
        assert!(batches.iter().all(|batch| batch.num_rows() <= rows));
        let numbers: Vec<String> = (0..120_000).map(|row| row.to_string()).collect();
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        assert_eq!(column(&batches, "n"), texts(&numbers));
        assert_eq!(
            column(&batches, "text")[119_999].as_deref(),
            Some("line\n119999")
        );
    }
}

#[tokio::test]
async fn a_last_row_without_a_line_break_and_parts_without_rows_are_read() {
    let (_, frames) = with_objects(&[
        ("p/0", b"n,m\n"),
        ("p/1", b"\xef\xbb\xbfn,m\r\n1,2\r\n3,"),
        ("p/2", b"n,m"),
        ("p/3", b"\"n\",m\n5,6"),
    ])
    .await;
    let batches = all(frames.read_csv(["s3://b/p/*"]).open().await.unwrap())
        .await
        .unwrap();
    assert_eq!(batches[0].schema().field(0).data_type(), &DataType::Int64);
    assert_eq!(column(&batches, "n"), texts(&["1", "3", "5"]));
    assert_eq!(column(&batches, "m")[1], None);
    let none = frames.read_csv(["s3://b/p/0"]).open().await.unwrap();
    assert_eq!(none.schema().fields().len(), 2);
    assert!(all(none).await.unwrap().is_empty());
}

#[tokio::test]
async fn options_choose_delimiter_header_index_path_and_schema() {
    let (_, frames) = with_objects(&[("p/0", b";A\n0;1\n"), ("p/1", b";A\n1;NA\n")]).await;
    let read = || frames.read_csv(["s3://b/p/*"]).delimiter(b';');
    let batches = all(read()
        .include_path("path")
        .pandas_nulls(true)
        .open()
        .await
        .unwrap())
    .await;
    let batches = batches.unwrap();
    assert_eq!(column(&batches, "Unnamed: 0"), texts(&["0", "1"]));
    assert_eq!(column(&batches, "A")[1], None);
    assert_eq!(
        column(&batches, "path"),
        texts(&["s3://b/p/0", "s3://b/p/1"])
    );
    let names = |index| async {
        let read = read().index(index).open().await.unwrap();
        let fields = read.schema().fields().clone();
        fields
            .iter()
            .map(|field| field.name().clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(Index::Drop).await, ["A"]);
    assert_eq!(names(Index::Named("i".to_owned())).await, ["i", "A"]);
    // 1 was a number in the first rows.
    let error = all(read().open().await.unwrap()).await.unwrap_err();
    assert!(
        error.to_string().starts_with("read s3://b/p/1: "),
        "{error}"
    );
    let text = Schema::new(vec![
        Field::new("Unnamed: 0", DataType::Int64, true),
        Field::new("A", DataType::Utf8, true),
    ]);
    let batches = all(read().schema(Arc::new(text)).open().await.unwrap())
        .await
        .unwrap();
    assert_eq!(column(&batches, "A"), texts(&["1", "NA"]));
    let other = Schema::new(vec![Field::new("A", DataType::Utf8, true)]);
    let error = read().schema(Arc::new(other)).open().await.unwrap_err();
    assert!(matches!(error, Error::Header { .. }), "{error}");
    let (_, bare) = with_objects(&[("0", b"1,x\n2,y\n")]).await;
    let batches = all(bare
        .read_csv(["s3://b/0"])
        .header(false)
        .open()
        .await
        .unwrap())
    .await
    .unwrap();
    assert_eq!(column(&batches, "column_1"), texts(&["1", "2"]));
}

#[tokio::test]
async fn a_part_with_another_header_is_an_error_that_names_it() {
    let (_, frames) = with_objects(&[("p/0", b"a,b\n1,2\n"), ("p/1", b"b,a\n1,2\n")]).await;
    let error = all(frames.read_csv(["s3://b/p/*"]).open().await.unwrap())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"s3://b/p/1 has the columns ["b", "a"] instead of ["a", "b"]"#
    );
}

#[tokio::test]
async fn a_part_that_was_replaced_after_its_listing_is_an_error() {
    let (s3, frames) = with_objects(&[("p/0", b"a\n1\n"), ("p/1", b"a\n2\n")]).await;
    let read = frames.read_csv(["s3://b/p/*"]).open().await.unwrap();
    s3.put("s3://b/p/1", "a\n3\n").await.unwrap();
    let results: Vec<_> = read.collect().await;
    assert_eq!(results.len(), 2);
    let Err(Error::S3(error)) = &results[1] else {
        panic!("{results:?}");
    };
    let kind = error.as_request().unwrap().kind();
    assert_eq!(kind, ErrorKind::PreconditionFailed, "{error}");
    assert!(error.to_string().contains("s3://b/p/1"), "{error}");
}

#[tokio::test]
async fn rows_of_another_length_are_an_error() {
    let (_, frames) = with_objects(&[("0", b"a,b\n1,2\n3\n")]).await;
    let read = frames
        .read_csv(["s3://b/0"])
        .infer_rows(1)
        .open()
        .await
        .unwrap();
    let error = all(read).await.unwrap_err();
    assert!(error.to_string().starts_with("read s3://b/0: "), "{error}");
}

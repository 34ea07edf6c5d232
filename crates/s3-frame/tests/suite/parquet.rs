//! Parquet objects in parts, and those that pandas and dask have written.

use std::num::NonZeroU64;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_select::concat::concat_batches;
use futures_util::{TryStreamExt, stream};
use s3_frame::{Error, Existing, Manifests, Split};

use crate::setup::{column, texts, with_objects};

fn frame(numbers: std::ops::Range<i64>) -> RecordBatch {
    let texts: StringArray = numbers
        .clone()
        .map(|number| (number % 3 > 0).then(|| format!("row {number}")))
        .collect();
    let columns: [(&str, ArrayRef); 3] = [
        ("n", Arc::new(Int64Array::from_iter_values(numbers.clone()))),
        (
            "float",
            Arc::new(Float64Array::from_iter_values(
                numbers.map(|number| number as f64 / 3.0),
            )),
        ),
        ("text", Arc::new(texts)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .unwrap()
}

#[tokio::test]
async fn parts_are_read_as_they_were_written() {
    let (_, frames) = with_objects(&[]).await;
    let rows = frame(0..100_000);
    for (parts, last) in [(3, "set/part.2.parquet"), (12, "set/part.11.parquet")] {
        let split = Split::Even {
            rows: 100_000,
            parts: NonZeroU64::new(parts).unwrap(),
        };
        let write = frames
            .write_parquet("s3://b/set")
            .existing(Existing::Replace);
        let manifest = write
            .send_split(rows.schema(), stream::iter([Ok(rows.clone())]), split)
            .await
            .unwrap();
        assert_eq!(manifest.parts.last().unwrap().key, last);
        let read = frames
            .read_parquet(["s3://b/set/*.parquet"])
            .manifests(Manifests::Ignore)
            .open()
            .await
            .unwrap();
        assert_eq!(read.parts().len(), parts as usize);
        let read = frames
            .read_parquet(["s3://b/set/*"])
            .manifests(Manifests::Require)
            .batch_rows(1000);
        let batches: Vec<_> = read.open().await.unwrap().try_collect().await.unwrap();
        assert!(batches.iter().all(|batch| batch.num_rows() <= 1000));
        assert_eq!(concat_batches(&rows.schema(), &batches).unwrap(), rows);
    }
    let url = frames
        .write_parquet("s3://b/one.parquet")
        .send_single(rows.schema(), stream::iter([Ok(rows.clone())]));
    let read = frames
        .read_parquet([url.await.unwrap()])
        .open()
        .await
        .unwrap();
    assert_eq!(
        concat_batches(&read.schema(), &read.try_collect::<Vec<_>>().await.unwrap()).unwrap(),
        rows
    );
}

#[tokio::test]
async fn a_part_that_was_replaced_is_an_error() {
    let (s3, frames) = with_objects(&[]).await;
    let rows = frame(0..10);
    let parts = || {
        [
            stream::iter([Ok(rows.clone())]),
            stream::iter([Ok(rows.clone())]),
        ]
    };
    frames
        .write_parquet("s3://b/set")
        .send(rows.schema(), parts())
        .await
        .unwrap();
    let read = frames.read_parquet(["s3://b/set/*"]).open().await.unwrap();
    let other = frame(10..20);
    let other = frames
        .write_parquet("s3://b/other")
        .send_single(other.schema(), stream::iter([Ok(other)]));
    s3.copy(other.await.unwrap().as_str(), "s3://b/set/part.1.parquet")
        .await
        .unwrap();
    let error = read.try_collect::<Vec<_>>().await.unwrap_err();
    assert!(
        error.to_string().contains("s3://b/set/part.1.parquet"),
        "{error}"
    );
}

#[tokio::test]
async fn an_object_that_is_not_parquet_or_has_other_columns_is_an_error_that_names_it() {
    let (_, frames) = with_objects(&[("set/b", b"no Parquet, but longer than a footer")]).await;
    let error = frames
        .read_parquet(["s3://b/set/*"])
        .open()
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Parquet { part, .. } if part == "s3://b/set/b"),
        "{error}"
    );
    let rows = frame(0..10);
    let columns = rows.project(&[0]).unwrap();
    for (key, rows) in [("two/a", rows), ("two/b", columns)] {
        let write = frames.write_parquet(format!("s3://b/{key}"));
        write
            .send_single(rows.schema(), stream::iter([Ok(rows)]))
            .await
            .unwrap();
    }
    let read = frames.read_parquet(["s3://b/two/*"]).open().await.unwrap();
    let error = read.try_collect::<Vec<_>>().await.unwrap_err();
    assert!(
        matches!(&error, Error::Header { part, .. } if part == "s3://b/two/b"),
        "{error}"
    );
}

#[tokio::test]
async fn what_pandas_and_dask_have_written_is_read() {
    let (_, frames) = with_objects(&[
        ("values.parquet", include_bytes!("../golden/values.parquet")),
        (
            "parts/part.0.parquet",
            include_bytes!("../golden/parts/part.0.parquet"),
        ),
        (
            "parts/part.1.parquet",
            include_bytes!("../golden/parts/part.1.parquet"),
        ),
        (
            "parts/part.2.parquet",
            include_bytes!("../golden/parts/part.2.parquet"),
        ),
    ])
    .await;
    let read = frames
        .read_parquet(["s3://b/values.parquet"])
        .open()
        .await
        .unwrap();
    let batches: Vec<_> = read.try_collect().await.unwrap();
    let (min, max) = (i64::MIN.to_string(), i64::MAX.to_string());
    assert_eq!(column(&batches, "int"), texts(&["1", &min, &max, "0"]));
    assert_eq!(column(&batches, "nullable")[1], None);
    assert_eq!(column(&batches, "text")[2].as_deref(), Some("two\nlines"));
    assert_eq!(
        column(&batches, "time")[0].as_deref(),
        Some("2020-01-01T01:02:03.000004")
    );
    let read = frames
        .read_parquet(["s3://b/parts/*.parquet"])
        .open()
        .await
        .unwrap();
    let batches: Vec<_> = read.try_collect().await.unwrap();
    let numbers: Vec<String> = (0..100).map(|row| row.to_string()).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    assert_eq!(column(&batches, "A"), texts(&numbers));
}

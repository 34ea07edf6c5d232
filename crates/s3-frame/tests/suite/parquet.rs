//! Tests of Parquet sets: round trips, and files written by pandas and dask.

use std::num::NonZeroU64;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, LargeStringArray, RecordBatch,
    StringArray, TimestampMicrosecondArray, TimestampMillisecondArray, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use futures_util::{TryStreamExt, stream};
use s3_frame::{Error, Existing, Frames, Index, Manifests, Split};

use crate::setup::{golden, with_golden, with_objects};

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
async fn parts_end_after_so_many_bytes_of_encoded_rows() {
    const MIB: u64 = 1 << 20;
    let (_, frames) = with_objects(&[]).await;
    // 160 KB each, which neither a dictionary nor Snappy makes smaller.
    let batches: Vec<_> = (0..40)
        .map(|seed| {
            let mut random = fastrand::Rng::with_seed(seed);
            let numbers = (0..20_000).map(|_| random.i64(..));
            let column: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers));
            RecordBatch::try_from_iter([("n", column)]).unwrap()
        })
        .collect();
    let schema = batches[0].schema();
    for (bytes, parts) in [
        (1, 40..=40),
        (MIB, 4..=8),
        (3 * MIB, 2..=3),
        (64 * MIB, 1..=1),
    ] {
        let split = Split::Bytes(NonZeroU64::new(bytes).unwrap());
        let write = frames.write_parquet("s3://b/set");
        let write = write.existing(Existing::Replace);
        let stream = stream::iter(batches.clone().into_iter().map(Ok));
        let manifest = write.send_split(Arc::clone(&schema), stream, split);
        let sizes: Vec<_> = manifest
            .await
            .unwrap()
            .parts
            .iter()
            .map(|p| p.bytes)
            .collect();
        assert!(parts.contains(&sizes.len()), "{bytes}: {sizes:?}");
        let (_, full) = sizes.split_last().unwrap();
        let limits = bytes * 3 / 4..bytes + MIB / 2;
        assert!(
            full.iter().all(|size| limits.contains(size)),
            "{bytes}: {sizes:?}"
        );
    }
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

/// Reads all rows that a pattern finds.
async fn read(frames: &Frames, pattern: &str) -> RecordBatch {
    let read = frames.read_parquet([format!("s3://b/{pattern}")]);
    let read = read.open().await.unwrap();
    let schema = read.schema();
    let batches: Vec<_> = read.try_collect().await.unwrap();
    concat_batches(&schema, &batches).unwrap()
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .unwrap()
}

/// The frame of `values()` in `record.py`. pandas has times where there are dates, and a NaN where there is no number.
fn values() -> RecordBatch {
    let day = 86_400_000_000;
    let micros =
        |values: [Option<i64>; 4]| Arc::new(TimestampMicrosecondArray::from(values.to_vec()));
    batch([
        (
            "int",
            Arc::new(Int64Array::from(vec![1, i64::MIN, i64::MAX, 0])),
        ),
        (
            "float",
            Arc::new(Float64Array::from(vec![0.1 + 0.2, 1e16, 1e-7, -0.0])),
        ),
        (
            "special",
            Arc::new(Float64Array::from(vec![
                Some(f64::INFINITY),
                Some(f64::NEG_INFINITY),
                None,
                Some(5e-324),
            ])),
        ),
        (
            "bool",
            Arc::new(BooleanArray::from(vec![true, false, true, true])),
        ),
        (
            "nullable",
            Arc::new(Int64Array::from(vec![Some(1), None, Some(3), Some(4)])),
        ),
        (
            "text",
            Arc::new(LargeStringArray::from(vec![
                Some("a,b"),
                Some("say \"hi\""),
                Some("two\nlines"),
                None,
            ])),
        ),
        (
            "date",
            micros([Some(18_262 * day), Some(-day), None, Some(47_540 * day)]),
        ),
        (
            "time",
            micros([
                Some(1_577_840_523_000_004),
                Some(1_577_836_800_000_000),
                Some(-1),
                None,
            ]),
        ),
    ])
}

#[tokio::test]
async fn what_pandas_has_written_is_read_with_its_types() {
    let (_, frames) = with_golden(&["values.parquet", "more.parquet", "no_rows.parquet"]).await;
    assert_eq!(read(&frames, "values.parquet").await, values());
    assert_eq!(read(&frames, "no_rows.parquet").await, values().slice(0, 0));
    let flags = || {
        Arc::new(BooleanArray::from(vec![
            Some(true),
            None,
            Some(false),
            Some(true),
        ]))
    };
    let seconds = [
        Some(1_577_840_523_000),
        Some(-1000),
        None,
        Some(4_107_456_000_000),
    ];
    let more = batch([
        (
            "unsigned",
            Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1 << 63, 1])),
        ),
        ("flag", flags()),
        ("nullable", flags()),
        // Parquet has no seconds.
        (
            "second",
            Arc::new(TimestampMillisecondArray::from(seconds.to_vec())),
        ),
    ]);
    assert_eq!(read(&frames, "more.parquet").await, more);
}

#[tokio::test]
async fn parts_of_dask_are_read_in_the_order_of_their_numbers() {
    let folders = [
        "parts",
        "twelve_parquet",
        "filtered_parquet",
        "nothing_parquet",
    ];
    let (_, frames) = with_golden(&folders).await;
    for (folder, parts, first) in [
        ("parts", 3, 0),
        ("twelve_parquet", 12, 0),
        // The first part has no rows.
        ("filtered_parquet", 3, 60),
        // None has rows.
        ("nothing_parquet", 3, 100),
    ] {
        for pattern in ["*", "*.parquet", "part.*.parquet"] {
            let read = frames.read_parquet([format!("s3://b/{folder}/{pattern}")]);
            let read = read.open().await.unwrap();
            let keys: Vec<_> = (0..parts)
                .map(|part| format!("s3://b/{folder}/part.{part}.parquet"))
                .collect();
            assert_eq!(read.parts(), keys);
            let schema = read.schema();
            let batches: Vec<_> = read.try_collect().await.unwrap();
            let numbers = || first..100;
            let expected = batch([
                ("A", Arc::new(Int64Array::from_iter_values(numbers()))),
                (
                    "B",
                    Arc::new(LargeStringArray::from_iter_values(
                        numbers().map(|number| format!("row {number}")),
                    )),
                ),
                (
                    "__null_dask_index__",
                    Arc::new(Int64Array::from_iter_values(numbers())),
                ),
            ]);
            assert_eq!(
                concat_batches(&schema, &batches).unwrap(),
                expected,
                "{folder}"
            );
        }
    }
}

/// The example `pandas_samples` has written `golden/written`, and `record.py` reads it with pandas and dask.
#[tokio::test]
async fn what_pandas_and_dask_read_is_still_written_to_the_byte() {
    let (s3, frames) = with_golden(&[
        "written/one.parquet",
        "written/one.csv",
        "written/nan_one.parquet",
    ])
    .await;
    let rows = read(&frames, "written/one.parquet").await;
    let csv = frames
        .read_csv(["s3://b/written/one.csv"])
        .index(Index::Drop);
    let csv = csv.schema(named(&rows.schema())).open().await.unwrap();
    let csv: Vec<_> = csv.try_collect().await.unwrap();
    assert_eq!(concat_batches(&rows.schema(), &csv).unwrap(), rows);
    let nan = read(&frames, "written/nan_one.parquet").await;
    let numbers = nan.column(0).as_primitive::<Float64Type>();
    assert!(numbers.value(1).is_nan() && numbers.is_null(2), "{nan:?}");
    for (name, rows, parts) in [
        ("", rows.clone(), 12),
        ("nan_", nan, 1),
        ("no_rows_", rows.slice(0, 0), 3),
    ] {
        let stream = || stream::iter([Ok(rows.clone())]);
        let split = Split::Even {
            rows: rows.num_rows() as u64,
            parts: NonZeroU64::new(parts).unwrap(),
        };
        let target = |key: &str| format!("s3://b/samples/{name}{key}");
        let csv = |key| frames.write_csv(target(key)).index(true);
        let parquet = |key| frames.write_parquet(target(key));
        let schema = || rows.schema();
        csv("one.csv")
            .send_single(schema(), stream())
            .await
            .unwrap();
        let write = csv("csv").send_split(schema(), stream(), split);
        assert_eq!(write.await.unwrap().parts.len() as u64, parts);
        let write = parquet("parquet").send_split(schema(), stream(), split);
        assert_eq!(write.await.unwrap().parts.len() as u64, parts);
        let write = parquet("one.parquet").send_single(schema(), stream());
        write.await.unwrap();
        for key in ["one.parquet", "parquet/*"] {
            let found = read(&frames, &format!("samples/{name}{key}")).await;
            // NaN is not equal to itself.
            assert_eq!(format!("{found:?}"), format!("{rows:?}"), "{name}{key}");
        }
    }
    let mut written = Vec::new();
    for object in s3.list_recursive().at(["s3://b/samples/"]).await.unwrap() {
        let bytes = s3.get(object.url()).await.unwrap().bytes().unwrap();
        // Manifests are for s3-frame alone.
        if !object.key().ends_with(".manifest.json") {
            written.push((format!("written/{}", object.key()), bytes.to_vec()));
        }
    }
    written.sort();
    let expected = golden("written");
    let keys =
        |files: &[(String, Vec<u8>)]| files.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&written), keys(&expected));
    for ((key, written), (_, expected)) in written.iter().zip(&expected) {
        assert!(
            written == expected,
            "{key}: record it again with the example, and run record.py --check"
        );
    }
}

/// Returns the columns of a CSV object with an index before them.
fn named(schema: &Schema) -> SchemaRef {
    let index = Field::new("Unnamed: 0", DataType::Int64, true);
    let fields = schema.fields().iter().map(|field| field.as_ref().clone());
    Arc::new(Schema::new(
        [index].into_iter().chain(fields).collect::<Vec<_>>(),
    ))
}

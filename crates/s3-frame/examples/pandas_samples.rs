//! Writes frames into a directory, for `tests/golden/record.py --check DIR`, which reads them with pandas and dask.
//!
//! ```text
//! cargo run -p s3-frame --all-features --example pandas_samples -- DIR
//! ```

#![expect(clippy::print_stdout, reason = "it prints the directory")]

use std::error::Error;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt64Array,
};
use futures_util::stream;
use s3_client::S3;
use s3_frame::{Frames, Split};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let temporary = tempfile::tempdir()?;
    let argument = std::env::args_os().nth(1).map(PathBuf::from);
    let directory = argument.unwrap_or_else(|| temporary.path().to_owned());
    let s3 = S3::in_memory()?;
    s3.create_bucket("b").await?;
    let s3 = S3::builder()
        .store(s3.transfer().store().clone())
        .s3root("s3://b/samples")
        .build()?;
    let frames = Frames::new(&s3);
    let rows = values()?;
    write(&frames, "", &rows, 12).await?;
    write(&frames, "nan_", &nan()?, 1).await?;
    write(&frames, "no_rows_", &rows.slice(0, 0), 3).await?;
    for object in s3.list_recursive().await? {
        let path = directory.join(object.key());
        std::fs::create_dir_all(path.parent().ok_or("a path has a directory")?)?;
        std::fs::write(path, s3.get(object.key()).await?.bytes()?)?;
    }
    println!("{}", directory.display());
    Ok(())
}

/// Writes rows as one object and as a set of this number of parts, as CSV and as Parquet. Their names begin with
/// `name`.
async fn write(
    frames: &Frames,
    name: &str,
    rows: &RecordBatch,
    parts: u64,
) -> Result<(), Box<dyn Error>> {
    let stream = || stream::iter([Ok(rows.clone())]);
    let split = Split::Even {
        rows: rows.num_rows() as u64,
        parts: NonZeroU64::new(parts).ok_or("a set has parts")?,
    };
    let csv = |key: &str| frames.write_csv(format!("{name}{key}")).index(true);
    let parquet = |key: &str| frames.write_parquet(format!("{name}{key}"));
    let schema = rows.schema();
    csv("one.csv")
        .send_single(Arc::clone(&schema), stream())
        .await?;
    csv("csv")
        .send_split(Arc::clone(&schema), stream(), split)
        .await?;
    parquet("parquet")
        .send_split(Arc::clone(&schema), stream(), split)
        .await?;
    parquet("one.parquet").send_single(schema, stream()).await?;
    Ok(())
}

/// A number, a NaN and no number. CSV has one text for the last two.
fn nan() -> Result<RecordBatch, Box<dyn Error>> {
    let numbers: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5), Some(f64::NAN), None]));
    Ok(RecordBatch::try_from_iter_with_nullable([(
        "number", numbers, true,
    )])?)
}

/// Five rows: 12 parts are five with a row and seven without.
fn values() -> Result<RecordBatch, Box<dyn Error>> {
    let columns: [(&str, ArrayRef); 8] = [
        (
            "int",
            Arc::new(Int64Array::from(vec![1, i64::MIN, i64::MAX, 0, -7])),
        ),
        (
            "big",
            Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1, 2, 3])),
        ),
        (
            "float",
            Arc::new(Float64Array::from(vec![
                0.1 + 0.2,
                1e16,
                1e-7,
                -0.0,
                f64::INFINITY,
            ])),
        ),
        (
            "bool",
            Arc::new(BooleanArray::from(vec![true, false, true, true, false])),
        ),
        (
            "nullable",
            Arc::new(Int64Array::from(vec![
                Some(1),
                None,
                Some(3),
                Some(4),
                None,
            ])),
        ),
        (
            "text",
            Arc::new(StringArray::from(vec![
                Some("a,b"),
                Some("say \"hi\""),
                Some("two\nlines"),
                None,
                Some("ü"),
            ])),
        ),
        (
            "date",
            Arc::new(Date32Array::from(vec![
                Some(18_262),
                Some(-1),
                None,
                Some(47_540),
                Some(0),
            ])),
        ),
        (
            "time",
            Arc::new(TimestampMicrosecondArray::from(vec![
                Some(1_577_840_523_000_004),
                Some(1_577_836_800_000_000),
                Some(-1),
                None,
                Some(0),
            ])),
        ),
    ];
    let columns = columns.map(|(name, column)| (name, column, true));
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

//! The objects that queries read, in the bucket that the server keeps.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store_0_13::ObjectStoreExt;
use object_store_0_13::path::Path;
use s3_frame::Frames;

use crate::Result;
use crate::client::{Client, s3};
use crate::row::Row;

pub(crate) const BUCKET: &str = "keep";

/// Returns the URL of the directory of a row's objects.
pub(crate) fn directory(row: Row) -> String {
    format!("s3://{BUCKET}/{row}/")
}

/// Writes `count` objects for a row.
pub(crate) async fn write(row: Row, endpoint: &str, count: u32) -> Result {
    let s3 = s3(endpoint)?;
    let frames = Frames::new(&s3);
    let set = directory(row);
    let set = set.trim_end_matches('/');
    match row {
        Row::QueryCsv => {
            let parts = (0..count).map(|part| one(numbers(part, 8, 16_384)));
            let schema = numbers(0, 8, 1)?.schema();
            let write = frames.write_csv(set).manifest(false);
            write.send(schema, parts).await?;
        }
        Row::QueryParquet => {
            let parts = (0..count).map(|part| one(numbers(part, 8, 65_536)));
            let schema = numbers(0, 8, 1)?.schema();
            let write = frames.write_parquet(set).manifest(false);
            write.send(schema, parts).await?;
        }
        Row::QueryColumn => {
            // All are the same.
            let rows = numbers(1, 16, 8_192)?;
            let write = frames.write_parquet(format!("s3://{BUCKET}/sample"));
            let url = write.send_single(rows.schema(), one(Ok(rows))).await?;
            copies(row, endpoint, s3.get(url).await?.bytes()?, count).await?;
        }
        _ => {}
    }
    s3.close().await?;
    Ok(())
}

async fn copies(row: Row, endpoint: &str, content: Bytes, count: u32) -> Result {
    let store = Client::Ours.store(endpoint, BUCKET)?;
    let puts = (0..count).map(|number| {
        let (store, content) = (Arc::clone(&store), content.clone());
        let path = Path::from(format!("{row}/part.{number}.parquet"));
        async move { store.put(&path, content.into()).await }
    });
    let puts = stream::iter(puts).buffer_unordered(16);
    puts.try_for_each(|_| async { Ok(()) }).await?;
    Ok(())
}

fn one(
    rows: s3_frame::Result<RecordBatch>,
) -> stream::Iter<std::array::IntoIter<s3_frame::Result<RecordBatch>, 1>> {
    stream::iter([rows])
}

/// Returns a column `k` of 16 texts, and columns `v1`, `v2` and so on of numbers that do not compress.
fn numbers(part: u32, columns: usize, rows: usize) -> s3_frame::Result<RecordBatch> {
    let mut random = fastrand::Rng::with_seed(part.into());
    let texts = StringArray::from_iter_values((0..rows).map(|row| format!("group {}", row % 16)));
    let mut named: Vec<(String, ArrayRef)> = vec![("k".to_owned(), Arc::new(texts))];
    for column in 1..columns {
        let numbers = (0..rows).map(|_| random.i64(0..1_000_000_000_000_000));
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers));
        named.push((format!("v{column}"), numbers));
    }
    let named = named.into_iter().map(|(name, column)| (name, column, true));
    Ok(RecordBatch::try_from_iter_with_nullable(named)?)
}

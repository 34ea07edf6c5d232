//! A client over memory, and helpers that read all rows.

use arrow_array::{RecordBatch, cast::AsArray};
use futures_util::TryStreamExt;
use s3_client::S3;
use s3_frame::{CsvBatches, Frames, Result};

/// Returns a client with the bucket `b` and these objects, and its frames.
pub(crate) async fn with_objects(objects: &[(&str, &[u8])]) -> (S3, Frames) {
    let s3 = S3::in_memory().unwrap();
    s3.create_bucket("b").await.unwrap();
    let objects = objects
        .iter()
        .map(|(key, bytes)| (format!("s3://b/{key}"), bytes.to_vec()));
    s3.put_many(objects.collect::<Vec<_>>()).await.unwrap();
    let frames = Frames::new(&s3);
    (s3, frames)
}

pub(crate) async fn all(batches: CsvBatches) -> Result<Vec<RecordBatch>> {
    batches.try_collect().await
}

/// Returns the values of a column as text; null is `None`.
pub(crate) fn column(batches: &[RecordBatch], name: &str) -> Vec<Option<String>> {
    let mut values = Vec::new();
    for batch in batches {
        let column = batch.column_by_name(name).unwrap();
        let text = arrow_cast::cast(column, &arrow_schema::DataType::Utf8).unwrap();
        let text = text.as_string::<i32>();
        values.extend(text.iter().map(|value| value.map(str::to_owned)));
    }
    values
}

/// Returns text as [`column`] does.
pub(crate) fn texts(values: &[&str]) -> Vec<Option<String>> {
    values
        .iter()
        .map(|value| Some((*value).to_owned()))
        .collect()
}

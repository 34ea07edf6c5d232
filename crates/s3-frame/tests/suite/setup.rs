//! A client over memory, golden files, and helpers that read all rows.

use std::path::PathBuf;

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

/// Returns a golden file, or the files of a folder and of its folders, with their paths, in the order of these.
pub(crate) fn golden(name: &str) -> Vec<(String, Vec<u8>)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let path = root.join(name);
    if path.is_file() {
        return vec![(name.to_owned(), std::fs::read(path).unwrap())];
    }
    let entries = std::fs::read_dir(path).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name());
    let mut files: Vec<_> = names
        .flat_map(|entry| golden(&format!("{name}/{}", entry.to_str().unwrap())))
        .collect();
    files.sort();
    files
}

/// Returns a client with golden files in the bucket `b`, and its frames.
pub(crate) async fn with_golden(names: &[&str]) -> (S3, Frames) {
    let files: Vec<_> = names.iter().flat_map(|name| golden(name)).collect();
    let objects = files
        .iter()
        .map(|(key, bytes)| (key.as_str(), bytes.as_slice()));
    with_objects(&objects.collect::<Vec<_>>()).await
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

//! [`ListingBatches`]: converts an S3 listing to Arrow record batches.

use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

use arrow_array::{ArrayRef, RecordBatch, StringArray, TimestampMillisecondArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use futures_util::stream::TryChunksError;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use s3_client::S3Info;

use crate::Result;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let time = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        Field::new("url", DataType::Utf8, false),
        Field::new("key", DataType::Utf8, false),
        Field::new("prefix", DataType::Utf8, true),
        Field::new("size", DataType::UInt64, false),
        Field::new("last_modified", time, true),
        Field::new("etag", DataType::Utf8, true),
        Field::new("storage_class", DataType::Utf8, true),
    ]))
});

/// Returns the schema of the batches of a listing. Clone is a reference count.
///
/// | column | type | |
/// |---|---|---|
/// | `url` | `Utf8` | |
/// | `key` | `Utf8` | relative to `prefix` |
/// | `prefix` | `Utf8` | null if the key is relative to nothing |
/// | `size` | `UInt64` | |
/// | `last_modified` | `Timestamp(ms, UTC)` | null if the server does not tell |
/// | `etag` | `Utf8` | without quotes; null if the server sends none |
/// | `storage_class` | `Utf8` | null if the server does not tell |
#[must_use]
pub fn listing_schema() -> SchemaRef {
    Arc::clone(&SCHEMA)
}

/// Converts the objects of a listing to record batches.
pub trait ListingBatches:
    Stream<Item = s3_client::Result<S3Info>> + Send + Sized + 'static
{
    /// Returns batches with `rows` objects each, with the schema of [`listing_schema`]; the last may have fewer. 0
    /// counts as 1.
    ///
    /// The first error ends the stream, after the objects before it.
    fn record_batches(self, rows: usize) -> impl Stream<Item = Result<RecordBatch>> + Send {
        let chunks = Some(self.try_chunks(rows.max(1)).boxed());
        // The state is the rest of the listing, and the error to return next.
        stream::unfold((chunks, None), |(mut chunks, mut failure)| async move {
            let next = match failure.take() {
                Some(error) => Err(error),
                None => match chunks.as_mut()?.next().await? {
                    Ok(objects) => batch(&objects),
                    Err(TryChunksError(objects, error)) => {
                        chunks = None;
                        match objects.is_empty() {
                            true => Err(error.into()),
                            false => {
                                failure = Some(error.into());
                                batch(&objects)
                            }
                        }
                    }
                },
            };
            Some((next, (chunks, failure)))
        })
        .fuse()
    }
}

impl<T: Stream<Item = s3_client::Result<S3Info>> + Send + 'static> ListingBatches for T {}

pub(crate) fn batch(objects: &[S3Info]) -> Result<RecordBatch> {
    let text = |column: fn(&S3Info) -> Option<&str>| -> ArrayRef {
        Arc::new(objects.iter().map(column).collect::<StringArray>())
    };
    let sizes: UInt64Array = objects.iter().map(|object| Some(object.size())).collect();
    let times = objects
        .iter()
        .map(|object| object.last_modified().map(millis));
    let times: TimestampMillisecondArray = times.collect();
    let columns = vec![
        text(|object| Some(object.url())),
        text(|object| Some(object.key())),
        text(|object| object.prefix()),
        Arc::new(sizes),
        Arc::new(times.with_timezone("UTC")),
        text(|object| object.etag().map(|etag| etag.as_str())),
        text(|object| object.storage_class()),
    ];
    Ok(RecordBatch::try_new(listing_schema(), columns)?)
}

/// Returns the milliseconds since 1970; negative for earlier times.
fn millis(time: SystemTime) -> i64 {
    let clamped =
        |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => clamped(since),
        Err(before) => -clamped(before.duration()),
    }
}

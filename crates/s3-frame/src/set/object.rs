//! Writes all rows of a stream as one object, without a manifest.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures_util::{Stream, TryStreamExt, pin_mut};
use s3_client::S3;

use super::SetFormat;
use super::part_upload::{PartUpload, Uploads, WriteCondition};
use super::writer::check_columns;
use crate::{Error, Existing, Result};

/// Writes all rows as one object, which becomes visible when all are written. Returns its URL.
pub(crate) async fn write_object(
    s3: &S3,
    key: &str,
    format: &dyn SetFormat,
    existing: Existing,
    schema: &SchemaRef,
    rows: impl Stream<Item = Result<RecordBatch>> + Send,
) -> Result<String> {
    let invalid = |reason: String| Error::Pattern {
        pattern: key.to_owned(),
        reason,
    };
    let condition = match existing {
        Existing::Refuse => WriteCondition::Absent,
        Existing::Replace => WriteCondition::Always,
        Existing::Append => return Err(invalid("is an object: nothing can be added".to_owned())),
    };
    let url = s3.root().resolve_object(Some(key));
    let url = url.map_err(|error| invalid(format!("is not a key: {error}")))?;
    let mut uploads = Uploads::new(s3, format.content_type(), condition);
    let mut upload = PartUpload::new(url.clone());
    let mut bytes = Vec::new();
    let mut encoder = format.begin(schema, 0, &mut bytes)?;
    pin_mut!(rows);
    while let Some(batch) = rows.try_next().await? {
        check_columns(&upload, &batch, schema)?;
        encoder.rows(&batch, &mut bytes)?;
        uploads.send(&mut upload, &mut bytes).await?;
    }
    encoder.end(&mut bytes)?;
    uploads.send(&mut upload, &mut bytes).await?;
    let uploaded = uploads.end(upload, bytes).await?;
    uploads.flush().await?;
    match uploads.target().complete(uploaded).await? {
        Some(_) => Ok(url.as_str().to_owned()),
        None => Err(Error::Exists(url.as_str().to_owned())),
    }
}

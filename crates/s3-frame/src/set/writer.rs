//! [`SetWriter`]: encodes and uploads rows as the objects of a set, and publishes all of them at the end.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use futures_util::{Stream, TryStreamExt, pin_mut};
use s3_client::S3;
use s3_core::S3Url;

use super::manifest::FoundManifest;
use super::part_upload::{PartUpload, UploadedPart, Uploads, WriteCondition};
use super::{Manifest, Numbering, PartNumbers, SetLocation, Split, publish};
use crate::{Error, Existing, Result};

/// The format of the objects of a set.
pub(crate) trait SetFormat: Send + Sync {
    /// The name in the manifest.
    fn name(&self) -> &'static str;
    fn content_type(&self) -> &'static str;
    /// Returns the names of parts, with a star for the number, and their numbering.
    fn part_names(&self) -> (&'static str, Numbering);
    /// Returns the columns as they are written.
    fn written_schema(&self, schema: &SchemaRef) -> SchemaRef;
    /// Begins an object; `first` is the number of its first row.
    fn begin(
        &self,
        schema: &SchemaRef,
        first: u64,
        bytes: &mut Vec<u8>,
    ) -> Result<Box<dyn EncodePart>>;
}

/// Encodes the rows of one object.
pub(crate) trait EncodePart: Send {
    /// Encodes rows and appends the bytes that can be sent to `bytes`.
    fn rows(&mut self, batch: &RecordBatch, bytes: &mut Vec<u8>) -> Result<()>;
    /// Returns the estimated number of bytes of the rows that cannot be sent yet.
    fn held_bytes(&self) -> u64;
    fn end(self: Box<Self>, bytes: &mut Vec<u8>) -> Result<()>;
}

/// Options of a write, for any format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriteOptions {
    pub(crate) existing: Existing,
    pub(crate) has_manifest: bool,
}

/// Writes rows in the order in which they arrive.
pub(crate) struct SetWriter<'a> {
    s3: &'a S3,
    location: &'a SetLocation,
    format: &'a dyn SetFormat,
    options: WriteOptions,
    schema: SchemaRef,
    before: Option<FoundManifest>,
    uploads: Uploads,
    open: Option<OpenPart>,
    ended: Vec<WrittenPart>,
    numbers: PartNumbers,
    rows: u64,
}

struct OpenPart {
    encoder: Box<dyn EncodePart>,
    upload: PartUpload,
    text: Vec<u8>,
    rows: u64,
}

/// An uploaded part that is not yet completed.
#[derive(Debug)]
pub(super) struct WrittenPart {
    pub(super) uploaded: UploadedPart,
    pub(super) rows: u64,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            existing: Existing::default(),
            has_manifest: true,
        }
    }
}

impl<'a> SetWriter<'a> {
    /// Checks for an existing set and begins the write.
    pub(crate) async fn begin(
        s3: &'a S3,
        location: &'a SetLocation,
        format: &'a dyn SetFormat,
        options: WriteOptions,
        schema: &SchemaRef,
        count: Option<u64>,
    ) -> Result<Self> {
        if options.has_manifest {
            publish::check_conditions(s3, location)?;
        }
        let before = publish::before(s3, location, format.name(), options.existing).await?;
        let condition = match options.existing {
            // After the manifest: a writer that changes the parts from now on also changes the manifest, and the claim
            // fails.
            Existing::Replace if options.has_manifest => {
                WriteCondition::Unchanged(publish::existing_parts(s3, location).await?)
            }
            Existing::Replace => WriteCondition::Always,
            Existing::Refuse | Existing::Append => WriteCondition::Absent,
        };
        let appended_to = before
            .as_ref()
            .filter(|_| options.existing == Existing::Append);
        let (mut existing, mut rows) = (Vec::new(), 0);
        if let Some(FoundManifest { manifest, .. }) = appended_to {
            manifest.check_columns(&format.written_schema(schema), location)?;
            existing = publish::parts(s3, location, manifest).await?;
            rows = manifest.parts.iter().map(|part| part.rows).sum();
        }
        Ok(Self {
            s3,
            location,
            format,
            options,
            schema: Arc::clone(schema),
            before,
            uploads: Uploads::new(s3, format.content_type(), condition),
            open: None,
            ended: Vec::new(),
            numbers: location.numbers(&existing, count),
            rows,
        })
    }

    /// Writes each of `parts` as one object.
    pub(crate) async fn write_parts<P>(mut self, parts: Vec<P>) -> Result<Manifest>
    where
        P: Stream<Item = Result<RecordBatch>> + Send,
    {
        for part in parts {
            self.next_part().await?;
            pin_mut!(part);
            while let Some(batch) = part.try_next().await? {
                self.write(&batch).await?;
            }
        }
        self.finish().await
    }

    /// Writes rows and divides them into objects, at least one.
    pub(crate) async fn write_split<P>(mut self, rows: P, split: Split) -> Result<Manifest>
    where
        P: Stream<Item = Result<RecordBatch>> + Send,
    {
        pin_mut!(rows);
        self.next_part().await?;
        while let Some(mut rest) = rows.try_next().await? {
            while rest.num_rows() > 0 {
                let (number, rows, bytes) = self.position();
                let room = usize::try_from(split.room(number, rows, bytes)).unwrap_or(usize::MAX);
                if room == 0 {
                    self.next_part().await?;
                    continue;
                }
                let taken = room.min(rest.num_rows());
                self.write(&rest.slice(0, taken)).await?;
                rest = rest.slice(taken, rest.num_rows() - taken);
            }
        }
        if let Split::Even { rows, parts } = split {
            let written = self.written_rows();
            if written != rows {
                let text = format!("the stream has {written} rows instead of {rows}");
                return Err(ArrowError::InvalidArgumentError(text).into());
            }
            while self.position().0 + 1 < parts.get() {
                self.next_part().await?;
            }
        }
        self.finish().await
    }

    /// Ends the open part and begins the next one.
    async fn next_part(&mut self) -> Result<()> {
        self.end_part().await?;
        let index = self.ended.len() as u64;
        let upload = PartUpload::new(self.location.part(self.numbers, index)?);
        let mut text = Vec::new();
        let encoder = self.format.begin(&self.schema, self.rows, &mut text)?;
        self.open = Some(OpenPart {
            encoder,
            upload,
            text,
            rows: 0,
        });
        Ok(())
    }

    /// Returns the number of the open part within this write, and its numbers of rows and bytes.
    fn position(&self) -> (u64, u64, u64) {
        let open = self.open.as_ref().expect("a part is open");
        let bytes = open.upload.bytes() + open.text.len() as u64 + open.encoder.held_bytes();
        (self.ended.len() as u64, open.rows, bytes)
    }

    fn written_rows(&self) -> u64 {
        let ended: u64 = self.ended.iter().map(|part| part.rows).sum();
        ended + self.open.as_ref().map_or(0, |open| open.rows)
    }

    async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let open = self.open.as_mut().expect("a part is open");
        check_columns(&open.upload, batch, &self.schema)?;
        open.encoder.rows(batch, &mut open.text)?;
        let rows = batch.num_rows() as u64;
        open.rows += rows;
        self.rows += rows;
        self.uploads.send(&mut open.upload, &mut open.text).await
    }

    async fn end_part(&mut self) -> Result<()> {
        let Some(mut open) = self.open.take() else {
            return Ok(());
        };
        open.encoder.end(&mut open.text)?;
        self.uploads.send(&mut open.upload, &mut open.text).await?;
        let uploaded = self.uploads.end(open.upload, open.text).await?;
        self.ended.push(WrittenPart {
            uploaded,
            rows: open.rows,
        });
        Ok(())
    }

    async fn finish(mut self) -> Result<Manifest> {
        self.end_part().await?;
        self.uploads.flush().await?;
        let written = std::mem::take(&mut self.ended);
        let format = self.format.name();
        // The manifest that readers use does not list added parts until the new one is written.
        let is_claimed = self.options.has_manifest && self.options.existing != Existing::Append;
        let claim = match is_claimed {
            true => {
                let before = self.before.as_ref();
                let claim = publish::claim(self.s3, self.location, format, &written, before);
                Some(claim.await?)
            }
            false => None,
        };
        let url = self.location.manifest()?;
        let mut parts = match publish::complete(self.uploads.target(), written).await {
            Ok(parts) => parts,
            Err((error, added)) => {
                // The error of the write is returned, not one of the cleanup.
                let _ = publish::undo(self.s3, self.location, self.options, added, claim.as_ref())
                    .await;
                return Err(match (error, self.options.existing) {
                    (Error::Exists(_), Existing::Replace) => {
                        Error::Conflict(url.as_str().to_owned())
                    }
                    (error, _) => error,
                });
            }
        };
        let added = parts.clone();
        if let (Existing::Append, Some(before)) = (self.options.existing, &self.before) {
            parts.splice(0..0, before.manifest.parts.iter().cloned());
        }
        let manifest = Manifest::new(format, &self.format.written_schema(&self.schema), parts);
        if self.options.has_manifest {
            let before = claim.as_ref().or(self.before.as_ref());
            if let Err(error) = manifest.write(self.s3, url, before).await {
                // After another error, the manifest may have been written.
                if let Error::Conflict(_) = error {
                    let _ = publish::undo(self.s3, self.location, self.options, added, None).await;
                }
                return Err(error);
            }
        } else if self.before.is_some() {
            publish::delete(self.s3, vec![url]).await?;
        }
        if self.options.existing == Existing::Replace {
            publish::delete_old(self.s3, self.location, self.before.as_ref(), &manifest).await?;
        }
        Ok(manifest)
    }
}

impl std::fmt::Debug for SetWriter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetWriter")
            .field("location", self.location)
            .finish_non_exhaustive()
    }
}

/// Fails unless a batch has the columns of the set.
pub(super) fn check_columns(
    part: &PartUpload,
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> Result<()> {
    let columns = batch.schema();
    let (found, expected) = (columns.fields().iter(), schema.fields().iter());
    let is_same = found.len() == expected.len()
        && found.zip(expected).all(|(found, expected)| {
            found.name() == expected.name() && found.data_type() == expected.data_type()
        });
    if is_same {
        return Ok(());
    }
    let url: &S3Url = part.url();
    let text = format!("a batch of part {url} has other columns than the set");
    Err(Error::Arrow(ArrowError::SchemaError(text)))
}

//! [`WriteCsv`]: record batches as CSV objects.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use futures_util::Stream;
use s3_client::{Async, Client, Mode};

use super::encode::Encoder;
use crate::set::{
    EncodePart, Numbering, SetFormat, SetLocation, SetWriter, WriteOptions, write_object,
};
use crate::{Error, Existing, Manifest, Result, Split};

/// What dask calls the parts of a set.
const PART_NAME: &str = "*.part";

/// A request that writes CSV objects, in the notation of pandas; `send` sends it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct WriteCsv<M: Mode = Async> {
    s3: Client<M>,
    target: String,
    format: CsvFormat,
    options: WriteOptions,
}

/// How the rows are encoded.
#[derive(Clone, Copy, Debug)]
struct CsvFormat {
    encoder: Encoder,
    header: bool,
}

/// Encodes the rows of one object.
struct CsvPart {
    encoder: Encoder,
    /// The number of the next row.
    next: u64,
}

impl<M: Mode> WriteCsv<M> {
    /// Returns the client and the same request of its asynchronous side.
    pub(crate) fn into_parts(self) -> (Client<M>, WriteCsv) {
        let request = WriteCsv {
            s3: self.s3.to_async(),
            target: self.target,
            format: self.format,
            options: self.options,
        };
        (self.s3, request)
    }

    pub(crate) fn new(s3: Client<M>, target: String) -> Self {
        let encoder = Encoder {
            delimiter: b',',
            index: false,
        };
        Self {
            s3,
            target,
            format: CsvFormat {
                encoder,
                header: true,
            },
            options: WriteOptions {
                existing: Existing::default(),
                has_manifest: true,
            },
        }
    }

    /// Sets what is between fields; a comma by default.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.format.encoder.delimiter = delimiter;
        self
    }

    /// Sets whether every part begins with the names of the columns; `true` by default.
    pub fn header(mut self, header: bool) -> Self {
        self.format.header = header;
        self
    }

    /// Sets whether the number of each row is a first column without name, as pandas writes it; `false` by default.
    ///
    /// Numbers run over all parts.
    pub fn index(mut self, index: bool) -> Self {
        self.format.encoder.index = index;
        self
    }

    /// Returns the rows as the text of one object. Sends nothing.
    ///
    /// # Errors
    ///
    /// If a column has a type that CSV has no text for.
    pub fn encode(&self, rows: &RecordBatch) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        let mut part = self.format.begin(&rows.schema(), 0, &mut text)?;
        part.rows(rows, &mut text)?;
        part.end(&mut text)?;
        Ok(text)
    }

    /// Sets what happens to a set, or an object, that is there already.
    pub fn existing(mut self, existing: Existing) -> Self {
        self.options.existing = existing;
        self
    }

    /// Sets whether a set has a manifest; `true` by default.
    ///
    /// Without one, readers see some of the parts while they are being completed, and cannot tell.
    pub fn manifest(mut self, manifest: bool) -> Self {
        self.options.has_manifest = manifest;
        self
    }
}

impl WriteCsv {
    /// Writes each of `parts` as one object: `SET/0.part`, `SET/1.part` and so on, with as many digits as the last
    /// needs. A target such as `SET/x-*.csv` names them otherwise. Returns the manifest, which is written last.
    ///
    /// Every part is uploaded before the first is completed, so a failure or a drop before that leaves nothing. S3 has no
    /// transactions: from the first completion on until the manifest is there, readers that use it fail with
    /// `Unfinished`, and others see some of the parts.
    ///
    /// Rows are encoded on the task of the caller, one part after the other. Memory: one batch, its text, four pieces
    /// of the size of the engine's parts, and 32 MiB of small parts.
    ///
    /// # Errors
    ///
    /// `Exists` if there are objects and they are not to be replaced, `Conflict` if somebody else writes the same set, and
    /// the first error of `parts`.
    pub async fn send<P>(
        self,
        schema: SchemaRef,
        parts: impl IntoIterator<Item = P> + Send,
    ) -> Result<Manifest>
    where
        P: Stream<Item = Result<RecordBatch>> + Send,
    {
        let parts: Vec<P> = parts.into_iter().collect();
        if parts.is_empty() {
            return Err(Error::Pattern {
                pattern: self.target,
                reason: "is to be a set without parts: it has at least one".to_owned(),
            });
        }
        let location = self.location()?;
        let writer = self
            .writer(&location, &schema, Some(parts.len() as u64))
            .await?;
        writer.write_parts(parts).await
    }

    /// Writes a stream of rows as a set of objects, cut where `split` says. There is at least one.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_split<P>(self, schema: SchemaRef, rows: P, split: Split) -> Result<Manifest>
    where
        P: Stream<Item = Result<RecordBatch>> + Send,
    {
        let location = self.location()?;
        let writer = self.writer(&location, &schema, split.count()).await?;
        writer.write_split(rows, split).await
    }

    /// Writes all rows as one object, as `DataFrame.to_csv` does. It has no manifest. Returns its URL.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); nothing can be appended to an object.
    pub async fn send_single<P>(self, schema: SchemaRef, rows: P) -> Result<String>
    where
        P: Stream<Item = Result<RecordBatch>> + Send,
    {
        write_object(
            &self.s3,
            &self.target,
            &self.format,
            self.options.existing,
            &schema,
            rows,
        )
        .await
    }

    pub(crate) fn location(&self) -> Result<SetLocation> {
        SetLocation::parse(&self.s3, &self.target, PART_NAME, Numbering::Padded)
    }

    async fn writer<'a>(
        &'a self,
        location: &'a SetLocation,
        schema: &SchemaRef,
        count: Option<u64>,
    ) -> Result<SetWriter<'a>> {
        SetWriter::begin(
            &self.s3,
            location,
            &self.format,
            self.options,
            schema,
            count,
        )
        .await
    }
}

impl SetFormat for CsvFormat {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn content_type(&self) -> &'static str {
        "text/csv"
    }

    fn written_schema(&self, schema: &SchemaRef) -> SchemaRef {
        let index = Field::new("", DataType::Int64, false);
        let index = self.encoder.index.then(|| Arc::new(index));
        let columns = schema.fields().iter().map(|field| match field.data_type() {
            // What the reader has for it.
            DataType::LargeUtf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)),
            _ => Arc::clone(field),
        });
        Arc::new(Schema::new(
            index.into_iter().chain(columns).collect::<Vec<_>>(),
        ))
    }

    fn begin(
        &self,
        schema: &SchemaRef,
        first: u64,
        bytes: &mut Vec<u8>,
    ) -> Result<Box<dyn EncodePart>> {
        if self.header {
            self.encoder.header(schema, bytes);
        }
        Ok(Box::new(CsvPart {
            encoder: self.encoder,
            next: first,
        }))
    }
}

impl EncodePart for CsvPart {
    fn rows(&mut self, batch: &RecordBatch, bytes: &mut Vec<u8>) -> Result<()> {
        self.encoder.rows(batch, self.next, bytes)?;
        self.next += batch.num_rows() as u64;
        Ok(())
    }

    fn end(self: Box<Self>, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}

//! [`WriteParquet`]: request that writes Arrow record batches as Parquet objects.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use s3_client::{Async, Client, Mode};

use crate::Result;
use crate::set::{EncodePart, Numbering, SetFormat, WriteOptions, set_request};

/// Number of encoded bytes that end a row group, whatever its number of rows. 64 MiB.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// A request that writes Parquet objects; `send` sends it. Columns are compressed with Snappy, as pandas does.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct WriteParquet<M: Mode = Async> {
    s3: Client<M>,
    target: String,
    format: ParquetFormat,
    options: WriteOptions,
}

#[derive(Clone, Copy, Debug)]
struct ParquetFormat;

/// Encodes the rows of one object.
struct ParquetPart(ArrowWriter<Vec<u8>>);

impl<M: Mode> WriteParquet<M> {
    pub(crate) fn new(s3: Client<M>, target: String) -> Self {
        Self {
            s3,
            target,
            format: ParquetFormat,
            options: WriteOptions::default(),
        }
    }
}

set_request!(WriteParquet, "SET/part.0.parquet", "SET/x-*.parquet");

impl SetFormat for ParquetFormat {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn content_type(&self) -> &'static str {
        "application/vnd.apache.parquet"
    }

    fn part_names(&self) -> (&'static str, Numbering) {
        ("part.*.parquet", Numbering::Plain)
    }

    fn written_schema(&self, schema: &SchemaRef) -> SchemaRef {
        SchemaRef::clone(schema)
    }

    fn begin(&self, schema: &SchemaRef, _: u64, _: &mut Vec<u8>) -> Result<Box<dyn EncodePart>> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), SchemaRef::clone(schema), Some(properties))?;
        Ok(Box::new(ParquetPart(writer)))
    }
}

impl EncodePart for ParquetPart {
    fn rows(&mut self, batch: &RecordBatch, bytes: &mut Vec<u8>) -> Result<()> {
        self.0.write(batch)?;
        if self.0.in_progress_size() >= ROW_GROUP_BYTES {
            self.0.flush()?;
        }
        bytes.append(self.0.inner_mut());
        Ok(())
    }

    fn held_bytes(&self) -> u64 {
        self.0.in_progress_size() as u64
    }

    fn end(mut self: Box<Self>, bytes: &mut Vec<u8>) -> Result<()> {
        self.0.finish()?;
        bytes.append(self.0.inner_mut());
        Ok(())
    }
}

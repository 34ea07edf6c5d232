//! [`WriteCsv`]: request that writes Arrow record batches as CSV objects.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use s3_client::{Async, Client, Mode};

use super::encode::Encoder;
use crate::Result;
use crate::set::{EncodePart, Numbering, SetFormat, WriteOptions, set_request};

/// A request that writes CSV objects as pandas does; `send` sends it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct WriteCsv<M: Mode = Async> {
    s3: Client<M>,
    target: String,
    format: CsvFormat,
    options: WriteOptions,
}

/// Options of the CSV encoding.
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
            options: WriteOptions::default(),
        }
    }

    /// Sets the delimiter of fields; a comma by default.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.format.encoder.delimiter = delimiter;
        self
    }

    /// Sets whether every part begins with a header; `true` by default.
    pub fn header(mut self, header: bool) -> Self {
        self.format.header = header;
        self
    }

    /// Sets whether the row number is written as a first column with an empty name, as pandas does; `false` by default.
    ///
    /// Rows are numbered across all parts.
    pub fn index(mut self, index: bool) -> Self {
        self.format.encoder.index = index;
        self
    }

    /// Encodes the rows as the text of one object. Sends nothing.
    ///
    /// # Errors
    ///
    /// If a column has a type without a CSV form.
    pub fn encode(&self, rows: &RecordBatch) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        let mut part = self.format.begin(&rows.schema(), 0, &mut text)?;
        part.rows(rows, &mut text)?;
        part.end(&mut text)?;
        Ok(text)
    }
}

set_request!(WriteCsv, "SET/0.part", "SET/x-*.csv");

impl SetFormat for CsvFormat {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn content_type(&self) -> &'static str {
        "text/csv"
    }

    fn part_names(&self) -> (&'static str, Numbering) {
        ("*.part", Numbering::Padded)
    }

    fn written_schema(&self, schema: &SchemaRef) -> SchemaRef {
        let index = Field::new("", DataType::Int64, false);
        let index = self.encoder.index.then(|| Arc::new(index));
        let columns = schema.fields().iter().map(|field| match field.data_type() {
            // The type that the reader infers.
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

    fn held_bytes(&self) -> u64 {
        0
    }

    fn end(self: Box<Self>, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}

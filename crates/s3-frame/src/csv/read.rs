//! [`ReadCsv`]: request that reads CSV objects as Arrow record batches.

use std::sync::Arc;

use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use s3_client::{Async, Client, Mode, S3};

use super::batches::CsvBatches;
use super::columns::{Columns, Index, column_name};
use super::dialect::{Dialect, without_bom};
use super::infer::infer;
use crate::set::{Part, PartOrder, find};
use crate::{Error, Manifests, Result};

/// Number of bytes of a part that are read to infer types, and the maximum length of its header. 1 MiB: 1,000 rows of
/// 1,000 bytes.
pub(super) const SAMPLE: u64 = 1 << 20;

/// A resolved CSV scan: objects, dialect, columns and schema.
#[derive(Clone, Debug)]
pub(crate) struct CsvScan {
    pub(crate) s3: S3,
    pub(crate) parts: Vec<Part>,
    pub(super) dialect: Dialect,
    pub(crate) columns: Columns,
    /// The schema of the returned batches.
    pub(crate) schema: SchemaRef,
    pub(crate) batch_rows: usize,
}

#[cfg(feature = "datafusion")]
impl CsvScan {
    pub(crate) fn with_parts(mut self, parts: Vec<Part>) -> Self {
        self.parts = parts;
        self
    }

    /// Keeps only these columns, in this order; the column of URLs can only be the last.
    pub(crate) fn project(&self, positions: &[usize]) -> std::result::Result<Self, ArrowError> {
        let mut scan = self.clone();
        let path = self.columns.schema()?.fields().len();
        let decoded: Vec<usize> = positions
            .iter()
            .copied()
            .filter(|position| *position != path)
            .collect();
        if decoded.len() < positions.len() && positions.last() != Some(&path) {
            let text = "the column of URLs has to be the last of a projection".to_owned();
            return Err(ArrowError::NotYetImplemented(text));
        }
        scan.columns.project(&decoded);
        scan.schema = Arc::new(self.schema.project(positions)?);
        Ok(scan)
    }
}

/// A request that reads CSV objects; [`open`](Self::open) sends it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `open`"]
pub struct ReadCsv<M: Mode = Async> {
    s3: Client<M>,
    patterns: Vec<String>,
    dialect: Dialect,
    schema: Option<SchemaRef>,
    infer_rows: usize,
    manifests: Manifests,
    index: Index,
    path_column: Option<String>,
    batch_rows: usize,
}

impl<M: Mode> ReadCsv<M> {
    /// Returns the client, and the same request for the async API.
    pub(crate) fn into_parts(self) -> (Client<M>, ReadCsv) {
        let request = ReadCsv {
            s3: self.s3.to_async(),
            patterns: self.patterns,
            dialect: self.dialect,
            schema: self.schema,
            infer_rows: self.infer_rows,
            manifests: self.manifests,
            index: self.index,
            path_column: self.path_column,
            batch_rows: self.batch_rows,
        };
        (self.s3, request)
    }

    pub(crate) fn new(s3: Client<M>, patterns: Vec<String>) -> Self {
        Self {
            s3,
            patterns,
            dialect: Dialect {
                delimiter: b',',
                header: true,
                pandas_nulls: false,
            },
            schema: None,
            infer_rows: 1000,
            manifests: Manifests::default(),
            index: Index::default(),
            path_column: None,
            batch_rows: 8192,
        }
    }

    /// Sets the delimiter of fields, a comma by default.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.dialect.delimiter = delimiter;
        self
    }

    /// Sets whether every part begins with a header; `true` by default.
    ///
    /// Without a header, columns are named `column_1`, `column_2` and so on, or as in the schema.
    pub fn header(mut self, header: bool) -> Self {
        self.dialect.header = header;
        self
    }

    /// Sets names and types of all columns, instead of inferring them from the first part.
    ///
    /// If parts have a header, its names must equal those of the schema; an empty name in the header is `Unnamed: 0`,
    /// `Unnamed: 1`.
    pub fn schema(mut self, schema: SchemaRef) -> Self {
        self.schema = Some(schema);
        self
    }

    /// Sets the number of rows from which types are inferred; 1,000 by default, within the first MiB of a part. With 0,
    /// all columns are text.
    ///
    /// A later value that its inferred type cannot represent exactly is an error. pandas writes dates without a time if
    /// all times of a part are midnight, so the first part of a set may have other types than the next: set the types
    /// with [`schema`](Self::schema).
    pub fn infer_rows(mut self, rows: usize) -> Self {
        self.infer_rows = rows;
        self
    }

    /// Sets whether a pattern `SET/*` reads the parts in the manifest of the set; by default, if there is a manifest.
    pub fn manifests(mut self, manifests: Manifests) -> Self {
        self.manifests = manifests;
        self
    }

    /// Sets how a first column with an empty name is read.
    pub fn index(mut self, index: Index) -> Self {
        self.index = index;
        self
    }

    /// Reads the null values of pandas as null: `NA`, `NaN`, `None`, `null` and 14 more. By default, only empty fields
    /// are null.
    pub fn pandas_nulls(mut self, pandas_nulls: bool) -> Self {
        self.dialect.pandas_nulls = pandas_nulls;
        self
    }

    /// Adds a last column with this name, which contains the URL of the part of each row.
    pub fn include_path(mut self, column: impl Into<String>) -> Self {
        self.path_column = Some(column.into());
        self
    }

    /// Sets the maximum number of rows of a batch; 8,192 by default, and 0 counts as 1. A batch has at most 16 Mi
    /// values over all columns of the parts.
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows.max(1);
        self
    }
}

impl ReadCsv {
    /// Lists the objects, reads the header and infers the types, and begins to read.
    ///
    /// Requests: one manifest per pattern, or a listing with a request for the manifest before and after it, and one
    /// range of the first part unless the schema is set. Parts are requested as the stream is polled.
    ///
    /// # Errors
    ///
    /// `Pattern`, `NoMatch` and `Unfinished`; `Csv` or `Header` if the first part is not CSV or does not match the
    /// schema.
    pub async fn open(self) -> Result<CsvBatches> {
        Ok(CsvBatches::new(self.scan().await?))
    }

    /// Lists the objects, reads the header and infers the types.
    pub(crate) async fn scan(self) -> Result<CsvScan> {
        let found = find(&self.s3, &self.patterns, self.manifests, PartOrder::Keys).await?;
        let known = self.schema.as_ref().or(found.schema.as_ref());
        let (schema, header) = self.written(&found.parts, known).await?;
        let columns = Columns::new(&schema, header, &self.index);
        let mut schema = columns.schema()?;
        if let Some(name) = &self.path_column {
            let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
            fields.push(Arc::new(Field::new(name, DataType::Utf8, false)));
            schema = Arc::new(Schema::new(fields));
        }
        Ok(CsvScan {
            s3: self.s3,
            parts: found.parts,
            dialect: self.dialect,
            columns,
            schema,
            batch_rows: self.batch_rows,
        })
    }

    /// Returns the columns of the parts and the names in their headers.
    ///
    /// Types are inferred from the first part that has rows.
    async fn written(
        &self,
        parts: &[Part],
        known: Option<&SchemaRef>,
    ) -> Result<(Schema, Option<Vec<String>>)> {
        let mut written = None;
        for part in parts {
            let sample = part.head(&self.s3, SAMPLE).await?;
            let text = without_bom(&sample);
            let records = match part.size <= SAMPLE {
                true => text,
                false => &text[..self.dialect.records().last_end(text)],
            };
            let invalid = |source| csv_error(part, source);
            let header = match self.dialect.header {
                true => Some(self.dialect.names(records).map_err(invalid)?),
                false => None,
            };
            if let Some(schema) = known {
                let schema = with_names(schema);
                check_names(part, header.as_deref(), &schema)?;
                return Ok((schema, header));
            }
            let inferred = infer(&self.dialect, records, self.infer_rows);
            let (schema, rows) = inferred.map_err(invalid)?;
            let has_columns = !schema.fields().is_empty();
            written = Some((schema, header));
            if rows > 0 || self.infer_rows == 0 && has_columns {
                break;
            }
        }
        Ok(written.expect("a pattern that finds nothing is an error"))
    }
}

/// Returns the columns with the names under which they are read.
fn with_names(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().enumerate();
    let fields = fields.map(|(number, field)| {
        let field = field.as_ref().clone().with_nullable(true);
        let name = column_name((number, field.name()));
        field.with_name(name)
    });
    Schema::new(fields.collect::<Vec<_>>())
}

pub(super) fn csv_error(part: &Part, source: ArrowError) -> Error {
    Error::Csv {
        part: part.url.as_str().to_owned(),
        source,
    }
}

/// Fails unless the names in a header equal those of the schema.
fn check_names(part: &Part, header: Option<&[String]>, schema: &Schema) -> Result<()> {
    let Some(header) = header else {
        return Ok(());
    };
    let found: Vec<String> = header.iter().enumerate().map(column_name).collect();
    let fields = schema.fields().iter();
    let expected: Vec<String> = fields.map(|field| field.name().clone()).collect();
    match found == expected {
        true => Ok(()),
        false => Err(Error::Header {
            part: part.url.as_str().to_owned(),
            found,
            expected,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, RecordBatch};
    use futures_util::{TryStreamExt, stream};
    use s3_core::{MemoryStore, Operation};

    use super::*;
    use crate::Frames;

    /// Returns a client with the set `s3://b/set`: a part without rows and header, and two parts with one row each.
    async fn with_set() -> (S3, Frames) {
        let s3 = S3::in_memory().unwrap();
        s3.create_bucket("b").await.unwrap();
        let frames = Frames::new(&s3);
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values([7]));
        let row = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let parts = [Vec::new(), vec![Ok(row.clone())], vec![Ok(row.clone())]];
        let write = frames.write_csv("s3://b/set").header(false);
        let manifest = write.send(row.schema(), parts.map(stream::iter)).await;
        assert_eq!(manifest.unwrap().parts[0].bytes, 0);
        (s3, frames)
    }

    #[tokio::test]
    async fn a_part_of_a_manifest_may_be_empty() {
        let (_, frames) = with_set().await;
        let read = frames.read_csv(["s3://b/set/*"]).header(false);
        let batches: Vec<RecordBatch> = read.open().await.unwrap().try_collect().await.unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
    }

    #[tokio::test]
    async fn without_type_inference_a_scan_sends_one_get() {
        let memory = MemoryStore::with_buckets(["b"]);
        let s3 = S3::builder().store(memory.clone()).build().unwrap();
        for part in 0..3 {
            let url = format!("s3://b/set/{part}");
            s3.put(url, "n\n1\n").await.unwrap();
        }
        let read = Frames::new(&s3).read_csv(["s3://b/set/*"]).infer_rows(0);
        let before = memory.operations().get(Operation::Get);
        let scan = read.manifests(Manifests::Ignore).scan().await.unwrap();
        assert_eq!(memory.operations().get(Operation::Get) - before, 1);
        assert_eq!(scan.schema.field(0).data_type(), &DataType::Utf8);
    }
}

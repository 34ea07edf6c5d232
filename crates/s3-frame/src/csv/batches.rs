//! [`CsvBatches`]: the rows of all parts.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_csv::reader::Decoder;
use arrow_schema::{ArrowError, SchemaRef};
use bytes::{Buf, Bytes};
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt, TryStreamExt};
use s3_transfer::ObjectReader;

use super::dialect::without_bom;
use super::read::{CsvScan, SAMPLE, csv_error};
use super::records::Records;
use crate::set::Part;
use crate::{Error, Result};

/// How many parts are open: the one that is decoded, and what comes after it.
const OPEN_PARTS: usize = 4;

/// The rows of CSV objects: part after part in the order of [`parts`](Self::parts), and in the order of the rows within one.
///
/// The first failure ends the stream. Dropping it cancels what it reads ahead.
#[must_use = "a stream does nothing until it is polled"]
pub struct CsvBatches {
    schema: SchemaRef,
    parts: Vec<String>,
    batches: BoxStream<'static, Result<RecordBatch>>,
}

impl CsvBatches {
    pub(crate) fn new(mut scan: CsvScan) -> Self {
        let parts = std::mem::take(&mut scan.parts);
        let urls = parts.iter().map(|part| part.url.as_str().to_owned());
        let urls = urls.collect();
        let (scan, schema) = (Arc::new(scan.clone()), scan.schema);
        let opened = stream::iter(parts).map(move |part| {
            let scan = Arc::clone(&scan);
            async move { PartRows::open(scan, part).await }
        });
        let rows = opened.buffered(OPEN_PARTS).map_ok(PartRows::batches);
        Self {
            schema,
            parts: urls,
            batches: rows.try_flatten().boxed(),
        }
    }

    /// Returns the schema of all batches. Clone is a reference count.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Returns the URLs of the parts, in the order in which they are read.
    #[must_use]
    pub fn parts(&self) -> &[String] {
        &self.parts
    }
}

impl Stream for CsvBatches {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.batches.poll_next_unpin(cx);
        if let Poll::Ready(Some(Err(_))) = &polled {
            self.batches = stream::empty().boxed();
        }
        polled
    }
}

impl fmt::Debug for CsvBatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvBatches")
            .field("schema", &self.schema)
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

/// The rows of one part.
struct PartRows {
    scan: Arc<CsvScan>,
    part: Part,
    body: ObjectReader,
    decoder: Decoder,
    /// Received bytes that are not decoded yet.
    frame: Bytes,
    has_begun: bool,
    has_ended: bool,
}

impl PartRows {
    async fn open(scan: Arc<CsvScan>, part: Part) -> Result<Self> {
        let body = part.open(&scan.s3).await?;
        let decoder = scan.dialect.decoder(&scan.columns, scan.batch_rows);
        Ok(Self {
            scan,
            part,
            body,
            decoder,
            frame: Bytes::new(),
            has_begun: false,
            has_ended: false,
        })
    }

    fn batches(self) -> impl Stream<Item = Result<RecordBatch>> + Send {
        stream::try_unfold(self, |mut rows| async move {
            let batch = rows.next().await?;
            Ok(batch.map(|batch| (batch, rows)))
        })
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.begin().await?;
        }
        loop {
            if self.frame.is_empty() && !self.has_ended {
                self.fill().await?;
                continue;
            }
            // An empty slice, which only the end may be, ends the last record.
            let decoded = self.decoder.decode(&self.frame);
            let decoded = decoded.map_err(|source| csv_error(&self.part, source))?;
            self.frame.advance(decoded);
            if self.decoder.capacity() == 0 || decoded == 0 {
                let batch = self.decoder.flush();
                let batch = batch.map_err(|source| csv_error(&self.part, source))?;
                return batch.map(|batch| self.with_path(batch)).transpose();
            }
        }
    }

    /// Waits for bytes or the end.
    async fn fill(&mut self) -> Result<()> {
        match self.body.try_next().await? {
            Some(frame) => self.frame = frame,
            None => self.has_ended = true,
        }
        Ok(())
    }

    /// Reads the byte order mark and the header.
    async fn begin(&mut self) -> Result<()> {
        let Some(expected) = self.scan.columns.header.clone() else {
            while self.frame.len() < 3 && !self.has_ended {
                let before = std::mem::take(&mut self.frame);
                self.fill().await?;
                self.frame = [before.as_ref(), self.frame.as_ref()].concat().into();
            }
            let mark = self.frame.len() - without_bom(&self.frame).len();
            self.frame.advance(mark);
            return Ok(());
        };
        let (mut header, mut records) = (Vec::new(), Records::default());
        while !self.has_ended {
            self.fill().await?;
            let end = records.first_end(&self.frame);
            let taken = self.frame.split_to(end.unwrap_or(self.frame.len()));
            header.extend_from_slice(&taken);
            if end.is_some() {
                break;
            }
            if header.len() as u64 > SAMPLE {
                let text = format!("the header has more than {SAMPLE} bytes");
                return Err(csv_error(&self.part, ArrowError::CsvError(text)));
            }
        }
        let names = self.scan.dialect.names(without_bom(&header));
        let found = names.map_err(|source| csv_error(&self.part, source))?;
        match found == expected {
            true => Ok(()),
            false => Err(Error::Header {
                part: self.part.url.as_str().to_owned(),
                found,
                expected,
            }),
        }
    }

    /// Adds the column with the URL of the part, if the schema has it.
    fn with_path(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let schema = &self.scan.schema;
        if schema.fields().len() == batch.num_columns() {
            return Ok(batch);
        }
        let path = std::iter::repeat_n(self.part.url.as_str(), batch.num_rows());
        let path: ArrayRef = Arc::new(StringArray::from_iter_values(path));
        let mut columns = batch.columns().to_vec();
        columns.push(path);
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }
}

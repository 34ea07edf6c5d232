//! [`CsvBatches`]: stream of the record batches of CSV objects, which are decoded one after another.

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
use super::times::parse_batch;
use crate::set::Part;
use crate::{Error, Result};

/// Number of open parts: the one that is decoded, and those after it.
const OPEN_PARTS: usize = 4;

/// The rows of CSV objects: part after part in the order of [`parts`](Self::parts), and in order within each part.
///
/// The first error ends the stream. Dropping it cancels its read-ahead.
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
    /// The columns that the decoder returns.
    columns: SchemaRef,
    /// Received bytes that are not yet decoded.
    frame: Bytes,
    has_begun: bool,
    has_ended: bool,
}

impl PartRows {
    async fn open(scan: Arc<CsvScan>, part: Part) -> Result<Self> {
        let body = part.open(&scan.s3).await?;
        let decoder = scan.dialect.decoder(&scan.columns, scan.batch_rows);
        let columns = scan.columns.schema()?;
        Ok(Self {
            scan,
            part,
            body,
            decoder,
            columns,
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
            // An empty slice, which only occurs at the end, ends the last record.
            let decoded = self.decoder.decode(&self.frame);
            let decoded = decoded.map_err(|source| csv_error(&self.part, source))?;
            self.frame.advance(decoded);
            if self.decoder.capacity() == 0 || decoded == 0 {
                let batch = self.decoder.flush().and_then(|batch| {
                    let batch = batch.map(|batch| parse_batch(&batch, &self.columns));
                    batch.transpose()
                });
                let batch = batch.map_err(|source| csv_error(&self.part, source))?;
                return batch.map(|batch| self.with_path(batch)).transpose();
            }
        }
    }

    /// Waits for more bytes or the end of the part.
    async fn fill(&mut self) -> Result<()> {
        match self.body.try_next().await? {
            Some(frame) => self.frame = frame,
            None => self.has_ended = true,
        }
        Ok(())
    }

    /// Skips the byte order mark and reads the header.
    async fn begin(&mut self) -> Result<()> {
        while self.frame.len() < 3 && !self.has_ended {
            let before = std::mem::take(&mut self.frame);
            self.fill().await?;
            self.frame = [before.as_ref(), self.frame.as_ref()].concat().into();
        }
        let mark = self.frame.len() - without_bom(&self.frame).len();
        self.frame.advance(mark);
        let Some(expected) = self.scan.columns.header.clone() else {
            return Ok(());
        };
        let (mut header, mut records) = (Vec::new(), self.scan.dialect.records());
        loop {
            let end = records.first_end(&self.frame);
            let taken = self.frame.split_to(end.unwrap_or(self.frame.len()));
            header.extend_from_slice(&taken);
            if end.is_some() || self.has_ended {
                break;
            }
            if header.len() as u64 > SAMPLE {
                let text = format!("the header has more than {SAMPLE} bytes");
                return Err(csv_error(&self.part, ArrowError::CsvError(text)));
            }
            self.fill().await?;
        }
        let names = self.scan.dialect.names(&header);
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

    /// Adds the column with the URL of the part, if the schema has one.
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use s3_client::S3;
    use s3_core::MemoryStore;
    use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore};

    use super::*;
    use crate::Frames;

    /// Reads an object with this text under a fault plan and returns its column names and its number of rows.
    async fn read(text: &str, plan: FaultPlan) -> Result<(Vec<String>, usize)> {
        let store = FaultStore::new(MemoryStore::with_buckets(["b"]), plan);
        let s3 = S3::builder().store(store).build()?;
        s3.put("s3://b/part", text.to_owned()).await?;
        let read = Frames::new(&s3).read_csv(["s3://b/part"]).open().await?;
        let schema = read.schema();
        let names = schema.fields().iter().map(|field| field.name().clone());
        let batches: Vec<RecordBatch> = read.try_collect().await?;
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        Ok((names.collect(), rows))
    }

    #[tokio::test(start_paused = true)]
    async fn the_header_is_exactly_the_first_record() {
        let byte_by_byte = || {
            let trickle = FaultAction::Trickle {
                bytes: 1,
                every: Duration::from_millis(1),
                at: None,
            };
            FaultPlan::new([FaultMatch::operation("GetObject").on(trickle)])
        };
        for (text, names) in [
            ("5\" disk,price\n1,2\n3,4\n", ["5\" disk", "price"]),
            ("a,b\"\n1,2\n3,4\n", ["a", "b\""]),
            ("a,b\r1,2\r3,4\r", ["a", "b"]),
            ("a,b\r\n1,2\r\n3,4", ["a", "b"]),
            ("\n\r\na,b\n1,2\n\n3,4\n", ["a", "b"]),
            ("\u{feff}\"a\nb\",c\n1,2\n3,4\n", ["a\nb", "c"]),
        ] {
            for plan in [FaultPlan::none(), byte_by_byte()] {
                let (found, rows) = read(text, plan).await.unwrap();
                assert_eq!(
                    (found, rows),
                    (names.map(str::to_owned).to_vec(), 2),
                    "{text:?}"
                );
            }
        }
    }

    #[tokio::test]
    async fn the_sample_of_a_large_part_ends_with_a_record() {
        // Types are inferred from 1,000 rows, which include the last rows of the sample.
        let row = format!("\"x\ny,{}\",2\n", "z".repeat(2000));
        let text = format!("a,b\n5\" disk,1\n{}", row.repeat(999));
        assert!(text.len() as u64 > SAMPLE);
        let (names, rows) = read(&text, FaultPlan::none()).await.unwrap();
        assert_eq!(
            (names.as_slice(), rows),
            (["a", "b"].map(str::to_owned).as_slice(), 1000)
        );
    }
}

//! Blocking API: reads and writes CSV and Parquet objects, and listings, as Arrow record batches without async code.
//!
//! ```
//! use s3_client::blocking::S3;
//! use s3_frame::Frames;
//!
//! let s3 = S3::in_memory()?;
//! s3.create_bucket("b").send()?;
//! s3.put("s3://b/data.csv", "n\n1\n2\n").send()?;
//! let rows = Frames::new(&s3).read_csv(["s3://b/data.csv"]).open()?;
//! let schema = rows.schema();
//! let url = Frames::new(&s3).write_csv("s3://b/copy.csv").send_single(schema, rows)?;
//! assert_eq!(s3.get(url.as_str()).send()?.text()?, "n\n1\n2\n");
//!
//! use s3_frame::blocking::ListingBatches;
//! let listing = s3.list_recursive().at(["s3://b/"]).iter()?;
//! let rows: usize = listing.record_batches(8192).map(|batch| Ok(batch?.num_rows())).sum::<s3_frame::Result<_>>()?;
//! assert_eq!(rows, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::thread;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt, TryStreamExt};
use s3_client::S3Info;
use s3_client::blocking::{Blocking, S3};
use tokio::sync::mpsc;

use crate::listing::batch;
use crate::{CsvBatches, ReadCsv, Result};
#[cfg(feature = "parquet")]
use crate::{ParquetBatches, ReadParquet};

/// Reads and writes objects of a blocking client as record batches.
pub type Frames = crate::Frames<Blocking>;

/// The rows of objects, as [`CsvBatches`] and `ParquetBatches`; `next` blocks until the next batch is decoded.
#[derive(Debug)]
pub struct Rows<B> {
    s3: S3,
    batches: B,
}

impl<B: Stream<Item = Result<RecordBatch>> + Unpin> Iterator for Rows<B> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.s3.block_on(self.batches.try_next()) {
            Ok(next) => next.transpose(),
            Err(error) => Some(Err(error.into())),
        }
    }
}

/// Defines the methods of the rows of a format, and `open` of its read request.
macro_rules! rows {
    ($request:ident, $batches:ident) => {
        impl Rows<$batches> {
            /// Returns the schema of all batches. Clone is a reference count.
            #[must_use]
            pub fn schema(&self) -> SchemaRef {
                self.batches.schema()
            }

            /// Returns the URLs of the parts, in the order in which they are read.
            #[must_use]
            pub fn parts(&self) -> &[String] {
                self.batches.parts()
            }
        }

        impl $request<Blocking> {
            /// Lists the objects, reads the header and infers the types, and begins to read.
            ///
            /// # Errors
            ///
            /// As `open` of the async request; also fails if it is called in async code.
            pub fn open(self) -> Result<Rows<$batches>> {
                let (s3, request) = self.into_parts();
                let batches = s3.block_on(request.open())??;
                Ok(Rows { s3, batches })
            }
        }
    };
}

rows!(ReadCsv, CsvBatches);
#[cfg(feature = "parquet")]
rows!(ReadParquet, ParquetBatches);

/// Converts the objects of a blocking listing to record batches, as [`ListingBatches`](crate::ListingBatches) does.
pub trait ListingBatches: Iterator<Item = s3_client::Result<S3Info>> + Sized {
    /// Returns batches with `rows` objects each, with the schema of [`listing_schema`](crate::listing_schema); the last
    /// may have fewer. 0 counts as 1.
    ///
    /// The first failure ends the iterator, after the objects before it.
    fn record_batches(mut self, rows: usize) -> impl Iterator<Item = Result<RecordBatch>> {
        let (mut has_ended, mut failure) = (false, None);
        std::iter::from_fn(move || {
            let mut objects = Vec::new();
            while !has_ended && objects.len() < rows.max(1) {
                match self.next() {
                    Some(Ok(object)) => objects.push(object),
                    ended => {
                        has_ended = true;
                        failure = ended.and_then(s3_client::Result::err);
                    }
                }
            }
            match objects.is_empty() {
                true => failure.take().map(|error| Err(error.into())),
                false => Some(batch(&objects)),
            }
        })
    }
}

impl<T: Iterator<Item = s3_client::Result<S3Info>>> ListingBatches for T {}

/// Runs `write` while another thread iterates the rows of its parts, one part after another.
///
/// Waits for the thread, also after `write` has failed: the parts may borrow from the caller.
pub(crate) fn while_feeding<P, T>(
    parts: Vec<P>,
    write: impl FnOnce(Vec<BoxStream<'static, Result<RecordBatch>>>) -> Result<T>,
) -> Result<T>
where
    P: IntoIterator<Item = Result<RecordBatch>> + Send,
{
    let mut streams = Vec::new();
    let mut feeds = Vec::new();
    for part in parts {
        let (sender, receiver) = mpsc::channel(1);
        streams.push(received(receiver).boxed());
        feeds.push((part, sender));
    }
    thread::scope(|scope| {
        scope.spawn(move || {
            for (part, sender) in feeds {
                let batches = part.into_iter().map(Some).chain([None]);
                for batch in batches {
                    // A failed write has dropped the receivers.
                    if sender.blocking_send(batch).is_err() {
                        return;
                    }
                }
            }
        });
        write(streams)
    })
}

/// Yields batches until `None`. If the channel closes before that, the iterator has panicked and rows are missing.
fn received(
    receiver: mpsc::Receiver<Option<Result<RecordBatch>>>,
) -> impl Stream<Item = Result<RecordBatch>> + Send {
    stream::unfold(Some(receiver), |receiver| async move {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Some(batch)) => Some((batch, Some(receiver))),
            Some(None) => None,
            None => {
                let text = "the iterator of rows has panicked".to_owned();
                Some((Err(ArrowError::ExternalError(text.into()).into()), None))
            }
        }
    })
}

//! [`Streams`]: readers that are passed to `put`, with a flag that tells whether the client closed them.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use s3_client::PutValue;

use super::argument::Argument;
use crate::model::{NON_SEEKABLE, is_binary};

/// For each stream in the order of the calls, whether it is closed.
#[derive(Debug, Default)]
pub(crate) struct Streams(Vec<Arc<AtomicBool>>);

impl Streams {
    /// Returns a stream as a value; `None` if the argument is `None` or cannot be expressed in Rust.
    pub(crate) fn value(
        &mut self,
        argument: &Argument,
        local: &Path,
    ) -> io::Result<Option<PutValue>> {
        match argument {
            Argument::BytesIo { body, seek } => {
                let mut stream = Cursor::new(body.clone());
                stream.set_position(*seek);
                Ok(Some(PutValue::seekable(self.watch(stream))))
            }
            Argument::NonSeekable => {
                Ok(Some(PutValue::reader(self.watch(NON_SEEKABLE.as_bytes()))))
            }
            Argument::Open { file, mode, seek } if is_binary(mode) => {
                let mut file = File::open(local.join(file))?;
                file.seek(SeekFrom::Start(*seek))?;
                // A file is passed as a file, which cannot be watched; it is also moved into the call.
                self.0.push(Arc::new(AtomicBool::new(true)));
                Ok(Some(file.into()))
            }
            _ => Ok(None),
        }
    }

    fn watch<R>(&mut self, stream: R) -> Watched<R> {
        let closed = Arc::new(AtomicBool::new(false));
        self.0.push(Arc::clone(&closed));
        Watched { stream, closed }
    }

    /// Returns whether a stream is closed; `None` if no stream has that number.
    pub(crate) fn is_closed(&self, index: usize) -> Option<bool> {
        self.0
            .get(index)
            .map(|closed| closed.load(Ordering::Acquire))
    }
}

/// A stream that records when it is dropped.
struct Watched<R> {
    stream: R,
    closed: Arc<AtomicBool>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl<R: Seek> Seek for Watched<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.stream.seek(to)
    }
}

impl<R> Drop for Watched<R> {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Release);
    }
}

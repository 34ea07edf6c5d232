//! Blocking reader of an object, with `Read` and `Seek`.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use bytes::{Buf, Bytes};
use futures_util::TryStreamExt;
use s3_core::{ByteRange, Conditions};
use s3_transfer::{GetItem, ObjectReader};

use crate::blocking::{Blocking, check_blocking};
use crate::call::Call;
use crate::error::Result;
use crate::ops::Get;
use crate::request::Request;

/// A reader of an object, or of a range of it, with `Read` and `Seek`; position 0 is the first byte of the range.
///
/// It reads ahead like the asynchronous reader. A seek beyond the current frame cancels the requests in flight. The
/// next read sends a request at the new position for an object with the same ETag, and fails if the object was
/// replaced.
pub struct Reader {
    mode: Blocking,
    call: Call,
    item: GetItem,
    /// The byte range of the object that is read.
    range: Range<u64>,
    /// The open download; `None` after a seek.
    open: Option<ObjectReader>,
    position: u64,
    /// The unread bytes of the current frame.
    frame: Bytes,
}

impl Request<Get, Blocking> {
    /// Sends the request and returns a reader of the object, or of the range, with the headers of the first response.
    ///
    /// # Errors
    ///
    /// As [`get`](crate::blocking::S3::get), here or while reading, and [`Error::InsideRuntime`](crate::Error::InsideRuntime)
    /// from asynchronous code.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{Read, Seek, SeekFrom};
    ///
    /// let s3 = s3_client::blocking::S3::in_memory()?;
    /// s3.create_bucket("b").send()?;
    /// s3.put("s3://b/k", "0123456789").send()?;
    /// let mut reader = s3.get("s3://b/k").reader()?;
    /// reader.seek(SeekFrom::End(-3))?;
    /// let mut text = String::new();
    /// reader.read_to_string(&mut text)?;
    /// assert_eq!(text, "789");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reader(self) -> Result<Reader> {
        check_blocking(&self.client)?;
        let mode = self.mode.clone();
        let (get, call) = self.into_call();
        let mut item = get.item_to_stream(&call.client)?;
        let open = mode.open(&call, item.clone())?;
        match open.meta().etag.clone() {
            Some(etag) => item.conditions = Conditions::default().with_if_match(etag),
            // Without an ETag, pin the version ID. Reading it needs another permission, so this is the last resort.
            None if item.version.is_none() => item.version.clone_from(&open.meta().version),
            None => {}
        }
        Ok(Reader {
            mode,
            call,
            item,
            range: open.range(),
            open: Some(open),
            position: 0,
            frame: Bytes::new(),
        })
    }
}

impl Blocking {
    fn open(&self, call: &Call, item: GetItem) -> Result<ObjectReader> {
        let Call { client, options } = call.clone();
        let opened = self.run(async move { client.transfer.open(item, &options).await });
        Ok(opened?)
    }
}

impl Reader {
    /// Returns the number of bytes to read: the size of the object or of the range.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Reads the next frame; it is empty at the end.
    fn next_frame(&mut self) -> Result<Bytes> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None if self.position >= self.size() => return Ok(Bytes::new()),
            None => {
                let mut item = self.item.clone();
                let start = self.range.start + self.position;
                item.range = Some(ByteRange::Bounded(start..self.range.end));
                self.mode.open(&self.call, item)?
            }
        };
        let (open, frame) = self.mode.run(async move {
            let frame = open.try_next().await;
            (open, frame)
        });
        let frame = frame?;
        self.open = Some(open);
        Ok(frame.unwrap_or_default())
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.frame.is_empty() && !buffer.is_empty() {
            check_blocking(&self.call.client).map_err(io::Error::other)?;
            self.frame = self.next_frame().map_err(io::Error::other)?;
        }
        let count = self.frame.len().min(buffer.len());
        self.frame.copy_to_slice(&mut buffer[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.size().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        let target = target.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "seek to a negative position")
        })?;
        let ahead = target.checked_sub(self.position).map(usize::try_from);
        match ahead {
            Some(Ok(ahead)) if ahead <= self.frame.len() => self.frame.advance(ahead),
            _ => {
                self.frame = Bytes::new();
                self.open = None;
            }
        }
        self.position = target;
        Ok(target)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("url", &self.item.url)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use s3_core::{MemoryStore, Operation};
    use s3_transfer::TransferConfig;

    use crate::blocking::S3;
    use crate::{Error, S3GetObject};

    use super::*;

    /// Returns a client with parts of 1 KiB, and an object of ten parts.
    fn client() -> (MemoryStore, S3, Vec<u8>) {
        let store = MemoryStore::with_buckets(["b"]);
        let mut transfer = TransferConfig::default();
        transfer.part_size = 1024;
        let builder = S3::builder().store(store.clone()).s3root("s3://b");
        let builder = builder.transfer(transfer).tmproot(std::env::temp_dir());
        let s3 = builder.build().unwrap();
        let bytes: Vec<u8> = (0..10 * 1024_u32).map(|n| (n % 251) as u8).collect();
        s3.put("k", bytes.clone()).send().unwrap();
        (store, s3, bytes)
    }

    #[test]
    fn reads_and_seeks_return_the_same_bytes_as_a_cursor() {
        let (_, s3, bytes) = client();
        let range = S3GetObject::new("k", 100, 9000);
        let mut reader = s3.get(range).reader().unwrap();
        let mut cursor = io::Cursor::new(&bytes[100..9100]);
        assert_eq!(reader.size(), 9000);
        for (to, len) in [
            (SeekFrom::Start(0), 10),
            (SeekFrom::Current(5), 2000),
            (SeekFrom::Start(8990), 100),
            (SeekFrom::Current(-3000), 1500),
            (SeekFrom::End(-1), 5),
            (SeekFrom::End(0), 5),
            (SeekFrom::Start(20_000), 5),
            (SeekFrom::Start(1), 8999),
        ] {
            assert_eq!(reader.seek(to).unwrap(), cursor.seek(to).unwrap());
            let (mut read, mut expected) = (Vec::new(), Vec::new());
            Read::take(&mut reader, len).read_to_end(&mut read).unwrap();
            Read::take(&mut cursor, len)
                .read_to_end(&mut expected)
                .unwrap();
            assert_eq!(read, expected, "{to:?}");
        }
        let error = reader.seek(SeekFrom::End(-9001)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_seek_within_the_current_frame_sends_no_request() {
        let (store, s3, bytes) = client();
        let mut reader = s3.get(S3GetObject::new("k", 0, 1000)).reader().unwrap();
        let mut read = [0; 10];
        reader.read_exact(&mut read).unwrap();
        let before = store.operations().get(Operation::Get);
        reader.seek(SeekFrom::Current(100)).unwrap();
        reader.read_exact(&mut read).unwrap();
        assert_eq!(read, bytes[110..120]);
        assert_eq!(store.operations().get(Operation::Get), before);
    }

    #[test]
    fn a_file_for_the_bytes_of_a_reader_is_an_error() {
        let (_, s3, _) = client();
        let reader = s3.get("k").to_file(std::env::temp_dir().join("unused"));
        let error = reader.reader().unwrap_err();
        let kind = error.as_request().unwrap().kind();
        assert_eq!(kind, crate::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_replaced_object_is_an_error_after_a_seek() {
        let (_, s3, _) = client();
        let mut reader = s3.get("k").reader().unwrap();
        s3.put("k", vec![7; 10 * 1024]).send().unwrap();
        reader.seek(SeekFrom::Start(5000)).unwrap();
        let error = reader.read(&mut [0; 10]).unwrap_err();
        let error = error
            .get_ref()
            .and_then(|error| error.downcast_ref::<Error>());
        assert!(
            error.is_some_and(|error| error.as_request().is_some()),
            "{error:?}"
        );
    }
}

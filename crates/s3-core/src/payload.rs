//! [`Payload`]: the body of an upload, in memory or a range of a file, which every retry can send again.

use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::checksum_digest::ChecksumDigest;
use crate::{ByteCounter, Checksum, ChecksumAlgorithm};

/// Number of bytes that are read from a file at a time to compute its checksum.
const READ_SIZE: usize = 256 << 10;

/// The body of a put or of a part. It can be sent any number of times, so a retry never rewinds a reader.
///
/// Clone is a reference count.
#[derive(Clone)]
pub struct Payload {
    kind: PayloadKind,
    byte_counter: Option<ByteCounter>,
}

#[derive(Clone)]
enum PayloadKind {
    Chunks {
        chunks: Arc<[Bytes]>,
        len: u64,
    },
    File {
        file: Arc<File>,
        offset: u64,
        len: u64,
        /// Size and times that the file must have when its last byte is read.
        version: Option<Arc<Metadata>>,
    },
}

impl Payload {
    /// Returns an empty payload.
    #[must_use]
    pub fn empty() -> Self {
        Self::from_chunks([])
    }

    /// Returns a payload of several buffers, which are sent one after the other without a copy.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use s3_core::Payload;
    ///
    /// let chunks = [Bytes::from("hiss, "), Bytes::from("purr")];
    /// let payload = Payload::from_chunks(chunks);
    /// assert_eq!(payload.len(), 10);
    /// ```
    #[must_use]
    pub fn from_chunks(chunks: impl IntoIterator<Item = Bytes>) -> Self {
        let chunks: Arc<[Bytes]> = chunks.into_iter().collect();
        let len = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        Self::of(PayloadKind::Chunks { chunks, len })
    }

    /// Returns a payload of `len` bytes of `file` from `offset`, read by position in each attempt.
    ///
    /// The file's cursor is neither used nor moved. If the file has become shorter, the upload fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::Payload;
    /// use std::{fs::File, sync::Arc};
    ///
    /// let file = Arc::new(File::open("Cargo.toml")?);
    /// let payload = Payload::from_file(file, 1, 7);
    /// assert_eq!(payload.to_bytes()?, "package");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn from_file(file: Arc<File>, offset: u64, len: u64) -> Self {
        Self::of(PayloadKind::File {
            file,
            offset,
            len,
            version: None,
        })
    }

    /// Makes an attempt fail before its last bytes if size or times of the file differ from `version`: the bytes may be
    /// of two versions, and the server stores nothing of an incomplete body. Costs one `fstat` per attempt.
    ///
    /// A [`slice`](Self::slice) of only some of the bytes does not make an attempt fail: a sender of slices calls
    /// [`check_version`](Self::check_version) after the last. Has no effect on a payload in memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::Payload;
    /// use std::{fs::File, sync::Arc, time::SystemTime};
    ///
    /// let path = std::env::temp_dir().join(format!("payload-{}", std::process::id()));
    /// std::fs::write(&path, "some bytes")?;
    /// let file = Arc::new(File::options().read(true).write(true).open(&path)?);
    /// let payload = Payload::from_file(Arc::clone(&file), 0, 10).of_version(file.metadata()?);
    /// assert_eq!(payload.to_bytes()?, "some bytes");
    /// file.set_modified(SystemTime::UNIX_EPOCH)?;
    /// assert!(payload.to_bytes().is_err());
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn of_version(mut self, version: Metadata) -> Self {
        if let PayloadKind::File { version: own, .. } = &mut self.kind {
            *own = Some(Arc::new(version));
        }
        self
    }

    /// Fails if the file no longer has the [version](Self::of_version) that was set, if one was. May block.
    ///
    /// # Errors
    ///
    /// The file was changed, or its metadata cannot be read.
    pub fn check_version(&self) -> io::Result<()> {
        match &self.kind {
            PayloadKind::File { file, version, .. } => check_version(file, version.as_deref()),
            PayloadKind::Chunks { .. } => Ok(()),
        }
    }

    const fn of(kind: PayloadKind) -> Self {
        Self {
            kind,
            byte_counter: None,
        }
    }

    /// Counts the bytes of this payload, and of its slices, as they are sent.
    #[must_use]
    pub fn counted_by(mut self, counter: ByteCounter) -> Self {
        self.byte_counter = Some(counter);
        self
    }

    /// Returns the counter of sent bytes, if there is one.
    #[must_use]
    pub const fn byte_counter(&self) -> Option<&ByteCounter> {
        self.byte_counter.as_ref()
    }

    /// Returns the length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match &self.kind {
            PayloadKind::Chunks { len, .. } | PayloadKind::File { len, .. } => *len,
        }
    }

    /// Returns whether the payload is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the buffers if the payload is in memory. Reading a file payload may block.
    #[must_use]
    pub fn as_chunks(&self) -> Option<&[Bytes]> {
        match &self.kind {
            PayloadKind::Chunks { chunks, .. } => Some(chunks),
            PayloadKind::File { .. } => None,
        }
    }

    /// Returns the payload as the body of a request.
    #[cfg(feature = "sdk")]
    pub(crate) fn as_request_body(&self) -> s3_wire::RequestBody<'_> {
        match &self.kind {
            PayloadKind::Chunks { chunks, .. } => s3_wire::RequestBody::Chunks(chunks),
            PayloadKind::File {
                file,
                offset,
                len,
                version,
            } => s3_wire::RequestBody::File {
                file,
                offset: *offset,
                len: *len,
                version: version.as_ref(),
            },
        }
    }

    /// Returns `len` bytes from `position` as a payload, without reading or copying them.
    ///
    /// Clipped at the end of the payload.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::Payload;
    ///
    /// let payload = Payload::from("hiss, purr");
    /// assert_eq!(payload.slice(6, 4).to_bytes()?, "purr");
    /// assert_eq!(payload.slice(6, 100).len(), 4);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn slice(&self, position: u64, len: u64) -> Self {
        let position = position.min(self.len());
        let len = len.min(self.len() - position);
        if len == self.len() {
            return self.clone();
        }
        let slice = match &self.kind {
            PayloadKind::Chunks { chunks, .. } => Self::from_chunks(slices(chunks, position, len)),
            PayloadKind::File { file, offset, .. } => {
                Self::from_file(Arc::clone(file), offset + position, len)
            }
        };
        Self {
            byte_counter: self.byte_counter.clone(),
            ..slice
        }
    }

    /// Reads up to `max` bytes from `position`; empty only at the end of the payload.
    ///
    /// A payload in memory is sliced, not copied. Reading a file payload may block.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::Payload;
    ///
    /// let payload = Payload::from("hiss, purr");
    /// assert_eq!(payload.read_at(6, 100)?, "purr");
    /// assert!(payload.read_at(10, 100)?.is_empty());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` if the file is shorter than the payload, and the errors of reading a file.
    pub fn read_at(&self, position: u64, max: usize) -> io::Result<Bytes> {
        let left = self.len().saturating_sub(position);
        let want = usize::try_from(left).map_or(max, |left| left.min(max));
        if want == 0 {
            return Ok(Bytes::new());
        }
        match &self.kind {
            PayloadKind::Chunks { chunks, .. } => Ok(slice_at(chunks, position, want)),
            PayloadKind::File {
                file,
                offset,
                version,
                ..
            } => {
                let bytes = read_file_at(file, offset + position, want)?;
                if want as u64 == left {
                    check_version(file, version.as_deref())?;
                }
                Ok(bytes)
            }
        }
    }

    /// Fills `buffer` with the bytes from `position`; may block, as [`read_at`](Self::read_at).
    ///
    /// Unlike `read_at`, it allocates nothing: one buffer serves for all pieces of a file.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::Payload;
    ///
    /// let mut buffer = [0; 4];
    /// Payload::from("hiss, purr").read_into(6, &mut buffer)?;
    /// assert_eq!(&buffer, b"purr");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` if the payload or its file ends first, and the errors of reading a file.
    pub fn read_into(&self, position: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = position.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match &self.kind {
            PayloadKind::Chunks { chunks, .. } => copy_chunks_at(chunks, position, buffer),
            PayloadKind::File {
                file,
                offset,
                version,
                ..
            } => {
                fill_from_file(file, offset + position, buffer)?;
                if end == Some(self.len()) {
                    check_version(file, version.as_deref())?;
                }
            }
        }
        Ok(())
    }

    /// Reads the whole payload into one buffer; a payload of one buffer is not copied. May block, as [`read_at`](Self::read_at).
    ///
    /// # Errors
    ///
    /// As [`read_at`](Self::read_at).
    pub fn to_bytes(&self) -> io::Result<Bytes> {
        if let Some([only]) = self.as_chunks() {
            return Ok(only.clone());
        }
        let mut whole = BytesMut::new();
        while (whole.len() as u64) < self.len() {
            whole.extend_from_slice(&self.read_at(whole.len() as u64, 1 << 20)?);
        }
        Ok(whole.freeze())
    }

    /// Returns the checksum of all bytes. May block, as [`read_at`](Self::read_at).
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{ChecksumAlgorithm, Payload};
    ///
    /// let sum = Payload::from("123456789").checksum(ChecksumAlgorithm::Crc32)?;
    /// assert_eq!(&*sum.value, "y/Q5Jg==");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`read_at`](Self::read_at).
    pub fn checksum(&self, algorithm: ChecksumAlgorithm) -> io::Result<Checksum> {
        let mut digest = ChecksumDigest::new(algorithm);
        let mut position = 0;
        while position < self.len() {
            let chunk = self.read_at(position, READ_SIZE)?;
            digest.update(&chunk);
            position += chunk.len() as u64;
        }
        Ok(digest.checksum())
    }
}

fn slices(chunks: &[Bytes], mut position: u64, mut len: u64) -> Vec<Bytes> {
    let mut slices = Vec::new();
    while len > 0 {
        let slice = slice_at(chunks, position, usize::try_from(len).unwrap_or(usize::MAX));
        position += slice.len() as u64;
        len -= slice.len() as u64;
        slices.push(slice);
    }
    slices
}

fn slice_at(chunks: &[Bytes], position: u64, max: usize) -> Bytes {
    let mut start = position;
    for chunk in chunks {
        match usize::try_from(start) {
            Ok(begin) if begin < chunk.len() => {
                return chunk.slice(begin..chunk.len().min(begin.saturating_add(max)));
            }
            _ => start -= chunk.len() as u64,
        }
    }
    Bytes::new()
}

/// Fills `buffer` from `position`. The chunks must hold enough bytes.
fn copy_chunks_at(chunks: &[Bytes], position: u64, buffer: &mut [u8]) {
    let mut skip = position;
    let mut filled = 0;
    for chunk in chunks {
        let begin = usize::try_from(skip).map_or(chunk.len(), |skip| skip.min(chunk.len()));
        skip -= begin as u64;
        let count = (chunk.len() - begin).min(buffer.len() - filled);
        buffer[filled..filled + count].copy_from_slice(&chunk[begin..begin + count]);
        filled += count;
    }
}

fn read_file_at(file: &File, offset: u64, want: usize) -> io::Result<Bytes> {
    let mut buffer = BytesMut::zeroed(want);
    fill_from_file(file, offset, &mut buffer)?;
    Ok(buffer.freeze())
}

fn check_version(file: &File, version: Option<&Metadata>) -> io::Result<()> {
    let Some(version) = version else {
        return Ok(());
    };
    let times = |found: &Metadata| {
        [
            found.mtime(),
            found.mtime_nsec(),
            found.ctime(),
            found.ctime_nsec(),
        ]
    };
    let now = file.metadata()?;
    match now.len() == version.len() && times(&now) == times(version) {
        true => Ok(()),
        false => {
            let text = "the file was changed while it was being uploaded";
            Err(io::Error::other(text))
        }
    }
}

fn fill_from_file(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                let text = "the file was truncated during the upload";
                io::Error::new(io::ErrorKind::UnexpectedEof, text)
            }
            _ => error,
        })
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::from_chunks([bytes])
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Payload {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<&'static [u8]> for Payload {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::from_static(bytes).into()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            PayloadKind::Chunks { len, .. } => write!(f, "Payload({len} bytes)"),
            PayloadKind::File { offset, len, .. } => {
                write!(f, "Payload(file, {len} bytes at {offset})")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_by_position_crosses_chunks_without_copying_them() {
        let payload =
            Payload::from_chunks([Bytes::from_static(b"abc"), Bytes::from_static(b"defg")]);
        assert_eq!(payload.read_at(1, 10).unwrap(), "bc");
        assert_eq!(payload.read_at(3, 2).unwrap(), "de");
        assert_eq!(payload.read_at(7, 2).unwrap(), "");
        assert_eq!(payload.to_bytes().unwrap(), "abcdefg");
    }

    #[test]
    fn a_buffer_is_filled_from_any_position_or_not_at_all() {
        let chunks = ["abc", "", "defg"].map(|chunk| Bytes::from_static(chunk.as_bytes()));
        let payload = Payload::from_chunks(chunks);
        for begin in 0..=7 {
            for end in begin..=7 {
                let mut buffer = vec![0; end - begin];
                payload.read_into(begin as u64, &mut buffer).unwrap();
                assert_eq!(buffer, b"abcdefg"[begin..end], "{begin}..{end}");
            }
            let too_long = payload.read_into(begin as u64, &mut vec![0; 8 - begin]);
            assert_eq!(too_long.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
        assert!(payload.read_into(u64::MAX, &mut [0; 2]).is_err());
    }

    #[test]
    fn slices_are_clipped_at_the_end() {
        let payload =
            Payload::from_chunks([Bytes::from_static(b"abc"), Bytes::from_static(b"defg")]);
        assert_eq!(payload.slice(2, 3).to_bytes().unwrap(), "cde");
        assert_eq!(payload.slice(5, 100).to_bytes().unwrap(), "fg");
        assert!(payload.slice(9, 1).is_empty());
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        let path = std::env::temp_dir().join(format!("s3-core-payload-{}", std::process::id()));
        std::fs::write(&path, b"12345").unwrap();
        let file = Arc::new(File::open(&path).unwrap());
        std::fs::remove_file(&path).unwrap();
        let payload = Payload::from_file(Arc::clone(&file), 1, 4);
        assert_eq!(payload.to_bytes().unwrap(), "2345");
        let longer = Payload::from_file(file, 1, 5);
        assert_eq!(
            longer.to_bytes().unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
    }

    #[test]
    fn a_file_that_was_changed_is_an_error_at_its_last_byte() {
        let path = std::env::temp_dir().join(format!("s3-core-version-{}", std::process::id()));
        std::fs::write(&path, b"12345").unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let file = Arc::new(file);
        let payload = Payload::from_file(Arc::clone(&file), 1, 4);
        let payload = payload.of_version(file.metadata().unwrap());
        payload.check_version().unwrap();
        assert_eq!(payload.to_bytes().unwrap(), "2345");
        assert_eq!(payload.slice(0, 9).to_bytes().unwrap(), "2345");
        file.set_modified(std::time::SystemTime::UNIX_EPOCH)
            .unwrap();
        payload.check_version().unwrap_err();
        assert_eq!(payload.read_at(0, 3).unwrap(), "234");
        payload.read_into(0, &mut [0; 3]).unwrap();
        for payload in [payload.slice(0, 9), payload.clone()] {
            payload.read_at(3, 1).unwrap_err();
            payload.read_into(3, &mut [0; 1]).unwrap_err();
        }
        assert_eq!(payload.slice(1, 3).to_bytes().unwrap(), "345");
    }
}

//! [`PutValue`]: the content of an upload: text, bytes, a file or a reader.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use s3_core::Payload;
use s3_transfer::{CallOptions, Source, Transfer};
use tokio::io::AsyncRead;
use tokio::net::unix::pipe;

use crate::error::{Error, Result};
use crate::seekable_reader::SeekableReader;
use crate::special_file::SpecialFile;

/// The content of an upload. Text, bytes and files convert with `into()`; readers have constructors.
///
/// * Text is stored as UTF-8, bytes as they are. Owned values are not copied.
/// * A [`File`] is uploaded whole, from its first byte to its length when the call starts. Its cursor does not matter
///   and does not move. A pipe or another special file is read like a reader.
/// * A reader is read from its position to its end, a [`seekable`](Self::seekable) one from its first byte. It is read
///   once, in parts, so its length may be unknown and its content larger than memory.
///
/// # Deviation
///
/// Metaflow rejects streams that cannot seek, rewinds a stream in `put` and not in `put_many`, and closes the caller's
/// stream in one of them. Here all calls handle readers in the same way.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> s3_client::Result<()> {
/// use s3_client::{PutValue, S3};
///
/// let s3 = S3::in_memory()?;
/// s3.create_bucket("b").await?;
/// s3.put("s3://b/text", "hello").await?;
/// s3.put("s3://b/bytes", vec![0xff, 0x00]).await?;
/// s3.put("s3://b/stream", PutValue::reader(std::io::Cursor::new("from a reader"))).await?;
/// assert_eq!(s3.get("s3://b/stream").await?.text()?, "from a reader");
/// # Ok(()) }
/// ```
pub struct PutValue(ValueSource);

enum ValueSource {
    Bytes(Bytes),
    File(File),
    Path(PathBuf),
    Read(Box<dyn Read + Send>),
    AsyncRead(Pin<Box<dyn AsyncRead + Send>>),
}

impl PutValue {
    /// Uploads the rest of a reader; a blocking thread reads it.
    pub fn reader(reader: impl Read + Send + 'static) -> Self {
        Self(ValueSource::Read(Box::new(reader)))
    }

    /// Uploads the whole content of a seekable reader, from its first byte.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use std::io::Cursor;
    ///
    /// use s3_client::{PutValue, S3};
    ///
    /// let s3 = S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let mut reader = Cursor::new("read before");
    /// reader.set_position(5);
    /// s3.put("s3://b/k", PutValue::seekable(reader)).await?;
    /// assert_eq!(s3.get("s3://b/k").await?.text()?, "read before");
    /// # Ok(()) }
    /// ```
    pub fn seekable(reader: impl Read + Seek + Send + 'static) -> Self {
        Self::reader(SeekableReader::new(reader))
    }

    /// Uploads the rest of an asynchronous reader.
    pub fn async_reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self(ValueSource::AsyncRead(Box::pin(reader)))
    }

    /// Uploads a local file. Symbolic links are followed. The file is opened when its upload starts.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self(ValueSource::Path(path.into()))
    }

    /// Returns the path of the file, for error texts.
    pub(crate) fn local_path(&self) -> Option<&Path> {
        match &self.0 {
            ValueSource::Path(path) => Some(path),
            _ => None,
        }
    }

    /// Checks the value before the first request.
    pub(crate) fn check(self) -> Result<Self> {
        match self.0 {
            ValueSource::Path(path) => Ok(Self(ValueSource::Path(check_file(&path)?))),
            source => Ok(Self(source)),
        }
    }

    /// Opens the value.
    pub(crate) async fn into_source(
        self,
        transfer: &Transfer,
        options: &CallOptions,
    ) -> Result<Source> {
        match self.0 {
            ValueSource::Bytes(bytes) => Ok(Source::Payload(Payload::from(bytes))),
            ValueSource::Read(reader) => Ok(Source::Read(reader)),
            ValueSource::AsyncRead(reader) => Ok(Source::AsyncRead(reader)),
            ValueSource::File(file) => {
                file_source(file).map_err(|error| Error::local("read the open file", error))
            }
            ValueSource::Path(path) => {
                let source = Box::pin(path_source(&path, transfer, options)).await?;
                source.map_err(|error| Error::local_file(&path, error))
            }
        }
    }
}

/// Opens a file. A pipe is opened without waiting for a writer, so that a deadline can end the wait and no thread stays
/// blocked.
async fn path_source(
    path: &Path,
    transfer: &Transfer,
    options: &CallOptions,
) -> Result<io::Result<Source>> {
    let special = path.metadata().map(|metadata| {
        let is_pipe = metadata.file_type().is_fifo();
        (!metadata.is_file()).then_some(is_pipe)
    });
    Ok(match special {
        Err(error) => Err(error),
        Ok(None) => transfer
            .open_file(path, options)
            .await?
            .and_then(file_source),
        Ok(Some(true)) => pipe::OpenOptions::new()
            .open_receiver(path)
            .map(|pipe| Source::AsyncRead(Box::pin(pipe))),
        Ok(Some(false)) => {
            SpecialFile::open(path.to_owned()).map(|device| Source::AsyncRead(Box::pin(device)))
        }
    })
}

/// Returns the absolute path of a readable file, because the working directory may change before the file is opened. A
/// pipe is not opened here, because that may block.
fn check_file(path: &Path) -> Result<PathBuf> {
    resolve_file(path).map_err(|error| Error::local_file(path, error))
}

fn resolve_file(path: &Path) -> io::Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let resolved = std::path::absolute(path)?;
    let metadata = resolved.metadata()?;
    if metadata.is_dir() {
        let problem = "is a directory\nhint: upload the files in it, one input each";
        return Err(io::Error::new(io::ErrorKind::IsADirectory, problem));
    }
    if metadata.is_file() {
        File::open(&resolved)?;
    }
    Ok(resolved)
}

fn file_source(file: File) -> io::Result<Source> {
    let metadata = file.metadata()?;
    // Files below /proc have a length of 0 until they are read.
    if metadata.is_file() && metadata.len() > 0 {
        Ok(Source::Payload(Payload::from_file(
            Arc::new(file),
            0,
            metadata.len(),
        )))
    } else {
        Ok(Source::Read(Box::new(file)))
    }
}

impl fmt::Debug for PutValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ValueSource::Bytes(bytes) => write!(f, "PutValue({} bytes)", bytes.len()),
            ValueSource::File(_) => f.write_str("PutValue(open file)"),
            ValueSource::Path(path) => write!(f, "PutValue(file {})", path.display()),
            ValueSource::Read(_) | ValueSource::AsyncRead(_) => f.write_str("PutValue(reader)"),
        }
    }
}

impl From<Bytes> for PutValue {
    fn from(bytes: Bytes) -> Self {
        Self(ValueSource::Bytes(bytes))
    }
}

/// Implements the conversion of other types of bytes and text.
macro_rules! from_bytes {
    ($($source:ty: $bytes:ident => $value:expr;)*) => {$(
        impl From<$source> for PutValue {
            fn from($bytes: $source) -> Self {
                Bytes::from($value).into()
            }
        }
    )*};
}

from_bytes! {
    Vec<u8>: bytes => bytes;
    &Vec<u8>: bytes => bytes.clone();
    &[u8]: bytes => bytes.to_vec();
    String: text => text;
    &str: text => text.to_owned();
    &String: text => text.clone();
}

impl<const N: usize> From<&[u8; N]> for PutValue {
    fn from(bytes: &[u8; N]) -> Self {
        bytes.as_slice().into()
    }
}

impl From<File> for PutValue {
    fn from(file: File) -> Self {
        Self(ValueSource::File(file))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::{ErrorClass, S3};

    #[tokio::test]
    async fn a_pipe_without_a_writer_does_not_block_other_uploads_and_a_deadline_ends_the_wait() {
        let dir = tempfile::tempdir().unwrap();
        let [silent, spoken] = ["silent", "spoken"].map(|name| dir.path().join(name));
        let made = Command::new("mkfifo").args([&silent, &spoken]).status();
        assert!(made.unwrap().success());
        let s3 = S3::in_memory().unwrap();
        s3.create_bucket("b").await.unwrap();
        let put = |pipe: &Path| s3.put("s3://b/k", PutValue::path(pipe));
        let late = put(&silent).deadline(Duration::from_millis(50)).await;
        let late = late.unwrap_err();
        assert_eq!(
            late.as_request().unwrap().kind(),
            s3_core::ErrorKind::Timeout
        );
        // Opens the pipe for writing, so that the waiting thread ends.
        let both = File::options().read(true).write(true).open(&silent);
        let _writer = both.unwrap();
        let pipe = spoken.clone();
        let writer = thread::spawn(move || std::fs::write(pipe, "from the pipe"));
        put(&spoken).await.unwrap();
        writer.join().unwrap().unwrap();
        let object = s3.get("s3://b/k").await.unwrap();
        assert_eq!(object.text().unwrap(), "from the pipe");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_file_of_proc_is_uploaded_whole() {
        let s3 = S3::in_memory().unwrap();
        s3.create_bucket("b").await.unwrap();
        let files = [("s3://b/k", "/proc/version")];
        s3.put_files(files).await.unwrap();
        let text = s3.get("s3://b/k").await.unwrap().text().unwrap();
        assert_eq!(text, std::fs::read_to_string("/proc/version").unwrap());
    }

    #[test]
    fn a_path_through_a_file_is_not_found() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = PutValue::path(file.path().join("x")).check().unwrap_err();
        assert_eq!(error.class(), ErrorClass::NotFound, "{error}");
    }

    #[test]
    fn a_missing_file_is_an_error_before_any_request() {
        let error = PutValue::path("/nonexistent/file").check().unwrap_err();
        assert_eq!(error.class(), ErrorClass::NotFound);
        assert_eq!(
            error.to_string(),
            "local file not found: /nonexistent/file\nhint: check the path; relative paths start at the working \
             directory"
        );
    }

    #[test]
    fn a_directory_is_an_error() {
        let error = PutValue::path("/").check().unwrap_err();
        assert_eq!(error.class(), ErrorClass::Other);
        assert!(
            error.to_string().starts_with("read local file /: "),
            "{error}"
        );
    }
}

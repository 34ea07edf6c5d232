//! What to upload: text, bytes, a file or a reader.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use s3_core::Payload;
use s3_transfer::Source;
use tokio::io::AsyncRead;

use crate::error::{Error, Result};
use crate::seekable_reader::SeekableReader;

/// The value of a put. Text, bytes and files convert; readers have constructors of their own.
///
/// * Text is stored as UTF-8, bytes as they are. Owned ones are not copied.
/// * A [`File`] is sent as a whole, from its first byte to the length that it has when the call starts, wherever its
///   cursor is; the cursor does not move. What is no regular file, such as a pipe, is read like a reader.
/// * A reader is read from where it is to its end, a [`seekable`](Self::seekable) one from its first byte. It is read
///   once, in parts, so its length need not be known and its content need not fit into memory.
///
/// # Deviation
///
/// The reference refuses streams that cannot seek, rewinds a stream in `put` and not in `put_many`, and closes the
/// caller's stream in one of them. Here a call means the same everywhere.
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
pub struct PutValue(Kind);

enum Kind {
    Bytes(Bytes),
    File(File),
    Path(PathBuf),
    Read(Box<dyn Read + Send>),
    AsyncRead(Pin<Box<dyn AsyncRead + Send>>),
}

impl PutValue {
    /// Takes the rest of a reader. Reading happens on a thread that may block.
    pub fn reader(reader: impl Read + Send + 'static) -> Self {
        Self(Kind::Read(Box::new(reader)))
    }

    /// Takes the whole content of a reader that can seek, from its first byte, wherever it stands.
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

    /// Takes the rest of an asynchronous reader.
    pub fn async_reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self(Kind::AsyncRead(Box::pin(reader)))
    }

    /// Takes the content of a local file. Symbolic links are followed; the file is opened when its turn comes.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self(Kind::Path(path.into()))
    }

    /// Checks what can be checked before the first request, and makes the value ready to be opened.
    pub(crate) fn check(self) -> Result<Self> {
        match self.0 {
            Kind::Path(path) => Ok(Self(Kind::Path(check_file(&path)?))),
            kind => Ok(Self(kind)),
        }
    }

    /// Returns what the engine sends.
    pub(crate) fn into_source(self) -> Result<Source> {
        match self.0 {
            Kind::Bytes(bytes) => Ok(Source::Payload(Payload::from(bytes))),
            Kind::Read(reader) => Ok(Source::Read(reader)),
            Kind::AsyncRead(reader) => Ok(Source::AsyncRead(reader)),
            Kind::File(file) => {
                file_source(file).map_err(|error| Error::local("read the open file", error))
            }
            Kind::Path(path) => path_source(&path).map_err(|error| Error::local_file(&path, error)),
        }
    }
}

/// Opens a file. What is no file, such as a pipe that nobody writes to yet, may take any time to open: that is left to
/// the thread that reads it.
fn path_source(path: &Path) -> io::Result<Source> {
    if path.metadata()?.is_file() {
        return file_source(File::open(path)?);
    }
    let late = Late::Path(path.to_owned());
    Ok(Source::Read(Box::new(late)))
}

/// A file that is opened when it is read.
enum Late {
    Path(PathBuf),
    File(File),
}

impl Read for Late {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Self::Path(path) = self {
            *self = Self::File(File::open(path)?);
        }
        match self {
            Self::File(file) => file.read(buffer),
            Self::Path(_) => unreachable!("it has just been opened"),
        }
    }
}

/// Returns the path from the root if there is a file that can be read: the working directory may be another one when the
/// file's turn comes. A pipe is not opened twice.
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
        let problem = "is a directory\nhint: give the files in it, one input each";
        return Err(io::Error::new(io::ErrorKind::IsADirectory, problem));
    }
    if metadata.is_file() {
        File::open(&resolved)?;
    }
    Ok(resolved)
}

fn file_source(file: File) -> io::Result<Source> {
    let metadata = file.metadata()?;
    // Files that are made up as they are read, as below /proc, claim to have no bytes.
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
            Kind::Bytes(bytes) => write!(f, "PutValue({} bytes)", bytes.len()),
            Kind::File(_) => f.write_str("PutValue(open file)"),
            Kind::Path(path) => write!(f, "PutValue(file {})", path.display()),
            Kind::Read(_) | Kind::AsyncRead(_) => f.write_str("PutValue(reader)"),
        }
    }
}

impl From<Bytes> for PutValue {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Bytes(bytes))
    }
}

impl From<Vec<u8>> for PutValue {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<&Vec<u8>> for PutValue {
    fn from(bytes: &Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}

impl From<&[u8]> for PutValue {
    fn from(bytes: &[u8]) -> Self {
        Bytes::copy_from_slice(bytes).into()
    }
}

impl<const N: usize> From<&[u8; N]> for PutValue {
    fn from(bytes: &[u8; N]) -> Self {
        bytes.as_slice().into()
    }
}

impl From<String> for PutValue {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&str> for PutValue {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<&String> for PutValue {
    fn from(text: &String) -> Self {
        text.as_bytes().into()
    }
}

impl From<File> for PutValue {
    fn from(file: File) -> Self {
        Self(Kind::File(file))
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
    async fn a_pipe_that_nobody_writes_to_yet_holds_up_nobody_and_a_deadline_ends_the_wait() {
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
        // The thread that was left waiting gets a writer, who has nothing to say.
        let both = File::options().read(true).write(true).open(&silent);
        let _writer = both.unwrap();
        let pipe = spoken.clone();
        let writer = thread::spawn(move || std::fs::write(pipe, "from the pipe"));
        put(&spoken).await.unwrap();
        writer.join().unwrap().unwrap();
        let there = s3.get("s3://b/k").await.unwrap();
        assert_eq!(there.text().unwrap(), "from the pipe");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_file_that_is_made_up_as_it_is_read_is_sent_whole() {
        let s3 = S3::in_memory().unwrap();
        s3.create_bucket("b").await.unwrap();
        let files = [("s3://b/k", "/proc/version")];
        s3.put_files(files).await.unwrap();
        let there = s3.get("s3://b/k").await.unwrap().text().unwrap();
        assert_eq!(there, std::fs::read_to_string("/proc/version").unwrap());
    }

    #[test]
    fn a_path_through_a_file_leads_to_nothing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = PutValue::path(file.path().join("x")).check().unwrap_err();
        assert_eq!(error.class(), ErrorClass::NotFound, "{error}");
    }

    #[test]
    fn a_missing_file_is_found_before_anything_is_sent() {
        let error = PutValue::path("/nonexistent/file").check().unwrap_err();
        assert_eq!(error.class(), ErrorClass::NotFound);
        assert_eq!(
            error.to_string(),
            "local file not found: /nonexistent/file\nhint: check the path; a relative one begins at the working \
             directory"
        );
    }

    #[test]
    fn a_directory_is_no_value() {
        let error = PutValue::path("/").check().unwrap_err();
        assert_eq!(error.class(), ErrorClass::Other);
        assert!(
            error.to_string().starts_with("read local file /: "),
            "{error}"
        );
    }
}

//! `get`: downloads one object, or a byte range of it.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::{fs, io};

use s3_core::{Conditions, Error as RequestError, ErrorKind, Operation, VersionId};
use s3_transfer::{Destination, GetItem};

use crate::call::Call;
use crate::context::ClientContext;
use crate::download::{Show, download, download_resumed};
use crate::error::{Error, Result};
use crate::lookup::{return_info, return_missing};
use crate::request::{Mode, Op, Request};
use crate::resume::Resume;
use crate::s3::Client;
use crate::{GetObject, MissingObject, ReadOutput, S3Object};

/// The operation of [`get`](Client::get) and [`download_file`](Client::download_file).
#[derive(Clone, Debug)]
pub struct Get<T = S3Object> {
    object: GetObject,
    /// Where the bytes go. If `None`, to memory or the temporary directory, depending on the size.
    destination: Option<Destination>,
    resume: Option<Resume>,
    version: Option<VersionId>,
    conditions: Conditions,
    return_info: bool,
    output: PhantomData<fn() -> T>,
}

impl<M: Mode> Client<M> {
    /// Downloads an object, or a range of it if given an [`S3GetObject`](crate::S3GetObject).
    ///
    /// One GET per part of 8 MiB, in parallel; two for an empty object. The bytes are kept in memory or in the
    /// temporary directory, depending on the size; see
    /// [`S3Builder::max_in_memory_object`](crate::S3Builder::max_in_memory_object).
    ///
    /// # Errors
    ///
    /// Class `NotFound` for a missing object or bucket, `InvalidRange`, `AccessDenied`, `InsufficientDiskSpace`, `Url`
    /// for a key that cannot be resolved.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/k", "hello").await?;
    ///
    /// let object = s3.get("s3://b/k").await?;
    /// assert_eq!(object.bytes()?, "hello");
    /// assert!(!s3.get("s3://b/other").return_missing().await?.exists());
    /// # Ok(()) }
    /// ```
    pub fn get(&self, key: impl Into<GetObject>) -> Request<Get, M> {
        self.request(Get {
            object: key.into(),
            destination: None,
            resume: None,
            version: None,
            conditions: Conditions::default(),
            return_info: true,
            output: PhantomData,
        })
    }
}

return_missing!(Get<S3Object> { object, destination, resume, version, conditions, return_info });
return_info!(Get);

impl<T, M> Request<Get<T>, M> {
    /// Keeps the bytes in memory for any size of the object.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/k", "hello").await?;
    /// let object = s3.get("s3://b/k").to_memory().await?;
    /// s3.close().await?;
    /// assert_eq!(object.text()?, "hello");
    /// # Ok(()) }
    /// ```
    pub fn to_memory(mut self) -> Self {
        self.op.destination = Some(Destination::Memory);
        self
    }

    /// Downloads to this file. The file appears when it is complete, and replaces an existing one. Its directory must
    /// exist. Closing the client does not remove it.
    ///
    /// # Examples
    ///
    /// See [`download_file`](Client::download_file), which makes the same call.
    pub fn to_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.op.destination = Some(Destination::File(path.into()));
        self
    }

    /// Reads this version instead of the newest. Nothing is resumed.
    ///
    /// # Examples
    ///
    /// See [`list_versions`](Client::list_versions).
    pub fn version(mut self, version: VersionId) -> Self {
        self.op.version = Some(version);
        self
    }

    /// Reads the object only under these conditions; otherwise the call fails, with
    /// [`ErrorKind::PreconditionFailed`](crate::ErrorKind::PreconditionFailed) or
    /// [`NotModified`](crate::ErrorKind::NotModified). Nothing is resumed.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use s3_client::Conditions;
    ///
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let written = s3.put("s3://b/k", "hello").await?;
    /// let etag = written.etag().expect("a tag").clone();
    /// let unchanged = Conditions::default().with_if_none_match(etag);
    /// assert!(s3.get("s3://b/k").conditions(unchanged).await.is_err());
    /// # Ok(()) }
    /// ```
    pub fn conditions(mut self, conditions: Conditions) -> Self {
        self.op.conditions = conditions;
        self
    }

    /// Makes the download of a whole object [to a file](Self::to_file) resumable: parts that an interrupted download
    /// has received are not requested again. Costs one more HEAD. See [`resume_download`](Client::resume_download).
    pub fn resume(mut self, resume: &Resume) -> Self {
        self.op.resume = Some(resume.clone());
        self
    }
}

impl<T: ReadOutput<Object = S3Object>> Op for Get<T> {
    type Output = T;

    const NAME: &'static str = "get";

    async fn run(self, call: Call) -> Result<T> {
        let item = self.item(&call.client)?;
        let destination = match self.destination {
            Some(Destination::File(path)) => {
                Some(Destination::File(check_file(&path, Path::is_dir)?))
            }
            other => other,
        };
        let is_plain = item.version.is_none() && item.conditions == Conditions::default();
        let resume = self.resume.as_ref().filter(|_| is_plain);
        if let (Some(resume), Some(Destination::File(path))) = (resume, &destination) {
            let relative_to = call.client.display_root();
            let show = Show {
                relative_to: relative_to.clone(),
                return_info: self.return_info,
            };
            let resumed = download_resumed(&call, &item, path, resume, show).await;
            if let Some(object) = resumed.transpose() {
                return T::of(object, || MissingObject::new(item.url, relative_to));
            }
        }
        read(&call, item, destination, self.return_info).await
    }
}

impl<T> Get<T> {
    pub(crate) fn item(&self, client: &ClientContext) -> Result<GetItem> {
        let mut item = resolve(client, &self.object)?;
        item.version.clone_from(&self.version);
        item.conditions.clone_from(&self.conditions);
        Ok(item)
    }

    /// As [`item`](Self::item), for a reader or a stream. They store nothing, so a target file is an error.
    pub(crate) fn item_to_stream(&self, client: &ClientContext) -> Result<GetItem> {
        let item = self.item(client)?;
        let ignored = match (&self.destination, &self.resume) {
            (Some(Destination::File(_)), _) => "to_file",
            (_, Some(_)) => "resume",
            _ => return Ok(item),
        };
        Err(RequestError::new(ErrorKind::InvalidInput, Operation::Get)
            .with_resource(&item.url)
            .with_message(format!("`{ignored}` has no effect on a reader or a stream"))
            .with_hint(format!(
                "send the request itself to download to a file, or leave `{ignored}` out"
            ))
            .into())
    }
}

/// Returns the download, or an error if its key or range is invalid.
pub(super) fn resolve(client: &ClientContext, object: &GetObject) -> Result<GetItem> {
    let url = client.object_url(object.key())?;
    let range = object.range(url.as_str())?;
    let mut item = GetItem::new(url);
    item.range = range;
    Ok(item)
}

/// Downloads an object. If the output type allows it, a missing object is a result instead of an error.
pub(super) async fn read<T: ReadOutput<Object = S3Object>>(
    call: &Call,
    item: GetItem,
    destination: Option<Destination>,
    return_info: bool,
) -> Result<T> {
    let url = item.url.clone();
    let relative_to = call.client.display_root();
    let show = Show {
        relative_to: relative_to.clone(),
        return_info,
    };
    let object = download(call, item, destination, show).await;
    T::of(object, || MissingObject::new(url, relative_to))
}

/// Maximum length of a file name on Linux and macOS, in bytes.
const LONGEST_NAME: usize = 255;

/// Returns the absolute path, or an error if no file can be created there. `is_directory` checks its directory.
pub(super) fn check_file(path: &Path, is_directory: impl FnOnce(&Path) -> bool) -> Result<PathBuf> {
    let failed = |error| Error::local(&format!("download to {}", path.display()), error);
    let absolute = std::path::absolute(path).map_err(failed)?;
    let existing = absolute.metadata().ok();
    let ends_in_slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    if existing.as_ref().is_some_and(fs::Metadata::is_dir) || ends_in_slash {
        let problem = "is a directory\nhint: name a file in it";
        return Err(failed(io::Error::new(io::ErrorKind::IsADirectory, problem)));
    }
    // The final rename would replace anything else, such as a device.
    if existing.is_some_and(|existing| !existing.is_file()) {
        let problem = "is a device or a pipe, which a download would replace\nhint: name a file, or get the bytes";
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, problem)));
    }
    if absolute
        .file_name()
        .is_some_and(|name| name.len() > LONGEST_NAME)
    {
        let problem =
            format!("the name is longer than {LONGEST_NAME} bytes\nhint: give it a shorter one");
        return Err(failed(io::Error::new(
            io::ErrorKind::InvalidFilename,
            problem,
        )));
    }
    match absolute.parent() {
        Some(directory) if !is_directory(directory) => {
            let directory = directory.display();
            let problem = format!("there is no directory {directory}\nhint: create it first");
            Err(failed(io::Error::new(io::ErrorKind::NotFound, problem)))
        }
        _ => Ok(absolute),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use s3_core::{MemoryStore, Operation};

    use super::*;
    use crate::{ErrorClass, RangeInfo, S3, S3GetObject};

    async fn client() -> (MemoryStore, S3) {
        let store = MemoryStore::with_buckets(["b"]);
        let s3 = S3::builder()
            .store(store.clone())
            .s3root("s3://b/root")
            .max_in_memory_object(8)
            .tmproot(std::env::temp_dir())
            .build()
            .unwrap();
        s3.put("r", "0123456789")
            .content_type("text/plain")
            .await
            .unwrap();
        s3.put("z", "").await.unwrap();
        (store, s3)
    }

    #[tokio::test]
    async fn a_get_returns_the_attributes_of_the_response() {
        let (_, s3) = client().await;
        let object = s3.get("/r").await.unwrap();
        assert_eq!(
            object.to_string(),
            "<S3Object s3://b/root/r (10 bytes, local)>"
        );
        assert_eq!((object.key(), object.prefix()), ("r", Some("s3://b/root")));
        assert_eq!(object.content_type(), Some("text/plain"));
        let whole = RangeInfo {
            total_size: 10,
            request_offset: 0,
            request_length: 10,
        };
        assert_eq!(object.range_info(), Some(whole));
        assert!(object.last_modified().is_some());

        let bare = s3.get("r").return_info(false).await.unwrap();
        assert!(
            bare.content_type().is_none()
                && bare.last_modified().is_none()
                && bare.etag().is_some()
        );
    }

    #[tokio::test]
    async fn an_empty_object_is_not_a_range_error() {
        let (_, s3) = client().await;
        let object = s3.get("z").await.unwrap();
        assert_eq!((object.size(), object.text().unwrap().as_str()), (0, ""));
        let error = s3.get(S3GetObject::new("z", 0, 1)).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::InvalidRange);
    }

    #[tokio::test]
    async fn the_last_bytes_can_be_read() {
        let (_, s3) = client().await;
        let last = s3.get(GetObject::last("r", 3)).await.unwrap();
        assert_eq!(last.text().unwrap(), "789");
        assert_eq!(last.range_info().unwrap().request_offset, 7);
        let all = s3.get(GetObject::last("r", 30)).await.unwrap();
        assert_eq!(all.size(), 10);
        let none = s3.get(GetObject::last("r", 0)).await.unwrap_err();
        assert_eq!(none.class(), ErrorClass::InvalidRange);
    }

    #[tokio::test]
    async fn the_temporary_directory_is_made_for_the_first_file() {
        let root = tempfile::tempdir().unwrap();
        let entries = || std::fs::read_dir(root.path()).unwrap().count();
        let s3 = S3::builder()
            .store(MemoryStore::with_buckets(["b"]))
            .s3root("s3://b")
            .max_in_memory_object(5)
            .tmproot(root.path())
            .build()
            .unwrap();
        s3.put("small", "abcde").await.unwrap();
        s3.put("large", "abcdef").await.unwrap();
        let small = s3.get("small").await.unwrap();
        s3.get_many(["small"; 3]).await.unwrap();
        assert_eq!((small.size(), entries()), (5, 0));
        let large = s3.get("large").await.unwrap();
        assert_eq!((large.size(), entries()), (6, 1));
        s3.close().await.unwrap();
        assert_eq!(entries(), 0);
    }

    #[tokio::test]
    async fn small_data_is_in_memory_and_large_data_in_a_private_file() {
        let (_, s3) = client().await;
        let scratch = s3.scratch_path().unwrap();
        let small = s3.get(S3GetObject::new("r", 2, 3)).await.unwrap();
        assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0);
        let large = s3.get("r").await.unwrap();
        assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 1);
        let file = std::fs::metadata(large.path().unwrap()).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read(small.path().unwrap()).unwrap(), b"234");

        s3.close().await.unwrap();
        assert_eq!(small.text().unwrap(), "234");
        assert!(matches!(large.bytes().unwrap_err(), Error::Closed { .. }));
        let error = s3.get("r").await.unwrap_err();
        assert!(matches!(error, Error::Closed { .. }), "{error}");
        assert_eq!(s3.get("r").to_memory().await.unwrap().size(), 10);
    }

    #[tokio::test]
    async fn the_directory_lives_as_long_as_the_last_object() {
        let (_, s3) = client().await;
        let object = s3.get("r").await.unwrap();
        let path = object.path().unwrap();
        drop(s3);
        assert_eq!(object.text().unwrap(), "0123456789");
        drop(object);
        assert!(!path.parent().unwrap().exists());
    }

    #[tokio::test]
    async fn invalid_arguments_are_errors_without_a_request() {
        let (store, s3) = client().await;
        let before = store.operations().get(Operation::Get);
        for (offset, length) in [(-1, 1), (0, 0)] {
            let error = s3
                .get(S3GetObject::new("r", offset, length))
                .await
                .unwrap_err();
            assert_eq!(error.class(), ErrorClass::InvalidRange);
        }
        assert_eq!(
            s3.get("s3://b/root/r").await.unwrap_err().class(),
            ErrorClass::Url
        );
        let error = s3
            .get("r")
            .to_file("/nonexistent/dir/file")
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::Other);
        assert!(error.to_string().contains("/nonexistent/dir"), "{error}");
        assert!(s3.get("r").to_file("/").await.is_err());
        assert_eq!(store.operations().get(Operation::Get), before);
    }

    #[tokio::test]
    async fn a_missing_object_or_bucket_is_an_error_or_a_result() {
        let (_, s3) = client().await;
        assert_eq!(
            s3.get("nope").await.unwrap_err().class(),
            ErrorClass::NotFound
        );
        let missing = s3.get("nope").return_missing().await.unwrap();
        assert_eq!((missing.exists(), missing.key()), (false, "nope"));
        let rootless = S3::in_memory().unwrap();
        let missing = rootless
            .get("s3://nowhere/k")
            .return_missing()
            .await
            .unwrap();
        assert!(!missing.exists() && missing.prefix().is_none());
    }
}

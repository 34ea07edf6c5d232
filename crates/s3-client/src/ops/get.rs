//! Downloading one object.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::download::{Fetch, Landing};
use crate::error::{Error, Result};
use crate::request::{Call, Mode, Op, Request};
use crate::s3::{Client, Shared};
use crate::{GetObject, S3Object};

/// The call of [`get`](Client::get).
#[derive(Clone, Debug)]
pub struct Get {
    object: GetObject,
    pub(super) landing: Landing,
    pub(super) options: GetOptions,
}

/// What the calls that download objects by key have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GetOptions {
    pub(super) return_missing: bool,
    pub(super) return_info: bool,
}

impl Default for GetOptions {
    fn default() -> Self {
        Self {
            return_missing: false,
            return_info: true,
        }
    }
}

impl<M: Mode> Client<M> {
    /// Downloads an object, or a range of it if given an [`S3GetObject`](crate::S3GetObject).
    ///
    /// One get per part of 8 MiB, in parallel; a second one for an empty object. The bytes land in memory or in the
    /// temporary directory, by size; see [`S3Builder::max_in_memory_object`](crate::S3Builder::max_in_memory_object).
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
    /// assert_eq!(object.blob()?.as_deref(), Some(&b"hello"[..]));
    /// assert!(!s3.get("s3://b/other").return_missing(true).await?.exists());
    /// # Ok(()) }
    /// ```
    pub fn get(&self, key: impl Into<GetObject>) -> Request<Get, M> {
        self.request(Get {
            object: key.into(),
            landing: Landing::default(),
            options: GetOptions::default(),
        })
    }
}

impl<M> Request<Get, M> {
    /// Returns an object that does not [exist](S3Object::exists) instead of failing when there is none. Off by default.
    pub fn return_missing(mut self, yes: bool) -> Self {
        self.op.options.return_missing = yes;
        self
    }

    /// Fills in content type, metadata, encryption, time and range. On by default; it costs nothing.
    pub fn return_info(mut self, yes: bool) -> Self {
        self.op.options.return_info = yes;
        self
    }

    /// Keeps the bytes in memory, however many they are.
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
    /// s3.close()?;
    /// assert_eq!(object.text()?.as_deref(), Some("hello"));
    /// # Ok(()) }
    /// ```
    pub fn to_memory(mut self) -> Self {
        self.op.landing = Landing::Memory;
        self
    }

    /// Downloads to this file, which appears when it is complete and replaces what was there. Its directory must
    /// exist. The file is the caller's: closing the client does not remove it.
    ///
    /// # Examples
    ///
    /// See [`download_file`](Client::download_file), which is the same call.
    pub fn to_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.op.landing = Landing::File(path.into());
        self
    }
}

impl Op for Get {
    type Output = S3Object;

    const NAME: &'static str = "get";

    async fn run(self, call: Call) -> Result<S3Object> {
        let fetch = resolve(&call.client, &self.object)?;
        let landing = check_landing(self.landing)?;
        fetch_object(fetch, call, &landing, self.options).await
    }
}

/// Returns what to fetch, or why the key or the range makes no sense.
pub(super) fn resolve(client: &Shared, object: &GetObject) -> Result<Fetch> {
    let url = client.object_url(object.key())?;
    let range = object.range(url.as_str())?;
    Ok(Fetch::new(url, range))
}

/// Downloads, and turns a missing object into a result if that is wanted.
pub(super) async fn fetch_object(
    fetch: Fetch,
    call: Call,
    landing: &Landing,
    options: GetOptions,
) -> Result<S3Object> {
    let url = fetch.url.clone();
    let root = call.client.display_root();
    match fetch.run(&call, landing).await {
        Ok(download) => Ok(download.into_object(root, options.return_info)),
        Err(error) if options.return_missing && error.is_missing() => {
            Ok(S3Object::missing(url, root))
        }
        Err(error) => Err(error),
    }
}

/// Makes a path of the caller's absolute, and refuses one that cannot become a file.
fn check_landing(landing: Landing) -> Result<Landing> {
    match landing {
        Landing::File(path) => check_file(&path, Path::is_dir).map(Landing::File),
        other => Ok(other),
    }
}

/// The longest name of a file that the file systems of Linux and macOS take, in bytes.
const LONGEST_NAME: usize = 255;

/// Returns the absolute form of a path that a file can get; `is_directory` says whether its directory is there.
pub(super) fn check_file(path: &Path, is_directory: impl FnOnce(&Path) -> bool) -> Result<PathBuf> {
    let failed = |error| Error::local(&format!("download to {}", path.display()), error);
    let absolute = std::path::absolute(path).map_err(failed)?;
    let there = absolute.metadata().ok();
    let ends_in_slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    if there.as_ref().is_some_and(fs::Metadata::is_dir) || ends_in_slash {
        let problem = "is a directory\nhint: name a file in it";
        return Err(failed(io::Error::new(io::ErrorKind::IsADirectory, problem)));
    }
    // It would be replaced, and not written to.
    if there.is_some_and(|there| !there.is_file()) {
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
    async fn a_get_fills_in_what_the_server_says() {
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
        assert!(!bare.has_info() && bare.last_modified().is_none() && bare.downloaded());
    }

    #[tokio::test]
    async fn an_empty_object_is_no_range_error() {
        let (_, s3) = client().await;
        let object = s3.get("z").await.unwrap();
        assert_eq!(
            (object.size(), object.text().unwrap().as_deref()),
            (Some(0), Some(""))
        );
        let error = s3.get(S3GetObject::new("z", 0, 1)).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::InvalidRange);
    }

    #[tokio::test]
    async fn small_data_is_in_memory_and_large_data_in_a_private_file() {
        let (_, s3) = client().await;
        let scratch = s3.scratch_path().unwrap();
        let small = s3.get(S3GetObject::new("r", 2, 3)).await.unwrap();
        assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0);
        let large = s3.get("r").await.unwrap();
        assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 1);
        let file = std::fs::metadata(large.path().unwrap().unwrap()).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        assert_eq!(
            std::fs::read(small.path().unwrap().unwrap()).unwrap(),
            b"234"
        );

        s3.close().unwrap();
        assert_eq!(small.text().unwrap().as_deref(), Some("234"));
        assert!(matches!(large.blob().unwrap_err(), Error::Closed { .. }));
        let error = s3.get("r").await.unwrap_err();
        assert!(matches!(error, Error::Closed { .. }), "{error}");
        assert_eq!(s3.get("r").to_memory().await.unwrap().size(), Some(10));
    }

    #[tokio::test]
    async fn the_last_object_keeps_the_directory() {
        let (_, s3) = client().await;
        let object = s3.get("r").await.unwrap();
        let path = object.path().unwrap().unwrap();
        drop(s3);
        assert_eq!(object.text().unwrap().as_deref(), Some("0123456789"));
        drop(object);
        assert!(!path.parent().unwrap().exists());
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_refused_without_a_request() {
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
        let missing = s3.get("nope").return_missing(true).await.unwrap();
        assert_eq!(
            (missing.exists(), missing.key(), missing.size()),
            (false, "nope", None)
        );
        let rootless = S3::in_memory().unwrap();
        let missing = rootless
            .get("s3://nowhere/k")
            .return_missing(true)
            .await
            .unwrap();
        assert!(!missing.exists() && missing.prefix().is_none());
    }
}

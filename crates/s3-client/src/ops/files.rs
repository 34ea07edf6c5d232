//! `upload_file` and `download_file`: shorthands of `put` and `get` for one local file.

use std::path::PathBuf;

use super::{Get, Put};
use crate::request::{Mode, Request};
use crate::s3::Client;
use crate::{GetObject, Key, PutValue};

impl<M: Mode> Client<M> {
    /// Uploads a local file: [`put`](Self::put) with the file's content.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let directory = s3.scratch_path().expect("it is open");
    /// std::fs::write(directory.join("up"), "hello")?;
    /// s3.upload_file(directory.join("up"), "s3://b/k").await?;
    /// s3.download_file("s3://b/k", directory.join("down")).await?;
    /// assert_eq!(std::fs::read_to_string(directory.join("down"))?, "hello");
    /// # Ok(()) }
    /// ```
    pub fn upload_file(&self, path: impl Into<PathBuf>, key: impl Into<Key>) -> Request<Put, M> {
        self.request(Put::new(key.into(), PutValue::path(path)))
    }

    /// Downloads an object to a local file: [`get`](Self::get) with [`to_file`](Request::to_file).
    ///
    /// The file appears when it is complete, and replaces an existing one. Its directory must exist. It stays when the
    /// client is closed.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get); class `Other` for a missing directory, before any request.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/k", "hello").await?;
    /// let target = s3.scratch_path().expect("it is open").join("down");
    /// s3.download_file("s3://b/k", &target).await?;
    /// assert_eq!(std::fs::read_to_string(&target)?, "hello");
    /// # Ok(()) }
    /// ```
    pub fn download_file(
        &self,
        key: impl Into<GetObject>,
        path: impl Into<PathBuf>,
    ) -> Request<Get, M> {
        self.get(key).to_file(path)
    }
}

//! `put_files`: uploads many local files in parallel.

use s3_core::url::quote;

use crate::call::Call;
use crate::error::{Error, Result};
use crate::on_failure::many_op;
use crate::request::{Mode, Op, Request};
use crate::s3::Client;
use crate::upload::{Upload, upload_all};
use crate::{OnFailure, PutFile, PutValue, WriteResult};

/// The operation of [`put_files`](Client::put_files).
#[derive(Debug)]
pub struct PutFiles {
    on_failure: OnFailure,
    files: Vec<PutFile>,
    overwrite: bool,
}

impl<M: Mode> Client<M> {
    /// Uploads many local files in parallel: pairs of key and path, or [`S3PutObject`](crate::S3PutObject)s with a path.
    ///
    /// Symbolic links are followed, and every file is checked before the first request. Results and requests as in
    /// [`put_many`](Self::put_many). The content type is not guessed from the file's name.
    ///
    /// # Errors
    ///
    /// As [`put_many`](Self::put_many). Class `NotFound` for a file that is missing, `InvalidObject` for an object
    /// without a path, `Other` for a directory or a file that cannot be read; then nothing was sent.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let path = s3.scratch_path().expect("it is open").join("report.txt");
    /// std::fs::write(&path, "all is well")?;
    /// s3.put_files([("s3://b/report", &path)]).await?;
    /// assert_eq!(s3.get("s3://b/report").await?.text()?, "all is well");
    /// # Ok(()) }
    /// ```
    pub fn put_files(&self, files: impl IntoIterator<Item: Into<PutFile>>) -> Request<PutFiles, M> {
        let files = files.into_iter().map(Into::into).collect();
        self.request(PutFiles {
            files,
            overwrite: true,
            on_failure: OnFailure::Collect,
        })
    }
}

impl<M> Request<PutFiles, M> {
    /// With `false`, keeps existing objects; their results say
    /// [`AlreadyThere`](crate::WriteOutcome::AlreadyThere). `true` by default.
    pub fn overwrite(mut self, yes: bool) -> Self {
        self.op.overwrite = yes;
        self
    }
}

impl Op for PutFiles {
    type Output = Vec<WriteResult>;

    const NAME: &'static str = "put_files";

    async fn run(self, call: Call) -> Result<Vec<WriteResult>> {
        let uploads = self.files.into_iter().map(|PutFile(mut object)| {
            let path = object.path.take();
            let path = path.ok_or_else(|| Error::NoValue {
                key: quote(object.key.as_str().unwrap_or_default()),
                missing: "path",
            })?;
            Upload::check_object(&call.client, object, PutValue::path(path))
        });
        let uploads = uploads.collect::<Result<Vec<_>>>()?;
        let batch = (Self::NAME, self.on_failure);
        upload_all(call, batch, uploads, self.overwrite).await
    }
}

many_op!(PutFiles);

#[cfg(test)]
mod tests {
    use std::fs;

    use s3_core::MemoryStore;

    use crate::{ErrorClass, S3, S3PutObject};

    fn client(store: &MemoryStore) -> S3 {
        let builder = S3::builder().store(store.clone()).s3root("s3://b/root");
        builder.tmproot(std::env::temp_dir()).build().unwrap()
    }

    fn local() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("f1"), "one").unwrap();
        fs::write(dir.path().join("empty"), "").unwrap();
        std::os::unix::fs::symlink("f1", dir.path().join("link")).unwrap();
        dir
    }

    #[tokio::test]
    async fn links_empty_files_and_attributes() {
        let s3 = client(&MemoryStore::with_buckets(["b"]));
        let dir = local();
        let file = |key: &str, name: &str| S3PutObject::file(key, dir.path().join(name));
        let typed = file("t", "f1").with_content_type("text/plain");
        let written = s3
            .put_files([file("l", "link"), file("e", "empty"), typed])
            .await
            .unwrap();
        let keys: Vec<_> = written.iter().map(|written| written.key()).collect();
        assert_eq!(keys, ["l", "e", "t"]);
        let objects = s3.get_many(["l", "e", "t"]).await.unwrap();
        let texts: Vec<_> = objects
            .iter()
            .map(|object| object.text().unwrap())
            .collect();
        assert_eq!(texts, ["one", "", "one"]);
        assert_eq!(objects[2].content_type(), Some("text/plain"));

        let again = s3
            .put_files([("l", dir.path().join("f1"))])
            .overwrite(false)
            .await
            .unwrap();
        assert!(again[0].already_there());
    }

    #[tokio::test]
    async fn a_bad_file_anywhere_sends_nothing() {
        let store = MemoryStore::with_buckets(["b"]);
        let (s3, dir) = (client(&store), local());
        let good = dir.path().join("f1");
        for (bad, class) in [
            (dir.path().join("nope"), ErrorClass::NotFound),
            (dir.path().to_owned(), ErrorClass::Other),
        ] {
            let error = s3
                .put_files([("a", good.clone()), ("b", bad.clone())])
                .await
                .unwrap_err();
            assert_eq!(error.class(), class);
            assert!(error.to_string().contains(bad.to_str().unwrap()), "{error}");
        }
        let no_path = s3
            .put_files([S3PutObject::new("k", "value")])
            .await
            .unwrap_err();
        assert_eq!(no_path.class(), ErrorClass::InvalidObject);
        assert_eq!(store.operations().total(), 0);
        assert!(
            s3.put_files(Vec::<S3PutObject>::new())
                .await
                .unwrap()
                .is_empty()
        );
    }
}

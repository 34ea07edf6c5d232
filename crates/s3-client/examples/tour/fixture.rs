//! The bucket and the local directory of the tour, and its clients.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use s3_client::{ErrorClass, ErrorKind, S3, S3Prefix, SdkStore, Store};
use s3_core::ListUploads;

use crate::chapter::{Chapter, MIB, Result, check, ramp};

/// Large enough to be uploaded in parts.
pub(crate) const LARGE: usize = 64 * MIB;

/// How long the server may take for its first response.
const PATIENCE: Duration = Duration::from_secs(20);

/// The bucket and the local directory of the tour.
pub(crate) struct Fixture {
    pub(crate) store: SdkStore,
    pub(crate) bucket: String,
    pub(crate) local: PathBuf,
    /// The content of the large file.
    pub(crate) large: Vec<u8>,
}

impl Fixture {
    /// Chooses unused names, and creates the directory.
    pub(crate) fn new(store: SdkStore) -> Result<Self> {
        let nanoseconds = SystemTime::now().duration_since(UNIX_EPOCH)?.subsec_nanos();
        let bucket = format!("tour-{}-{nanoseconds}", std::process::id());
        let local = std::env::temp_dir().join(&bucket);
        std::fs::create_dir(&local)?;
        Ok(Self {
            store,
            bucket,
            local,
            large: ramp(LARGE),
        })
    }

    pub(crate) fn client(&self, s3root: Option<&str>) -> Result<S3> {
        let builder = S3::builder().store(self.store.clone()).tmproot(&self.local);
        let builder = match s3root {
            Some(path) => builder.s3root(format!("s3://{}/{path}", self.bucket)),
            None => builder,
        };
        Ok(builder.build()?)
    }

    pub(crate) async fn make_bucket(&self) -> Result {
        let mut chapter = Chapter::begin("A bucket");
        let s3 = self.client(None)?;
        s3.create_bucket(self.bucket.as_str())
            .deadline(PATIENCE)
            .await?;
        let buckets = s3.list_buckets().await?;
        let found = buckets.iter().any(|bucket| *bucket.name == *self.bucket);
        check!(found, "the new bucket {} is not listed", self.bucket);
        chapter.step(format!("created {}, one of {}", self.bucket, buckets.len()));
        let relative = s3.get("just-a-key").await.err().map(|error| error.class());
        check!(
            relative == Some(ErrorClass::Url),
            "a relative key was taken by a client without root"
        );
        chapter.step("a client without root rejects a key that is not a full URL");
        Ok(())
    }

    /// Deletes the bucket with its objects and the local directory, and checks that nothing unfinished remains.
    pub(crate) async fn clean_up(&self, finished: bool) -> Result {
        let mut chapter = Chapter::begin("Cleaning up");
        let remaining = temporary_directories(&self.local)?;
        std::fs::remove_dir_all(&self.local)?;
        // The client's temporary directory must not be in the one that was just removed.
        let s3 = S3::builder()
            .store(self.store.clone())
            .tmproot(std::env::temp_dir())
            .build()?;
        let unfinished = self.unfinished_uploads().await?;
        let keys = s3
            .list_recursive()
            .at([format!("s3://{}/", self.bucket)])
            .await?;
        s3.delete_many(&keys).await?;
        s3.delete_bucket(self.bucket.as_str()).await?;
        if finished {
            check!(
                remaining.is_empty(),
                "temporary directories remain: {remaining:?}"
            );
            check!(
                unfinished.unwrap_or(0) == 0,
                "unfinished uploads remain: {unfinished:?}"
            );
            chapter.step(format!("deleted {} objects and the bucket", keys.len()));
            match unfinished {
                Some(_) => chapter.step("no unfinished upload, no temporary directory"),
                None => chapter
                    .step("no temporary directory; this server does not list unfinished uploads"),
            }
        }
        Ok(())
    }

    /// Counts unfinished uploads; `None` on a server that cannot list them.
    async fn unfinished_uploads(&self) -> Result<Option<usize>> {
        let prefix = S3Prefix::parse(&format!("s3://{}", self.bucket))?;
        let request = ListUploads::new(prefix);
        match self.store.list_uploads(request).await {
            Ok(page) => Ok(Some(page.uploads.len())),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Unsupported | ErrorKind::InvalidInput
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Lists temporary directories of clients that still exist.
fn temporary_directories(tmproot: &Path) -> Result<Vec<String>> {
    let names = std::fs::read_dir(tmproot)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names = names.collect::<Result<Vec<String>>>()?;
    Ok(names
        .into_iter()
        .filter(|name| name.starts_with("metaflow.s3."))
        .collect())
}

//! `versioning`, `set_versioning` and `list_versions`: bucket versioning, and a listing of versions and delete markers.

use s3_core::{BucketRequest, ListedVersion, SetVersioning as SetRequest};

use super::bucket;
use crate::call::Call;
use crate::error::Result;
use crate::request::{Mode, Op, Request};
use crate::s3::Client;
use crate::{Key, Versioning};

/// The operation of [`versioning`](Client::versioning).
#[derive(Clone, Debug)]
pub struct GetVersioning {
    bucket: String,
}

/// The operation of [`set_versioning`](Client::set_versioning).
#[derive(Clone, Debug)]
pub struct SetVersioning {
    bucket: String,
    versioning: Versioning,
}

/// The operation of [`list_versions`](Client::list_versions).
#[derive(Clone, Debug)]
pub struct ListVersions {
    prefix: Key,
}

impl<M: Mode> Client<M> {
    /// Returns whether versioning of a bucket is enabled or suspended; `None` if it was never enabled. One request.
    ///
    /// # Errors
    ///
    /// Class `NotFound` for a missing bucket, `AccessDenied`, `Url` for an invalid name.
    ///
    /// # Examples
    ///
    /// See [`list_versions`](Self::list_versions).
    pub fn versioning(&self, bucket: impl Into<String>) -> Request<GetVersioning, M> {
        self.request(GetVersioning {
            bucket: bucket.into(),
        })
    }

    /// Enables or suspends versioning of a bucket. One request.
    ///
    /// # Errors
    ///
    /// Those of [`versioning`](Self::versioning).
    ///
    /// # Examples
    ///
    /// See [`list_versions`](Self::list_versions).
    pub fn set_versioning(
        &self,
        bucket: impl Into<String>,
        versioning: Versioning,
    ) -> Request<SetVersioning, M> {
        self.request(SetVersioning {
            bucket: bucket.into(),
            versioning,
        })
    }

    /// Lists the versions and delete markers of all keys that begin with a prefix, in key order, and for each key the
    /// newest first. One request per 1,000 entries.
    ///
    /// # Errors
    ///
    /// Class `NotFound` for a missing bucket, `AccessDenied`, `Url` for a prefix that cannot be resolved, `Other` if the
    /// server repeats the markers of pages.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use s3_client::Versioning;
    ///
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.set_versioning("b", Versioning::Enabled).await?;
    /// assert_eq!(s3.versioning("b").await?, Some(Versioning::Enabled));
    /// let first = s3.put("s3://b/k", "first").await?;
    /// let first = first.version().expect("the bucket keeps versions").clone();
    /// s3.put("s3://b/k", "the second").await?;
    /// s3.delete("s3://b/k").await?;
    ///
    /// let versions = s3.list_versions("s3://b/").await?;
    /// assert_eq!(versions.len(), 3);
    /// assert!(versions[0].is_delete_marker && versions[0].is_latest);
    /// assert_eq!(s3.get("s3://b/k").version(first.clone()).await?.text()?, "first");
    /// assert_eq!(s3.info("s3://b/k").version(first).await?.size(), 5);
    ///
    /// // Deleting the delete marker brings the object back.
    /// s3.delete("s3://b/k").version(versions[0].version.clone()).await?;
    /// assert_eq!(s3.get("s3://b/k").await?.text()?, "the second");
    /// # Ok(()) }
    /// ```
    pub fn list_versions(&self, prefix: impl Into<Key>) -> Request<ListVersions, M> {
        self.request(ListVersions {
            prefix: prefix.into(),
        })
    }
}

impl Op for GetVersioning {
    type Output = Option<Versioning>;

    const NAME: &'static str = "versioning";

    async fn run(self, call: Call) -> Result<Option<Versioning>> {
        let request: BucketRequest = bucket::request(self.bucket)?;
        let state = call.client.transfer.versioning(request, &call.options);
        Ok(state.await?)
    }
}

impl Op for SetVersioning {
    type Output = ();

    const NAME: &'static str = "set_versioning";

    async fn run(self, call: Call) -> Result<()> {
        let bucket = bucket::request(self.bucket)?.bucket;
        let request = SetRequest::new(bucket, self.versioning);
        let set = call.client.transfer.set_versioning(request, &call.options);
        Ok(set.await?)
    }
}

impl Op for ListVersions {
    type Output = Vec<ListedVersion>;

    const NAME: &'static str = "list_versions";

    async fn run(self, call: Call) -> Result<Vec<ListedVersion>> {
        let prefix = call.client.prefix_url(&self.prefix)?;
        let transfer = &call.client.transfer;
        Ok(transfer.list_all_versions(prefix, &call.options).await?)
    }
}

#[cfg(test)]
mod tests {
    use s3_core::{Limits, MemoryStore};

    use super::*;
    use crate::{ErrorClass, blocking};

    #[test]
    fn versions_are_kept_listed_and_deleted_by_the_blocking_client_too() {
        let mut limits = Limits::default();
        limits.max_keys_per_page = 2;
        let store = MemoryStore::with_buckets(["b"]).with_limits(limits);
        let s3 = blocking::S3::builder().store(store).build().unwrap();
        s3.set_versioning("b", Versioning::Enabled).send().unwrap();
        for text in ["1", "2", "3", "4", "5"] {
            s3.put("s3://b/k", text).send().unwrap();
        }
        let versions = s3.list_versions("s3://b/k").send().unwrap();
        assert_eq!(versions.len(), 5);
        for listed in &versions[..4] {
            let delete = s3.delete("s3://b/k").version(listed.version.clone());
            delete.send().unwrap();
        }
        assert_eq!(s3.get("s3://b/k").send().unwrap().text().unwrap(), "1");
        let gone = s3.info("s3://b/k").version(versions[0].version.clone());
        assert_eq!(gone.send().unwrap_err().class(), ErrorClass::NotFound);
        let error = s3.versioning("nowhere").send().unwrap_err();
        assert_eq!(error.class(), ErrorClass::NotFound);
    }
}

//! `list_buckets`, `create_bucket` and `delete_bucket`: send ListBuckets, CreateBucket and DeleteBucket.

use s3_core::{BucketInfo, BucketRequest, S3Prefix};

use crate::call::Call;
use crate::error::Result;
use crate::request::{Mode, Op, Request};
use crate::s3::Client;

/// The operation of [`list_buckets`](Client::list_buckets).
#[derive(Clone, Copy, Debug)]
pub struct ListBuckets;

/// The operation of [`create_bucket`](Client::create_bucket).
#[derive(Clone, Debug)]
pub struct CreateBucket {
    name: String,
}

/// The operation of [`delete_bucket`](Client::delete_bucket).
#[derive(Clone, Debug)]
pub struct DeleteBucket {
    name: String,
}

impl<M: Mode> Client<M> {
    /// Lists the buckets of the account, by name. One request.
    ///
    /// # Errors
    ///
    /// Class `AccessDenied`, and the failures of every request.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("photos").await?;
    /// let buckets = s3.list_buckets().await?;
    /// assert_eq!(&*buckets[0].name, "photos");
    /// # Ok(()) }
    /// ```
    pub fn list_buckets(&self) -> Request<ListBuckets, M> {
        self.request(ListBuckets)
    }

    /// Creates a bucket in the client's region. One request.
    ///
    /// # Errors
    ///
    /// Class `Url` for an invalid name; nothing was sent; `Other` if the name is taken or the
    /// server does not allow it, `AccessDenied`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("photos").await?;
    /// s3.put("s3://photos/cat", "purr").await?;
    /// # Ok(()) }
    /// ```
    pub fn create_bucket(&self, name: impl Into<String>) -> Request<CreateBucket, M> {
        self.request(CreateBucket { name: name.into() })
    }

    /// Deletes an empty bucket. One request.
    ///
    /// # Errors
    ///
    /// Class `NotFound` for a missing bucket, `Other` for one that is not empty, `AccessDenied`; `Url` for an
    /// invalid name; nothing was sent.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("photos").await?;
    /// s3.delete_bucket("photos").await?;
    /// assert!(s3.list_buckets().await?.is_empty());
    /// # Ok(()) }
    /// ```
    pub fn delete_bucket(&self, name: impl Into<String>) -> Request<DeleteBucket, M> {
        self.request(DeleteBucket { name: name.into() })
    }
}

impl Op for ListBuckets {
    type Output = Vec<BucketInfo>;

    const NAME: &'static str = "list_buckets";

    async fn run(self, call: Call) -> Result<Vec<BucketInfo>> {
        Ok(call.client.transfer.list_buckets(&call.options).await?)
    }
}

impl Op for CreateBucket {
    type Output = ();

    const NAME: &'static str = "create_bucket";

    async fn run(self, call: Call) -> Result<()> {
        let request = request(self.name)?;
        Ok(call
            .client
            .transfer
            .create_bucket(request, &call.options)
            .await?)
    }
}

impl Op for DeleteBucket {
    type Output = ();

    const NAME: &'static str = "delete_bucket";

    async fn run(self, call: Call) -> Result<()> {
        let request = request(self.name)?;
        Ok(call
            .client
            .transfer
            .delete_bucket(request, &call.options)
            .await?)
    }
}

/// Checks the name: with a slash, the rest of it would become a key in the path of the request.
pub(super) fn request(name: String) -> Result<BucketRequest> {
    S3Prefix::from_parts(&name, "")?;
    Ok(BucketRequest::new(name))
}

#[cfg(test)]
mod tests {
    use s3_core::MemoryStore;

    use crate::{ErrorClass, S3};

    #[tokio::test]
    async fn an_invalid_bucket_name_is_an_error_without_a_request() {
        let store = MemoryStore::new();
        let s3 = S3::builder()
            .store(store.clone())
            .tmproot(std::env::temp_dir())
            .build()
            .unwrap();
        for name in ["", "a/b", "s3://b", "a b", "a?b"] {
            for outcome in [s3.create_bucket(name).await, s3.delete_bucket(name).await] {
                let error = outcome.unwrap_err();
                assert_eq!(error.class(), ErrorClass::Url, "{error}");
                assert!(error.to_string().contains(name), "{error}");
            }
        }
        assert_eq!(store.operations().total(), 0);
    }
}

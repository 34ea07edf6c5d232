//! [`SdkStore`]: the handle of the S3 backend; implements [`Store`] with one line per operation.

use std::fmt;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::builder::Settings;
use super::client::{self, Resolved};
use super::{
    SdkStoreBuilder, bucket, copy, delete, get, list, object_attributes, presign, put, restore,
    tags, upload, versions,
};
use crate::{
    AbortUpload, BucketInfo, BucketRequest, Capabilities, CompleteUpload, CopyRequest,
    CreateUpload, DeleteRequest, DeleteResponse, GetObjectAttributes, GetRequest, GetResponse,
    GetTags, HeadRequest, ListPage, ListParts, ListRequest, ListUploads, ListVersions,
    ObjectAttributes, ObjectMeta, Operation, PartTag, PartsPage, PresignRequest, PutRequest,
    PutResponse, RestoreRequest, Result, SetTags, SetVersioning, Store, Tags, UploadId, UploadPart,
    UploadPartCopy, UploadsPage, Versioning, VersionsPage,
};

/// S3 on AWS, or on any S3-compatible endpoint. Clone is a reference count.
///
/// Nothing is loaded before the first operation: no configuration, no credentials, no root certificates. A
/// failure to load them is that operation's error, and the next operation tries again.
///
/// A call is one attempt: the SDK's retries and its stalled-stream protection are off, because the engine above detects
/// stalls and resumes. See [`SdkStoreBuilder::sdk_retries`] for use without an engine.
///
/// # Connections
///
/// Connections belong to the tokio runtime that first used them. Use one store per runtime, in tests too: each
/// `#[tokio::test]` has its own runtime.
///
/// # Examples
///
/// ```no_run
/// use s3_core::{S3Url, SdkStore, StoreExt};
///
/// # async fn example() -> s3_core::Result<()> {
/// let store = SdkStore::builder()
///     .endpoint("http://127.0.0.1:9000")
///     .credentials("access-key", "secret-key", None)
///     .build();
/// let url = S3Url::parse("s3://photos/2026/cat.jpg").expect("a valid URL");
/// let bytes = store.get_bytes(url).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SdkStore(Arc<SdkStoreInner>);

struct SdkStoreInner {
    settings: Settings,
    resolved: OnceCell<Resolved>,
}

impl SdkStore {
    /// Returns a builder.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::SdkStore;
    ///
    /// let store = SdkStore::builder()
    ///     .endpoint("http://127.0.0.1:9000")
    ///     .credentials("access-key", "secret-key", None)
    ///     .build();
    /// ```
    #[must_use]
    pub fn builder() -> SdkStoreBuilder {
        SdkStoreBuilder::default()
    }

    /// Returns a store that reads all settings from the environment, the profile or the instance metadata, as the AWS
    /// tools do. Needs the feature `config`; without it every operation fails with kind `Config`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use s3_core::{SdkStore, Store};
    ///
    /// # async fn example() -> s3_core::Result<()> {
    /// let store = SdkStore::from_env();
    /// for bucket in store.list_buckets().await? {
    ///     println!("{}", bucket.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn from_env() -> Self {
        Self::builder().build()
    }

    /// Returns a store over a client of the SDK that the caller has configured.
    ///
    /// Its retries stay as they are: turn them off (`RetryConfig::disabled()`) if an engine above retries.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use aws_sdk_s3::config::{BehaviorVersion, Region, retry::RetryConfig};
    /// use s3_core::SdkStore;
    ///
    /// let config = aws_sdk_s3::Config::builder()
    ///     .behavior_version(BehaviorVersion::latest())
    ///     .region(Region::new("eu-west-1"))
    ///     .retry_config(RetryConfig::disabled())
    ///     .build();
    /// let store = SdkStore::from_client(aws_sdk_s3::Client::from_conf(config));
    /// ```
    #[must_use]
    pub fn from_client(client: aws_sdk_s3::Client) -> Self {
        let resolved = OnceCell::new_with(Some(Resolved::from_client(client)));
        Self(Arc::new(SdkStoreInner {
            settings: Settings::default(),
            resolved,
        }))
    }

    pub(super) fn from_settings(settings: Settings) -> Self {
        Self(Arc::new(SdkStoreInner {
            settings,
            resolved: OnceCell::new(),
        }))
    }

    pub(super) async fn resolved(&self, operation: Operation) -> Result<&Resolved> {
        let SdkStoreInner { settings, resolved } = &*self.0;
        // Boxed: the future that loads the configuration is large, and polled once.
        resolved
            .get_or_try_init(|| Box::pin(client::resolve(settings, operation)))
            .await
    }
}

impl fmt::Debug for SdkStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("SdkStore");
        match self.0.resolved.get() {
            // The resolved settings are more useful than the requested ones.
            Some(resolved) => f
                .field(
                    "endpoint",
                    &resolved.endpoint.as_ref().map(|endpoint| &endpoint.url),
                )
                .field("region", &resolved.region),
            None => self.0.settings.describe(&mut f),
        }
        .finish()
    }
}

/// Runs an operation on a bucket. Runs it once more if the server responds that the bucket is in another region than
/// the one that the request was sent to.
macro_rules! in_region {
    ($store:ident, $operation:ident, $request:ident, $bucket:expr, $run:path) => {{
        let resolved = $store.resolved(Operation::$operation).await?;
        let asked = resolved.region_of($bucket);
        match $run(resolved, $request.clone()).await {
            Err(error) if resolved.learns_region($bucket, asked.as_deref(), &error) => {
                Box::pin($run(resolved, $request)).await
            }
            outcome => outcome,
        }
    }};
}

impl Store for SdkStore {
    fn capabilities(&self) -> Capabilities {
        self.0.settings.capabilities
    }

    async fn get(&self, request: GetRequest) -> Result<GetResponse> {
        in_region!(self, Get, request, request.url.bucket(), get::get)
    }

    async fn head(&self, request: HeadRequest) -> Result<ObjectMeta> {
        in_region!(self, Head, request, request.url.bucket(), get::head)
    }

    async fn put(&self, request: PutRequest) -> Result<PutResponse> {
        in_region!(self, Put, request, request.url.bucket(), put::put)
    }

    async fn copy(&self, request: CopyRequest) -> Result<PutResponse> {
        in_region!(self, Copy, request, request.to.bucket(), copy::copy)
    }

    async fn delete(&self, request: DeleteRequest) -> Result<DeleteResponse> {
        let resolved = self.resolved(Operation::Delete).await?;
        let asked = resolved.region_of(&request.bucket);
        let outcome = delete::delete(resolved, request.clone()).await;
        let failed = match &outcome {
            Ok(done) => done.failures.first().map(|(_, error)| error),
            Err(error) => Some(error),
        };
        match failed {
            Some(error) if resolved.learns_region(&request.bucket, asked.as_deref(), error) => {
                Box::pin(delete::delete(resolved, request)).await
            }
            _ => outcome,
        }
    }

    async fn list_page(&self, request: ListRequest) -> Result<ListPage> {
        in_region!(self, List, request, request.prefix.bucket(), list::page)
    }

    async fn create_upload(&self, request: CreateUpload) -> Result<UploadId> {
        in_region!(
            self,
            CreateUpload,
            request,
            request.url.bucket(),
            upload::create
        )
    }

    async fn upload_part(&self, request: UploadPart) -> Result<PartTag> {
        in_region!(self, UploadPart, request, request.url.bucket(), put::part)
    }

    async fn upload_part_copy(&self, request: UploadPartCopy) -> Result<PartTag> {
        in_region!(
            self,
            UploadPartCopy,
            request,
            request.url.bucket(),
            copy::part
        )
    }

    async fn complete_upload(&self, request: CompleteUpload) -> Result<PutResponse> {
        in_region!(
            self,
            CompleteUpload,
            request,
            request.url.bucket(),
            upload::complete
        )
    }

    async fn abort_upload(&self, request: AbortUpload) -> Result<()> {
        in_region!(
            self,
            AbortUpload,
            request,
            request.url.bucket(),
            upload::abort
        )
    }

    async fn list_uploads(&self, request: ListUploads) -> Result<UploadsPage> {
        in_region!(
            self,
            ListUploads,
            request,
            request.prefix.bucket(),
            list::uploads
        )
    }

    async fn list_parts(&self, request: ListParts) -> Result<PartsPage> {
        in_region!(
            self,
            ListParts,
            request,
            request.url.bucket(),
            upload::parts
        )
    }

    async fn list_versions(&self, request: ListVersions) -> Result<VersionsPage> {
        in_region!(
            self,
            ListVersions,
            request,
            request.prefix.bucket(),
            versions::list
        )
    }

    async fn get_tags(&self, request: GetTags) -> Result<Tags> {
        in_region!(self, GetTags, request, request.url.bucket(), tags::get)
    }

    async fn set_tags(&self, request: SetTags) -> Result<()> {
        in_region!(self, SetTags, request, request.url.bucket(), tags::set)
    }

    async fn object_attributes(&self, request: GetObjectAttributes) -> Result<ObjectAttributes> {
        in_region!(
            self,
            ObjectAttributes,
            request,
            request.url.bucket(),
            object_attributes::get
        )
    }

    async fn restore(&self, request: RestoreRequest) -> Result<()> {
        in_region!(
            self,
            Restore,
            request,
            request.url.bucket(),
            restore::restore
        )
    }

    async fn versioning(&self, request: BucketRequest) -> Result<Option<Versioning>> {
        in_region!(
            self,
            Versioning,
            request,
            &request.bucket,
            versions::versioning
        )
    }

    async fn set_versioning(&self, request: SetVersioning) -> Result<()> {
        in_region!(
            self,
            SetVersioning,
            request,
            &request.bucket,
            versions::set_versioning
        )
    }

    async fn list_buckets(&self) -> Result<Vec<BucketInfo>> {
        bucket::list(self.resolved(Operation::ListBuckets).await?).await
    }

    async fn create_bucket(&self, request: BucketRequest) -> Result<()> {
        bucket::create(self.resolved(Operation::CreateBucket).await?, request).await
    }

    async fn delete_bucket(&self, request: BucketRequest) -> Result<()> {
        in_region!(self, DeleteBucket, request, &request.bucket, bucket::delete)
    }

    async fn presign(&self, request: PresignRequest) -> Result<String> {
        presign::presign(self.resolved(Operation::Presign).await?, request).await
    }
}

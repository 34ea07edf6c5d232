//! [`Frontend`]: implements the `s3s::S3` trait for any store; each method calls the handler of its operation.

use std::sync::Arc;

use s3_core::{ErrorKind, HeadRequest, ObjectMeta, SharedStore, Store};
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use tokio::sync::RwLock;

use super::bucket_configuration::BucketConfigurations;
use super::key_locks::KeyLocks;
use super::object_extras::ExtrasTable;
use super::{
    acl, attributes, bucket, bucket_configuration, copy, delete, get, list, list_uploads,
    multipart, object_lock, put, restore, tags, versions,
};
use crate::errors::s3_error;
use crate::form::FileName;

/// Implements `s3s::S3` for any store. Clone is a reference count.
///
/// A [`Service`](crate::Service) serves it. Use it directly only to build another service of `s3s`.
#[derive(Clone, Debug)]
pub struct Frontend {
    pub(super) store: SharedStore,
    pub(super) region: String,
    pub(super) extras: Arc<ExtrasTable>,
    pub(super) configurations: Arc<BucketConfigurations>,
    /// Locked for reading by writes, and for writing by those whose conditions the store cannot check.
    pub(super) writes: Arc<RwLock<()>>,
    /// Locked while an object is read or written together with its extras.
    pub(super) keys: Arc<KeyLocks>,
    /// Whether a repeated CompleteMultipartUpload gets the same response again.
    pub(super) repeats_completions: bool,
    /// Whether objects that are written without a checksum get one.
    pub(super) adds_checksums: bool,
}

impl Frontend {
    /// Serves a store as region `region`.
    #[must_use]
    pub fn new(store: SharedStore, region: &str) -> Self {
        Self {
            store,
            region: region.to_owned(),
            extras: Arc::default(),
            configurations: Arc::default(),
            writes: Arc::default(),
            keys: Arc::default(),
            repeats_completions: true,
            adds_checksums: true,
        }
    }

    /// Returns the metadata of an object, or the error that the object or its bucket is missing.
    pub(super) async fn head(&self, head: HeadRequest) -> S3Result<ObjectMeta> {
        let (bucket, is_version) = (head.url.bucket().to_owned(), head.version.is_some());
        match self.store.head(head).await {
            Ok(meta) => Ok(meta),
            Err(error) => {
                if error.kind() == ErrorKind::NotFound {
                    bucket::must_exist(self, &bucket).await?;
                    if is_version {
                        return Err(s3_error!(NoSuchVersion));
                    }
                }
                Err(s3_error(error))
            }
        }
    }

    /// Returns the CORS rules of a bucket.
    pub(crate) fn cors_rules(&self, bucket: &str) -> Vec<CORSRule> {
        self.configurations.of(bucket).cors_rules()
    }

    /// Stores objects that are written without a checksum without one. By default a CRC64NVME is computed, as on AWS.
    #[must_use]
    pub fn without_default_checksums(mut self) -> Self {
        self.adds_checksums = false;
        self
    }

    /// Responds with `404 NoSuchUpload` to a CompleteMultipartUpload that is sent again, as servers other than AWS do.
    #[must_use]
    pub fn forget_completed_uploads(mut self) -> Self {
        self.repeats_completions = false;
        self
    }
}

/// Implements the methods of the trait: each calls the function of the same name.
macro_rules! operations {
    ($($module:ident::$name:ident($input:ty) -> $output:ty;)*) => {
        #[async_trait::async_trait]
        impl S3 for Frontend {
            $(async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                $module::$name(self, request).await.map(S3Response::new)
            })*

            // The protocol layer has no field for one of its headers.
            async fn head_object(
                &self,
                request: S3Request<HeadObjectInput>,
            ) -> S3Result<S3Response<HeadObjectOutput>> {
                let (output, headers) = get::head_object(self, request).await?;
                Ok(S3Response::with_headers(output, headers))
            }

            // A browser upload is a PutObject whose response also has the ETag and the location of the object as
            // headers.
            async fn put_object(
                &self,
                mut request: S3Request<PutObjectInput>,
            ) -> S3Result<S3Response<PutObjectOutput>> {
                if let Some(name) = request.extensions.get::<FileName>() {
                    request.input.key = name.put_into(&request.input.key);
                }
                let location = format!("/{}/{}", request.input.bucket, request.input.key);
                let is_form = request.method == http::Method::POST;
                let output = put::put_object(self, request).await?;
                let mut headers = http::HeaderMap::new();
                if is_form {
                    if let Some(Ok(etag)) = output.e_tag.as_ref().map(ETag::to_http_header) {
                        headers.insert(http::header::ETAG, etag);
                    }
                    if let Ok(location) = http::HeaderValue::from_str(&location) {
                        headers.insert(http::header::LOCATION, location);
                    }
                }
                Ok(S3Response::with_headers(output, headers))
            }

            async fn restore_object(
                &self,
                request: S3Request<RestoreObjectInput>,
            ) -> S3Result<S3Response<RestoreObjectOutput>> {
                let (output, status) = restore::restore_object(self, request).await?;
                let mut response = S3Response::new(output);
                response.extensions.insert(status);
                Ok(response)
            }
        }
    };
}

operations! {
    get::get_object(GetObjectInput) -> GetObjectOutput;
    copy::copy_object(CopyObjectInput) -> CopyObjectOutput;
    copy::upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput;
    delete::delete_object(DeleteObjectInput) -> DeleteObjectOutput;
    delete::delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput;
    list::list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output;
    list::list_objects(ListObjectsInput) -> ListObjectsOutput;
    list_uploads::list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput;
    list_uploads::list_parts(ListPartsInput) -> ListPartsOutput;
    multipart::create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput;
    multipart::upload_part(UploadPartInput) -> UploadPartOutput;
    multipart::complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput;
    multipart::abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput;
    attributes::get_object_attributes(GetObjectAttributesInput) -> GetObjectAttributesOutput;
    versions::list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput;
    versions::get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput;
    versions::put_bucket_versioning(PutBucketVersioningInput) -> PutBucketVersioningOutput;
    object_lock::put_object_lock_configuration(PutObjectLockConfigurationInput) -> PutObjectLockConfigurationOutput;
    object_lock::get_object_lock_configuration(GetObjectLockConfigurationInput) -> GetObjectLockConfigurationOutput;
    object_lock::put_object_retention(PutObjectRetentionInput) -> PutObjectRetentionOutput;
    object_lock::get_object_retention(GetObjectRetentionInput) -> GetObjectRetentionOutput;
    object_lock::put_object_legal_hold(PutObjectLegalHoldInput) -> PutObjectLegalHoldOutput;
    object_lock::get_object_legal_hold(GetObjectLegalHoldInput) -> GetObjectLegalHoldOutput;
    tags::get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput;
    tags::put_object_tagging(PutObjectTaggingInput) -> PutObjectTaggingOutput;
    tags::delete_object_tagging(DeleteObjectTaggingInput) -> DeleteObjectTaggingOutput;
    acl::get_bucket_acl(GetBucketAclInput) -> GetBucketAclOutput;
    acl::put_bucket_acl(PutBucketAclInput) -> PutBucketAclOutput;
    acl::get_object_acl(GetObjectAclInput) -> GetObjectAclOutput;
    acl::put_object_acl(PutObjectAclInput) -> PutObjectAclOutput;
    bucket_configuration::put_bucket_policy(PutBucketPolicyInput) -> PutBucketPolicyOutput;
    bucket_configuration::get_bucket_policy(GetBucketPolicyInput) -> GetBucketPolicyOutput;
    bucket_configuration::delete_bucket_policy(DeleteBucketPolicyInput) -> DeleteBucketPolicyOutput;
    bucket_configuration::put_bucket_tagging(PutBucketTaggingInput) -> PutBucketTaggingOutput;
    bucket_configuration::get_bucket_tagging(GetBucketTaggingInput) -> GetBucketTaggingOutput;
    bucket_configuration::delete_bucket_tagging(DeleteBucketTaggingInput) -> DeleteBucketTaggingOutput;
    bucket_configuration::put_bucket_cors(PutBucketCorsInput) -> PutBucketCorsOutput;
    bucket_configuration::get_bucket_cors(GetBucketCorsInput) -> GetBucketCorsOutput;
    bucket_configuration::delete_bucket_cors(DeleteBucketCorsInput) -> DeleteBucketCorsOutput;
    bucket_configuration::put_bucket_lifecycle_configuration(PutBucketLifecycleConfigurationInput)
        -> PutBucketLifecycleConfigurationOutput;
    bucket_configuration::get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationInput)
        -> GetBucketLifecycleConfigurationOutput;
    bucket_configuration::delete_bucket_lifecycle(DeleteBucketLifecycleInput) -> DeleteBucketLifecycleOutput;
    bucket_configuration::put_public_access_block(PutPublicAccessBlockInput) -> PutPublicAccessBlockOutput;
    bucket_configuration::get_public_access_block(GetPublicAccessBlockInput) -> GetPublicAccessBlockOutput;
    bucket_configuration::delete_public_access_block(DeletePublicAccessBlockInput) -> DeletePublicAccessBlockOutput;
    bucket_configuration::put_bucket_encryption(PutBucketEncryptionInput) -> PutBucketEncryptionOutput;
    bucket_configuration::get_bucket_encryption(GetBucketEncryptionInput) -> GetBucketEncryptionOutput;
    bucket_configuration::delete_bucket_encryption(DeleteBucketEncryptionInput) -> DeleteBucketEncryptionOutput;
    bucket_configuration::put_bucket_ownership_controls(PutBucketOwnershipControlsInput)
        -> PutBucketOwnershipControlsOutput;
    bucket_configuration::get_bucket_ownership_controls(GetBucketOwnershipControlsInput)
        -> GetBucketOwnershipControlsOutput;
    bucket_configuration::delete_bucket_ownership_controls(DeleteBucketOwnershipControlsInput)
        -> DeleteBucketOwnershipControlsOutput;
    bucket_configuration::put_bucket_website(PutBucketWebsiteInput) -> PutBucketWebsiteOutput;
    bucket_configuration::get_bucket_website(GetBucketWebsiteInput) -> GetBucketWebsiteOutput;
    bucket_configuration::delete_bucket_website(DeleteBucketWebsiteInput) -> DeleteBucketWebsiteOutput;
    bucket_configuration::put_bucket_replication(PutBucketReplicationInput) -> PutBucketReplicationOutput;
    bucket_configuration::get_bucket_replication(GetBucketReplicationInput) -> GetBucketReplicationOutput;
    bucket_configuration::delete_bucket_replication(DeleteBucketReplicationInput) -> DeleteBucketReplicationOutput;
    bucket_configuration::put_bucket_logging(PutBucketLoggingInput) -> PutBucketLoggingOutput;
    bucket_configuration::get_bucket_logging(GetBucketLoggingInput) -> GetBucketLoggingOutput;
    bucket_configuration::put_bucket_notification_configuration(PutBucketNotificationConfigurationInput)
        -> PutBucketNotificationConfigurationOutput;
    bucket_configuration::get_bucket_notification_configuration(GetBucketNotificationConfigurationInput)
        -> GetBucketNotificationConfigurationOutput;
    bucket_configuration::put_bucket_request_payment(PutBucketRequestPaymentInput) -> PutBucketRequestPaymentOutput;
    bucket_configuration::get_bucket_request_payment(GetBucketRequestPaymentInput) -> GetBucketRequestPaymentOutput;
    bucket_configuration::put_bucket_accelerate_configuration(PutBucketAccelerateConfigurationInput)
        -> PutBucketAccelerateConfigurationOutput;
    bucket_configuration::get_bucket_accelerate_configuration(GetBucketAccelerateConfigurationInput)
        -> GetBucketAccelerateConfigurationOutput;
    bucket_configuration::get_bucket_policy_status(GetBucketPolicyStatusInput) -> GetBucketPolicyStatusOutput;
    bucket::list_buckets(ListBucketsInput) -> ListBucketsOutput;
    bucket::create_bucket(CreateBucketInput) -> CreateBucketOutput;
    bucket::delete_bucket(DeleteBucketInput) -> DeleteBucketOutput;
    bucket::head_bucket(HeadBucketInput) -> HeadBucketOutput;
    bucket::get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput;
}

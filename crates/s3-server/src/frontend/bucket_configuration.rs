//! Configurations of buckets that are stored and returned, without effect.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use s3s::dto::*;
use s3s::{S3ErrorCode, S3Request, S3Result};

use super::Frontend;
use super::bucket::must_exist;

/// The configurations of a bucket.
#[derive(Clone, Debug, Default)]
pub(super) struct BucketConfiguration {
    pub(super) acl: Option<String>,
    policy: Option<String>,
    tags: Option<Vec<Tag>>,
    cors: Option<CORSConfiguration>,
    lifecycle: Option<BucketLifecycleConfiguration>,
    public_access: Option<PublicAccessBlockConfiguration>,
    encryption: Option<ServerSideEncryptionConfiguration>,
    ownership: Option<OwnershipControls>,
}

/// The encryption of a write, and the key of KMS.
#[derive(Clone, Debug, Default)]
pub(super) struct WriteEncryption {
    pub(super) algorithm: Option<ServerSideEncryption>,
    pub(super) kms_key_id: Option<String>,
}

impl BucketConfiguration {
    /// Returns the encryption that a write asks for, or else the default of the bucket.
    pub(super) fn encryption_of(
        &self,
        algorithm: Option<ServerSideEncryption>,
        kms_key_id: Option<String>,
        has_customer_key: bool,
    ) -> WriteEncryption {
        if algorithm.is_some() || kms_key_id.is_some() || has_customer_key {
            return WriteEncryption {
                algorithm,
                kms_key_id,
            };
        }
        let rules = self.encryption.as_ref().map(|encryption| &encryption.rules);
        let default = rules
            .into_iter()
            .flatten()
            .find_map(|rule| rule.apply_server_side_encryption_by_default.clone());
        default.map_or_else(WriteEncryption::default, |default| WriteEncryption {
            algorithm: Some(default.sse_algorithm),
            kms_key_id: default.kms_master_key_id,
        })
    }

    /// Sets who owns objects of the bucket.
    pub(super) fn set_ownership(&mut self, ownership: ObjectOwnership) {
        self.ownership = Some(OwnershipControls {
            rules: vec![OwnershipControlsRule {
                object_ownership: ownership,
            }],
        });
    }
}

/// The configurations by bucket.
#[derive(Debug, Default)]
pub(super) struct BucketConfigurations(Mutex<HashMap<String, BucketConfiguration>>);

impl BucketConfigurations {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, BucketConfiguration>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of(&self, bucket: &str) -> BucketConfiguration {
        self.lock().get(bucket).cloned().unwrap_or_default()
    }

    pub(super) fn change(&self, bucket: &str, change: impl FnOnce(&mut BucketConfiguration)) {
        change(self.lock().entry(bucket.to_owned()).or_default());
    }

    /// Forgets a deleted bucket.
    pub(super) fn remove(&self, bucket: &str) {
        self.lock().remove(bucket);
    }
}

/// Writes the operations that put, get and delete a configuration.
macro_rules! configuration {
    ($field:ident, $missing:literal:
        put $put:ident($put_in:ty) -> $put_out:ident = $taken:expr;
        get $get:ident($get_in:ty) -> $get_out:ident = $shown:expr;
        $(delete $delete:ident($delete_in:ty) -> $delete_out:ident;)?
    ) => {
        pub(super) async fn $put(
            front: &Frontend,
            request: S3Request<$put_in>,
        ) -> S3Result<$put_out> {
            let input = request.input;
            must_exist(front, &input.bucket).await?;
            let bucket = input.bucket.clone();
            let taken: fn($put_in) -> _ = $taken;
            let taken = taken(input);
            front.configurations.change(&bucket, |all| all.$field = taken);
            Ok($put_out::default())
        }

        pub(super) async fn $get(
            front: &Frontend,
            request: S3Request<$get_in>,
        ) -> S3Result<$get_out> {
            let bucket = request.input.bucket;
            must_exist(front, &bucket).await?;
            let shown: fn(_) -> $get_out = $shown;
            match front.configurations.of(&bucket).$field {
                Some(field) => Ok(shown(field)),
                None => Err(missing($missing)),
            }
        }

        $(pub(super) async fn $delete(
            front: &Frontend,
            request: S3Request<$delete_in>,
        ) -> S3Result<$delete_out> {
            let bucket = request.input.bucket;
            must_exist(front, &bucket).await?;
            front.configurations.change(&bucket, |all| all.$field = None);
            Ok($delete_out::default())
        })?
    };
}

fn missing(code: &'static str) -> s3s::S3Error {
    let code = S3ErrorCode::from_bytes(code.as_bytes()).unwrap_or(S3ErrorCode::InvalidRequest);
    let mut error = s3s::S3Error::with_message(code, "The bucket has no such configuration");
    error.set_status_code(http::StatusCode::NOT_FOUND);
    error
}

configuration! { policy, "NoSuchBucketPolicy":
    put put_bucket_policy(PutBucketPolicyInput) -> PutBucketPolicyOutput = |input| Some(input.policy);
    get get_bucket_policy(GetBucketPolicyInput) -> GetBucketPolicyOutput =
        |policy| GetBucketPolicyOutput { policy: Some(policy) };
    delete delete_bucket_policy(DeleteBucketPolicyInput) -> DeleteBucketPolicyOutput;
}

configuration! { tags, "NoSuchTagSet":
    put put_bucket_tagging(PutBucketTaggingInput) -> PutBucketTaggingOutput =
        |input| Some(input.tagging.tag_set);
    get get_bucket_tagging(GetBucketTaggingInput) -> GetBucketTaggingOutput =
        |tag_set| GetBucketTaggingOutput { tag_set };
    delete delete_bucket_tagging(DeleteBucketTaggingInput) -> DeleteBucketTaggingOutput;
}

configuration! { cors, "NoSuchCORSConfiguration":
    put put_bucket_cors(PutBucketCorsInput) -> PutBucketCorsOutput = |input| Some(input.cors_configuration);
    get get_bucket_cors(GetBucketCorsInput) -> GetBucketCorsOutput =
        |cors: CORSConfiguration| GetBucketCorsOutput { cors_rules: Some(cors.cors_rules) };
    delete delete_bucket_cors(DeleteBucketCorsInput) -> DeleteBucketCorsOutput;
}

configuration! { lifecycle, "NoSuchLifecycleConfiguration":
    put put_bucket_lifecycle_configuration(PutBucketLifecycleConfigurationInput)
        -> PutBucketLifecycleConfigurationOutput = |input| input.lifecycle_configuration;
    get get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationInput)
        -> GetBucketLifecycleConfigurationOutput =
        |lifecycle: BucketLifecycleConfiguration| GetBucketLifecycleConfigurationOutput {
            rules: Some(lifecycle.rules),
            ..GetBucketLifecycleConfigurationOutput::default()
        };
    delete delete_bucket_lifecycle(DeleteBucketLifecycleInput) -> DeleteBucketLifecycleOutput;
}

configuration! { public_access, "NoSuchPublicAccessBlockConfiguration":
    put put_public_access_block(PutPublicAccessBlockInput) -> PutPublicAccessBlockOutput =
        |input| Some(input.public_access_block_configuration);
    get get_public_access_block(GetPublicAccessBlockInput) -> GetPublicAccessBlockOutput =
        |block| GetPublicAccessBlockOutput { public_access_block_configuration: Some(block) };
    delete delete_public_access_block(DeletePublicAccessBlockInput) -> DeletePublicAccessBlockOutput;
}

configuration! { encryption, "ServerSideEncryptionConfigurationNotFoundError":
    put put_bucket_encryption(PutBucketEncryptionInput) -> PutBucketEncryptionOutput =
        |input| Some(input.server_side_encryption_configuration);
    get get_bucket_encryption(GetBucketEncryptionInput) -> GetBucketEncryptionOutput =
        |encryption| GetBucketEncryptionOutput { server_side_encryption_configuration: Some(encryption) };
    delete delete_bucket_encryption(DeleteBucketEncryptionInput) -> DeleteBucketEncryptionOutput;
}

configuration! { ownership, "OwnershipControlsNotFoundError":
    put put_bucket_ownership_controls(PutBucketOwnershipControlsInput) -> PutBucketOwnershipControlsOutput =
        |input| Some(input.ownership_controls);
    get get_bucket_ownership_controls(GetBucketOwnershipControlsInput) -> GetBucketOwnershipControlsOutput =
        |controls| GetBucketOwnershipControlsOutput { ownership_controls: Some(controls) };
    delete delete_bucket_ownership_controls(DeleteBucketOwnershipControlsInput)
        -> DeleteBucketOwnershipControlsOutput;
}

//! Bucket configurations such as encryption, lifecycle, policy and CORS: Put, Get and Delete handlers that store them,
//! mostly without effect.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use s3s::dto::*;
use s3s::{S3ErrorCode, S3Request, S3Result, s3_error};
use serde_json::Value;

use super::Frontend;
use super::bucket::must_exist;

/// The configurations of a bucket.
#[derive(Clone, Debug, Default)]
pub(super) struct BucketConfiguration {
    pub(super) acl: Option<Vec<Grant>>,
    pub(super) object_lock: Option<ObjectLockConfiguration>,
    policy: Option<String>,
    tags: Option<Vec<Tag>>,
    cors: Option<CORSConfiguration>,
    lifecycle: Option<BucketLifecycleConfiguration>,
    public_access: Option<PublicAccessBlockConfiguration>,
    encryption: Option<ServerSideEncryptionConfiguration>,
    ownership: Option<OwnershipControls>,
    website: Option<WebsiteConfiguration>,
    replication: Option<ReplicationConfiguration>,
    logging: Option<BucketLoggingStatus>,
    notification: Option<NotificationConfiguration>,
    payment: Option<RequestPaymentConfiguration>,
    accelerate: Option<AccelerateConfiguration>,
}

/// The encryption of a write and its KMS key.
#[derive(Clone, Debug, Default)]
pub(super) struct WriteEncryption {
    pub(super) algorithm: Option<ServerSideEncryption>,
    pub(super) kms_key_id: Option<String>,
    bucket_key: bool,
}

impl WriteEncryption {
    /// Returns whether an object uses the bucket key: as the write says, otherwise as the bucket does.
    pub(super) fn has_bucket_key(&self, asked: Option<bool>) -> bool {
        asked.unwrap_or(self.bucket_key)
    }
}

impl BucketConfiguration {
    /// Returns the encryption that a write requests, otherwise the default of the bucket.
    pub(super) fn encryption_of(
        &self,
        algorithm: Option<ServerSideEncryption>,
        kms_key_id: Option<String>,
        has_customer_key: bool,
    ) -> S3Result<WriteEncryption> {
        check_encryption(algorithm.as_ref(), kms_key_id.is_some(), has_customer_key)?;
        if algorithm.is_some() || kms_key_id.is_some() || has_customer_key {
            return Ok(WriteEncryption {
                algorithm,
                kms_key_id,
                bucket_key: false,
            });
        }
        let rules = self.encryption.as_ref().map(|encryption| &encryption.rules);
        let default = rules.into_iter().flatten().find_map(|rule| {
            let default = rule.apply_server_side_encryption_by_default.clone()?;
            Some((default, rule.bucket_key_enabled.unwrap_or(false)))
        });
        Ok(
            default.map_or_else(WriteEncryption::default, |(default, bucket_key)| {
                WriteEncryption {
                    algorithm: Some(default.sse_algorithm),
                    kms_key_id: default.kms_master_key_id,
                    bucket_key,
                }
            }),
        )
    }

    pub(super) fn cors_rules(self) -> Vec<CORSRule> {
        self.cors.map_or_else(Vec::new, |cors| cors.cors_rules)
    }

    /// Sets the object ownership of the bucket.
    pub(super) fn set_ownership(&mut self, ownership: ObjectOwnership) {
        self.ownership = Some(OwnershipControls {
            rules: vec![OwnershipControlsRule {
                object_ownership: ownership,
            }],
        });
    }
}

/// Rejects an unknown algorithm, and parameters that exclude each other.
fn check_encryption(
    algorithm: Option<&ServerSideEncryption>,
    has_kms_key: bool,
    has_customer_key: bool,
) -> S3Result<()> {
    let algorithm = algorithm.map(ServerSideEncryption::as_str);
    let is_kms = algorithm.is_some_and(|algorithm| algorithm.starts_with("aws:kms"));
    let is_known = algorithm.is_none_or(|algorithm| {
        ["AES256", "aws:fsx", "aws:kms", "aws:kms:dsse"].contains(&algorithm)
    });
    if !is_known || has_kms_key && !is_kms || has_customer_key && algorithm.is_some() {
        return Err(s3_error!(
            InvalidArgument,
            "The encryption method specified is not supported"
        ));
    }
    Ok(())
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

    /// Removes the configurations of a deleted bucket.
    pub(super) fn remove(&self, bucket: &str) {
        self.lock().remove(bucket);
    }
}

/// Defines the handlers that put, get and delete a configuration.
macro_rules! configuration {
    ($field:ident, $missing:tt:
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
            let taken: fn($put_in) -> S3Result<_> = $taken;
            let taken = taken(input)?;
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
                None => configuration!(@missing $missing),
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
    (@missing default) => { Ok(Default::default()) };
    (@missing payer) => {
        Ok(GetBucketRequestPaymentOutput {
            payer: Some(Payer::from_static(Payer::BUCKET_OWNER)),
        })
    };
    (@missing $code:literal) => { Err(missing($code)) };
}

pub(super) fn missing(code: &'static str) -> s3s::S3Error {
    let code = S3ErrorCode::from_bytes(code.as_bytes()).unwrap_or(S3ErrorCode::InvalidRequest);
    let mut error = s3s::S3Error::with_message(code, "The bucket has no such configuration");
    error.set_status_code(http::StatusCode::NOT_FOUND);
    error
}

configuration! { policy, "NoSuchBucketPolicy":
    put put_bucket_policy(PutBucketPolicyInput) -> PutBucketPolicyOutput = |input| checked_policy(input.policy).map(Some);
    get get_bucket_policy(GetBucketPolicyInput) -> GetBucketPolicyOutput =
        |policy| GetBucketPolicyOutput { policy: Some(policy) };
    delete delete_bucket_policy(DeleteBucketPolicyInput) -> DeleteBucketPolicyOutput;
}

configuration! { tags, "NoSuchTagSet":
    put put_bucket_tagging(PutBucketTaggingInput) -> PutBucketTaggingOutput =
        |input| checked_tags(input.tagging.tag_set).map(Some);
    get get_bucket_tagging(GetBucketTaggingInput) -> GetBucketTaggingOutput =
        |tag_set| GetBucketTaggingOutput { tag_set };
    delete delete_bucket_tagging(DeleteBucketTaggingInput) -> DeleteBucketTaggingOutput;
}

configuration! { cors, "NoSuchCORSConfiguration":
    put put_bucket_cors(PutBucketCorsInput) -> PutBucketCorsOutput = |input| checked_cors(input.cors_configuration).map(Some);
    get get_bucket_cors(GetBucketCorsInput) -> GetBucketCorsOutput =
        |cors: CORSConfiguration| GetBucketCorsOutput { cors_rules: Some(cors.cors_rules) };
    delete delete_bucket_cors(DeleteBucketCorsInput) -> DeleteBucketCorsOutput;
}

configuration! { lifecycle, "NoSuchLifecycleConfiguration":
    put put_bucket_lifecycle_configuration(PutBucketLifecycleConfigurationInput)
        -> PutBucketLifecycleConfigurationOutput =
            |input| input.lifecycle_configuration.map(checked_lifecycle).transpose();
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
        |input| Ok(Some(input.public_access_block_configuration));
    get get_public_access_block(GetPublicAccessBlockInput) -> GetPublicAccessBlockOutput =
        |block| GetPublicAccessBlockOutput { public_access_block_configuration: Some(block) };
    delete delete_public_access_block(DeletePublicAccessBlockInput) -> DeletePublicAccessBlockOutput;
}

configuration! { encryption, "ServerSideEncryptionConfigurationNotFoundError":
    put put_bucket_encryption(PutBucketEncryptionInput) -> PutBucketEncryptionOutput =
        |input| Ok(Some(input.server_side_encryption_configuration));
    get get_bucket_encryption(GetBucketEncryptionInput) -> GetBucketEncryptionOutput =
        |encryption| GetBucketEncryptionOutput { server_side_encryption_configuration: Some(encryption) };
    delete delete_bucket_encryption(DeleteBucketEncryptionInput) -> DeleteBucketEncryptionOutput;
}

configuration! { ownership, "OwnershipControlsNotFoundError":
    put put_bucket_ownership_controls(PutBucketOwnershipControlsInput) -> PutBucketOwnershipControlsOutput =
        |input| Ok(Some(input.ownership_controls));
    get get_bucket_ownership_controls(GetBucketOwnershipControlsInput) -> GetBucketOwnershipControlsOutput =
        |controls| GetBucketOwnershipControlsOutput { ownership_controls: Some(controls) };
    delete delete_bucket_ownership_controls(DeleteBucketOwnershipControlsInput)
        -> DeleteBucketOwnershipControlsOutput;
}

configuration! { website, "NoSuchWebsiteConfiguration":
    put put_bucket_website(PutBucketWebsiteInput) -> PutBucketWebsiteOutput =
        |input| Ok(Some(input.website_configuration));
    get get_bucket_website(GetBucketWebsiteInput) -> GetBucketWebsiteOutput =
        |website: WebsiteConfiguration| GetBucketWebsiteOutput {
            error_document: website.error_document,
            index_document: website.index_document,
            redirect_all_requests_to: website.redirect_all_requests_to,
            routing_rules: website.routing_rules,
        };
    delete delete_bucket_website(DeleteBucketWebsiteInput) -> DeleteBucketWebsiteOutput;
}

configuration! { replication, "ReplicationConfigurationNotFoundError":
    put put_bucket_replication(PutBucketReplicationInput) -> PutBucketReplicationOutput =
        |input| Ok(Some(input.replication_configuration));
    get get_bucket_replication(GetBucketReplicationInput) -> GetBucketReplicationOutput =
        |replication| GetBucketReplicationOutput { replication_configuration: Some(replication) };
    delete delete_bucket_replication(DeleteBucketReplicationInput) -> DeleteBucketReplicationOutput;
}

configuration! { logging, default:
    put put_bucket_logging(PutBucketLoggingInput) -> PutBucketLoggingOutput =
        |input| Ok(Some(input.bucket_logging_status));
    get get_bucket_logging(GetBucketLoggingInput) -> GetBucketLoggingOutput =
        |status: BucketLoggingStatus| GetBucketLoggingOutput { logging_enabled: status.logging_enabled };
}

configuration! { notification, default:
    put put_bucket_notification_configuration(PutBucketNotificationConfigurationInput)
        -> PutBucketNotificationConfigurationOutput = |input| Ok(Some(input.notification_configuration));
    get get_bucket_notification_configuration(GetBucketNotificationConfigurationInput)
        -> GetBucketNotificationConfigurationOutput =
        |notification: NotificationConfiguration| GetBucketNotificationConfigurationOutput {
            event_bridge_configuration: notification.event_bridge_configuration,
            lambda_function_configurations: notification.lambda_function_configurations,
            queue_configurations: notification.queue_configurations,
            topic_configurations: notification.topic_configurations,
        };
}

configuration! { payment, payer:
    put put_bucket_request_payment(PutBucketRequestPaymentInput) -> PutBucketRequestPaymentOutput =
        |input| Ok(Some(input.request_payment_configuration));
    get get_bucket_request_payment(GetBucketRequestPaymentInput) -> GetBucketRequestPaymentOutput =
        |payment: RequestPaymentConfiguration| GetBucketRequestPaymentOutput { payer: Some(payment.payer) };
}

configuration! { accelerate, default:
    put put_bucket_accelerate_configuration(PutBucketAccelerateConfigurationInput)
        -> PutBucketAccelerateConfigurationOutput = |input| Ok(Some(input.accelerate_configuration));
    get get_bucket_accelerate_configuration(GetBucketAccelerateConfigurationInput)
        -> GetBucketAccelerateConfigurationOutput =
        |accelerate: AccelerateConfiguration| GetBucketAccelerateConfigurationOutput {
            status: accelerate.status,
            ..GetBucketAccelerateConfigurationOutput::default()
        };
}

pub(super) async fn get_bucket_policy_status(
    front: &Frontend,
    request: S3Request<GetBucketPolicyStatusInput>,
) -> S3Result<GetBucketPolicyStatusOutput> {
    let bucket = request.input.bucket;
    must_exist(front, &bucket).await?;
    let policy = front.configurations.of(&bucket).policy;
    let policy = policy.ok_or_else(|| missing("NoSuchBucketPolicy"))?;
    let policy: Value = serde_json::from_str(&policy).unwrap_or_default();
    Ok(GetBucketPolicyStatusOutput {
        policy_status: Some(PolicyStatus {
            is_public: Some(is_public(&policy)),
        }),
    })
}

/// Returns whether a policy allows any action to all users, without a condition.
fn is_public(policy: &Value) -> bool {
    let statements = match &policy["Statement"] {
        Value::Array(statements) => statements.iter().collect(),
        statement => vec![statement],
    };
    let is_everybody = |principal: &Value| {
        *principal == "*"
            || principal["AWS"] == "*"
            || principal["AWS"]
                .as_array()
                .is_some_and(|all| all.iter().any(|one| *one == "*"))
    };
    statements.into_iter().any(|statement| {
        statement["Effect"] == "Allow"
            && is_everybody(&statement["Principal"])
            && statement["Condition"].is_null()
    })
}

fn checked_policy(policy: String) -> S3Result<String> {
    match serde_json::from_str::<Value>(&policy) {
        Ok(document) if document.is_object() => Ok(policy),
        _ => Err(s3_error!(
            MalformedPolicy,
            "Policies must be valid JSON and the first byte must be '{{'"
        )),
    }
}

fn checked_tags(tags: Vec<Tag>) -> S3Result<Vec<Tag>> {
    super::tags::of_set(tags.clone())?;
    Ok(tags)
}

fn checked_cors(cors: CORSConfiguration) -> S3Result<CORSConfiguration> {
    let known = ["GET", "PUT", "POST", "DELETE", "HEAD"];
    let methods = { cors.cors_rules.iter() }.flat_map(|rule| &rule.allowed_methods);
    if let Some(method) = { methods }.find(|method| !known.contains(&method.as_str())) {
        return Err(s3_error!(
            InvalidRequest,
            "Found unsupported HTTP method in CORS config. Unsupported method is {}",
            method.as_str()
        ));
    }
    Ok(cors)
}

/// Checks the rules and generates missing IDs, as S3 does.
fn checked_lifecycle(
    mut lifecycle: BucketLifecycleConfiguration,
) -> S3Result<BucketLifecycleConfiguration> {
    let mut ids = HashSet::new();
    for (number, rule) in (1..).zip(&mut lifecycle.rules) {
        if !matches!(rule.status.as_str(), "Enabled" | "Disabled") {
            return Err(s3_error!(MalformedXML));
        }
        let days = rule
            .expiration
            .as_ref()
            .and_then(|expiration| expiration.days);
        if days.is_some_and(|days| days <= 0) {
            return Err(s3_error!(
                InvalidArgument,
                "'Days' for Expiration action must be a positive integer"
            ));
        }
        let id = rule.id.get_or_insert_with(|| format!("rule-{number}"));
        if id.len() > 255 {
            return Err(s3_error!(
                InvalidArgument,
                "ID length should not exceed allowed limit of 255"
            ));
        }
        if !ids.insert(id.clone()) {
            return Err(s3_error!(
                InvalidArgument,
                "Rule ID must be unique. Found same ID for more than one rule"
            ));
        }
    }
    Ok(lifecycle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_public_if_it_allows_any_action_to_everyone() {
        let policy = |effect: &str, principal: &str, rest: &str| {
            let statement = format!("{{\"Effect\":\"{effect}\",\"Principal\":{principal}{rest}}}");
            let policy = format!("{{\"Statement\":[{statement}]}}");
            is_public(&serde_json::from_str(&policy).unwrap())
        };
        assert!(policy("Allow", "\"*\"", ""));
        assert!(policy("Allow", "{\"AWS\":[\"*\"]}", ""));
        assert!(!policy("Deny", "\"*\"", ""));
        assert!(!policy("Allow", "{\"AWS\":\"arn:aws:iam::1:root\"}", ""));
        assert!(!policy("Allow", "\"*\"", ",\"Condition\":{}"));
        assert!(checked_policy("not json".to_owned()).is_err());
        assert!(checked_policy("{}".to_owned()).is_ok());
    }
}

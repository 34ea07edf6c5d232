//! Object Lock: handlers of retention, legal hold and the bucket configuration, and the check that rejects deletes.

use std::time::SystemTime;

use s3_core::{BucketRequest, HeadRequest, ObjectMeta, S3Url, Store, VersionId, Versioning};
use s3s::dto::{
    GetObjectLegalHoldInput, GetObjectLegalHoldOutput, GetObjectLockConfigurationInput,
    GetObjectLockConfigurationOutput, GetObjectRetentionInput, GetObjectRetentionOutput,
    ObjectLockConfiguration, ObjectLockEnabled, ObjectLockLegalHold, ObjectLockLegalHoldStatus,
    ObjectLockMode, ObjectLockRetention, ObjectLockRetentionMode, PutObjectLegalHoldInput,
    PutObjectLegalHoldOutput, PutObjectLockConfigurationInput, PutObjectLockConfigurationOutput,
    PutObjectRetentionInput, PutObjectRetentionOutput, Timestamp,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result, s3_error};

use super::Frontend;
use super::bucket::must_exist;
use super::bucket_configuration::missing;
use super::get::version;
use crate::convert::{date, object_url, system_time, timestamp};
use crate::errors::s3_error;

const DAY: u64 = 24 * 60 * 60;

/// Maximum default retention of a bucket in S3, in days.
const MAX_DAYS: i32 = 36_500;
const MAX_YEARS: i32 = 100;

/// The retention and legal hold of a version.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ObjectLock {
    pub(super) retention: Option<Retention>,
    /// `None` on an object that never had a legal hold.
    pub(super) legal_hold: Option<bool>,
}

/// The end and mode of a retention.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Retention {
    is_compliance: bool,
    until: SystemTime,
}

impl ObjectLock {
    pub(super) fn mode(&self) -> Option<ObjectLockMode> {
        let retention = self.retention.as_ref()?;
        Some(ObjectLockMode::from_static(mode_name(
            retention.is_compliance,
        )))
    }

    pub(super) fn until(&self) -> Option<Timestamp> {
        timestamp(self.retention.as_ref().map(|retention| retention.until))
    }

    pub(super) fn legal_hold_status(&self) -> Option<ObjectLockLegalHoldStatus> {
        self.legal_hold.map(hold_status)
    }

    /// Fails while a retention or legal hold protects the version. Governance mode can be bypassed.
    pub(super) fn allows_delete(&self, bypasses_governance: bool) -> S3Result<()> {
        let is_retained = self.retention.as_ref().is_some_and(|retention| {
            SystemTime::now() < retention.until && (retention.is_compliance || !bypasses_governance)
        });
        if is_retained || self.legal_hold == Some(true) {
            return Err(s3_error!(
                AccessDenied,
                "Access Denied because object protected by object lock."
            ));
        }
        Ok(())
    }
}

/// Calls [`of_write`] with the Object Lock fields of an input that writes an object.
macro_rules! of {
    ($front:ident, $input:ident) => {
        $crate::frontend::object_lock::of_write(
            $front,
            &$input.bucket,
            $input.object_lock_mode.as_ref(),
            $input.object_lock_retain_until_date,
            $input.object_lock_legal_hold_status.as_ref(),
        )
    };
}

pub(super) use of;

/// Returns the locks of a new object, from its headers or the default of its bucket.
pub(super) fn of_write(
    front: &Frontend,
    bucket: &str,
    mode: Option<&ObjectLockMode>,
    until: Option<Timestamp>,
    legal_hold: Option<&ObjectLockLegalHoldStatus>,
) -> S3Result<ObjectLock> {
    let configuration = front.configurations.of(bucket).object_lock;
    if configuration.is_none() && (mode.is_some() || until.is_some() || legal_hold.is_some()) {
        return Err(no_lock_configuration());
    }
    let retention = match (mode, end_of(until)?) {
        (Some(_), Some(until)) if until <= SystemTime::now() => return Err(past()),
        (Some(mode), Some(until)) => Some(Retention {
            is_compliance: is_compliance(mode.as_str())?,
            until,
        }),
        (None, None) => configuration.as_ref().and_then(default_retention),
        _ => {
            return Err(s3_error!(
                InvalidArgument,
                "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
            ));
        }
    };
    Ok(ObjectLock {
        retention,
        legal_hold: legal_hold
            .map(|status| is_on(status.as_str()))
            .transpose()?,
    })
}

fn default_retention(configuration: &ObjectLockConfiguration) -> Option<Retention> {
    let default = configuration.rule.as_ref()?.default_retention.as_ref()?;
    let days = match (default.days, default.years) {
        (Some(days), _) => u64::try_from(days).ok()?,
        (_, Some(years)) => u64::try_from(years).ok()? * 365,
        _ => return None,
    };
    let until = SystemTime::now() + std::time::Duration::from_secs(days * DAY);
    let mode = default.mode.as_ref()?;
    Some(Retention {
        is_compliance: is_compliance(mode.as_str()).ok()?,
        until,
    })
}

/// Returns the configuration of a bucket that was created with Object Lock.
pub(super) fn enabled() -> ObjectLockConfiguration {
    ObjectLockConfiguration {
        object_lock_enabled: Some(ObjectLockEnabled::from_static(ObjectLockEnabled::ENABLED)),
        rule: None,
    }
}

pub(super) async fn put_object_lock_configuration(
    front: &Frontend,
    request: S3Request<PutObjectLockConfigurationInput>,
) -> S3Result<PutObjectLockConfigurationOutput> {
    let input = request.input;
    let state = BucketRequest::new(&*input.bucket);
    let state = front.store.versioning(state).await.map_err(s3_error)?;
    if state != Some(Versioning::Enabled) {
        return Err(invalid_bucket_state(
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
        ));
    }
    let configuration = input
        .object_lock_configuration
        .ok_or_else(|| s3_error!(MalformedXML))?;
    let status = configuration.object_lock_enabled.as_ref();
    if status.is_none_or(|status| status.as_str() != ObjectLockEnabled::ENABLED) {
        return Err(s3_error!(MalformedXML, "ObjectLockEnabled must be Enabled"));
    }
    if let Some(rule) = &configuration.rule {
        let default = rule.default_retention.as_ref();
        let default = default.ok_or_else(|| s3_error!(MalformedXML))?;
        let mode = default
            .mode
            .as_ref()
            .ok_or_else(|| s3_error!(MalformedXML))?;
        is_compliance(mode.as_str())?;
        match (default.days, default.years) {
            (Some(days), None) if days > MAX_DAYS => return Err(too_long()),
            (None, Some(years)) if years > MAX_YEARS => return Err(too_long()),
            (Some(period), None) | (None, Some(period)) if period > 0 => {}
            (Some(_), None) | (None, Some(_)) => {
                let code = S3ErrorCode::Custom("InvalidRetentionPeriod".into());
                let text = "Default retention period must be a positive integer value";
                let mut error = S3Error::with_message(code, text);
                error.set_status_code(http::StatusCode::BAD_REQUEST);
                return Err(error);
            }
            _ => return Err(s3_error!(MalformedXML)),
        }
    }
    front
        .configurations
        .change(&input.bucket, |all| all.object_lock = Some(configuration));
    Ok(PutObjectLockConfigurationOutput::default())
}

pub(super) async fn get_object_lock_configuration(
    front: &Frontend,
    request: S3Request<GetObjectLockConfigurationInput>,
) -> S3Result<GetObjectLockConfigurationOutput> {
    let bucket = request.input.bucket;
    must_exist(front, &bucket).await?;
    match front.configurations.of(&bucket).object_lock {
        Some(configuration) => Ok(GetObjectLockConfigurationOutput {
            object_lock_configuration: Some(configuration),
        }),
        None => Err(missing("ObjectLockConfigurationNotFoundError")),
    }
}

pub(super) async fn put_object_retention(
    front: &Frontend,
    request: S3Request<PutObjectRetentionInput>,
) -> S3Result<PutObjectRetentionOutput> {
    let input = request.input;
    let url = object_url(&input.bucket, &input.key)?;
    let _writing = front.keys.write(&url).await;
    let meta = lockable(front, url, version(input.version_id)?).await?;
    let retention = input.retention.unwrap_or_default();
    let new = match (retention.mode, end_of(retention.retain_until_date)?) {
        (None, None) => None,
        (Some(_), Some(until)) if until <= SystemTime::now() => return Err(past()),
        (Some(mode), Some(until)) => Some(Retention {
            is_compliance: is_compliance(mode.as_str())?,
            until,
        }),
        _ => return Err(s3_error!(MalformedXML)),
    };
    let mut extras = front.extras.of(&meta);
    let bypasses = input.bypass_governance_retention.unwrap_or(false);
    if let Some(old) = &extras.lock.retention
        && SystemTime::now() < old.until
    {
        // Extending a period in the same mode is allowed; any other change weakens it.
        let extends = new
            .as_ref()
            .is_some_and(|new| new.until >= old.until && (new.is_compliance || !old.is_compliance));
        let changes_mode = new
            .as_ref()
            .is_none_or(|new| new.is_compliance != old.is_compliance);
        let is_allowed = match old.is_compliance {
            true => extends,
            false => bypasses || extends && !changes_mode,
        };
        if !is_allowed {
            return Err(s3_error!(
                AccessDenied,
                "Access Denied because object protected by object lock."
            ));
        }
    }
    extras.lock.retention = new;
    front
        .extras
        .set(&meta.url, meta.version.as_ref(), meta.etag.clone(), extras);
    Ok(PutObjectRetentionOutput::default())
}

pub(super) async fn get_object_retention(
    front: &Frontend,
    request: S3Request<GetObjectRetentionInput>,
) -> S3Result<GetObjectRetentionOutput> {
    let input = request.input;
    let url = object_url(&input.bucket, &input.key)?;
    let _reading = front.keys.read(&url).await;
    let meta = lockable(front, url, version(input.version_id)?).await?;
    let lock = front.extras.of(&meta).lock;
    let retention = lock.retention.as_ref();
    let retention = retention.ok_or_else(|| missing("NoSuchObjectLockConfiguration"))?;
    Ok(GetObjectRetentionOutput {
        retention: Some(ObjectLockRetention {
            mode: Some(ObjectLockRetentionMode::from_static(mode_name(
                retention.is_compliance,
            ))),
            retain_until_date: lock.until(),
        }),
    })
}

pub(super) async fn put_object_legal_hold(
    front: &Frontend,
    request: S3Request<PutObjectLegalHoldInput>,
) -> S3Result<PutObjectLegalHoldOutput> {
    let input = request.input;
    let url = object_url(&input.bucket, &input.key)?;
    let _writing = front.keys.write(&url).await;
    let meta = lockable(front, url, version(input.version_id)?).await?;
    let status = input.legal_hold.and_then(|hold| hold.status);
    let status = status.ok_or_else(|| s3_error!(MalformedXML))?;
    let mut extras = front.extras.of(&meta);
    extras.lock.legal_hold = Some(is_on(status.as_str())?);
    front
        .extras
        .set(&meta.url, meta.version.as_ref(), meta.etag.clone(), extras);
    Ok(PutObjectLegalHoldOutput::default())
}

pub(super) async fn get_object_legal_hold(
    front: &Frontend,
    request: S3Request<GetObjectLegalHoldInput>,
) -> S3Result<GetObjectLegalHoldOutput> {
    let input = request.input;
    let url = object_url(&input.bucket, &input.key)?;
    let _reading = front.keys.read(&url).await;
    let meta = lockable(front, url, version(input.version_id)?).await?;
    let status = front.extras.of(&meta).lock.legal_hold_status();
    let status = status.ok_or_else(|| missing("NoSuchObjectLockConfiguration"))?;
    Ok(GetObjectLegalHoldOutput {
        legal_hold: Some(ObjectLockLegalHold {
            status: Some(status),
        }),
    })
}

/// Returns the version of an object in a bucket with Object Lock. The caller holds the lock of the key.
async fn lockable(
    front: &Frontend,
    url: S3Url,
    version: Option<VersionId>,
) -> S3Result<ObjectMeta> {
    if front.configurations.of(url.bucket()).object_lock.is_none() {
        must_exist(front, url.bucket()).await?;
        return Err(no_lock_configuration());
    }
    let mut head = HeadRequest::new(url);
    head.version = version;
    front.head(head).await
}

pub(super) fn invalid_bucket_state(text: &'static str) -> S3Error {
    s3_error!(InvalidBucketState, "{text}")
}

/// Returns the end of a retention. A date after the year 9999 in UTC is an error: responses cannot represent it.
fn end_of(until: Option<Timestamp>) -> S3Result<Option<SystemTime>> {
    match system_time(until) {
        Some(until) if date(until).is_none() => Err(s3_error!(
            InvalidArgument,
            "The retain until date must be before the year 10000"
        )),
        until => Ok(until),
    }
}

fn too_long() -> S3Error {
    s3_error!(InvalidArgument, "Default retention period is too large")
}

fn past() -> S3Error {
    s3_error!(
        InvalidArgument,
        "The retain until date must be in the future!"
    )
}

fn no_lock_configuration() -> S3Error {
    s3_error!(
        InvalidRequest,
        "Bucket is missing Object Lock Configuration"
    )
}

fn is_compliance(mode: &str) -> S3Result<bool> {
    match mode {
        ObjectLockMode::COMPLIANCE => Ok(true),
        ObjectLockMode::GOVERNANCE => Ok(false),
        _ => Err(s3_error!(
            MalformedXML,
            "the mode of a retention is GOVERNANCE or COMPLIANCE"
        )),
    }
}

const fn mode_name(is_compliance: bool) -> &'static str {
    match is_compliance {
        true => ObjectLockMode::COMPLIANCE,
        false => ObjectLockMode::GOVERNANCE,
    }
}

fn is_on(status: &str) -> S3Result<bool> {
    match status {
        ObjectLockLegalHoldStatus::ON => Ok(true),
        ObjectLockLegalHoldStatus::OFF => Ok(false),
        _ => Err(s3_error!(
            MalformedXML,
            "the status of a legal hold is ON or OFF"
        )),
    }
}

fn hold_status(is_on: bool) -> ObjectLockLegalHoldStatus {
    ObjectLockLegalHoldStatus::from_static(match is_on {
        true => ObjectLockLegalHoldStatus::ON,
        false => ObjectLockLegalHoldStatus::OFF,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lock_keeps_a_version_until_its_time() {
        let retention = |is_compliance, hours: i64| {
            let span = Duration::from_secs(hours.unsigned_abs() * 3600);
            let now = SystemTime::now();
            let until = if hours < 0 { now - span } else { now + span };
            Some(Retention {
                is_compliance,
                until,
            })
        };
        for (retention, legal_hold, bypasses, is_allowed) in [
            (None, None, false, true),
            (None, Some(false), false, true),
            (None, Some(true), true, false),
            (retention(false, 1), None, false, false),
            (retention(false, 1), None, true, true),
            (retention(true, 1), None, true, false),
            (retention(true, -1), None, false, true),
        ] {
            let lock = ObjectLock {
                retention,
                legal_hold,
            };
            assert_eq!(lock.allows_delete(bypasses).is_ok(), is_allowed, "{lock:?}");
        }
    }
}

//! RestoreObject: archived objects cannot be read before they are restored, which takes no time here.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use s3_core::{HeadRequest, ObjectMeta, Store};
use s3s::dto::{RestoreObjectInput, RestoreObjectOutput};
use s3s::{S3Request, S3Result, s3_error};

use super::Frontend;
use super::get::version;
use super::object_extras::ObjectExtras;
use crate::convert::object_url;
use crate::errors::s3_error;

const DAY: u64 = 24 * 60 * 60;

/// The storage classes whose objects must be restored before they are read.
const ARCHIVES: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];

fn is_archived(meta: &ObjectMeta) -> bool {
    let class = meta.attributes.storage_class.as_deref();
    class.is_some_and(|class| ARCHIVES.contains(&class))
}

fn is_restored(extras: &ObjectExtras) -> bool {
    extras
        .restored_until
        .is_some_and(|until| SystemTime::now() < until)
}

/// Fails for an archived object that is not restored.
pub(super) fn check_readable(meta: &ObjectMeta, extras: &ObjectExtras) -> S3Result<()> {
    if is_archived(meta) && !is_restored(extras) {
        return Err(s3_error!(
            InvalidObjectState,
            "The operation is not valid for the object's storage class"
        ));
    }
    Ok(())
}

/// Returns the value of `x-amz-restore`.
pub(super) fn state(extras: &ObjectExtras) -> Option<String> {
    let until = extras.restored_until.filter(|_| is_restored(extras))?;
    let date = time::OffsetDateTime::from(until);
    let format = time::format_description::well_known::Rfc2822;
    let date = date.format(&format).ok()?.replace("+0000", "GMT");
    Some(format!("ongoing-request=\"false\", expiry-date=\"{date}\""))
}

/// Restores an object for some days. Returns 202 for a new restoration and 200 for a longer one.
pub(super) async fn restore_object(
    front: &Frontend,
    request: S3Request<RestoreObjectInput>,
) -> S3Result<(RestoreObjectOutput, StatusCode)> {
    let input = request.input;
    let mut head = HeadRequest::new(object_url(&input.bucket, &input.key)?);
    head.version = version(input.version_id)?;
    let meta = front.store.head(head).await.map_err(s3_error)?;
    if !is_archived(&meta) {
        return Err(s3_error!(
            InvalidObjectState,
            "Restore is not allowed for the object's current storage class"
        ));
    }
    let days = input.restore_request.and_then(|request| request.days);
    let days = days.and_then(|days| u64::try_from(days).ok());
    let days = days.filter(|&days| days > 0);
    let days = days.ok_or_else(|| s3_error!(MalformedXML, "Days must be a positive integer"))?;
    let mut extras = front.extras.of(&meta);
    let status = match is_restored(&extras) {
        true => StatusCode::OK,
        false => StatusCode::ACCEPTED,
    };
    extras.restored_until = Some(SystemTime::now() + Duration::from_secs(days * DAY));
    front
        .extras
        .set(&meta.url, meta.version.as_ref(), meta.etag.clone(), extras);
    Ok((RestoreObjectOutput::default(), status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archived_object_is_readable_while_it_is_restored() {
        let mut meta = ObjectMeta::new(object_url("b", "k").unwrap(), 1);
        let mut extras = ObjectExtras::default();
        assert!(check_readable(&meta, &extras).is_ok());
        meta.attributes.storage_class = Some("GLACIER".into());
        assert!(check_readable(&meta, &extras).is_err());
        extras.restored_until = Some(SystemTime::now() + Duration::from_secs(60));
        assert!(check_readable(&meta, &extras).is_ok());
        assert!(state(&extras).unwrap().ends_with(" GMT\""));
        extras.restored_until = Some(SystemTime::UNIX_EPOCH);
        assert!(check_readable(&meta, &extras).is_err());
        assert_eq!(state(&extras), None);
    }
}

//! RestoreObject handler, and the `x-amz-restore` header of reads.

use http::StatusCode;
use s3_core::{HeadRequest, ObjectMeta, RestoreRequest, RestoreStatus, Store};
use s3s::dto::{RestoreObjectInput, RestoreObjectOutput};
use s3s::{S3Request, S3Result, s3_error};

use super::Frontend;
use super::get::version;
use crate::convert::{date, object_url};
use crate::errors::s3_error;

/// Maximum number of days of a restoration: 100 years.
const MAX_DAYS: u32 = 36_500;

/// Returns the value of `x-amz-restore`.
pub(super) fn state(meta: &ObjectMeta) -> Option<String> {
    match meta.restore? {
        RestoreStatus::InProgress => Some("ongoing-request=\"true\"".to_owned()),
        RestoreStatus::Restored { until } => {
            let date = date(until?)?;
            let format = time::format_description::well_known::Rfc2822;
            let date = date.format(&format).ok()?.replace("+0000", "GMT");
            Some(format!("ongoing-request=\"false\", expiry-date=\"{date}\""))
        }
        _ => None,
    }
}

/// Restores an object, for some days or permanently. Returns 202 for a new restoration and 200 for a longer one.
pub(super) async fn restore_object(
    front: &Frontend,
    request: S3Request<RestoreObjectInput>,
) -> S3Result<(RestoreObjectOutput, StatusCode)> {
    let input = request.input;
    let url = object_url(&input.bucket, &input.key)?;
    let version = version(input.version_id)?;
    let mut head = HeadRequest::new(url.clone());
    head.version.clone_from(&version);
    let meta = front.head(head).await?;
    let wanted = input.restore_request.unwrap_or_default();
    let days = match wanted.days {
        // The store checks it: INTELLIGENT_TIERING objects take no number of days.
        None => None,
        Some(days) => {
            let days = u32::try_from(days).ok().filter(|&days| days > 0);
            let odd = || s3_error!(MalformedXML, "Days must be a positive integer");
            let days = days.ok_or_else(odd)?;
            if days > MAX_DAYS {
                return Err(s3_error!(
                    InvalidArgument,
                    "Days must be at most {MAX_DAYS}"
                ));
            }
            Some(days)
        }
    };
    let mut restore = RestoreRequest::new(url, days);
    restore.version = version;
    let tier = wanted.glacier_job_parameters.map(|job| job.tier);
    restore.tier = tier.or(wanted.tier).map(|tier| tier.as_str().into());
    front.store.restore(restore).await.map_err(s3_error)?;
    let status = match meta.restore {
        Some(RestoreStatus::Restored { .. }) => StatusCode::OK,
        _ => StatusCode::ACCEPTED,
    };
    Ok((RestoreObjectOutput::default(), status))
}

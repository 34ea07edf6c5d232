//! DeleteObject and DeleteObjects handlers.

use s3_core::{DeleteRequest, DeletedVersion, S3Url, Store, VersionId};
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    ETagCondition, Error,
};
use s3s::{S3Request, S3Result, s3_error};

use super::Frontend;
use super::get::version;
use super::write_conditions::{DeleteConditions, WritePermit};
use crate::convert::{in_xml, object_url, system_time};
use crate::error_details::usual_message;
use crate::errors::s3_error;

/// One object of a delete request.
struct Wanted {
    url: S3Url,
    version: Option<VersionId>,
    conditions: DeleteConditions,
}

impl Wanted {
    /// Fails if a condition does not hold or the version is locked.
    async fn check(&self, front: &Frontend, bypasses_governance: bool) -> S3Result<()> {
        if !self.conditions.is_empty() {
            self.conditions
                .check(front, &self.url, self.version.as_ref())
                .await?;
        }
        match &self.version {
            // A delete marker does not change the versions.
            None => Ok(()),
            Some(version) => {
                let locks = front.extras.locks(&self.url, Some(version));
                locks.allows_delete(bypasses_governance)
            }
        }
    }

    /// Removes the extras of the deleted or replaced version.
    fn forget(&self, front: &Frontend, deleted: Option<&DeletedVersion>) {
        match (&self.version, deleted) {
            (Some(version), _) => front.extras.remove(&self.url, Some(version)),
            // The marker has its own version ID and replaces nothing.
            (None, Some(marker)) if marker.version.as_str() != "null" => {}
            (None, _) => front.extras.remove(&self.url, None),
        }
    }
}

pub(super) async fn delete_object(
    front: &Frontend,
    request: S3Request<DeleteObjectInput>,
) -> S3Result<DeleteObjectOutput> {
    let input = request.input;
    let wanted = Wanted {
        url: object_url(&input.bucket, &input.key)?,
        version: version(input.version_id)?,
        conditions: DeleteConditions {
            if_match: input.if_match,
            size: input.if_match_size,
            last_modified: system_time(input.if_match_last_modified_time),
        },
    };
    let permit = match wanted.conditions.is_empty() {
        true => WritePermit::Shared(front.writes.read().await),
        false => WritePermit::Alone(front.writes.write().await),
    };
    let _writing = front.keys.write(&wanted.url).await;
    let bypasses = input.bypass_governance_retention.unwrap_or(false);
    wanted.check(front, bypasses).await?;
    let delete = DeleteRequest::new(&*input.bucket, vec![wanted.url.clone()])
        .with_versions(vec![wanted.version.clone()]);
    let response = front.store.delete(delete).await.map_err(s3_error)?;
    drop(permit);
    if let Some((_, error)) = response.failures.into_iter().next() {
        return Err(s3_error(error));
    }
    let deleted = response.versions.into_iter().next();
    let deleted = deleted.map(|(_, deleted)| deleted);
    wanted.forget(front, deleted.as_ref());
    let is_marker = deleted
        .as_ref()
        .is_some_and(|deleted| deleted.is_delete_marker);
    Ok(DeleteObjectOutput {
        delete_marker: is_marker.then_some(true),
        version_id: deleted.map(|deleted| deleted.version.to_string()),
        ..DeleteObjectOutput::default()
    })
}

pub(super) async fn delete_objects(
    front: &Frontend,
    request: S3Request<DeleteObjectsInput>,
) -> S3Result<DeleteObjectsOutput> {
    let input = request.input;
    let wanted = input.delete.objects.into_iter().map(|object| {
        Ok(Wanted {
            url: object_url(&input.bucket, &object.key)?,
            version: object
                .version_id
                .filter(|id| !id.is_empty())
                .map(|id| VersionId::new(&id)),
            conditions: DeleteConditions {
                if_match: object.e_tag.map(ETagCondition::ETag),
                size: object.size,
                last_modified: system_time(object.last_modified_time),
            },
        })
    });
    let wanted = wanted.collect::<S3Result<Vec<_>>>()?;
    if wanted.is_empty() || wanted.len() > DeleteRequest::MAX_KEYS {
        return Err(s3_error!(
            MalformedXML,
            "a batch has between 1 and {} keys",
            DeleteRequest::MAX_KEYS
        ));
    }
    let permit = match wanted.iter().all(|wanted| wanted.conditions.is_empty()) {
        true => WritePermit::Shared(front.writes.read().await),
        false => WritePermit::Alone(front.writes.write().await),
    };
    let _writing = front
        .keys
        .write_all(wanted.iter().map(|wanted| &wanted.url))
        .await;
    let bypasses = input.bypass_governance_retention.unwrap_or(false);
    let mut failures = Vec::new();
    let (mut urls, mut versions, mut places) = (Vec::new(), Vec::new(), Vec::new());
    for (index, wanted) in wanted.iter().enumerate() {
        match wanted.check(front, bypasses).await {
            Ok(()) => {
                urls.push(wanted.url.clone());
                versions.push(wanted.version.clone());
                places.push(index);
            }
            Err(error) => failures.push((index, error)),
        }
    }
    let mut outcomes: Vec<Option<DeletedVersion>> = wanted.iter().map(|_| None).collect();
    if !urls.is_empty() {
        let delete = DeleteRequest::new(&*input.bucket, urls).with_versions(versions);
        let response = front.store.delete(delete).await.map_err(s3_error)?;
        let of_store = response.failures.into_iter();
        failures.extend(of_store.map(|(index, error)| (places[index], s3_error(error))));
        for (index, deleted) in response.versions {
            outcomes[places[index]] = Some(deleted);
        }
    }
    drop(permit);

    let mut failed = vec![false; wanted.len()];
    let mut errors = Vec::with_capacity(failures.len());
    for (index, failure) in failures {
        failed[index] = true;
        errors.push(Error {
            key: Some(wanted[index].url.key().to_owned()),
            code: Some(failure.code().as_str().to_owned()),
            message: Some(
                failure
                    .message()
                    .unwrap_or(usual_message(failure.code().as_str()))
                    .to_owned(),
            ),
            version_id: wanted[index].version.as_ref().map(ToString::to_string),
        });
    }
    let mut deleted = Vec::with_capacity(wanted.len());
    for ((wanted, outcome), failed) in wanted.iter().zip(outcomes).zip(failed) {
        if failed {
            continue;
        }
        wanted.forget(front, outcome.as_ref());
        // A key that XML cannot represent is deleted, but left out of the response.
        let Some(key) = in_xml(wanted.url.key()) else {
            continue;
        };
        let marker = outcome.filter(|outcome| outcome.is_delete_marker);
        deleted.push(DeletedObject {
            key: Some(key),
            delete_marker: marker.as_ref().map(|_| true),
            delete_marker_version_id: marker.map(|marker| marker.version.to_string()),
            version_id: wanted.version.as_ref().map(ToString::to_string),
        });
    }
    let is_quiet = input.delete.quiet.unwrap_or(false);
    Ok(DeleteObjectsOutput {
        deleted: (!is_quiet).then_some(deleted),
        errors: (!errors.is_empty()).then_some(errors),
        ..DeleteObjectsOutput::default()
    })
}

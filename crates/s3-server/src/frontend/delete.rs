//! DeleteObject and DeleteObjects.

use s3_core::{DeleteRequest, Store};
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    ETagCondition, Error,
};
use s3s::{S3Request, S3Result, s3_error};

use super::Frontend;
use super::write_conditions::{DeleteConditions, WritePermit};
use crate::convert::{in_xml, object_url, system_time};
use crate::errors::s3_error;

pub(super) async fn delete_object(
    front: &Frontend,
    request: S3Request<DeleteObjectInput>,
) -> S3Result<DeleteObjectOutput> {
    let input = request.input;
    let url = object_url(&input.bucket, &input.key)?;
    let conditions = DeleteConditions {
        if_match: input.if_match,
        size: input.if_match_size,
        last_modified: system_time(input.if_match_last_modified_time),
    };
    let permit = match conditions.is_empty() {
        true => WritePermit::Shared(front.writes.read().await),
        false => WritePermit::Alone(front.writes.write().await),
    };
    if !conditions.is_empty() {
        conditions.check(front, &url).await?;
    }
    let delete = DeleteRequest::new(&*input.bucket, vec![url]);
    let response = front.store.delete(delete).await.map_err(s3_error)?;
    drop(permit);
    front.extras.remove(&input.bucket, &input.key);
    match response.failures.into_iter().next() {
        Some((_, error)) => Err(s3_error(error)),
        None => Ok(DeleteObjectOutput::default()),
    }
}

pub(super) async fn delete_objects(
    front: &Frontend,
    request: S3Request<DeleteObjectsInput>,
) -> S3Result<DeleteObjectsOutput> {
    let input = request.input;
    let (keys, conditions): (Vec<String>, Vec<DeleteConditions>) = input
        .delete
        .objects
        .into_iter()
        .map(|object| {
            let conditions = DeleteConditions {
                if_match: object.e_tag.map(ETagCondition::ETag),
                size: object.size,
                last_modified: system_time(object.last_modified_time),
            };
            (object.key, conditions)
        })
        .unzip();
    if keys.is_empty() || keys.len() > DeleteRequest::MAX_KEYS {
        return Err(s3_error!(
            MalformedXML,
            "a batch has between 1 and {} keys",
            DeleteRequest::MAX_KEYS
        ));
    }
    let urls = keys
        .iter()
        .map(|key| object_url(&input.bucket, key))
        .collect::<S3Result<Vec<_>>>()?;
    let permit = match conditions.iter().all(DeleteConditions::is_empty) {
        true => WritePermit::Shared(front.writes.read().await),
        false => WritePermit::Alone(front.writes.write().await),
    };
    let mut failures = Vec::new();
    let (mut allowed, mut places) = (Vec::new(), Vec::new());
    for (index, (url, conditions)) in urls.into_iter().zip(&conditions).enumerate() {
        let checked = match conditions.is_empty() {
            true => Ok(()),
            false => conditions.check(front, &url).await,
        };
        match checked {
            Ok(()) => {
                allowed.push(url);
                places.push(index);
            }
            Err(error) => failures.push((index, error)),
        }
    }
    if !allowed.is_empty() {
        let delete = DeleteRequest::new(&*input.bucket, allowed);
        let response = front.store.delete(delete).await.map_err(s3_error)?;
        let of_store = response.failures.into_iter();
        failures.extend(of_store.map(|(index, error)| (places[index], s3_error(error))));
    }
    drop(permit);

    let mut failed = vec![false; keys.len()];
    let mut errors = Vec::with_capacity(failures.len());
    for (index, failure) in failures {
        failed[index] = true;
        errors.push(Error {
            key: Some(keys[index].clone()),
            code: Some(failure.code().as_str().to_owned()),
            message: failure.message().map(str::to_owned),
            version_id: None,
        });
    }
    for (key, failed) in keys.iter().zip(&failed) {
        if !failed {
            front.extras.remove(&input.bucket, key);
        }
    }
    // A key that XML cannot represent is deleted, but left out of the response.
    let deleted = keys.iter().zip(failed).filter(|(_, failed)| !failed);
    let deleted = deleted.filter_map(|(key, _)| {
        let key = Some(in_xml(key)?);
        Some(DeletedObject {
            key,
            ..DeletedObject::default()
        })
    });
    let is_quiet = input.delete.quiet.unwrap_or(false);
    Ok(DeleteObjectsOutput {
        deleted: (!is_quiet).then(|| deleted.collect()),
        errors: (!errors.is_empty()).then_some(errors),
        ..DeleteObjectsOutput::default()
    })
}

//! DeleteObject and DeleteObjects.

use s3_core::{DeleteRequest, Store};
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    Error,
};
use s3s::{S3Request, S3Result, s3_error};

use super::Frontend;
use crate::convert::{in_xml, object_url};
use crate::errors::s3_error;

pub(super) async fn delete_object(
    front: &Frontend,
    request: S3Request<DeleteObjectInput>,
) -> S3Result<DeleteObjectOutput> {
    let input = request.input;
    let url = object_url(&input.bucket, &input.key)?;
    let response = front
        .store
        .delete(DeleteRequest::new(input.bucket, vec![url]))
        .await
        .map_err(s3_error)?;
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
    let keys: Vec<String> = input
        .delete
        .objects
        .into_iter()
        .map(|object| object.key)
        .collect();
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
    let response = front
        .store
        .delete(DeleteRequest::new(input.bucket, urls))
        .await
        .map_err(s3_error)?;

    let mut failed = vec![false; keys.len()];
    let mut errors = Vec::with_capacity(response.failures.len());
    for (index, error) in response.failures {
        failed[index] = true;
        let failure = s3_error(error);
        errors.push(Error {
            key: Some(keys[index].clone()),
            code: Some(failure.code().as_str().to_owned()),
            message: failure.message().map(str::to_owned),
            version_id: None,
        });
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

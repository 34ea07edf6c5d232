//! Deleting objects.

use s3_core::{DeleteRequest, Store};
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    Error,
};
use s3s::{S3Request, S3Result, s3_error};

use super::Frontend;
use crate::server::convert::{in_xml, object_url};
use crate::server::errors::refusal;

pub(super) async fn delete_object(
    front: &Frontend,
    request: S3Request<DeleteObjectInput>,
) -> S3Result<DeleteObjectOutput> {
    let input = request.input;
    let url = object_url(&input.bucket, &input.key)?;
    let answer = front
        .store
        .delete(DeleteRequest::new(input.bucket, vec![url]))
        .await
        .map_err(refusal)?;
    match answer.failures.into_iter().next() {
        Some((_, error)) => Err(refusal(error)),
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
    let answer = front
        .store
        .delete(DeleteRequest::new(input.bucket, urls))
        .await
        .map_err(refusal)?;

    let mut failed = vec![false; keys.len()];
    let mut errors = Vec::with_capacity(answer.failures.len());
    for (index, error) in answer.failures {
        failed[index] = true;
        let refused = refusal(error);
        errors.push(Error {
            key: Some(keys[index].clone()),
            code: Some(refused.code().as_str().to_owned()),
            message: refused.message().map(str::to_owned),
            version_id: None,
        });
    }
    // A key that XML cannot hold is deleted all the same, but not named.
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

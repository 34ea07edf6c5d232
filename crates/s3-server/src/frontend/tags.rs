//! Handlers of GetObjectTagging, PutObjectTagging and DeleteObjectTagging, and the `x-amz-tagging` header of writes.

use s3_core::{GetTags, HeadRequest, S3Url, SetTags, Store, Tags, VersionId};
use s3s::dto::{
    DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectTaggingInput,
    GetObjectTaggingOutput, PutObjectTaggingInput, PutObjectTaggingOutput, Tag,
};
use s3s::{S3Request, S3Result, s3_error};

use super::Frontend;
use super::get::version;
use crate::convert::object_url;
use crate::errors::s3_error;

/// Parses `x-amz-tagging`, a query string.
pub(super) fn of_header(header: Option<&str>) -> S3Result<Tags> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        let decoded = percent_encoding::percent_decode_str(&text).decode_utf8();
        decoded
            .map(|text| text.into_owned())
            .map_err(|error| s3_error!(error, InvalidArgument))
    };
    let pairs = header.unwrap_or_default().split('&');
    let tags = pairs.filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode(key)?, decode(value)?))
    });
    distinct(tags.collect::<S3Result<Vec<_>>>()?.into_iter())
}

pub(super) async fn get_object_tagging(
    front: &Frontend,
    request: S3Request<GetObjectTaggingInput>,
) -> S3Result<GetObjectTaggingOutput> {
    let input = request.input;
    let mut get = GetTags::new(object_url(&input.bucket, &input.key)?);
    get.version = version(input.version_id)?;
    let mut head = HeadRequest::new(get.url.clone());
    head.version.clone_from(&get.version);
    let tags = front.store.get_tags(get).await.map_err(s3_error)?;
    let meta = front.head(head).await?;
    let version_id = meta.version.map(|version| version.to_string());
    let tags = tags.into_iter().map(|(key, value)| Tag {
        key: Some(key),
        value: Some(value),
    });
    Ok(GetObjectTaggingOutput {
        tag_set: tags.collect(),
        version_id,
    })
}

pub(super) async fn put_object_tagging(
    front: &Frontend,
    request: S3Request<PutObjectTaggingInput>,
) -> S3Result<PutObjectTaggingOutput> {
    let input = request.input;
    let url = object_url(&input.bucket, &input.key)?;
    let tags = of_set(input.tagging.tag_set)?;
    let version_id = set(front, url, version(input.version_id)?, tags).await?;
    Ok(PutObjectTaggingOutput { version_id })
}

pub(super) async fn delete_object_tagging(
    front: &Frontend,
    request: S3Request<DeleteObjectTaggingInput>,
) -> S3Result<DeleteObjectTaggingOutput> {
    let input = request.input;
    let url = object_url(&input.bucket, &input.key)?;
    let version_id = set(front, url, version(input.version_id)?, Tags::new()).await?;
    Ok(DeleteObjectTaggingOutput { version_id })
}

async fn set(
    front: &Frontend,
    url: S3Url,
    version: Option<VersionId>,
    tags: Tags,
) -> S3Result<Option<String>> {
    let mut head = HeadRequest::new(url.clone());
    head.version.clone_from(&version);
    let mut set = SetTags::new(url, tags);
    set.version = version;
    front.store.set_tags(set).await.map_err(s3_error)?;
    let meta = front.head(head).await?;
    Ok(meta.version.map(|version| version.to_string()))
}

/// Returns the tags of a `TagSet` document. Rejects duplicate keys; the store checks the rest.
pub(super) fn of_set(set: Vec<Tag>) -> S3Result<Tags> {
    let pairs = set.into_iter().map(|tag| (tag.key, tag.value));
    distinct(pairs.map(|(key, value)| (key.unwrap_or_default(), value.unwrap_or_default())))
}

fn distinct(pairs: impl Iterator<Item = (String, String)>) -> S3Result<Tags> {
    let mut tags = Tags::new();
    for (key, value) in pairs {
        if key.is_empty() {
            return Err(s3_error!(
                InvalidTag,
                "The TagKey you have provided is invalid"
            ));
        }
        if key.starts_with("aws:") {
            return Err(s3_error!(
                InvalidTag,
                "System tags cannot be added/updated by requester"
            ));
        }
        if tags.insert(key, value).is_some() {
            return Err(s3_error!(
                InvalidTag,
                "Cannot provide multiple Tags with the same key"
            ));
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_a_query_string() {
        let tags = of_header(Some("a=1&b+c=%2F&d")).unwrap();
        let pairs: Vec<_> = tags.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(pairs, [("a", "1"), ("b c", "/"), ("d", "")]);
        assert!(of_header(None).unwrap().is_empty());
    }

    #[test]
    fn equal_keys_are_rejected() {
        for rejected in ["a=1&a=2", "=1", "aws:a=1"] {
            assert!(of_header(Some(rejected)).is_err(), "{rejected}");
        }
    }
}

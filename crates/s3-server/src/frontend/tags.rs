//! Tags of objects: the header of a write, and the three operations.

use s3_core::{ETag, HeadRequest, Store};
use s3s::dto::{
    DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectTaggingInput,
    GetObjectTaggingOutput, PutObjectTaggingInput, PutObjectTaggingOutput, Tag,
};
use s3s::{S3Request, S3Result, s3_error};

use super::Frontend;
use crate::convert::object_url;
use crate::errors::s3_error;

/// The most tags of an object.
const MOST: usize = 10;

/// Parses `x-amz-tagging`, a query string.
pub(super) fn of_header(header: Option<&str>) -> S3Result<Vec<Tag>> {
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
        Ok(Tag {
            key: Some(decode(key)?),
            value: Some(decode(value)?),
        })
    });
    let mut tags = tags.collect::<S3Result<Vec<_>>>()?;
    tags.sort_by(|a, b| a.key.cmp(&b.key));
    checked(tags)
}

/// Refuses what S3 refuses: more than ten tags, equal keys, keys over 128 and values over 256 characters.
fn checked(tags: Vec<Tag>) -> S3Result<Vec<Tag>> {
    if tags.len() > MOST {
        return Err(s3_error!(
            InvalidTag,
            "Object tags cannot be greater than 10"
        ));
    }
    let mut keys: Vec<&str> = Vec::new();
    for tag in &tags {
        let key = tag.key.as_deref().unwrap_or_default();
        let value = tag.value.as_deref().unwrap_or_default();
        if key.is_empty() || key.chars().count() > 128 {
            return Err(s3_error!(
                InvalidTag,
                "The TagKey you have provided is invalid"
            ));
        }
        if value.chars().count() > 256 {
            return Err(s3_error!(
                InvalidTag,
                "The TagValue you have provided is invalid"
            ));
        }
        if keys.contains(&key) {
            return Err(s3_error!(
                InvalidTag,
                "Cannot provide multiple Tags with the same key"
            ));
        }
        keys.push(key);
    }
    Ok(tags)
}

pub(super) async fn get_object_tagging(
    front: &Frontend,
    request: S3Request<GetObjectTaggingInput>,
) -> S3Result<GetObjectTaggingOutput> {
    let input = request.input;
    let etag = etag(front, &input.bucket, &input.key).await?;
    let extras = front.extras.of(&input.bucket, &input.key, etag.as_ref());
    Ok(GetObjectTaggingOutput {
        tag_set: extras.tags,
        version_id: None,
    })
}

pub(super) async fn put_object_tagging(
    front: &Frontend,
    request: S3Request<PutObjectTaggingInput>,
) -> S3Result<PutObjectTaggingOutput> {
    let input = request.input;
    let tags = checked(input.tagging.tag_set)?;
    set(front, &input.bucket, &input.key, tags).await?;
    Ok(PutObjectTaggingOutput::default())
}

pub(super) async fn delete_object_tagging(
    front: &Frontend,
    request: S3Request<DeleteObjectTaggingInput>,
) -> S3Result<DeleteObjectTaggingOutput> {
    let input = request.input;
    set(front, &input.bucket, &input.key, Vec::new()).await?;
    Ok(DeleteObjectTaggingOutput::default())
}

async fn set(front: &Frontend, bucket: &str, key: &str, tags: Vec<Tag>) -> S3Result<()> {
    let etag = etag(front, bucket, key).await?;
    let mut extras = front.extras.of(bucket, key, etag.as_ref());
    extras.tags = tags;
    front.extras.set(bucket, key, etag, extras);
    Ok(())
}

/// Returns the ETag of an object that must exist.
pub(super) async fn etag(front: &Frontend, bucket: &str, key: &str) -> S3Result<Option<ETag>> {
    let head = HeadRequest::new(object_url(bucket, key)?);
    let meta = front.store.head(head).await.map_err(s3_error)?;
    Ok(meta.etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_a_query_string() {
        let tags = of_header(Some("a=1&b+c=%2F&d")).unwrap();
        let pairs: Vec<_> = tags
            .iter()
            .map(|tag| (tag.key.as_deref().unwrap(), tag.value.as_deref().unwrap()))
            .collect();
        assert_eq!(pairs, [("a", "1"), ("b c", "/"), ("d", "")]);
        assert!(of_header(None).unwrap().is_empty());
    }

    #[test]
    fn invalid_tags_are_refused() {
        let many: Vec<_> = (0..11).map(|number| format!("k{number}=v")).collect();
        for header in [&*many.join("&"), "a=1&a=2", &"k".repeat(129), "=v"] {
            assert!(of_header(Some(header)).is_err(), "{header}");
        }
    }
}

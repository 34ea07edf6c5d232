//! ListObjects and ListObjectsV2 handlers.

use std::sync::Arc;

use s3_core::{ListPage, ListRequest, Store};
use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, CommonPrefix, ListObjectsInput, ListObjectsOutput,
    ListObjectsV2Input, ListObjectsV2Output, Object, ObjectStorageClass,
};
use s3s::{S3Request, S3Result, s3_error};

use super::Frontend;
use super::acl::owner;
use super::encoding::{KeyEncoding, store_token, wire_token};
use crate::Hook;
use crate::convert::{key_prefix, size, strong, timestamp};
use crate::errors::{s3_error, with_detail};

/// Maximum number of entries in a page.
const MAX_KEYS: u32 = 1000;

pub(super) async fn list_objects_v2(
    front: &Frontend,
    request: S3Request<ListObjectsV2Input>,
) -> S3Result<ListObjectsV2Output> {
    let input = request.input;
    let encoding = KeyEncoding::new(input.encoding_type.as_ref())?;
    let max_keys = max_keys(input.max_keys)?;
    let mut list = ListRequest::new(key_prefix(
        &input.bucket,
        input.prefix.as_deref().unwrap_or_default(),
    )?);
    list.delimiter = non_empty(input.delimiter.as_deref());
    list.start_after = non_empty(input.start_after.as_deref());
    // An empty token counts as no token.
    list.continuation = input
        .continuation_token
        .as_deref()
        .filter(|token| !token.is_empty())
        .map(store_token)
        .transpose()?
        .map(Arc::from);

    let hook = request.extensions.get::<Hook>();
    let page = page(front, list, max_keys, hook).await?;
    let contents = objects(front, &page, encoding, input.fetch_owner == Some(true));
    let common_prefixes = prefixes(&page, encoding);
    Ok(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(encoding.written(input.prefix.as_deref().unwrap_or_default())),
        max_keys: i32::try_from(max_keys).ok(),
        key_count: i32::try_from(contents.len() + common_prefixes.len()).ok(),
        continuation_token: input.continuation_token,
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.as_deref().map(wire_token),
        contents: Some(contents),
        common_prefixes: Some(common_prefixes),
        delimiter: input
            .delimiter
            .as_deref()
            .filter(|text| !text.is_empty())
            .map(|text| encoding.written(text)),
        encoding_type: input.encoding_type,
        start_after: input
            .start_after
            .as_deref()
            .map(|text| encoding.written(text)),
        ..ListObjectsV2Output::default()
    })
}

pub(super) async fn list_objects(
    front: &Frontend,
    request: S3Request<ListObjectsInput>,
) -> S3Result<ListObjectsOutput> {
    let input = request.input;
    let encoding = KeyEncoding::new(input.encoding_type.as_ref())?;
    let max_keys = max_keys(input.max_keys)?;
    let mut list = ListRequest::new(key_prefix(
        &input.bucket,
        input.prefix.as_deref().unwrap_or_default(),
    )?);
    list.delimiter = non_empty(input.delimiter.as_deref());
    list.start_after =
        non_empty(input.marker.as_deref()).map(|marker| after_marker(&marker, &list));

    let page = page(front, list, max_keys, None).await?;
    let next_marker = page
        .next
        .as_ref()
        .and_then(|_| last_entry(&page))
        .map(|last| encoding.written(last));
    Ok(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(encoding.written(input.prefix.as_deref().unwrap_or_default())),
        marker: Some(encoding.written(input.marker.as_deref().unwrap_or_default())),
        max_keys: i32::try_from(max_keys).ok(),
        is_truncated: Some(page.next.is_some()),
        contents: Some(objects(front, &page, encoding, true)),
        common_prefixes: Some(prefixes(&page, encoding)),
        // S3 sends `NextMarker` only with a delimiter; otherwise clients use the last key.
        next_marker: next_marker.filter(|_| input.delimiter.is_some()),
        delimiter: input
            .delimiter
            .as_deref()
            .filter(|text| !text.is_empty())
            .map(|text| encoding.written(text)),
        encoding_type: input.encoding_type,
        ..ListObjectsOutput::default()
    })
}

async fn page(
    front: &Frontend,
    mut list: ListRequest,
    max_keys: u32,
    hook: Option<&Hook>,
) -> S3Result<ListPage> {
    if max_keys == 0 {
        return Ok(ListPage::default());
    }
    list.max_keys = Some(max_keys);
    let page = match hook {
        Some(hook) => hook.list_page(&front.store, list).await,
        None => front.store.list_page(list).await,
    };
    page.map_err(s3_error)
}

pub(super) fn max_keys(asked: Option<i32>) -> S3Result<u32> {
    match asked.map(u32::try_from) {
        None => Ok(MAX_KEYS),
        Some(Ok(asked)) => Ok(asked.min(MAX_KEYS)),
        Some(Err(error)) => {
            let error = s3_error!(
                error,
                InvalidArgument,
                "Argument maxKeys must be an integer between 0 and 2147483647"
            );
            let error = with_detail(error, "ArgumentName", "maxKeys");
            let value = asked.unwrap_or_default().to_string();
            Err(with_detail(error, "ArgumentValue", &value))
        }
    }
}

pub(super) fn non_empty(text: Option<&str>) -> Option<Arc<str>> {
    text.filter(|text| !text.is_empty()).map(Arc::from)
}

/// Returns the key after which a page starts. A marker that is a common prefix skips all keys below it, except the
/// prefix itself.
pub(super) fn after_marker(marker: &str, list: &ListRequest) -> Arc<str> {
    let below = marker.strip_prefix(list.prefix.prefix());
    let is_rolled_up = below
        .zip(list.delimiter.as_deref())
        .is_some_and(|(below, delimiter)| below.ends_with(delimiter));
    match is_rolled_up {
        true => format!("{marker}{}", char::MAX).into(),
        false => marker.into(),
    }
}

pub(super) fn last_entry(page: &ListPage) -> Option<&str> {
    let key = page.objects.last().map(|object| object.url.key());
    let prefix = page.prefixes.last().map(s3_core::S3Prefix::prefix);
    key.max(prefix)
}

fn objects(
    front: &Frontend,
    page: &ListPage,
    encoding: KeyEncoding,
    with_owner: bool,
) -> Vec<Object> {
    let object = |listed: &s3_core::ListedObject| {
        let (checksum_algorithm, checksum_type) = shown_checksum(front, listed);
        let class = listed
            .storage_class
            .as_deref()
            .unwrap_or(ObjectStorageClass::STANDARD);
        Object {
            key: Some(encoding.written(listed.url.key())),
            size: Some(size(listed.size)),
            e_tag: strong(listed.etag.as_ref()),
            last_modified: timestamp(listed.last_modified),
            storage_class: Some(ObjectStorageClass::from(class.to_owned())),
            owner: with_owner.then(owner),
            checksum_algorithm,
            checksum_type,
            ..Object::default()
        }
    };
    page.objects.iter().map(object).collect()
}

/// Returns the algorithm and type of the checksum of a listed object. For multipart objects they are stored outside the
/// store.
pub(super) fn shown_checksum(
    front: &Frontend,
    listed: &s3_core::ListedObject,
) -> (Option<Vec<ChecksumAlgorithm>>, Option<ChecksumType>) {
    let of_store = listed.checksum_algorithm.zip(listed.checksum_type);
    let of_store =
        of_store.map(|(algorithm, kind)| (algorithm, ChecksumType::from_static(kind.as_str())));
    let extras = front
        .extras
        .listed_checksum(&listed.url, listed.etag.as_ref());
    let (algorithm, kind) = extras.or(of_store).unzip();
    let algorithm = algorithm.map(|algorithm| ChecksumAlgorithm::from_static(algorithm.as_str()));
    (algorithm.map(|algorithm| vec![algorithm]), kind)
}

fn prefixes(page: &ListPage, encoding: KeyEncoding) -> Vec<CommonPrefix> {
    let common = |prefix: &s3_core::S3Prefix| CommonPrefix {
        prefix: Some(encoding.written(prefix.prefix())),
    };
    page.prefixes.iter().map(common).collect()
}

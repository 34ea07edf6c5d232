//! Converts a page of `s3-wire`'s `ListBucketResult` parser to a [`ListPage`]; rejects invalid entries.

use std::borrow::Cow;
use std::sync::Arc;

use s3_url::S3Prefix;
use s3_wire::listing::{Entry, KeyDecoder, Page};

use crate::sdk::convert;
use crate::sdk::document::NO_NEXT_PAGE;
use crate::{ChecksumAlgorithm, ChecksumType, ListPage, ListedObject};

/// Converts a page. An invalid entry fails the whole page: a listing must never omit objects.
pub(in crate::sdk) fn list_page(
    page: &Page<'_>,
    prefix: &S3Prefix,
    version_1: bool,
) -> Result<ListPage, &'static str> {
    if !page.is_identified && page.entries.is_empty() && page.common_prefixes.is_empty() {
        return Err(
            "not a ListObjects response: Name, KeyCount, MaxKeys and IsTruncated are missing",
        );
    }
    let decoder = page.key_decoder(prefix.prefix());
    let objects = listed_objects(&page.entries, prefix, &decoder)?;
    let prefixes = listed_prefixes(&page.common_prefixes, prefix, &decoder)?;
    let next = match version_1 {
        false => next(page.is_truncated, page.next_token.as_deref())?,
        true if page.is_truncated == Some(true) => {
            let named = page
                .next_marker
                .as_deref()
                .filter(|marker| !marker.is_empty());
            let marker: Option<Arc<str>> = match named {
                Some(marker) => Some(Arc::from(&*decoder.decode(marker)?)),
                // Without a delimiter, the response has no NextMarker: the last entry is the marker.
                None => {
                    let key = objects.last().map(|object| object.url.key());
                    key.max(prefixes.last().map(S3Prefix::prefix))
                        .map(Arc::from)
                }
            };
            Some(marker.ok_or(NO_NEXT_PAGE)?)
        }
        true => None,
    };
    Ok(ListPage::new(objects, prefixes, next))
}

fn listed_objects(
    entries: &[Entry<'_>],
    prefix: &S3Prefix,
    decoder: &KeyDecoder,
) -> Result<Vec<ListedObject>, &'static str> {
    let mut urls = prefix.object_urls();
    // A page nearly always has one storage class, so its text is shared.
    let mut class: Option<Arc<str>> = None;
    let mut objects = Vec::with_capacity(entries.len());
    for entry in entries {
        let key = entry.key.as_deref();
        let key = decoder.decode(key.ok_or("an entry of the listing has no key")?)?;
        let url = urls
            .of_key(&key)
            .map_err(|_| "an entry of the listing has an empty key")?;
        let size = entry.size.ok_or("an entry of the listing has no size")?;
        let mut listed = ListedObject::new(url, size);
        listed.etag = entry.etag.as_deref().and_then(convert::etag_of);
        listed.last_modified = entry.last_modified;
        if let Some(own) = entry.storage_class.as_deref() {
            if class.as_deref() != Some(own) {
                class = Some(own.into());
            }
            listed.storage_class = class.clone();
        }
        let algorithm = entry.checksum_algorithm.as_deref();
        listed.checksum_algorithm = algorithm.and_then(ChecksumAlgorithm::of_name);
        let kind = entry.checksum_type.as_deref();
        listed.checksum_type = kind.and_then(ChecksumType::of_name);
        objects.push(listed);
    }
    Ok(objects)
}

fn listed_prefixes(
    common: &[Option<Cow<'_, str>>],
    prefix: &S3Prefix,
    decoder: &KeyDecoder,
) -> Result<Vec<S3Prefix>, &'static str> {
    let listed = common.iter().map(|text| {
        let text = text.as_deref();
        let text = decoder.decode(text.ok_or("an entry of the listing has no prefix")?)?;
        S3Prefix::from_parts(prefix.bucket(), &text)
            .map_err(|_| "a common prefix of the listing is invalid")
    });
    listed.collect()
}

/// Returns the continuation token, which is opaque: it is not decoded, whatever the encoding of the keys.
fn next(is_truncated: Option<bool>, token: Option<&str>) -> Result<Option<Arc<str>>, &'static str> {
    match (is_truncated, token.filter(|token| !token.is_empty())) {
        (Some(false), _) | (None, None) => Ok(None),
        (_, Some(token)) => Ok(Some(token.into())),
        (Some(true), None) => Err(NO_NEXT_PAGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &'static str, class: &'static str) -> Entry<'static> {
        Entry {
            key: Some(key.into()),
            size: Some(1),
            storage_class: Some(class.into()),
            ..Entry::default()
        }
    }

    #[test]
    fn entries_of_the_same_storage_class_share_its_text() {
        let entries = vec![
            entry("a", "GLACIER"),
            entry("b", "GLACIER"),
            entry("c", "STANDARD"),
        ];
        let page = Page {
            entries,
            ..Page::default()
        };
        let prefix = S3Prefix::parse("s3://bucket").unwrap();
        let objects = list_page(&page, &prefix, false).unwrap().objects;
        let class = |at: usize| objects[at].storage_class.as_ref().unwrap();
        assert!(Arc::ptr_eq(class(0), class(1)));
        assert_eq!((&**class(0), &**class(2)), ("GLACIER", "STANDARD"));
    }

    #[test]
    fn a_page_has_a_token_unless_it_is_the_last_one() {
        let next = |truncated, token| {
            next(truncated, token).map(|next| next.map(|token| token.to_string()))
        };
        let token = || Some("t".to_owned());
        assert_eq!(next(None, None), Ok(None));
        assert_eq!(next(Some(false), Some("t")), Ok(None));
        assert_eq!(next(None, Some("t")), Ok(token()));
        assert_eq!(next(Some(true), Some("t")), Ok(token()));
        assert!(next(Some(true), Some("")).is_err());
        assert!(next(Some(true), None).is_err());
    }
}

//! ListObjectsV2 of the in-memory store: selects the keys and common prefixes of a page.
//! It seeks, so its cost grows with the entries returned and not with the keys skipped.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use s3_url::S3Prefix;

use super::continuation_token::ContinuationToken;
use super::error_response::error_response;
use super::object::Object;
use crate::{Limits, ListPage, ListRequest, Operation, Result};

/// Returns one page of the listing.
pub(super) fn page(
    objects: &BTreeMap<Arc<str>, Object>,
    request: &ListRequest,
    limits: &Limits,
) -> Result<ListPage> {
    let most = limits.page_size(request.max_keys);
    let mut page = ListPage::default();
    let mut cursor = Cursor {
        objects,
        position: start(request)?,
    };
    let mut last = None;
    if most == 0 {
        return Ok(page);
    }
    while let Some((key, object)) = cursor.peek(request.prefix.prefix()) {
        if page.objects.len() + page.prefixes.len() == most {
            page.next = last
                .as_ref()
                .map(|token: &ContinuationToken| token.encode().into());
            break;
        }
        let (prefix, delimiter) = (request.prefix.prefix(), request.delimiter.as_deref());
        let token = match rolled_up(key, prefix, delimiter) {
            Some(common) => {
                page.prefixes.push(prefix_of(request, common)?);
                ContinuationToken::Prefix(common.to_owned())
            }
            None => {
                page.objects.push(object.listed());
                ContinuationToken::Object(String::from(&**key))
            }
        };
        cursor.position = position_after(&token);
        last = Some(token);
    }
    Ok(page)
}

/// A position among the objects; `None` is after the last one.
struct Cursor<'a> {
    objects: &'a BTreeMap<Arc<str>, Object>,
    position: Option<Bound<String>>,
}

impl<'a> Cursor<'a> {
    /// Returns the first object at the position, if its key begins with `prefix`.
    fn peek(&self, prefix: &str) -> Option<(&'a Arc<str>, &'a Object)> {
        let from = self.position.as_ref()?.as_ref().map(String::as_str);
        let (key, object) = self
            .objects
            .range::<str, _>((from, Bound::Unbounded))
            .next()?;
        key.starts_with(prefix).then_some((key, object))
    }
}

/// Returns where a page starts: after the key or token of the request, and not before the prefix.
fn start(request: &ListRequest) -> Result<Option<Bound<String>>> {
    let prefix = request.prefix.prefix();
    let from = match (&request.continuation, &request.start_after) {
        (Some(text), _) => {
            let token = ContinuationToken::decode(text).ok_or_else(|| {
                error_response(
                    Operation::List,
                    400,
                    "InvalidArgument",
                    request.prefix.as_str(),
                )
                .with_message("the continuation token is not from this store")
            })?;
            position_after(&token)
        }
        (None, Some(key)) => Some(Bound::Excluded(String::from(&**key))),
        (None, None) => Some(Bound::Unbounded),
    };
    Ok(from.map(|from| match from {
        Bound::Included(key) | Bound::Excluded(key) if *key < *prefix => {
            Bound::Included(prefix.to_owned())
        }
        Bound::Unbounded => Bound::Included(prefix.to_owned()),
        later => later,
    }))
}

/// Returns the position after an entry, or `None` if no key can follow it.
fn position_after(entry: &ContinuationToken) -> Option<Bound<String>> {
    match entry {
        ContinuationToken::Object(key) => Some(Bound::Excluded(key.clone())),
        ContinuationToken::Prefix(prefix) => successor(prefix).map(Bound::Included),
    }
}

/// Returns the smallest string after all strings that begin with `prefix`, if there is one.
///
/// UTF-8 sorts by characters, so it is the prefix with its last character replaced by the next one.
pub(super) fn successor(prefix: &str) -> Option<String> {
    let mut characters = prefix.chars();
    loop {
        let last = characters.next_back()?;
        if let Some(next) = (last..=char::MAX).nth(1) {
            return Some(format!("{}{next}", characters.as_str()));
        }
    }
}

/// Returns the common prefix that `key` is rolled up to: up to the first delimiter after the prefix.
pub(super) fn rolled_up<'key>(
    key: &'key str,
    prefix: &str,
    delimiter: Option<&str>,
) -> Option<&'key str> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let found = key.strip_prefix(prefix)?.find(delimiter)?;
    Some(&key[..prefix.len() + found + delimiter.len()])
}

fn prefix_of(request: &ListRequest, common: &str) -> Result<S3Prefix> {
    S3Prefix::from_parts(request.prefix.bucket(), common).map_err(|cause| {
        error_response(
            Operation::List,
            500,
            "InternalError",
            request.prefix.as_str(),
        )
        .with_source(cause)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::SystemTime;

    use proptest::prelude::*;

    use super::*;
    use crate::{Attributes, Payload, S3Url};

    #[test]
    fn the_successor_sorts_after_every_string_with_the_prefix() {
        assert_eq!(successor("a/").as_deref(), Some("a0"));
        assert_eq!(successor("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(successor("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(successor("\u{10ffff}"), None);
        assert_eq!(successor(""), None);
    }

    fn stored(keys: &BTreeSet<String>) -> BTreeMap<Arc<str>, Object> {
        let (payload, limits) = (Payload::empty(), Limits::default());
        let object = |key: &String| {
            let url = S3Url::from_parts("b", key).unwrap();
            let now = SystemTime::UNIX_EPOCH;
            let attributes = Attributes::default();
            Object::from_payload(url, &payload, attributes, &limits, now, Operation::Put).unwrap()
        };
        keys.iter()
            .map(|key| (Arc::from(key.as_str()), object(key)))
            .collect()
    }

    /// Returns all entries of a listing in order: keys, and prefixes with a `*` appended.
    fn listed(objects: &BTreeMap<Arc<str>, Object>, mut request: ListRequest) -> Vec<String> {
        let most = request.max_keys.unwrap_or(1000) as usize;
        let mut entries = Vec::new();
        loop {
            let page = page(objects, &request, &Limits::default()).unwrap();
            let keys = page
                .objects
                .iter()
                .map(|object| object.url.key().to_owned());
            let prefixes = page
                .prefixes
                .iter()
                .map(|prefix| format!("{}*", prefix.prefix()));
            let mut shown: Vec<String> = keys.chain(prefixes).collect();
            assert!(shown.len() <= most && (page.next.is_none() || shown.len() == most));
            shown.sort();
            entries.extend(shown);
            let Some(token) = page.next else {
                return entries;
            };
            request.continuation = Some(token);
        }
    }

    /// Returns the expected entries, by the definition: filter, roll up, sort, remove duplicates.
    fn expected(
        keys: &BTreeSet<String>,
        prefix: &str,
        delimiter: &str,
        after: &str,
    ) -> Vec<String> {
        let matching = keys
            .iter()
            .filter(|key| key.starts_with(prefix) && key.as_str() > after);
        let entry = |key: &String| match key[prefix.len()..].find(delimiter) {
            Some(found) if !delimiter.is_empty() => {
                format!("{}*", &key[..prefix.len() + found + delimiter.len()])
            }
            _ => key.clone(),
        };
        matching
            .map(entry)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    proptest! {
        #[test]
        fn pages_of_any_size_match_the_definition(
            keys in prop::collection::btree_set("[ab/é\u{10ffff}]{1,6}", 0..40),
            prefix in "[ab/é]{0,3}",
            delimiter in "(/|b|//|a/)?",
            after in "[ab/é]{0,4}",
            max_keys in 1_u32..8,
        ) {
            let mut request = ListRequest::new(S3Prefix::from_parts("b", &prefix).unwrap())
                .with_delimiter(delimiter.as_str())
                .with_start_after(after.as_str())
                .with_max_keys(max_keys);
            let expected = expected(&keys, &prefix, &delimiter, &after);
            let objects = stored(&keys);
            prop_assert_eq!(&listed(&objects, request.clone()), &expected);
            request.max_keys = None;
            prop_assert_eq!(&listed(&objects, request), &expected);
        }
    }
}

//! Listing keys: a walk that seeks, so that its cost grows with the entries returned, not with keys skipped.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use s3_url::S3Prefix;

use super::object::Object;
use super::refusal::refuse;
use super::token::Token;
use crate::{Limits, ListPage, ListRequest, Operation, Result};

/// Returns one page of the listing.
pub(super) fn page(
    objects: &BTreeMap<Arc<str>, Object>,
    request: &ListRequest,
    limits: &Limits,
) -> Result<ListPage> {
    let most = limits.page_size(request.max_keys);
    let mut page = ListPage::default();
    let mut walk = Walk {
        objects,
        position: start(request)?,
    };
    let mut last = None;
    if most == 0 {
        return Ok(page);
    }
    while let Some((key, object)) = walk.peek(request.prefix.prefix()) {
        if page.objects.len() + page.prefixes.len() == most {
            page.next = last.as_ref().map(|token: &Token| token.encode().into());
            break;
        }
        let token = match rolled_up(key, request) {
            Some(common) => {
                page.prefixes.push(prefix_of(request, common)?);
                Token::Prefix(common.to_owned())
            }
            None => {
                page.objects.push(object.listed());
                Token::Object(String::from(&**key))
            }
        };
        walk.position = behind(&token);
        last = Some(token);
    }
    Ok(page)
}

/// A cursor over the objects; `None` is behind the last.
struct Walk<'a> {
    objects: &'a BTreeMap<Arc<str>, Object>,
    position: Option<Bound<String>>,
}

impl<'a> Walk<'a> {
    /// Returns the first object at the position, if its key still begins with `prefix`.
    fn peek(&self, prefix: &str) -> Option<(&'a Arc<str>, &'a Object)> {
        let from = self.position.as_ref()?.as_ref().map(String::as_str);
        let (key, object) = self
            .objects
            .range::<str, _>((from, Bound::Unbounded))
            .next()?;
        key.starts_with(prefix).then_some((key, object))
    }
}

/// Returns where a page begins: behind what its request names, and not before the prefix.
fn start(request: &ListRequest) -> Result<Option<Bound<String>>> {
    let prefix = request.prefix.prefix();
    let from = match (&request.continuation, &request.start_after) {
        (Some(text), _) => {
            let token = Token::decode(text).ok_or_else(|| {
                refuse(
                    Operation::List,
                    400,
                    "InvalidArgument",
                    request.prefix.as_str(),
                )
                .with_message("the continuation token is not one of this store")
            })?;
            behind(&token)
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

/// Returns the position behind an entry, or `None` if no key can be there.
fn behind(entry: &Token) -> Option<Bound<String>> {
    match entry {
        Token::Object(key) => Some(Bound::Excluded(key.clone())),
        Token::Prefix(prefix) => successor(prefix).map(Bound::Included),
    }
}

/// Returns the least text behind all that begin with `prefix`, if there is any.
///
/// UTF-8 sorts as the characters do, so it is the prefix with its last character replaced by the next one.
fn successor(prefix: &str) -> Option<String> {
    let mut characters = prefix.chars();
    loop {
        let last = characters.next_back()?;
        if let Some(next) = (last..=char::MAX).nth(1) {
            return Some(format!("{}{next}", characters.as_str()));
        }
    }
}

/// Returns the part of `key` that it shares with its neighbours up to the first delimiter behind the prefix.
fn rolled_up<'key>(key: &'key str, request: &ListRequest) -> Option<&'key str> {
    let delimiter = request
        .delimiter
        .as_deref()
        .filter(|delimiter| !delimiter.is_empty())?;
    let prefix_length = request.prefix.prefix().len();
    let found = key[prefix_length..].find(delimiter)?;
    Some(&key[..prefix_length + found + delimiter.len()])
}

fn prefix_of(request: &ListRequest, common: &str) -> Result<S3Prefix> {
    S3Prefix::from_parts(request.prefix.bucket(), common).map_err(|cause| {
        refuse(
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
    fn the_successor_is_behind_every_text_with_the_prefix() {
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

    /// What a listing to the end gives, in order: keys and, ending in `*`, prefixes.
    fn walked(objects: &BTreeMap<Arc<str>, Object>, mut request: ListRequest) -> Vec<String> {
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

    /// The same by the definition: filter, roll up, sort, without duplicates.
    fn defined(keys: &BTreeSet<String>, prefix: &str, delimiter: &str, after: &str) -> Vec<String> {
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
        fn pages_of_any_size_show_what_the_definition_says(
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
            let expected = defined(&keys, &prefix, &delimiter, &after);
            let objects = stored(&keys);
            prop_assert_eq!(&walked(&objects, request.clone()), &expected);
            request.max_keys = None;
            prop_assert_eq!(&walked(&objects, request), &expected);
        }
    }
}

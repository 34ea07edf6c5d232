//! Object versions of the in-memory store: stores, finds, deletes and lists versions and delete markers.
//!
//! The newest version of a key is in [`Bucket::objects`] unless it is a delete marker, so reads and listings of a
//! bucket without versioning do not use `history`. `history` has the other versions, the newest last; a key that is
//! only in `history` has a delete marker as its newest version.

use std::ops::Bound;
use std::sync::Arc;
use std::time::SystemTime;

use s3_url::{S3Prefix, S3Url};

use super::bucket::Bucket;
use super::error_response::error_response;
use super::etag::{hex, md5_of};
use super::list::{rolled_up, successor};
use super::object::Object;
use crate::{
    DeletedVersion, Error, Limits, ListVersions, ListedObject, ListedVersion, Operation, Result,
    VersionId, Versioning, VersionsPage,
};

/// The id of an object that was written while versioning was not enabled.
const NULL: &str = "null";

/// A version that is not the newest one, or a delete marker. The version `null` is stored without an id.
#[derive(Debug)]
pub(super) enum OldVersion {
    Object(Box<Object>),
    DeleteMarker {
        version: Option<VersionId>,
        last_modified: SystemTime,
    },
}

impl OldVersion {
    fn id(&self) -> Option<&VersionId> {
        match self {
            Self::Object(object) => object.version.as_ref(),
            Self::DeleteMarker { version, .. } => version.as_ref(),
        }
    }

    fn is_marker(&self) -> bool {
        matches!(self, Self::DeleteMarker { .. })
    }

    fn listed(&self, url: &S3Url, is_latest: bool) -> ListedVersion {
        let object = match self {
            Self::Object(object) => object.listed(),
            Self::DeleteMarker { last_modified, .. } => {
                ListedObject::new(url.clone(), 0).with_last_modified(*last_modified)
            }
        };
        ListedVersion {
            object,
            version: shown(self.id()),
            is_latest,
            is_delete_marker: self.is_marker(),
        }
    }
}

/// Returns the id as S3 shows it: `null` for a version without an id.
pub(super) fn shown(version: Option<&VersionId>) -> VersionId {
    version.cloned().unwrap_or_else(|| VersionId::new(NULL))
}

/// Returns the id as it is stored: `None` for `null`.
fn stored(version: &VersionId) -> Option<&VersionId> {
    Some(version).filter(|version| version.as_str() != NULL)
}

impl Bucket {
    /// Stores an object as the newest version, and returns its id while versioning is enabled.
    pub(super) fn insert(&mut self, mut object: Object) -> Option<VersionId> {
        let key: Arc<str> = object.url.key().into();
        object.version = None;
        let Some(versioning) = self.versioning else {
            self.objects.insert(key, object);
            return None;
        };
        match versioning {
            Versioning::Enabled => object.version = Some(self.next_version(&key)),
            Versioning::Suspended => self.remove_old_null(&key),
        }
        let written = object.version.clone();
        let is_null = object.version.is_none();
        if let Some(previous) = self.objects.insert(Arc::clone(&key), object) {
            self.keep(key, previous, is_null);
        }
        written
    }

    /// Deletes the newest version, or creates a delete marker in a bucket with versioning.
    pub(super) fn delete_newest(&mut self, key: &str, now: SystemTime) -> Option<DeletedVersion> {
        let previous = self.objects.remove(key);
        let version = match self.versioning? {
            Versioning::Enabled => Some(self.next_version(key)),
            Versioning::Suspended => {
                self.remove_old_null(key);
                None
            }
        };
        let key: Arc<str> = key.into();
        if let Some(previous) = previous {
            self.keep(Arc::clone(&key), previous, version.is_none());
        }
        let deleted = DeletedVersion::new(shown(version.as_ref()), true);
        let marker = OldVersion::DeleteMarker {
            version,
            last_modified: now,
        };
        self.history.entry(key).or_default().push(marker);
        Some(deleted)
    }

    /// Deletes one version permanently. A missing one counts as deleted.
    pub(super) fn delete_version(&mut self, key: &str, version: &VersionId) -> DeletedVersion {
        let id = stored(version);
        let mut was_marker = false;
        let is_newest = |object: &Object| object.version.as_ref() == id;
        if self.objects.get(key).is_some_and(is_newest) {
            self.objects.remove(key);
        } else if let Some(history) = self.history.get_mut(key)
            && let Some(place) = history.iter().position(|old| old.id() == id)
        {
            was_marker = history.remove(place).is_marker();
        }
        if !self.objects.contains_key(key)
            && let Some(history) = self.history.get_mut(key)
            && history.last().is_some_and(|newest| !newest.is_marker())
            && let Some(OldVersion::Object(newest)) = history.pop()
        {
            self.objects.insert(key.into(), *newest);
        }
        if self.history.get(key).is_some_and(Vec::is_empty) {
            self.history.remove(key);
        }
        DeletedVersion::new(version.clone(), was_marker)
    }

    /// Returns a version of an object; without an id, the newest one.
    pub(super) fn version(
        &self,
        url: &S3Url,
        version: Option<&VersionId>,
        operation: Operation,
    ) -> Result<&Object> {
        let newest = self.objects.get(url.key());
        let Some(version) = version else {
            return newest.ok_or_else(|| self.no_such_key(url, operation));
        };
        let id = stored(version);
        if let Some(newest) = newest.filter(|newest| newest.version.as_ref() == id) {
            return Ok(newest);
        }
        let history = self.history.get(url.key()).into_iter().flatten();
        match { history }.find(|old| old.id() == id) {
            Some(OldVersion::Object(object)) => Ok(object),
            Some(OldVersion::DeleteMarker { .. }) => {
                let error = error_response(operation, 405, "MethodNotAllowed", url.as_str());
                Err(error.with_delete_marker(version.as_str()))
            }
            None => Err(error_response(
                operation,
                404,
                "NoSuchVersion",
                url.as_str(),
            )),
        }
    }

    /// Returns a version of an object as a mutable reference, to change its tags.
    pub(super) fn version_mut(
        &mut self,
        url: &S3Url,
        version: Option<&VersionId>,
        operation: Operation,
    ) -> Result<&mut Object> {
        let id = self.version(url, version, operation)?.version.clone();
        let is_wanted = |object: &Object| object.version == id;
        if self.objects.get(url.key()).is_some_and(is_wanted) {
            return Ok(self.objects.get_mut(url.key()).expect("it is there"));
        }
        let history = self.history.get_mut(url.key()).into_iter().flatten();
        let found = { history }.find_map(|old| match old {
            OldVersion::Object(object) if object.version == id => Some(&mut **object),
            _ => None,
        });
        Ok(found.expect("it was found"))
    }

    fn no_such_key(&self, url: &S3Url, operation: Operation) -> Error {
        let error = error_response(operation, 404, "NoSuchKey", url.as_str());
        match self.history.get(url.key()).and_then(|old| old.last()) {
            Some(marker) => error
                .with_message("the newest version is a delete marker")
                .with_delete_marker(shown(marker.id()).as_str()),
            None => error,
        }
    }

    /// Moves a replaced version to `history`. The version `null` is dropped if it was replaced by a version `null`.
    fn keep(&mut self, key: Arc<str>, previous: Object, by_null: bool) {
        if !(by_null && previous.version.is_none()) {
            let history = self.history.entry(key).or_default();
            history.push(OldVersion::Object(Box::new(previous)));
        }
    }

    fn remove_old_null(&mut self, key: &str) {
        if let Some(history) = self.history.get_mut(key) {
            history.retain(|old| old.id().is_some());
            if history.is_empty() {
                self.history.remove(key);
            }
        }
    }

    /// Returns an id that no other version of the bucket has.
    fn next_version(&mut self, key: &str) -> VersionId {
        self.versions_created += 1;
        let salt = format!("{} {:?} {key}", self.versions_created, self.created);
        VersionId::new(&hex(&md5_of(&[salt.into()])))
    }

    /// Returns one page of versions and delete markers.
    pub(super) fn list_versions(
        &self,
        request: &ListVersions,
        limits: &Limits,
    ) -> Result<VersionsPage> {
        let prefix = request.prefix.prefix();
        let most = limits.page_size(request.max_keys);
        let mut page = VersionsPage::default();
        let (mut from, mut listed) = self.first_version(request);
        while let Some(key) = from.as_ref().and_then(|from| self.first_key(from)) {
            if !key.starts_with(prefix) || most == 0 {
                break;
            }
            if let Some(common) = rolled_up(key, prefix, request.delimiter.as_deref()) {
                if page.versions.len() + page.prefixes.len() == most {
                    page.next = Some(last_entry(&page));
                    break;
                }
                let common_prefix = S3Prefix::from_parts(request.prefix.bucket(), common);
                page.prefixes.push(common_prefix.map_err(|cause| {
                    let place = request.prefix.as_str();
                    error_response(Operation::ListVersions, 500, "InternalError", place)
                        .with_source(cause)
                })?);
                from = successor(common).map(Bound::Included);
                continue;
            }
            for version in self.versions_of(key).skip(std::mem::take(&mut listed)) {
                if page.versions.len() + page.prefixes.len() == most {
                    page.next = Some(last_entry(&page));
                    return Ok(page);
                }
                page.versions.push(version);
            }
            from = Some(Bound::Excluded(key.to_string()));
        }
        Ok(page)
    }

    /// Returns the key that a page starts at, and how many of its versions were listed before.
    fn first_version(&self, request: &ListVersions) -> (Option<Bound<String>>, usize) {
        let prefix = request.prefix.prefix();
        let (from, listed) = match &request.after {
            None => (Some(Bound::Included(prefix.to_owned())), 0),
            Some((key, None)) => match rolled_up(key, prefix, request.delimiter.as_deref()) {
                // The marker is a common prefix: the page starts after all keys below it.
                Some(common) if *common == **key => (successor(key).map(Bound::Included), 0),
                _ => (Some(Bound::Excluded(key.to_string())), 0),
            },
            Some((key, Some(version))) => {
                let place = self
                    .versions_of(key)
                    .position(|old| old.version == *version);
                match place {
                    Some(place) => (Some(Bound::Included(key.to_string())), place + 1),
                    None => (Some(Bound::Excluded(key.to_string())), 0),
                }
            }
        };
        match from {
            Some(Bound::Included(key) | Bound::Excluded(key)) if *key < *prefix => {
                (Some(Bound::Included(prefix.to_owned())), 0)
            }
            from => (from, listed),
        }
    }

    fn first_key(&self, from: &Bound<String>) -> Option<&Arc<str>> {
        let from = (from.as_ref().map(String::as_str), Bound::Unbounded);
        let current = self.objects.range::<str, _>(from).next();
        let old = self.history.range::<str, _>(from).next();
        match (current, old) {
            (Some((current, _)), Some((old, _))) => Some(current.min(old)),
            (current, old) => current.map(|(key, _)| key).or(old.map(|(key, _)| key)),
        }
    }

    /// Returns the versions of a key, the newest first.
    fn versions_of<'a>(&'a self, key: &'a str) -> impl Iterator<Item = ListedVersion> + 'a {
        let newest = self.objects.get(key);
        let listed = newest
            .map(|object| ListedVersion::new(object.listed(), shown(object.version.as_ref())));
        let has_newest = newest.is_some();
        let url = newest.map(|object| object.url.clone());
        let url = url.or_else(|| S3Url::from_parts(&self.name, key).ok());
        let old = self.history.get(key).into_iter().flatten().rev();
        let old = old.enumerate().filter_map(move |(place, old)| {
            Some(old.listed(url.as_ref()?, place == 0 && !has_newest))
        });
        listed.into_iter().chain(old)
    }
}

/// Returns key and version of the last entry of a full page. Versions and prefixes are each in the order of their keys.
fn last_entry(page: &VersionsPage) -> (Arc<str>, Option<VersionId>) {
    let version = page.versions.last();
    let prefix = page.prefixes.last().map(S3Prefix::prefix);
    match (version, prefix) {
        (Some(version), prefix)
            if prefix.is_none_or(|prefix| prefix < version.object.url.key()) =>
        {
            (
                version.object.url.key().into(),
                Some(version.version.clone()),
            )
        }
        (_, prefix) => (prefix.unwrap_or_default().into(), None),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::{
        DeleteRequest, ErrorKind, GetRequest, MemoryStore, SetVersioning, Store, StoreExt,
    };

    fn url(key: &str) -> S3Url {
        S3Url::from_parts("b", key).unwrap()
    }

    fn now<T>(future: impl Future<Output = T>) -> T {
        future.now_or_never().unwrap()
    }

    fn store(state: Versioning) -> MemoryStore {
        let store = MemoryStore::with_buckets(["b"]);
        set(&store, state);
        store
    }

    fn set(store: &MemoryStore, state: Versioning) {
        now(store.set_versioning(SetVersioning::new("b", state))).unwrap();
    }

    fn put(store: &MemoryStore, key: &str, text: &'static str) -> VersionId {
        let written = now(store.put_bytes(url(key), text)).unwrap();
        shown(written.version.as_ref())
    }

    fn delete(store: &MemoryStore, key: &str, version: Option<&VersionId>) -> DeletedVersion {
        let request = DeleteRequest::new("b", vec![url(key)]);
        let request = request.with_versions(vec![version.cloned()]);
        let mut deleted = now(store.delete(request)).unwrap().versions;
        assert_eq!(deleted.len(), 1);
        deleted.remove(0).1
    }

    fn read(store: &MemoryStore, key: &str, version: Option<&VersionId>) -> Result<String> {
        let mut request = GetRequest::new(url(key));
        request.version = version.cloned();
        let body = now(now(store.get(request))?.body.collect())?;
        Ok(String::from_utf8(body.to_vec()).unwrap())
    }

    /// Returns the entries as `key=version`, with a star for the newest version and a dash for a delete marker, and the
    /// prefixes.
    fn listed(store: &MemoryStore, most: u32, delimiter: &str) -> Vec<String> {
        let mut request = ListVersions::new(S3Prefix::parse("s3://b/").unwrap());
        request = request.with_max_keys(most).with_delimiter(delimiter);
        let mut all = Vec::new();
        loop {
            let page = now(store.list_versions(request.clone())).unwrap();
            assert!(page.versions.len() + page.prefixes.len() <= most as usize);
            all.extend(page.versions.iter().map(|listed| {
                let star = if listed.is_latest { "*" } else { "" };
                let dash = if listed.is_delete_marker { "-" } else { "" };
                let key = listed.object.url.key();
                format!("{key}={}{star}{dash}", listed.version)
            }));
            all.extend(
                page.prefixes
                    .iter()
                    .map(|prefix| prefix.prefix().to_owned()),
            );
            match page.next {
                Some(next) => request.after = Some(next),
                None => return all,
            }
        }
    }

    #[test]
    fn every_version_can_be_read_and_the_newest_is_read_without_an_id() {
        let store = store(Versioning::Enabled);
        let [first, second] = ["1", "2"].map(|text| put(&store, "k", text));
        assert_ne!(first, second);
        assert_eq!(read(&store, "k", None).unwrap(), "2");
        assert_eq!(read(&store, "k", Some(&first)).unwrap(), "1");
        let missing = read(&store, "k", Some(&VersionId::new("other"))).unwrap_err();
        assert_eq!(missing.code(), Some("NoSuchVersion"));
    }

    #[test]
    fn a_delete_marker_hides_an_object_until_it_is_deleted() {
        let store = store(Versioning::Enabled);
        let first = put(&store, "k", "1");
        let marker = delete(&store, "k", None);
        assert!(marker.is_delete_marker);
        let hidden = read(&store, "k", None).unwrap_err();
        assert_eq!(
            (hidden.kind(), hidden.delete_marker()),
            (ErrorKind::NotFound, Some(marker.version.as_str()))
        );
        let named = read(&store, "k", Some(&marker.version)).unwrap_err();
        assert_eq!(
            (named.http_status(), named.delete_marker()),
            (Some(405), Some(marker.version.as_str()))
        );
        assert_eq!(read(&store, "k", Some(&first)).unwrap(), "1");
        assert_eq!(store.object_count(), 0);
        assert!(delete(&store, "k", Some(&marker.version)).is_delete_marker);
        assert_eq!(read(&store, "k", None).unwrap(), "1");
    }

    #[test]
    fn deleting_the_newest_version_uncovers_the_one_before() {
        let store = store(Versioning::Enabled);
        let versions = ["1", "2", "3"].map(|text| put(&store, "k", text));
        for (version, left) in [(2, Some("2")), (0, Some("2")), (1, None)] {
            let deleted = delete(&store, "k", Some(&versions[version]));
            assert!(!deleted.is_delete_marker);
            assert_eq!(read(&store, "k", None).ok().as_deref(), left);
        }
        assert_eq!(listed(&store, 10, ""), Vec::<String>::new());
    }

    #[test]
    fn writes_of_a_suspended_bucket_replace_the_version_null_only() {
        let store = store(Versioning::Enabled);
        let kept = put(&store, "k", "1");
        set(&store, Versioning::Suspended);
        for text in ["2", "3"] {
            assert_eq!(put(&store, "k", text).as_str(), "null");
        }
        assert_eq!(
            listed(&store, 9, ""),
            ["k=null*".to_owned(), format!("k={kept}")]
        );
        assert_eq!(delete(&store, "k", None).version.as_str(), "null");
        assert_eq!(
            listed(&store, 9, ""),
            ["k=null*-".to_owned(), format!("k={kept}")]
        );
        assert_eq!(put(&store, "k", "4").as_str(), "null");
        assert_eq!(
            listed(&store, 9, ""),
            ["k=null*".to_owned(), format!("k={kept}")]
        );
        set(&store, Versioning::Enabled);
        let newest = put(&store, "k", "5");
        let null = VersionId::new("null");
        assert_eq!(read(&store, "k", Some(&null)).unwrap(), "4");
        assert_eq!(
            listed(&store, 9, ""),
            [
                format!("k={newest}*"),
                "k=null".to_owned(),
                format!("k={kept}")
            ]
        );
    }

    #[test]
    fn pages_of_any_size_list_the_same_versions() {
        let store = store(Versioning::Enabled);
        for key in ["a", "b/1", "b/2", "c", "c"] {
            put(&store, key, "x");
        }
        delete(&store, "a", None);
        let whole = listed(&store, 1000, "");
        assert_eq!(whole.len(), 6);
        for most in 1..6 {
            assert_eq!(listed(&store, most, ""), whole);
            let mut rolled_up = listed(&store, most, "/");
            rolled_up.sort();
            let mut expected = listed(&store, 1000, "/");
            expected.sort();
            assert_eq!(rolled_up, expected, "{most} a page");
        }
        assert_eq!(listed(&store, 1000, "/").len(), 5);
    }

    #[test]
    fn a_bucket_with_versions_is_not_empty() {
        let store = store(Versioning::Enabled);
        let first = put(&store, "k", "1");
        let marker = delete(&store, "k", None);
        let bucket = || crate::BucketRequest::new("b");
        let error = now(store.delete_bucket(bucket())).unwrap_err();
        assert_eq!(error.code(), Some("BucketNotEmpty"));
        for version in [&first, &marker.version] {
            delete(&store, "k", Some(version));
        }
        now(store.delete_bucket(bucket())).unwrap();
    }
}

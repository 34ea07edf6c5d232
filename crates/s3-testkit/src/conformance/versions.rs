//! Conformance cases of bucket versioning, delete markers and ListObjectVersions. Each case has its own bucket.

use s3_core::{
    BucketRequest, CompleteUpload, CopyRequest, CreateUpload, DeleteRequest, DeletedVersion,
    ErrorKind, GetRequest, HeadRequest, ListVersions, ListedVersion, PutMode, PutRequest, S3Url,
    SetVersioning, Store, StoreExt, UploadPart, UploadPartCopy, VersionId, Versioning,
};

use super::assertions::{fails, succeeds};
use super::harness::prefix_in;
use super::verdict::require;
use super::{Harness, Verdict};

/// A bucket with versioning.
struct Versioned<'h> {
    harness: &'h Harness,
    bucket: String,
}

impl<'h> Versioned<'h> {
    async fn new(harness: &'h Harness, suffix: &str) -> Self {
        let bucket = format!("{}-v{suffix}", harness.bucket);
        let create = BucketRequest::new(bucket.as_str());
        succeeds(harness.store.create_bucket(create).await);
        let versioned = Self { harness, bucket };
        versioned.set(Versioning::Enabled).await;
        versioned
    }

    async fn set(&self, state: Versioning) {
        let set = SetVersioning::new(self.bucket.as_str(), state);
        succeeds(self.harness.store.set_versioning(set).await);
    }

    fn url(&self, key: &str) -> S3Url {
        S3Url::from_parts(&self.bucket, key).expect("a valid key")
    }

    async fn put(&self, key: &str, text: &'static str) -> VersionId {
        let written = succeeds(self.harness.store.put_bytes(self.url(key), text).await);
        written.version.expect("the response names the version")
    }

    async fn read(&self, key: &str, version: &VersionId) -> String {
        let request = GetRequest::new(self.url(key)).with_version(version.clone());
        let response = succeeds(self.harness.store.get(request).await);
        assert_eq!(response.meta.version.as_ref(), Some(version));
        let body = succeeds(response.body.collect().await);
        String::from_utf8_lossy(&body).into_owned()
    }

    async fn newest(&self, key: &str) -> Option<String> {
        match self.harness.store.get_bytes(self.url(key)).await {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => panic!("failed to {error}"),
        }
    }

    async fn delete(&self, key: &str, version: Option<&VersionId>) -> DeletedVersion {
        let request = DeleteRequest::new(self.bucket.as_str(), vec![self.url(key)])
            .with_versions(vec![version.cloned()]);
        let mut response = succeeds(self.harness.store.delete(request).await);
        assert!(response.failures.is_empty(), "{:?}", response.failures);
        response.versions.remove(0).1
    }

    async fn list(&self, change: impl Fn(&mut ListVersions)) -> Vec<ListedVersion> {
        let mut request = ListVersions::new(prefix_in(&self.bucket, ""));
        change(&mut request);
        let mut all = Vec::new();
        loop {
            let page = succeeds(self.harness.store.list_versions(request.clone()).await);
            all.extend(page.versions);
            match page.next {
                Some(next) => request.after = Some(next),
                None => return all,
            }
        }
    }

    /// Deletes all versions and the bucket.
    async fn end(self) -> Verdict {
        let versions = self.list(|_| ()).await;
        let urls = versions.iter().map(|listed| listed.object.url.clone());
        let ids = versions.iter().map(|listed| Some(listed.version.clone()));
        let delete = DeleteRequest::new(self.bucket.as_str(), urls.collect());
        let delete = delete.with_versions(ids.collect());
        let response = succeeds(self.harness.store.delete(delete).await);
        assert!(response.failures.is_empty(), "{:?}", response.failures);
        let bucket = BucketRequest::new(self.bucket.as_str());
        succeeds(self.harness.store.delete_bucket(bucket).await);
        Verdict::Ran
    }
}

/// Versioning of a new bucket is off; enabled and suspended are reported as such.
pub async fn a_bucket_keeps_versions_when_told_to(harness: &Harness) -> Verdict {
    require!(harness, versions);
    let state = async |bucket: &str| {
        let request = BucketRequest::new(bucket);
        succeeds(harness.store.versioning(request).await)
    };
    assert_eq!(state(&harness.bucket).await, None);
    let bucket = Versioned::new(harness, "1").await;
    assert_eq!(state(&bucket.bucket).await, Some(Versioning::Enabled));
    bucket.set(Versioning::Suspended).await;
    assert_eq!(state(&bucket.bucket).await, Some(Versioning::Suspended));
    bucket.end().await
}

/// Every version can be read by its ID, the newest one also without an ID.
pub async fn a_version_is_read_by_its_id(harness: &Harness) -> Verdict {
    require!(harness, versions);
    let bucket = Versioned::new(harness, "2").await;
    let first = bucket.put("k", "first").await;
    let second = bucket.put("k", "the second").await;
    assert_ne!(first, second);
    assert_eq!(bucket.newest("k").await.as_deref(), Some("the second"));
    assert_eq!(bucket.read("k", &first).await, "first");
    let head = HeadRequest::new(bucket.url("k")).with_version(first.clone());
    let meta = succeeds(harness.store.head(head).await);
    assert_eq!((meta.size, meta.version), (5, Some(first)));
    bucket.end().await
}

/// A version that does not exist is not found.
pub async fn a_missing_version_is_not_found(harness: &Harness) -> Verdict {
    require!(harness, versions);
    let bucket = Versioned::new(harness, "3").await;
    let first = bucket.put("k", "first").await;
    bucket.put("k", "second").await;
    bucket.delete("k", Some(&first)).await;
    let get = GetRequest::new(bucket.url("k")).with_version(first);
    fails(harness.store.get(get).await, ErrorKind::NotFound);
    bucket.end().await
}

/// A delete adds a delete marker that hides the object. Deleting the marker restores it.
pub async fn a_delete_marker_hides_the_object(harness: &Harness) -> Verdict {
    require!(harness, versions);
    let bucket = Versioned::new(harness, "4").await;
    let first = bucket.put("k", "first").await;
    let marker = bucket.delete("k", None).await;
    assert!(marker.is_delete_marker);
    assert_eq!(bucket.newest("k").await, None);
    let read = harness.store.get(GetRequest::new(bucket.url("k"))).await;
    let error = read.expect_err("it is hidden");
    assert_eq!(error.delete_marker(), Some(marker.version.as_str()));
    assert_eq!(bucket.read("k", &first).await, "first");
    assert!(
        bucket
            .delete("k", Some(&marker.version))
            .await
            .is_delete_marker
    );
    assert_eq!(bucket.newest("k").await.as_deref(), Some("first"));
    bucket.end().await
}

/// A delete marker cannot be read, and the error names it.
pub async fn a_delete_marker_cannot_be_read(harness: &Harness) -> Verdict {
    require!(harness, versions);
    let bucket = Versioned::new(harness, "5").await;
    bucket.put("k", "first").await;
    let marker = bucket.delete("k", None).await.version;
    let get = GetRequest::new(bucket.url("k")).with_version(marker.clone());
    let head = HeadRequest::new(bucket.url("k")).with_version(marker.clone());
    for outcome in [
        harness.store.get(get).await.map(drop),
        harness.store.head(head).await.map(drop),
    ] {
        let error = outcome.expect_err("a delete marker is not an object");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert_eq!(error.delete_marker(), Some(marker.as_str()), "{error}");
    }
    bucket.end().await
}

/// Deleting the newest version makes the previous one the newest.
pub async fn a_deleted_version_uncovers_the_one_before(harness: &Harness) -> Verdict {
    require!(harness, versions);
    let bucket = Versioned::new(harness, "6").await;
    let first = bucket.put("k", "first").await;
    let second = bucket.put("k", "second").await;
    let deleted = bucket.delete("k", Some(&second)).await;
    assert_eq!((deleted.version, deleted.is_delete_marker), (second, false));
    assert_eq!(bucket.newest("k").await.as_deref(), Some("first"));
    assert!(!bucket.delete("k", Some(&first)).await.is_delete_marker);
    assert_eq!(bucket.newest("k").await, None);
    bucket.end().await
}

/// While versioning is suspended, writes replace the version `null` only.
pub async fn a_suspended_bucket_replaces_the_version_null(harness: &Harness) -> Verdict {
    require!(harness, versions);
    let bucket = Versioned::new(harness, "7").await;
    let kept = bucket.put("k", "kept").await;
    bucket.set(Versioning::Suspended).await;
    for text in ["a", "b"] {
        succeeds(harness.store.put_bytes(bucket.url("k"), text).await);
    }
    assert_eq!(bucket.newest("k").await.as_deref(), Some("b"));
    assert_eq!(bucket.read("k", &kept).await, "kept");
    let listed = bucket.list(|_| ()).await;
    let ids: Vec<_> = listed
        .iter()
        .map(|listed| listed.version.as_str())
        .collect();
    assert_eq!(ids, ["null", kept.as_str()]);
    let deleted = bucket.delete("k", None).await;
    assert!(deleted.is_delete_marker && deleted.version.as_str() == "null");
    assert_eq!(bucket.list(|_| ()).await.len(), 2);
    bucket.end().await
}

/// Versions and delete markers are listed, in pages of any size.
pub async fn versions_are_listed_in_pages(harness: &Harness) -> Verdict {
    require!(harness, versions);
    let bucket = Versioned::new(harness, "8").await;
    let mut expected = Vec::new();
    for key in ["a", "d/1", "d/2"] {
        let first = bucket.put(key, "1").await;
        let second = bucket.put(key, "22").await;
        expected.push((key, second, key == "a"));
        expected.push((key, first, false));
    }
    let marker = bucket.delete("a", None).await.version;
    for most in [1, 2, 3, 1000] {
        let listed = bucket.list(|request| request.max_keys = Some(most)).await;
        assert_eq!(listed.len(), 7, "{most} in a page");
        for (key, version, _) in &expected {
            assert!(
                listed
                    .iter()
                    .any(|entry| { entry.object.url.key() == *key && entry.version == *version }),
                "{key} {version}: {most} in a page"
            );
        }
        let newest = listed.iter().filter(|entry| entry.is_latest);
        let newest: Vec<_> = newest.map(|entry| entry.object.url.key()).collect();
        assert_eq!(newest, ["a", "d/1", "d/2"]);
        let markers: Vec<_> = listed
            .iter()
            .filter(|entry| entry.is_delete_marker)
            .collect();
        assert_eq!(markers.len(), 1);
        assert_eq!(markers[0].version, marker);
    }
    let below = bucket
        .list(|request| request.prefix = prefix_in(&bucket.bucket, "d/"))
        .await;
    assert_eq!(below.len(), 4);
    let mut rolled_up = ListVersions::new(prefix_in(&bucket.bucket, ""));
    rolled_up.delimiter = Some("/".into());
    let page = succeeds(harness.store.list_versions(rolled_up).await);
    assert_eq!((page.versions.len(), page.prefixes.len()), (3, 1));
    assert_eq!(page.prefixes[0].prefix(), "d/");
    bucket.end().await
}

/// An old version can be copied, also into a part.
pub async fn an_old_version_can_be_copied(harness: &Harness) -> Verdict {
    require!(harness, versions);
    let bucket = Versioned::new(harness, "9").await;
    let old = bucket.put("k", "old").await;
    bucket.put("k", "new").await;
    let copy = CopyRequest::new(bucket.url("k"), bucket.url("k")).with_source_version(old.clone());
    let copied = succeeds(harness.store.copy(copy).await);
    let version = copied.version.expect("the response names the version");
    assert_ne!(version, old);
    assert_eq!(bucket.newest("k").await.as_deref(), Some("old"));
    bucket.put("k", "new").await;

    let (url, attributes) = (bucket.url("parts"), Default::default());
    let create = CreateUpload::new(url.clone(), attributes);
    let upload = succeeds(harness.store.create_upload(create).await);
    let part = UploadPartCopy::new(url.clone(), upload.clone(), 1, bucket.url("k"));
    let part = part.with_source_version(old);
    let tag = succeeds(harness.store.upload_part_copy(part).await);
    let complete = CompleteUpload::new(url, upload, vec![tag]);
    let completed = succeeds(harness.store.complete_upload(complete).await);
    assert!(completed.version.is_some());
    assert_eq!(bucket.newest("parts").await.as_deref(), Some("old"));
    bucket.end().await
}

/// An upload in parts creates a version.
pub async fn an_upload_creates_a_version(harness: &Harness) -> Verdict {
    require!(harness, versions);
    let bucket = Versioned::new(harness, "10").await;
    let old = bucket.put("k", "old").await;
    let url = bucket.url("k");
    let create = CreateUpload::new(url.clone(), Default::default());
    let upload = succeeds(harness.store.create_upload(create).await);
    let part = UploadPart::new(url.clone(), upload.clone(), 1, "new".into());
    let tag = succeeds(harness.store.upload_part(part).await);
    let complete = CompleteUpload::new(url, upload, vec![tag]);
    let completed = succeeds(harness.store.complete_upload(complete).await);
    let version = completed.version.expect("the response names the version");
    assert_eq!(bucket.read("k", &version).await, "new");
    assert_eq!(bucket.read("k", &old).await, "old");
    bucket.end().await
}

/// A PUT with `If-None-Match: *` succeeds if the newest version is a delete marker.
pub async fn a_write_if_absent_goes_over_a_delete_marker(harness: &Harness) -> Verdict {
    require!(harness, versions, put_if_absent);
    let bucket = Versioned::new(harness, "11").await;
    bucket.put("k", "first").await;
    let put = || {
        let request = PutRequest::new(bucket.url("k"), "second".into());
        harness.store.put(request.with_mode(PutMode::IfAbsent))
    };
    fails(put().await, ErrorKind::PreconditionFailed);
    bucket.delete("k", None).await;
    succeeds(put().await);
    assert_eq!(bucket.newest("k").await.as_deref(), Some("second"));
    bucket.end().await
}

/// A bucket that contains only old versions is not empty and cannot be deleted.
pub async fn a_bucket_with_old_versions_stays(harness: &Harness) -> Verdict {
    require!(harness, versions);
    let bucket = Versioned::new(harness, "12").await;
    bucket.put("k", "first").await;
    bucket.delete("k", None).await;
    let delete = BucketRequest::new(bucket.bucket.as_str());
    fails(
        harness.store.delete_bucket(delete).await,
        ErrorKind::InvalidInput,
    );
    bucket.end().await
}

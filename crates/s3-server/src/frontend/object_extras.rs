//! Stores properties of an object that a [`Store`](s3_core::Store) does not: part boundaries, checksums of multipart
//! objects, the MD5 of an SSE-C key, the ACL, and locks. In memory only.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use s3_core::{Checksum, ETag, ObjectMeta, S3Url, VersionId};
use s3s::dto::{ChecksumAlgorithm, ChecksumType, Grant, ServerSideEncryption, StorageClass};

use super::object_lock::ObjectLock;

/// The extras of one version of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ObjectExtras {
    pub(super) parts: Vec<PartExtent>,
    pub(super) checksum: Option<(Checksum, ChecksumType)>,
    pub(super) customer_key_md5: Option<String>,
    pub(super) acl: Option<Vec<Grant>>,
    pub(super) kms_key_id: Option<String>,
    pub(super) has_bucket_key: bool,
    pub(super) website_redirect: Option<String>,
    pub(super) lock: ObjectLock,
}

/// A part of a multipart object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PartExtent {
    pub(super) number: u32,
    pub(super) size: u64,
    pub(super) checksum: Option<Checksum>,
}

/// The extras of an unfinished upload.
#[derive(Clone, Debug, Default)]
pub(super) struct UploadExtras {
    pub(super) object: ObjectExtras,
    pub(super) encryption: Option<ServerSideEncryption>,
    /// The checksum type that the upload was created with.
    pub(super) checksum_type: Option<ChecksumType>,
    pub(super) checksum_algorithm: Option<ChecksumAlgorithm>,
    pub(super) storage_class: Option<StorageClass>,
    pub(super) parts: BTreeMap<u32, PartExtent>,
}

/// A completed upload. Its response is repeated if the same request is sent again.
#[derive(Clone, Debug)]
pub(super) struct CompletedUpload {
    pub(super) url: S3Url,
    pub(super) parts: Vec<(u32, ETag)>,
    pub(super) etag: Option<ETag>,
    pub(super) version: Option<VersionId>,
    pub(super) checksum: Option<(Checksum, Option<ChecksumType>)>,
    pub(super) encryption: Option<ServerSideEncryption>,
    pub(super) kms_key_id: Option<String>,
}

/// Maximum number of completed uploads that are remembered.
const MOST_COMPLETED: usize = 1000;

/// The extras of the versions of one object. Version `null` has the key `None`.
type Versions = HashMap<Option<VersionId>, (Option<ETag>, ObjectExtras)>;

/// Extras by object and version, and of uploads by upload ID.
///
/// They belong to one ETag. If an object was changed without the front end, its ETag differs and it has no extras.
#[derive(Debug, Default)]
pub(super) struct ExtrasTable {
    objects: Mutex<HashMap<S3Url, Versions>>,
    uploads: Mutex<HashMap<String, UploadExtras>>,
    completed: Mutex<VecDeque<(String, CompletedUpload)>>,
}

impl UploadExtras {
    /// Returns the storage class that the object will have.
    pub(super) fn class(&self) -> StorageClass {
        let class = self.storage_class.clone();
        class.unwrap_or_else(|| StorageClass::from_static(StorageClass::STANDARD))
    }

    /// Returns the algorithm that the upload was created with.
    pub(super) fn algorithm(&self) -> Option<s3_core::ChecksumAlgorithm> {
        let name = self.checksum_algorithm.as_ref()?.as_str();
        s3_core::ChecksumAlgorithm::of_name(&name.to_ascii_uppercase())
    }

    /// Returns the type of the checksum that the object will have.
    pub(super) fn shown_type(&self) -> Option<ChecksumType> {
        let algorithm = self.checksum_algorithm.as_ref()?;
        let usual = match algorithm.as_str().eq_ignore_ascii_case("CRC64NVME") {
            true => ChecksumType::FULL_OBJECT,
            false => ChecksumType::COMPOSITE,
        };
        let own = self.checksum_type.clone();
        Some(own.unwrap_or_else(|| ChecksumType::from_static(usual)))
    }
}

impl ExtrasTable {
    /// Returns the extras of the version that was read.
    pub(super) fn of(&self, meta: &ObjectMeta) -> ObjectExtras {
        let objects = lock(&self.objects);
        let found = objects
            .get(&meta.url)
            .and_then(|versions| versions.get(&id(meta.version.as_ref())));
        found
            .filter(|(of, _)| *of == meta.etag)
            .map(|(_, extras)| extras.clone())
            .unwrap_or_default()
    }

    /// Returns the algorithm and type of the checksum of a listed object, if they are stored here.
    pub(super) fn listed_checksum(
        &self,
        url: &S3Url,
        etag: Option<&ETag>,
    ) -> Option<(s3_core::ChecksumAlgorithm, ChecksumType)> {
        let objects = lock(&self.objects);
        let mut versions = objects.get(url)?.values();
        let (_, extras) = versions.find(|(of, _)| of.as_ref() == etag)?;
        let (checksum, kind) = extras.checksum.as_ref()?;
        Some((checksum.algorithm, kind.clone()))
    }

    /// Returns the locks of a version; without an ID, those of version `null`.
    pub(super) fn locks(&self, url: &S3Url, version: Option<&VersionId>) -> ObjectLock {
        let objects = lock(&self.objects);
        let versions = objects.get(url);
        let found = versions.and_then(|versions| versions.get(&id(version)));
        found
            .map(|(_, extras)| extras.lock.clone())
            .unwrap_or_default()
    }

    /// Replaces the extras of a version.
    pub(super) fn set(
        &self,
        url: &S3Url,
        version: Option<&VersionId>,
        etag: Option<ETag>,
        extras: ObjectExtras,
    ) {
        if extras == ObjectExtras::default() {
            return self.remove(url, version);
        }
        let mut objects = lock(&self.objects);
        let versions = objects.entry(url.clone()).or_default();
        versions.insert(id(version), (etag, extras));
    }

    /// Removes the extras of a deleted version.
    pub(super) fn remove(&self, url: &S3Url, version: Option<&VersionId>) {
        let mut objects = lock(&self.objects);
        if let Some(versions) = objects.get_mut(url) {
            versions.remove(&id(version));
            if versions.is_empty() {
                objects.remove(url);
            }
        }
    }

    /// Locks the uploads and returns them.
    pub(super) fn uploads(&self) -> MutexGuard<'_, HashMap<String, UploadExtras>> {
        lock(&self.uploads)
    }

    /// Returns the response of an earlier CompleteMultipartUpload of the upload.
    pub(super) fn completed(&self, upload: &str) -> Option<CompletedUpload> {
        let completed = lock(&self.completed);
        let mut found = completed.iter().filter(|(id, _)| id == upload);
        found.next().map(|(_, completed)| completed.clone())
    }

    /// Stores the response of a CompleteMultipartUpload.
    pub(super) fn remember(&self, upload: String, response: CompletedUpload) {
        let mut completed = lock(&self.completed);
        if completed.len() == MOST_COMPLETED {
            completed.pop_front();
        }
        completed.push_back((upload, response));
    }
}

fn id(version: Option<&VersionId>) -> Option<VersionId> {
    version
        .filter(|version| version.as_str() != "null")
        .cloned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_its_own_extras() {
        let table = ExtrasTable::default();
        let url = S3Url::parse("s3://b/k").unwrap();
        let [etag, other] = ["e", "o"].map(ETag::new);
        let version = VersionId::new("v1");
        let extras = |key: &str| ObjectExtras {
            kms_key_id: Some(key.to_owned()),
            ..ObjectExtras::default()
        };
        table.set(&url, None, Some(etag.clone()), extras("null"));
        table.set(&url, Some(&version), Some(etag.clone()), extras("v1"));
        let meta = |version: Option<&str>, etag: &ETag| {
            let mut meta = ObjectMeta::new(url.clone(), 1);
            meta.version = version.map(VersionId::new);
            meta.etag = Some(etag.clone());
            table.of(&meta).kms_key_id
        };
        assert_eq!(meta(None, &etag).as_deref(), Some("null"));
        assert_eq!(meta(Some("null"), &etag).as_deref(), Some("null"));
        assert_eq!(meta(Some("v1"), &etag).as_deref(), Some("v1"));
        assert_eq!(meta(Some("v1"), &other), None);
        table.remove(&url, Some(&version));
        assert_eq!(meta(Some("v1"), &etag), None);
        table.set(&url, None, Some(etag), ObjectExtras::default());
        assert!(lock(&table.objects).is_empty());
    }
}

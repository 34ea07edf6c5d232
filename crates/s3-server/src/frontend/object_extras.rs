//! What S3 keeps about an object beyond what a [`Store`](s3_core::Store) keeps: tags, part boundaries, checksums of
//! multipart objects, the digest of a customer's key, and the access list. In memory only.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use s3_core::{Checksum, ETag};
use s3s::dto::{ChecksumType, ServerSideEncryption, Tag};

/// The extras of one object.
#[derive(Clone, Debug, Default)]
pub(super) struct ObjectExtras {
    pub(super) tags: Vec<Tag>,
    pub(super) parts: Vec<PartExtent>,
    pub(super) checksum: Option<(Checksum, ChecksumType)>,
    pub(super) customer_key_md5: Option<String>,
    pub(super) acl: Option<String>,
    pub(super) kms_key_id: Option<String>,
}

impl ObjectExtras {
    fn is_empty(&self) -> bool {
        self.tags.is_empty()
            && self.parts.is_empty()
            && self.checksum.is_none()
            && self.customer_key_md5.is_none()
            && self.acl.is_none()
            && self.kms_key_id.is_none()
    }
}

/// A part of an object that was uploaded in parts.
#[derive(Clone, Debug)]
pub(super) struct PartExtent {
    pub(super) number: u32,
    pub(super) size: u64,
    pub(super) checksum: Option<Checksum>,
}

/// The extras of an upload that is not complete.
#[derive(Clone, Debug, Default)]
pub(super) struct UploadExtras {
    pub(super) object: ObjectExtras,
    pub(super) encryption: Option<ServerSideEncryption>,
    /// The type of the object's checksum, as the upload was created with.
    pub(super) checksum_type: Option<ChecksumType>,
    pub(super) parts: BTreeMap<u32, PartExtent>,
}

/// Bucket and key.
type Place = (String, String);

/// The extras of one version.
type Version = (Option<ETag>, ObjectExtras);

/// Extras by bucket and key, and by upload id.
///
/// They belong to one ETag. An object that was changed behind the front end has another one, and no extras.
#[derive(Debug, Default)]
pub(super) struct ExtrasTable {
    objects: Mutex<HashMap<Place, Version>>,
    uploads: Mutex<HashMap<String, UploadExtras>>,
}

impl ExtrasTable {
    /// Returns the extras of an object with this ETag.
    pub(super) fn of(&self, bucket: &str, key: &str, etag: Option<&ETag>) -> ObjectExtras {
        let objects = lock(&self.objects);
        let found = objects.get(&(bucket.to_owned(), key.to_owned()));
        found
            .filter(|(of, _)| of.as_ref() == etag)
            .map(|(_, extras)| extras.clone())
            .unwrap_or_default()
    }

    /// Returns whether an object has extras, of whatever version.
    pub(super) fn knows(&self, bucket: &str, key: &str) -> bool {
        lock(&self.objects).contains_key(&(bucket.to_owned(), key.to_owned()))
    }

    /// Replaces the extras of an object.
    pub(super) fn set(&self, bucket: &str, key: &str, etag: Option<ETag>, extras: ObjectExtras) {
        let place = (bucket.to_owned(), key.to_owned());
        let mut objects = lock(&self.objects);
        match extras.is_empty() {
            true => objects.remove(&place),
            false => objects.insert(place, (etag, extras)),
        };
    }

    /// Forgets a deleted object.
    pub(super) fn remove(&self, bucket: &str, key: &str) {
        lock(&self.objects).remove(&(bucket.to_owned(), key.to_owned()));
    }

    /// Returns the uploads, locked.
    pub(super) fn uploads(&self) -> MutexGuard<'_, HashMap<String, UploadExtras>> {
        lock(&self.uploads)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! [`Part`]: one object of a set, read in the version that was listed.

use bytes::Bytes;
use futures_util::TryStreamExt;
use s3_client::S3;
use s3_core::{ByteRange, Conditions, ETag, ListedObject, S3Url};
use s3_transfer::{CallOptions, GetItem, ObjectReader};

use super::ManifestPart;
use crate::Result;

/// An object of a set. It is read in the version that was listed.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) url: S3Url,
    pub(crate) size: u64,
    pub(crate) etag: Option<ETag>,
}

impl Part {
    pub(crate) fn listed(object: ListedObject) -> Self {
        Self {
            url: object.url,
            size: object.size,
            etag: object.etag,
        }
    }

    pub(crate) fn of_manifest(url: S3Url, part: &ManifestPart) -> Self {
        Self {
            url,
            size: part.bytes,
            etag: part.etag.as_deref().map(ETag::new),
        }
    }

    /// Begins to read the object.
    ///
    /// # Errors
    ///
    /// `ChangedDuringRead` or `PreconditionFailed` if the object has changed since it was listed.
    pub(crate) async fn open(&self, s3: &S3) -> Result<ObjectReader> {
        Ok(self.read(s3, GetItem::new(self.url.clone())).await?)
    }

    /// Returns the first `len` bytes, or all bytes of a shorter object.
    pub(crate) async fn head(&self, s3: &S3, len: u64) -> Result<Bytes> {
        if self.size == 0 {
            // An empty range is invalid.
            return Ok(Bytes::new());
        }
        let range = ByteRange::Bounded(0..len.min(self.size));
        let item = GetItem::new(self.url.clone()).with_range(range);
        let frames = self.read(s3, item).await?;
        let bytes: Vec<Bytes> = frames.try_collect().await?;
        Ok(bytes.concat().into())
    }

    async fn read(&self, s3: &S3, item: GetItem) -> s3_core::Result<ObjectReader> {
        s3.transfer()
            .open(self.pinned(item), &CallOptions::default())
            .await
    }

    /// Sets the known size, which saves a request, and the condition that the version is the listed one.
    fn pinned(&self, item: GetItem) -> GetItem {
        let mut conditions = Conditions::default();
        conditions.if_match.clone_from(&self.etag);
        item.with_known(self.size, self.etag.clone())
            .with_conditions(conditions)
    }

    /// Returns ranges of the object. Ranges that are at most `gap` bytes apart are read with one request.
    #[cfg(feature = "parquet")]
    pub(crate) async fn ranges(
        &self,
        s3: &S3,
        ranges: &[std::ops::Range<u64>],
        gap: u64,
    ) -> s3_core::Result<Vec<Bytes>> {
        let item = self.pinned(GetItem::new(self.url.clone()));
        s3.transfer()
            .get_ranges(item, ranges, gap, &CallOptions::default())
            .await
    }
}

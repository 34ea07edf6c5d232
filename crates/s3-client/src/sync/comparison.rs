//! Compares the contents of a source and its target by ETag or checksum, when sizes and times do not decide.

use std::path::Path;

use futures_util::future::try_join;
use s3_core::{Checksum, ChecksumType, ETag, ErrorKind, ObjectMeta, S3Prefix};

use super::compare::{SyncCompare, seconds};
use super::content::{file_has_checksum, file_has_etag, is_md5};
use super::entry::SyncEntry;
use super::place::SyncPlace;
use super::state::SyncSettings;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::modification_time::kept_modification_time;
use crate::on_blocking_thread::on_blocking_thread;

/// Result of comparing two contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    Same,
    Different,
    /// Neither ETags nor checksums can be compared.
    Unknown,
}

/// Metadata of an object, from a HEAD with its checksum.
enum Described {
    Known(Box<ObjectMeta>),
    /// The object does not exist any more, or was replaced.
    Missing,
    /// Access is denied.
    Denied,
}

impl SyncSettings {
    /// Compares the contents of two entries of the same path and size.
    pub(crate) async fn contents(
        &self,
        source: &SyncEntry,
        target: &SyncEntry,
        call: &Call,
    ) -> Result<Contents> {
        match (&self.from, &self.to) {
            (SyncPlace::Remote(from), SyncPlace::Remote(to)) => {
                objects((from, source), (to, target), call).await
            }
            (SyncPlace::Local(directory), SyncPlace::Remote(prefix)) => {
                self.file_and_object((directory, source), (prefix, target), call)
                    .await
            }
            (SyncPlace::Remote(prefix), SyncPlace::Local(directory)) => {
                self.file_and_object((directory, target), (prefix, source), call)
                    .await
            }
            (SyncPlace::Local(_), SyncPlace::Local(_)) => unreachable!("such sides were rejected"),
        }
    }

    /// Compares a file with the ETag of the listing. If that does not decide, and contents or stored times are to be
    /// compared, compares it with the response to a HEAD.
    async fn file_and_object(
        &self,
        (directory, file): (&Path, &SyncEntry),
        (prefix, object): (&S3Prefix, &SyncEntry),
        call: &Call,
    ) -> Result<Contents> {
        let (path, size) = (directory.join(&object.path), object.size);
        let has_etag = match object.etag.clone() {
            None => None,
            Some(etag) => has_etag_of(&path, size, etag, call).await?,
        };
        match has_etag {
            Some(true) => return Ok(Contents::Same),
            _ if self.compare == SyncCompare::Content || self.sets_kept_times() => {}
            _ => return Ok(Contents::Different),
        }
        let meta = match described(prefix, object, call).await? {
            Described::Known(meta) => meta,
            Described::Denied if has_etag.is_none() => return Ok(Contents::Unknown),
            Described::Denied | Described::Missing => return Ok(Contents::Different),
        };
        if has_etag == Some(false) && meta.etag_of_bytes().is_some() {
            return Ok(Contents::Different);
        }
        // The listing had no ETag, but the HEAD has one.
        if let Some(etag) = meta.etag_of_bytes().filter(|_| object.etag.is_none()) {
            let etag = etag.clone();
            if let Some(is_same) = has_etag_of(&path, size, etag, call).await? {
                return Ok(match is_same {
                    true => Contents::Same,
                    false => Contents::Different,
                });
            }
        }
        let kept = kept_modification_time(&meta).zip(file.modified);
        let has_checksum = match meta.checksum {
            None => None,
            Some(checksum) => {
                on_blocking_thread(move || {
                    file_has_checksum(&path, size, &checksum)
                        .map_err(|error| Error::local_file(&path, error))
                })
                .await?
            }
        };
        Ok(match has_checksum {
            Some(true) => Contents::Same,
            Some(false) => Contents::Different,
            None if self.compare == SyncCompare::Content => Contents::Unknown,
            None if kept.is_some_and(|(kept, own)| seconds(kept) == seconds(own)) => Contents::Same,
            None => Contents::Unknown,
        })
    }
}

/// Returns whether the MD5 of a file equals an ETag.
async fn has_etag_of(path: &Path, size: u64, etag: ETag, call: &Call) -> Result<Option<bool>> {
    let part_size = call.client.transfer.config().part_size;
    let path = path.to_owned();
    on_blocking_thread(move || {
        file_has_etag(&path, size, &etag, part_size)
            .map_err(|error| Error::local_file(&path, error))
    })
    .await
}

/// Compares two objects with different ETags. Sends two HEADs.
async fn objects(
    (from, source): (&S3Prefix, &SyncEntry),
    (to, target): (&S3Prefix, &SyncEntry),
    call: &Call,
) -> Result<Contents> {
    let both = try_join(described(from, source, call), described(to, target, call));
    let has_md5 = |entry: &SyncEntry| entry.etag.as_ref().is_some_and(is_md5);
    let have_md5s = has_md5(source) && has_md5(target);
    let (one, other) = match both.await? {
        (Described::Known(one), Described::Known(other)) => (one, other),
        (Described::Missing, _) | (_, Described::Missing) => return Ok(Contents::Different),
        _ if have_md5s => return Ok(Contents::Different),
        _ => return Ok(Contents::Unknown),
    };
    let is_whole = |sum: &&Checksum| sum.checksum_type == ChecksumType::FullObject;
    let sums = (one.checksum.as_ref(), other.checksum.as_ref());
    Ok(match (sums.0.filter(is_whole), sums.1.filter(is_whole)) {
        (Some(one), Some(other)) if one == other => Contents::Same,
        (Some(one), Some(other)) if one.algorithm == other.algorithm => Contents::Different,
        _ if have_md5s
            && [&one, &other]
                .iter()
                .all(|meta| meta.etag_of_bytes().is_some()) =>
        {
            Contents::Different
        }
        _ => Contents::Unknown,
    })
}

/// Sends a HEAD for a listed object. An object that was replaced since the listing counts as missing.
async fn described(prefix: &S3Prefix, object: &SyncEntry, call: &Call) -> Result<Described> {
    let url = SyncPlace::url(prefix, &object.path)?;
    let transfer = &call.client.transfer;
    match transfer.head_with_checksum(url, &call.options).await {
        Ok(meta) if meta.size != object.size || is_another(&meta, object) => Ok(Described::Missing),
        Ok(meta) => Ok(Described::Known(Box::new(meta))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Described::Missing),
        Err(error) if error.kind() == ErrorKind::AccessDenied => Ok(Described::Denied),
        Err(error) => Err(error.into()),
    }
}

/// Returns whether an object has another ETag than in its listing. Some servers list none.
fn is_another(meta: &ObjectMeta, object: &SyncEntry) -> bool {
    object.etag.is_some() && meta.etag != object.etag
}

#[cfg(test)]
mod tests {
    use std::fs;

    use futures_util::StreamExt;
    use s3_core::{
        Attributes, ChecksumAlgorithm, ETag, Encryption, MemoryStore, Payload, PutRequest, S3Url,
        Store,
    };

    use super::*;
    use crate::{S3, SyncOutcome};

    /// A bucket with other ETags than those of the in-memory store.
    #[derive(Debug)]
    struct OtherEtags {
        store: MemoryStore,
        /// The ETag of all objects. With `None`, a HEAD returns the store's ETag, and listings have none.
        etag: Option<ETag>,
    }

    impl Store for OtherEtags {
        fn capabilities(&self) -> s3_core::Capabilities {
            self.store.capabilities()
        }

        async fn get(&self, request: s3_core::GetRequest) -> s3_core::Result<s3_core::GetResponse> {
            self.store.get(request).await
        }

        async fn head(&self, request: s3_core::HeadRequest) -> s3_core::Result<ObjectMeta> {
            let mut meta = self.store.head(request).await?;
            meta.etag = self.etag.clone().or(meta.etag);
            Ok(meta)
        }

        async fn put(&self, request: PutRequest) -> s3_core::Result<s3_core::PutResponse> {
            self.store.put(request).await
        }

        async fn delete(
            &self,
            request: s3_core::DeleteRequest,
        ) -> s3_core::Result<s3_core::DeleteResponse> {
            self.store.delete(request).await
        }

        async fn list_page(
            &self,
            request: s3_core::ListRequest,
        ) -> s3_core::Result<s3_core::ListPage> {
            let mut page = self.store.list_page(request).await?;
            for object in &mut page.objects {
                object.etag.clone_from(&self.etag);
            }
            Ok(page)
        }
    }

    #[tokio::test]
    async fn with_a_kms_etag_the_checksum_decides() {
        let kms = Some(Encryption::new("aws:kms"));
        let crc = Some(ChecksumAlgorithm::Crc64Nvme);
        // Encryption, checksum, content; events, and whether contents are incomparable.
        for (encryption, algorithm, content, expected) in [
            (kms.clone(), crc, "content", (0, 0)),
            (kms.clone(), crc, "another", (1, 0)),
            (kms, None, "content", (1, 1)),
            (None, crc, "content", (1, 0)),
        ] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("f"), content).unwrap();
            let store = MemoryStore::with_buckets(["bkt"]);
            let mut attributes = Attributes::default();
            attributes.encryption.clone_from(&encryption);
            attributes.checksum_algorithm = algorithm;
            let url = S3Url::parse("s3://bkt/p/f").unwrap();
            let put = PutRequest::new(url, Payload::from("content"));
            store.put(put.with_attributes(attributes)).await.unwrap();
            let s3 = S3::builder()
                .store(OtherEtags {
                    store,
                    // 32 digits that are not an MD5, as with KMS encryption.
                    etag: Some(ETag::new(&"f".repeat(32))),
                })
                .tmproot(std::env::temp_dir())
                .build()
                .unwrap();
            let prefix = S3Prefix::parse("s3://bkt/p").unwrap();
            let sync = s3.sync(dir.path(), prefix).compare(SyncCompare::Content);
            let events: Vec<_> = sync.stream().collect().await;
            let is_done = |event: &crate::SyncEvent| matches!(event.outcome, SyncOutcome::Done);
            assert!(events.iter().all(is_done), "{events:?}");
            let incomparable = events.iter().filter(|event| event.is_incomparable);
            let found = (events.len(), incomparable.count());
            assert_eq!(found, expected, "{encryption:?} {algorithm:?} {content}");
        }
    }

    #[tokio::test]
    async fn a_listing_without_etags_is_completed_by_heads() {
        let dir = tempfile::tempdir().unwrap();
        let store = MemoryStore::with_buckets(["bkt"]);
        let s3 = S3::builder()
            .store(OtherEtags { store, etag: None })
            .tmproot(std::env::temp_dir())
            .build()
            .unwrap();
        let prefix = S3Prefix::parse("s3://bkt/p").unwrap();
        let (up, down) = (dir.path().join("up"), dir.path().join("down"));
        let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        let write = |content: &str| {
            fs::create_dir_all(&up).unwrap();
            fs::write(up.join("f"), content).unwrap();
            let file = fs::File::options().write(true).open(up.join("f")).unwrap();
            file.set_modified(old).unwrap();
        };
        let send = async || {
            let sync = s3.sync(up.as_path(), prefix.clone());
            let sync = sync.attributes(move |_| {
                let mut attributes = Attributes::default();
                crate::keep_modification_time(&mut attributes, old);
                attributes
            });
            let sent = sync.compare(SyncCompare::Content).await;
            sent.unwrap().transferred
        };
        write("one");
        assert_eq!((send().await, send().await), (1, 0));
        write("two");
        assert_eq!((send().await, send().await), (1, 0));
        let fetch = async || {
            let sync = s3.sync(prefix.clone(), down.as_path()).keep_times();
            sync.await.unwrap().transferred
        };
        assert_eq!((fetch().await, fetch().await), (1, 0));
    }
}

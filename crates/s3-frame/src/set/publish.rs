//! Publishes a dataset: completes uploads, writes the manifest, deletes the previous parts.

use std::collections::{HashMap, HashSet};

use arrow_schema::Schema;
use futures_util::{StreamExt, TryStreamExt, future, pin_mut, stream};
use s3_client::S3;
use s3_core::{ETag, ErrorKind, ListedObject, Operation, S3Url, Store};
use s3_transfer::{CallOptions, ListOptions};

use super::SetLocation;
use super::manifest::{FoundManifest, Manifest, ManifestPart};
use super::part_upload::UploadTarget;
use super::writer::{WriteOptions, WrittenPart};
use crate::{Error, Existing, Result};

/// Maximum number of concurrent deletes, each with its own request.
const DELETES_AT_ONCE: usize = 16;

/// Fails if the server does not support conditional writes, which every set with a manifest needs.
pub(super) fn check_conditions(s3: &S3, location: &SetLocation) -> Result<()> {
    if s3.transfer().store().capabilities().put_if_match {
        return Ok(());
    }
    let url = location.manifest()?;
    let error = s3_core::Error::new(ErrorKind::Unsupported, Operation::Put)
        .with_resource(&url)
        .with_message("this server does not support conditional writes")
        .with_hint("write the set without a manifest");
    Err(error.into())
}

/// Returns the manifest of the existing set, if there is one.
///
/// # Errors
///
/// `Exists` if its folder contains an object that must not be replaced, other than an empty folder marker. When
/// appending, `Manifest` if the manifest is missing or of another format, and `Unfinished` if it is not complete.
pub(super) async fn before(
    s3: &S3,
    location: &SetLocation,
    format: &str,
    existing: Existing,
) -> Result<Option<FoundManifest>> {
    let url = location.manifest()?;
    let found = Manifest::read(s3, &url).await?;
    for part in found.iter().flat_map(|found| &found.manifest.parts) {
        part.url(location.folder())?;
    }
    let invalid = |reason: &str| Error::Manifest {
        url: url.as_str().to_owned(),
        reason: reason.to_owned(),
    };
    match (existing, &found) {
        (Existing::Refuse, Some(_)) => Err(Error::Exists(url.as_str().to_owned())),
        (Existing::Refuse, None) => match listed(s3, location, 1, is_data).await?.first() {
            Some(url) => Err(Error::Exists(url.as_str().to_owned())),
            None => Ok(None),
        },
        (Existing::Append, None) => Err(invalid("does not exist: there is no set to append to")),
        (Existing::Append, Some(found)) if found.manifest.format != format => {
            Err(invalid("is of another format"))
        }
        (Existing::Append, Some(found)) if !found.manifest.complete => {
            Err(Error::Unfinished(url.as_str().to_owned()))
        }
        _ => Ok(found),
    }
}

/// Returns whether an object is more than a folder marker, which file browsers write.
fn is_data(object: &ListedObject) -> bool {
    object.size > 0 || !object.url.key().ends_with('/')
}

/// Returns the ETags of the objects that may be parts of the existing set.
pub(super) async fn existing_parts(
    s3: &S3,
    location: &SetLocation,
) -> Result<HashMap<S3Url, Option<ETag>>> {
    let parts = objects(s3, location, usize::MAX, |object| location.has(&object.url)).await?;
    let parts = parts.into_iter().map(|object| (object.url, object.etag));
    Ok(parts.collect())
}

/// Writes a manifest that is not complete (a claim): readers and other writers fail from now on.
///
/// It lists all parts of both sets, so that the next writer can delete them if this one is killed. It contains the
/// manifest of the old set, which is restored if this writer is killed before it has replaced a part.
pub(super) async fn claim(
    s3: &S3,
    location: &SetLocation,
    format: &str,
    written: &[WrittenPart],
    before: Option<&FoundManifest>,
) -> Result<FoundManifest> {
    let planned = written.iter().map(|part| ManifestPart {
        key: part.uploaded.url.key().to_owned(),
        rows: part.rows,
        bytes: part.uploaded.bytes,
        etag: None,
    });
    let mut parts: Vec<_> = planned.collect();
    parts.extend(
        before
            .iter()
            .flat_map(|before| before.manifest.parts.clone()),
    );
    let mut claim = Manifest::new(format, &Schema::empty().into(), parts);
    claim.complete = false;
    let replaced = before.and_then(|before| before.manifest.last_complete());
    claim.replaced = replaced.cloned().map(Box::new);
    claim.write(s3, location.manifest()?, before).await
}

/// Completes the uploads of all parts concurrently.
///
/// # Errors
///
/// The first error, and the completed parts.
pub(super) async fn complete(
    target: &UploadTarget,
    written: Vec<WrittenPart>,
) -> std::result::Result<Vec<ManifestPart>, (Error, Vec<ManifestPart>)> {
    let completions = written.into_iter().map(|part| async move {
        let (url, bytes, rows) = (part.uploaded.url.clone(), part.uploaded.bytes, part.rows);
        (url, bytes, rows, target.complete(part.uploaded).await)
    });
    let (mut parts, mut failed) = (Vec::new(), None);
    for (url, bytes, rows, outcome) in future::join_all(completions).await {
        match outcome {
            Ok(Some(response)) => {
                let etag = response.etag.as_ref().map(ETag::as_str);
                parts.push(ManifestPart {
                    key: url.key().to_owned(),
                    rows,
                    bytes,
                    etag: etag.map(ToOwned::to_owned),
                });
            }
            Ok(None) => failed = failed.or(Some(Error::Exists(url.as_str().to_owned()))),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    match failed {
        None => Ok(parts),
        Some(error) => Err((error, parts)),
    }
}

/// Deletes the completed parts of a failed write, if they have replaced nothing and no other writer has taken over the
/// set. If the set was removed meanwhile, deletes all parts that this write has completed, because readers would read
/// them without a manifest.
pub(super) async fn undo(
    s3: &S3,
    location: &SetLocation,
    options: WriteOptions,
    mut added: Vec<ManifestPart>,
    claim: Option<&FoundManifest>,
) -> Result<()> {
    let url = location.manifest()?;
    let replaces = options.existing == Existing::Replace;
    if let Some(claim) = claim.filter(|claim| claim.etag.is_some() && !replaces)
        && let Some(renewed) = reclaim(s3, location, &claim.manifest, Some(claim), &added).await?
    {
        return delete_claimed(s3, location, &renewed, &added).await;
    }
    match Manifest::read(s3, &url).await? {
        // Replaced old parts are lost, so the new ones are kept.
        Some(_) if replaces => Ok(()),
        Some(found) => {
            let named = found.manifest.parts.iter();
            let named: HashSet<&str> = named.map(|part| part.key.as_str()).collect();
            added.retain(|part| !named.contains(part.key.as_str()));
            delete(s3, urls_of(location, &added)?).await
        }
        None if options.has_manifest => {
            let empty = Manifest::new("", &Schema::empty().into(), added.clone());
            match reclaim(s3, location, &empty, None, &added).await? {
                Some(claim) => delete_claimed(s3, location, &claim, &added).await,
                None => Ok(()),
            }
        }
        None if replaces => Ok(()),
        None => delete(s3, urls_of(location, &added)?).await,
    }
}

/// Writes a claim with the added parts before they are deleted, so that a writer that has read the previous claim can
/// no longer take over the set. Returns `None` if a writer has already done so.
async fn reclaim(
    s3: &S3,
    location: &SetLocation,
    manifest: &Manifest,
    before: Option<&FoundManifest>,
    added: &[ManifestPart],
) -> Result<Option<FoundManifest>> {
    let keys: HashSet<&str> = added.iter().map(|part| part.key.as_str()).collect();
    let mut claim = manifest.clone();
    claim.complete = false;
    claim.parts.retain(|part| keys.contains(part.key.as_str()));
    match claim.write(s3, location.manifest()?, before).await {
        Ok(claim) => Ok(Some(claim)),
        Err(Error::Conflict(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Deletes parts in the versions that were written, then the claim that lists them.
async fn delete_claimed(
    s3: &S3,
    location: &SetLocation,
    claim: &FoundManifest,
    added: &[ManifestPart],
) -> Result<()> {
    let version = |part: &ManifestPart| {
        let etag = part.etag.as_deref().map(ETag::new);
        Ok((part.url(location.folder())?, etag))
    };
    let added = added.iter().map(version).collect::<Result<Vec<_>>>()?;
    delete_versions(s3, added).await?;
    delete_versions(s3, vec![(location.manifest()?, claim.etag.clone())]).await?;
    Ok(())
}

/// Deletes objects that still have these ETags and returns their URLs. If the server does not support conditional
/// deletes, deletes all.
pub(super) async fn delete_versions(
    s3: &S3,
    objects: Vec<(S3Url, Option<ETag>)>,
) -> Result<Vec<S3Url>> {
    if !s3.transfer().store().capabilities().delete_if_match {
        let urls: Vec<S3Url> = objects.into_iter().map(|(url, _)| url).collect();
        delete(s3, urls.clone()).await?;
        return Ok(urls);
    }
    let deletions = stream::iter(objects).map(|(url, etag)| async move {
        let options = CallOptions::default();
        let deleted = s3.transfer().delete_one(url.clone(), None, etag, &options);
        match deleted.await {
            Ok(_) => Ok(Some(url)),
            Err(error) => match error.kind() {
                ErrorKind::PreconditionFailed | ErrorKind::NotFound => Ok(None),
                _ => Err(Error::from(error)),
            },
        }
    });
    let deleted = deletions.buffered(DELETES_AT_ONCE).try_collect::<Vec<_>>();
    Ok(deleted.await?.into_iter().flatten().collect())
}

/// Deletes objects.
pub(super) async fn delete(s3: &S3, urls: Vec<S3Url>) -> Result<()> {
    let deleted = s3
        .transfer()
        .delete_many(urls, &CallOptions::default())
        .await;
    Ok(deleted.into_iter().collect::<s3_core::Result<()>>()?)
}

/// Deletes the parts of the previous set that are not in the new one.
pub(super) async fn delete_old(
    s3: &S3,
    location: &SetLocation,
    before: Option<&FoundManifest>,
    now: &Manifest,
) -> Result<()> {
    let mut old = match before {
        Some(before) => parts(s3, location, &before.manifest).await?,
        None => listed(s3, location, usize::MAX, |object| location.has(&object.url)).await?,
    };
    let kept: HashSet<&str> = now.parts.iter().map(|part| part.key.as_str()).collect();
    let mut seen = HashSet::new();
    old.retain(|url| !kept.contains(url.key()) && seen.insert(url.key().to_owned()));
    delete(s3, old).await
}

/// Returns the URLs of the parts of a set: those in its manifest, and all objects in its folder with names of parts.
pub(super) async fn parts(
    s3: &S3,
    location: &SetLocation,
    manifest: &Manifest,
) -> Result<Vec<S3Url>> {
    let mut urls = listed(s3, location, usize::MAX, |object| location.has(&object.url)).await?;
    urls.extend(urls_of(location, &manifest.parts)?);
    Ok(urls)
}

/// Returns the URLs of parts.
pub(super) fn urls_of(location: &SetLocation, parts: &[ManifestPart]) -> Result<Vec<S3Url>> {
    let urls = parts.iter().map(|part| part.url(location.folder()));
    urls.collect()
}

/// Lists the URLs of objects in the folder of a set, until a page reaches `most` of them.
pub(super) async fn listed(
    s3: &S3,
    location: &SetLocation,
    most: usize,
    keep: impl Fn(&ListedObject) -> bool,
) -> Result<Vec<S3Url>> {
    let objects = objects(s3, location, most, keep).await?;
    Ok(objects.into_iter().map(|object| object.url).collect())
}

/// Lists objects as [`listed`] does.
pub(super) async fn objects(
    s3: &S3,
    location: &SetLocation,
    most: usize,
    keep: impl Fn(&ListedObject) -> bool,
) -> Result<Vec<ListedObject>> {
    let (folder, options) = (location.folder().clone(), CallOptions::default());
    let pages = s3.transfer().list(folder, ListOptions::default(), &options);
    pin_mut!(pages);
    let mut kept = Vec::new();
    while let Some(page) = pages.try_next().await? {
        kept.extend(page.objects.into_iter().filter(|object| keep(object)));
        if kept.len() >= most {
            break;
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::Arc;
    use std::time::Duration;

    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_array::{ArrayRef, Int64Array, RecordBatch};
    use s3_core::{Capabilities, MemoryStore};
    use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore, S3Server};

    use super::super::Numbering;
    use super::*;
    use crate::{Frames, Manifests};

    fn row(number: i64) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values([number]));
        RecordBatch::try_from_iter_with_nullable([("n", column, true)]).unwrap()
    }

    /// Writes a set with one part per number.
    async fn write(s3: &S3, numbers: Range<i64>, existing: Existing) -> Result<Manifest> {
        let parts = numbers.map(|number| stream::iter([Ok(row(number))]));
        let write = Frames::new(s3).write_csv("s3://b/set").existing(existing);
        write.send(row(0).schema(), parts).await
    }

    async fn read(s3: &S3, manifests: Manifests) -> Result<Vec<i64>> {
        let read = Frames::new(s3)
            .read_csv(["s3://b/set/*"])
            .manifests(manifests);
        let batches: Vec<RecordBatch> = read.open().await?.try_collect().await?;
        let numbers = batches
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values());
        Ok(numbers.copied().collect())
    }

    fn client(memory: &MemoryStore, plan: FaultPlan) -> S3 {
        let store = FaultStore::new(memory.clone(), plan);
        S3::builder().store(store).build().unwrap()
    }

    /// Returns a plan that applies `action` to the first PUT of a key.
    fn on_put(key: &str, action: FaultAction) -> FaultPlan {
        let put = FaultMatch::operation("PutObject").with_key(key).on(action);
        FaultPlan::new([put.times(1)])
    }

    #[tokio::test(start_paused = true)]
    async fn a_writer_whose_set_is_taken_over_does_not_change_the_other_set() {
        let memory = MemoryStore::with_buckets(["b"]);
        let second = FaultAction::stall(Duration::from_secs(1));
        let slow = client(&memory, on_put("set/0.part", second));
        let other = client(&memory, FaultPlan::none());
        let replace = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            write(&other, 10..12, Existing::Replace).await
        };
        let (rejected, replaced) =
            Box::pin(future::join(write(&slow, 0..3, Existing::Refuse), replace)).await;
        replaced.unwrap();
        assert!(matches!(rejected, Err(Error::Exists(_))), "{rejected:?}");
        assert_eq!(read(&other, Manifests::Require).await.unwrap(), [10, 11]);
        assert_eq!(memory.object_count(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_writer_leaves_no_objects() {
        let memory = MemoryStore::with_buckets(["b"]);
        let denied = FaultAction::status(403, "AccessDenied");
        let failing = client(&memory, on_put("set/1.part", denied));
        write(&failing, 0..3, Existing::Refuse).await.unwrap_err();
        assert_eq!(memory.object_count(), 0);
    }

    #[tokio::test]
    async fn a_writer_that_has_read_an_old_claim_cannot_take_over_the_set() {
        let s3 = &client(&MemoryStore::with_buckets(["b"]), FaultPlan::none());
        let location = SetLocation::parse(s3, "s3://b/set", "*.part", Numbering::Padded).unwrap();
        let part = |number: u64| ManifestPart {
            key: format!("set/{number}.part"),
            rows: 1,
            bytes: 1,
            etag: None,
        };
        let parts = vec![part(0), part(1)];
        let mut claim = Manifest::new("csv", &row(0).schema(), parts);
        claim.complete = false;
        let url = location.manifest().unwrap();
        let claim = claim.write(s3, url.clone(), None).await.unwrap();
        let added = [part(1)];
        let renew = || reclaim(s3, &location, &claim.manifest, Some(&claim), &added);
        assert!(renew().await.unwrap().is_some());
        let takeover = claim.manifest.write(s3, url.clone(), Some(&claim)).await;
        assert!(matches!(takeover, Err(Error::Conflict(_))), "{takeover:?}");
        assert!(renew().await.unwrap().is_none());
        let found = Manifest::read(s3, &url).await.unwrap().unwrap().manifest;
        assert_eq!(found.parts, [part(1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn rows_are_appended_after_a_conflict_and_after_parts_that_no_manifest_names() {
        let memory = MemoryStore::with_buckets(["b"]);
        let other = client(&memory, FaultPlan::none());
        write(&other, 0..3, Existing::Refuse).await.unwrap();
        let second = FaultAction::stall(Duration::from_secs(1));
        let slow = client(&memory, on_put("set.manifest.json", second));
        let append = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            write(&other, 10..20, Existing::Append).await
        };
        let (rejected, appended) =
            Box::pin(future::join(write(&slow, 3..4, Existing::Append), append)).await;
        appended.unwrap();
        assert!(matches!(rejected, Err(Error::Conflict(_))), "{rejected:?}");
        // The part that it added is deleted.
        assert_eq!(memory.object_count(), 3 + 10 + 1);
        // A killed writer leaves its part.
        other.put("s3://b/set/60.part", "n\n60\n").await.unwrap();
        let manifest = write(&other, 50..51, Existing::Append).await.unwrap();
        assert_eq!(manifest.parts.last().unwrap().key, "set/61.part");
        let rows: Vec<i64> = (0..3).chain(10..20).chain([50]).collect();
        assert_eq!(read(&other, Manifests::Require).await.unwrap(), rows);
        // The order of keys equals that of the rows.
        other.delete("s3://b/set/60.part").await.unwrap();
        assert_eq!(read(&other, Manifests::Ignore).await.unwrap(), rows);
    }

    #[tokio::test]
    async fn a_set_with_a_manifest_needs_conditional_writes() {
        let memory = MemoryStore::with_buckets(["bucket"]);
        let server = S3Server::start(memory.clone()).await.unwrap();
        let mut capabilities = Capabilities::aws();
        capabilities.put_if_match = false;
        let store = server.client_builder().capabilities(capabilities).build();
        let s3 = S3::builder().store(store).build().unwrap();
        for (has_manifest, objects) in [(true, 0), (false, 1)] {
            let write = Frames::new(&s3).write_csv("s3://bucket/set");
            let write = write.manifest(has_manifest);
            let written = write.send(row(7).schema(), [stream::iter([Ok(row(7))])]);
            let kind = written.await.err().map(|error| match error {
                Error::S3(error) => error.as_request().map(s3_core::Error::kind),
                other => panic!("{other}"),
            });
            let unsupported = Some(Some(ErrorKind::Unsupported));
            assert_eq!(kind, unsupported.filter(|_| has_manifest));
            assert_eq!(memory.object_count(), objects);
        }
    }
}

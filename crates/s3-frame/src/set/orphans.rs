//! Cleans up after killed writers of sets: deletes orphaned parts and unfinished sets, restores an intact previous set.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use s3_client::S3;
use s3_core::{ETag, ListedObject, S3Url};

use super::manifest::FoundManifest;
use super::publish::{self, delete, delete_versions, listed, objects};
use super::{Manifest, SetLocation};
use crate::Result;

/// Deletes objects of killed writers that are at least `older_than` old: those of an unfinished set, or the parts that
/// a finished manifest does not list. Restores the previous set if all of its parts still exist. Returns the URLs of
/// the deleted objects.
pub(crate) async fn remove_orphans(
    s3: &S3,
    location: &SetLocation,
    older_than: Duration,
) -> Result<Vec<String>> {
    let now = SystemTime::now();
    // An object without a date may be new.
    let is_old = |at: Option<SystemTime>| {
        at.is_some_and(|at| now.duration_since(at).is_ok_and(|age| age >= older_than))
    };
    // Listed before the manifest is read: if a writer finishes in between, its manifest protects the listed parts.
    let parts = listed(s3, location, usize::MAX, |object| {
        location.has(&object.url) && is_old(object.last_modified)
    });
    let mut parts = parts.await?;
    let deleted = match Manifest::read(s3, &location.manifest()?).await? {
        Some(found) if found.manifest.complete => {
            let named = found.manifest.parts.iter();
            let named: HashSet<&str> = named.map(|part| part.key.as_str()).collect();
            parts.retain(|url| !named.contains(url.key()));
            delete(s3, parts.clone()).await?;
            parts
        }
        Some(found) if is_old(found.last_modified) => remove_set(s3, location, &found).await?,
        // The set is being written, or has no manifest.
        _ => Vec::new(),
    };
    Ok(deleted.iter().map(|url| url.as_str().to_owned()).collect())
}

/// Deletes an unfinished set, or the parts that were added to the previous one. A writer that is still running can no
/// longer finish the set.
async fn remove_set(s3: &S3, location: &SetLocation, found: &FoundManifest) -> Result<Vec<S3Url>> {
    let url = location.manifest()?;
    let mut claim = found.manifest.clone();
    // Repeats a part, so that the text of the manifest changes, and with it the ETag.
    claim.parts.extend(found.manifest.parts.first().cloned());
    let claim = claim.write(s3, url.clone(), Some(found)).await?;
    let named = publish::urls_of(location, &found.manifest.parts)?;
    let named: HashSet<S3Url> = named.into_iter().collect();
    let mut objects = objects(s3, location, usize::MAX, |object| {
        location.has(&object.url) || named.contains(&object.url)
    })
    .await?;
    let before = found.manifest.replaced.as_deref();
    let before = before.filter(|before| is_intact(before, &objects));
    if let Some(before) = before {
        let kept: HashSet<&str> = before.parts.iter().map(|part| part.key.as_str()).collect();
        objects.retain(|object| !kept.contains(object.url.key()));
    }
    // Deletes only the listed versions: another writer may have taken over the set since the listing.
    let versions = objects.into_iter().map(|object| (object.url, object.etag));
    let mut deleted = delete_versions(s3, versions.collect()).await?;
    match before {
        Some(before) => {
            before.write(s3, url, Some(&claim)).await?;
        }
        // The manifest is deleted last: without it, readers would read the remaining parts as a set without a manifest.
        None => deleted.extend(delete_versions(s3, vec![(url, claim.etag)]).await?),
    }
    Ok(deleted)
}

/// Returns whether all parts of a set exist in their versions.
fn is_intact(set: &Manifest, objects: &[ListedObject]) -> bool {
    let etags = objects.iter().map(|object| {
        let etag = object.etag.as_ref().map(ETag::as_str);
        (object.url.key(), etag)
    });
    let etags: HashMap<&str, Option<&str>> = etags.collect();
    set.parts.iter().all(|part| {
        let etag = part.etag.as_deref();
        etag.is_some() && etags.get(part.key.as_str()) == Some(&etag)
    })
}

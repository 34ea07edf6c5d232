//! Publishes a dataset: completes uploads, writes the manifest, deletes the previous parts.

use std::collections::HashSet;

use arrow_schema::Schema;
use futures_util::{TryStreamExt, future, pin_mut};
use s3_client::S3;
use s3_core::{ETag, ListedObject, S3Url};
use s3_transfer::{CallOptions, ListOptions};

use super::manifest::{FoundManifest, Manifest, ManifestPart};
use super::part_upload::UploadTarget;
use super::{SetLocation, writer::WrittenPart};
use crate::{Error, Existing, Result};

/// Returns the manifest of the existing set, if there is one.
///
/// # Errors
///
/// `Exists` if there is an object in its folder that is not to be replaced. For rows that are to be appended, `Manifest`
/// if it is missing or of another format, and `Unfinished` if it is not complete.
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
        (Existing::Refuse, None) => match listed(s3, location, 1, |_| true).await?.first() {
            Some(url) => Err(Error::Exists(url.as_str().to_owned())),
            None => Ok(None),
        },
        (Existing::Append, None) => Err(invalid("is not there, so there is no set to append to")),
        (Existing::Append, Some(found)) if found.manifest.format != format => {
            Err(invalid("is of another format"))
        }
        (Existing::Append, Some(found)) if !found.manifest.complete => {
            Err(Error::Unfinished(url.as_str().to_owned()))
        }
        _ => Ok(found),
    }
}

/// Writes a manifest that is not complete: readers fail from now on, and so do other writers.
///
/// It names all parts of both sets, so that the next writer can delete them if this one is killed.
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
    claim.write(s3, location.manifest()?, before).await
}

/// Completes all parts at once.
///
/// # Errors
///
/// The first error, and the URLs of what was completed.
pub(super) async fn complete(
    target: &UploadTarget,
    written: Vec<WrittenPart>,
) -> std::result::Result<Vec<ManifestPart>, (Error, Vec<S3Url>)> {
    let completions = written.into_iter().map(|part| async move {
        let (url, bytes, rows) = (part.uploaded.url.clone(), part.uploaded.bytes, part.rows);
        (url, bytes, rows, target.complete(part.uploaded).await)
    });
    let (mut parts, mut added, mut failed) = (Vec::new(), Vec::new(), None);
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
                added.push(url);
            }
            Ok(None) => failed = failed.or(Some(Error::Exists(url.as_str().to_owned()))),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    match failed {
        None => Ok(parts),
        Some(error) => Err((error, added)),
    }
}

/// Deletes objects.
pub(super) async fn delete(s3: &S3, urls: Vec<S3Url>) -> Result<()> {
    let deleted = s3
        .transfer()
        .delete_many(urls, &CallOptions::default())
        .await;
    Ok(deleted.into_iter().collect::<s3_core::Result<()>>()?)
}

/// Deletes the parts of the set before that are not in the new one.
pub(super) async fn delete_old(
    s3: &S3,
    location: &SetLocation,
    before: Option<FoundManifest>,
    now: &Manifest,
) -> Result<()> {
    let mut old = listed(s3, location, usize::MAX, |object| location.has(&object.url)).await?;
    for part in before.into_iter().flat_map(|before| before.manifest.parts) {
        old.push(part.url(location.folder())?);
    }
    let kept: HashSet<&str> = now.parts.iter().map(|part| part.key.as_str()).collect();
    let mut seen = HashSet::new();
    old.retain(|url| !kept.contains(url.key()) && seen.insert(url.key().to_owned()));
    delete(s3, old).await
}

/// Lists the URLs of objects in the folder of a set: stops after the page that brings them to `most`.
async fn listed(
    s3: &S3,
    location: &SetLocation,
    most: usize,
    keep: impl Fn(&ListedObject) -> bool,
) -> Result<Vec<S3Url>> {
    let (folder, options) = (location.folder().clone(), CallOptions::default());
    let pages = s3.transfer().list(folder, ListOptions::default(), &options);
    pin_mut!(pages);
    let mut urls = Vec::new();
    while let Some(page) = pages.try_next().await? {
        let kept = page.objects.into_iter().filter(|object| keep(object));
        urls.extend(kept.map(|object| object.url));
        if urls.len() >= most {
            break;
        }
    }
    Ok(urls)
}

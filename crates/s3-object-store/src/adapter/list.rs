//! Implements `list`, `list_with_offset` and `list_with_delimiter`. Keys that are not object_store paths are skipped or
//! an error.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, future, stream};
use s3_core::{Error, ErrorKind, ListPage, ListedObject, Operation, S3Prefix};
use s3_transfer::{CallOptions, ListOptions};

use super::convert::{error_at, invalid, object_meta, path_of};
use super::list_result;
use super::object_store::path::Path;
use super::object_store::{ListResult, ObjectMeta, Result};
use super::store::S3ObjectStore;
use crate::UnlistableKeys;
use crate::key_policy::SkippedKeys;
use crate::pins::Pin;

pub(super) fn list(
    store: &S3ObjectStore,
    prefix: Option<&Path>,
    offset: Option<&Path>,
) -> BoxStream<'static, Result<ObjectMeta>> {
    let prefix = match directory(store, prefix) {
        Ok(prefix) => prefix,
        Err(error) => return stream::iter([Err(error)]).boxed(),
    };
    let mut options = ListOptions::default();
    let offset = offset.filter(|offset| !offset.as_ref().is_empty()).cloned();
    options.start_after = offset.as_ref().map(|offset| offset.as_ref().into());
    let mut entries = Entries::new(store, &prefix);
    let pages = pages(store, prefix, options);
    let objects = pages.map_ok(move |page| stream::iter(entries.objects(page.objects)));
    // Some servers ignore the offset.
    let is_after = move |object: &ObjectMeta| {
        let offset = offset.as_ref();
        future::ready(offset.is_none_or(|offset| object.location > *offset))
    };
    objects.try_flatten().try_filter(is_after).boxed()
}

pub(super) async fn one_level(store: &S3ObjectStore, prefix: Option<&Path>) -> Result<ListResult> {
    let prefix = directory(store, prefix)?;
    let mut entries = Entries::new(store, &prefix);
    let mut pages = pages(store, prefix, ListOptions::one_level());
    let (mut prefixes, mut objects) = (Vec::new(), Vec::new());
    while let Some(page) = pages.try_next().await? {
        prefixes.extend(entries.prefixes(&page.prefixes)?);
        for object in entries.objects(page.objects) {
            objects.push(object?);
        }
    }
    Ok(list_result(prefixes, objects))
}

/// Returns the key prefix of a directory.
fn directory(store: &S3ObjectStore, prefix: Option<&Path>) -> Result<S3Prefix> {
    let text = match prefix.map(AsRef::as_ref) {
        None | Some("") => String::new(),
        Some(directory) => format!("{directory}/"),
    };
    S3Prefix::from_parts(&store.bucket, &text).map_err(invalid)
}

fn pages(
    store: &S3ObjectStore,
    prefix: S3Prefix,
    options: ListOptions,
) -> BoxStream<'static, Result<ListPage>> {
    let at: Arc<str> = prefix.as_str().into();
    let transfer = store.runtime.transfer();
    let pages = transfer.list(prefix, options, &CallOptions::default());
    let pages = store.runtime.stream(pages);
    pages.map_err(move |error| error_at(&at, error)).boxed()
}

/// Converts the entries of one listing to object_store metadata and paths.
pub(super) struct Entries {
    store: S3ObjectStore,
    skipped: SkippedKeys,
}

impl Entries {
    pub(super) fn new(store: &S3ObjectStore, prefix: &S3Prefix) -> Self {
        Self {
            store: store.clone(),
            skipped: SkippedKeys::new(prefix.as_str(), &store.skipped),
        }
    }

    pub(super) fn objects(&mut self, objects: Vec<ListedObject>) -> Vec<Result<ObjectMeta>> {
        let objects = objects.into_iter();
        objects
            .filter_map(|object| self.object(&object).transpose())
            .collect()
    }

    fn object(&mut self, object: &ListedObject) -> Result<Option<ObjectMeta>> {
        let key = object.url.key();
        if object.size == 0 && key.ends_with('/') {
            // A directory marker.
            return Ok(None);
        }
        let Some(path) = path_of(key) else {
            return self.unlistable(object.url.as_str());
        };
        if let (Some(pins), Some(etag)) = (&self.store.pins, &object.etag) {
            let pin = Pin {
                etag: etag.clone(),
                size: object.size,
                version: None,
            };
            pins.pin(key, pin).map_err(|error| error_at(key, error))?;
        }
        let (etag, time) = (object.etag.as_ref(), object.last_modified);
        Ok(Some(object_meta(path, object.size, etag, time)))
    }

    /// Converts common prefixes to paths.
    pub(super) fn prefixes(&mut self, prefixes: &[S3Prefix]) -> Result<Vec<Path>> {
        let mut paths = Vec::new();
        for prefix in prefixes {
            let text = prefix.prefix();
            let directory = path_of(text.strip_suffix('/').unwrap_or(text));
            // For a key that begins with `/`, the path would be the root.
            match directory.filter(|path| !path.as_ref().is_empty()) {
                Some(path) => paths.push(path),
                None => paths.extend(self.unlistable(prefix.as_str())?),
            }
        }
        Ok(paths)
    }

    fn unlistable<T>(&mut self, url: &str) -> Result<Option<T>> {
        match self.store.unlistable {
            UnlistableKeys::Skip => {
                self.skipped.add();
                Ok(None)
            }
            UnlistableKeys::Error => Err(invalid(
                Error::new(ErrorKind::InvalidInput, Operation::List)
                    .with_resource(url)
                    .with_message("object_store cannot represent the key as a path"),
            )),
        }
    }
}

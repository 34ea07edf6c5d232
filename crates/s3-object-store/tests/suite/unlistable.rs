//! Keys that are not paths of object_store.

use std::sync::Arc;

use futures_util::TryStreamExt;
use s3_core::{Limits, MemoryStore, S3Url, StoreExt};
use s3_object_store::UnlistableKeys;
use s3_transfer::{Transfer, TransferConfig};

use super::S3ObjectStore;
use super::object_store::list::{PaginatedListOptions, PaginatedListStore};
use super::object_store::path::Path;
use super::object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt, Result};
use crate::setup::{BUCKET, Setup};
use crate::warnings::Warnings;

const KEYS: [&str; 20] = [
    "/a", "//", "//a", "a//b", "a//", "a/b//c", "full/", ".", "./a", "a/.", "a/./b", "..", "../a",
    "a/..", "a/../b", "a\nb", "\t", "\u{1}/a", "a/\u{7f}", "a\0",
];

async fn seed(memory: &MemoryStore, key: &str) {
    let url = S3Url::from_parts(BUCKET, key).unwrap();
    memory.put_bytes(url, "x").await.unwrap();
}

fn store(transfer: Transfer, policy: UnlistableKeys) -> S3ObjectStore {
    let builder = S3ObjectStore::builder(transfer, BUCKET).on_callers_runtime();
    builder.unlistable_keys(policy).build().unwrap()
}

async fn list(store: &S3ObjectStore) -> Result<Vec<ObjectMeta>> {
    store.list(None).try_collect().await
}

/// Lists level by level.
async fn walk(store: &S3ObjectStore) -> Result<Vec<ObjectMeta>> {
    let (mut objects, mut directories) = (Vec::new(), vec![None]);
    while let Some(directory) = directories.pop() {
        let level = store.list_with_delimiter(directory.as_ref()).await?;
        objects.extend(level.objects);
        directories.extend(level.common_prefixes.into_iter().map(Some));
    }
    Ok(objects)
}

/// Lists level by level, in pages of one entry.
async fn walk_pages(store: &S3ObjectStore) -> Result<Vec<ObjectMeta>> {
    let (mut objects, mut prefixes) = (Vec::new(), vec![String::new()]);
    while let Some(prefix) = prefixes.pop() {
        let mut token = None;
        loop {
            let options = PaginatedListOptions {
                delimiter: Some("/".into()),
                max_keys: Some(1),
                page_token: token,
                ..Default::default()
            };
            let page = store.list_paginated(Some(&prefix), options).await?;
            objects.extend(page.result.objects);
            let found = page.result.common_prefixes.into_iter();
            prefixes.extend(found.map(|directory| format!("{directory}/")));
            token = page.page_token;
            if token.is_none() {
                break;
            }
        }
    }
    Ok(objects)
}

#[tokio::test]
async fn a_key_that_is_no_path_is_neither_listed_nor_read_nor_deleted() {
    for key in KEYS {
        for setup in [Setup::in_memory().await, Setup::over_http().await] {
            seed(&setup.memory, key).await;
            let skipping = || store(setup.transfer(), UnlistableKeys::Skip);
            let (listing, level, pages) = (skipping(), skipping(), skipping());
            assert_eq!(list(&listing).await.unwrap(), [], "{key:?}");
            let after = skipping().list_with_offset(None, &Path::default());
            assert_eq!(after.try_collect::<Vec<_>>().await.unwrap(), [], "{key:?}");
            assert_eq!(walk(&level).await.unwrap(), [], "{key:?}");
            assert_eq!(walk_pages(&pages).await.unwrap(), [], "{key:?}");
            for store in [&listing, &level, &pages] {
                assert_eq!(store.skipped_keys(), 1, "{key:?}");
            }
            let failing = store(setup.transfer(), UnlistableKeys::Error);
            let outcomes = [
                list(&failing).await,
                walk(&failing).await,
                walk_pages(&failing).await,
            ];
            for outcome in outcomes {
                let error = outcome.unwrap_err().to_string();
                assert!(
                    error.contains("cannot represent the key as a path"),
                    "{error}"
                );
            }
            let alike = [
                Some(Path::from(key)),
                Path::parse(key).ok(),
                Path::from_url_path(key).ok(),
            ];
            // The root is a path, and no key.
            let alike = alike.into_iter().flatten();
            for path in alike.filter(|path| !path.as_ref().is_empty()) {
                let (head, get) = (listing.head(&path).await, listing.get(&path).await);
                for outcome in [head.map(drop), get.map(drop)] {
                    assert!(
                        matches!(outcome, Err(Error::NotFound { .. })),
                        "{key:?} as {path}: {outcome:?}"
                    );
                }
                listing.delete(&path).await.unwrap();
            }
            assert_eq!(setup.memory.object_count(), 1, "{key:?}");
        }
    }
}

#[tokio::test]
async fn keys_that_are_paths_are_listed_beside_those_that_are_none() {
    let setup = Setup::over_http().await;
    for key in KEYS.into_iter().chain(["a/b", "ä ö/%2F", "~/..."]) {
        seed(&setup.memory, key).await;
    }
    // The marker of a directory is no object for anybody.
    let marker = S3Url::from_parts(BUCKET, "empty/").unwrap();
    setup.memory.put_bytes(marker, "").await.unwrap();
    let store = store(setup.transfer(), UnlistableKeys::Skip);
    let expected = ["a/b", "~/...", "ä ö/%2F"];
    for mut found in [
        list(&store).await.unwrap(),
        walk(&store).await.unwrap(),
        walk_pages(&store).await.unwrap(),
    ] {
        found.sort_by(|a, b| a.location.cmp(&b.location));
        let found: Vec<_> = found
            .iter()
            .map(|object| object.location.as_ref())
            .collect();
        assert_eq!(found, expected);
    }
    let path = Path::parse("a/b").unwrap();
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "x");
    store.delete(&path).await.unwrap();
    assert_eq!(setup.memory.object_count(), KEYS.len() + 3);
}

#[tokio::test]
async fn the_root_is_no_directory_of_itself() {
    let setup = Setup::in_memory().await;
    for key in ["/x", "a/b"] {
        seed(&setup.memory, key).await;
    }
    let store = store(setup.transfer(), UnlistableKeys::Skip);
    let level = store.list_with_delimiter(None).await.unwrap();
    assert_eq!(level.common_prefixes, [Path::from("a")]);
    assert_eq!(store.skipped_keys(), 1);
}

#[tokio::test]
async fn a_listing_warns_once_with_the_number_of_keys() {
    let mut limits = Limits::default();
    limits.max_keys_per_page = 2;
    let memory = MemoryStore::with_buckets([BUCKET]).with_limits(limits);
    for key in ["a/1", "p/1", "p//2", "p/3", "p/./4", "p/5", "p/../6", "p/7"] {
        seed(&memory, key).await;
    }
    let transfer = Transfer::new(memory, TransferConfig::default());
    let skipping = store(transfer.clone(), UnlistableKeys::Skip);
    let warnings = Arc::new(Warnings::default());
    let _listening = warnings.listen();
    let pages = format!("s3://{BUCKET}/ 3");
    assert_eq!(list(&skipping).await.unwrap().len(), 5);
    assert_eq!(warnings.take(), [pages]);
    let directory = Path::from("p");
    let level = skipping.list_with_delimiter(Some(&directory)).await;
    assert_eq!(level.unwrap().objects.len(), 4);
    assert_eq!(warnings.take(), [format!("s3://{BUCKET}/p/ 3")]);
    let clean = skipping.list(Some(&Path::from("a")));
    assert_eq!(clean.try_collect::<Vec<_>>().await.unwrap().len(), 1);
    let failing = store(transfer, UnlistableKeys::Error);
    list(&failing).await.unwrap_err();
    assert!(warnings.take().is_empty());
    assert_eq!(skipping.skipped_keys(), 6);
}

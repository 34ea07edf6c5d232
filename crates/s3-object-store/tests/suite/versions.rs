//! Versions, ETags and conditions.

use s3_core::{S3Url, SetVersioning, Store, StoreExt, Versioning};

use super::S3ObjectStore;
use super::object_store::path::Path;
use super::object_store::{
    Error, GetOptions, ObjectStore, ObjectStoreExt, PutMode, UpdateVersion, integration,
};
use crate::setup::{BUCKET, Setup};

/// A store over a bucket that keeps versions.
async fn versioned(setup: &Setup) -> S3ObjectStore {
    let request = SetVersioning::new(BUCKET, Versioning::Enabled);
    setup.memory.set_versioning(request).await.unwrap();
    store(setup)
}

fn store(setup: &Setup) -> S3ObjectStore {
    let builder = S3ObjectStore::builder(setup.transfer(), BUCKET);
    builder.on_callers_runtime().build().unwrap()
}

async fn read(store: &S3ObjectStore, path: &Path, options: GetOptions) -> String {
    let read = store.get_opts(path, options).await.unwrap();
    String::from_utf8(read.bytes().await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn object_stores_own_test_of_versions_runs_to_its_end() {
    for setup in [Setup::in_memory().await, Setup::over_http().await] {
        let store = versioned(&setup).await;
        let put = store.put(&Path::from("k"), "x".into()).await.unwrap();
        assert!(put.version.is_some());
        store.delete(&Path::from("k")).await.unwrap();
        integration::get_opts(&store).await;
    }
}

#[tokio::test]
async fn a_version_is_read_by_its_id() {
    for setup in [Setup::in_memory().await, Setup::over_http().await] {
        let (store, path) = (versioned(&setup).await, Path::from("k"));
        let old = store.put(&path, "old".into()).await.unwrap().version;
        let new = store.put(&path, "newer".into()).await.unwrap().version;
        assert_ne!(old, new);
        for (version, expected) in [(&old, "old"), (&new, "newer"), (&None, "newer")] {
            let options = || GetOptions::new().with_version(version.clone());
            let head = store.get_opts(&path, options().with_head(true)).await;
            let head = head.unwrap().meta;
            assert_eq!(head.version, version.clone().or_else(|| new.clone()));
            assert_eq!(head.size, expected.len() as u64);
            assert_eq!(read(&store, &path, options()).await, expected);
            let range = options().with_range(Some(1..3));
            assert_eq!(read(&store, &path, range).await, expected[1..3]);
        }
        let options = GetOptions::new().with_version(Some("00000000000000000000000000000000"));
        let unknown = store.get_opts(&path, options).await.map(drop);
        assert!(unknown.is_err(), "{unknown:?}");
        // Deleted without a version: the versions stay.
        store.delete(&path).await.unwrap();
        let options = GetOptions::new().with_version(old);
        assert_eq!(read(&store, &path, options).await, "old");
        let deleted = store.get(&path).await.map(drop);
        assert!(
            matches!(deleted, Err(Error::NotFound { .. })),
            "{deleted:?}"
        );
    }
}

#[tokio::test]
async fn a_pinned_store_reads_the_version_that_it_has_seen() {
    for setup in [Setup::in_memory().await, Setup::over_http().await] {
        let (store, path) = (versioned(&setup).await, Path::from("k"));
        let old = store.put(&path, "old".into()).await.unwrap().version;
        let (headed, got) = (store.pinned(), store.pinned());
        headed.head(&path).await.unwrap();
        assert_eq!(read(&got, &path, GetOptions::new()).await, "old");
        let new = store.put(&path, "newer".into()).await.unwrap().version;
        for pinned in [&headed, &got] {
            assert_eq!(pinned.head(&path).await.unwrap().version, old);
            assert_eq!(read(pinned, &path, GetOptions::new()).await, "old");
            let ranges = pinned.get_ranges(&path, &[0..1, 2..3]).await.unwrap();
            assert_eq!(ranges, ["o", "d"]);
            // A version that the caller names is that one.
            let options = GetOptions::new().with_version(new.clone());
            assert_eq!(read(pinned, &path, options).await, "newer");
            assert_eq!(read(pinned, &path, GetOptions::new()).await, "old");
        }
        store.delete(&path).await.unwrap();
        assert_eq!(read(&headed, &path, GetOptions::new()).await, "old");
    }
}

#[tokio::test]
async fn etags_are_given_out_with_quotes_and_taken_with_and_without() {
    for setup in [Setup::in_memory().await, Setup::over_http().await] {
        let (store, path) = (store(&setup), Path::from("k"));
        let put = store.put(&path, "x".into()).await.unwrap();
        let quoted = put.e_tag.unwrap();
        assert_eq!(store.head(&path).await.unwrap().e_tag, Some(quoted.clone()));
        let bare = quoted.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        for etag in [quoted.as_str(), bare] {
            let matching = GetOptions::new().with_if_match(Some(etag));
            assert_eq!(read(&store, &path, matching).await, "x");
            let mut other = GetOptions::new();
            other.if_none_match = Some(etag.to_owned());
            let unchanged = store.get_opts(&path, other).await.map(drop);
            assert!(
                matches!(unchanged, Err(Error::NotModified { .. })),
                "{unchanged:?}"
            );
            let update = UpdateVersion {
                e_tag: Some(etag.to_owned()),
                version: None,
            };
            let update = PutMode::Update(update);
            store
                .put_opts(&path, "x".into(), update.into())
                .await
                .unwrap();
        }
        let other = S3Url::from_parts(BUCKET, "k").unwrap();
        setup.memory.put_bytes(other, "y").await.unwrap();
        for etag in [quoted.as_str(), bare] {
            let changed = GetOptions::new().with_if_match(Some(etag));
            let changed = store.get_opts(&path, changed).await.map(drop);
            assert!(
                matches!(changed, Err(Error::Precondition { .. })),
                "{changed:?}"
            );
        }
    }
}

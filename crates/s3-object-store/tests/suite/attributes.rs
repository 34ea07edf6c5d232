//! Attributes and tags of objects.

use s3_core::{Encryption, GetTags, S3Url};
use s3_transfer::CallOptions;

use super::S3ObjectStore;
use super::object_store::multipart::MultipartStore;
use super::object_store::path::Path;
use super::object_store::{
    Attribute, Attributes, Error, GetOptions, ObjectStore, ObjectStoreExt, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, TagSet,
};
use crate::setup::{BUCKET, Setup};

const TAGS: [(&str, &str); 4] = [
    ("a + b", "50 % & more"),
    ("empty", ""),
    ("owner", "me"),
    ("ü", "=/+"),
];

fn attributes() -> Attributes {
    Attributes::from_iter([
        (Attribute::CacheControl, "max-age=60"),
        (Attribute::ContentDisposition, "attachment"),
        (Attribute::ContentEncoding, "identity"),
        (Attribute::ContentLanguage, "de"),
        (Attribute::ContentType, "text/csv"),
        (Attribute::StorageClass, "STANDARD_IA"),
        (Attribute::Metadata("owner".into()), "me"),
    ])
}

fn tags() -> TagSet {
    let mut tags = TagSet::default();
    for (name, value) in TAGS {
        tags.push(name, value);
    }
    tags
}

/// Fails unless an object has the attributes and the tags.
async fn check(setup: &Setup, store: &S3ObjectStore, path: &Path) {
    let read = store.get(path).await.unwrap();
    assert_eq!(read.attributes, attributes(), "{path}");
    let head = GetOptions::new().with_head(true);
    let head = store.get_opts(path, head).await.unwrap();
    assert_eq!(head.attributes, attributes(), "{path}");
    let request = GetTags::new(S3Url::from_parts(BUCKET, path.as_ref()).unwrap());
    let found = setup.transfer();
    let found = found.get_tags(request, &CallOptions::default()).await;
    let found = found.unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(found, TAGS, "{path}");
}

#[tokio::test]
async fn attributes_and_tags_of_puts_and_uploads_are_stored() {
    for setup in [Setup::in_memory().await, Setup::over_http().await] {
        let store = S3ObjectStore::builder(setup.transfer(), BUCKET);
        let store = store.on_callers_runtime().build().unwrap();
        for mode in [PutMode::Overwrite, PutMode::Create] {
            let path = Path::from(format!("{mode:?}"));
            let mut options = PutOptions::from(attributes());
            options.tags = tags();
            options.mode = mode;
            store.put_opts(&path, "x".into(), options).await.unwrap();
            check(&setup, &store, &path).await;
        }
        for parts in [0, 1, 2] {
            let path = Path::from(format!("{parts} parts"));
            let options = PutMultipartOptions {
                attributes: attributes(),
                tags: tags(),
                ..Default::default()
            };
            let mut upload = store.put_multipart_opts(&path, options).await.unwrap();
            for _ in 0..parts {
                let part = upload.put_part(PutPayload::from(vec![0; 5 << 20]));
                part.await.unwrap();
            }
            upload.complete().await.unwrap();
            check(&setup, &store, &path).await;
        }
    }
}

#[tokio::test]
async fn everything_that_is_written_has_the_encryption_of_the_store() {
    let setup = Setup::over_http().await;
    let transfer = setup.transfer();
    let plain = S3ObjectStore::builder(transfer.clone(), BUCKET).on_callers_runtime();
    let builder = plain.clone().encryption(Encryption::new("aws:kms"));
    let (store, plain) = (builder.build().unwrap(), plain.build().unwrap());
    let path = |key: &str| Path::from(key);
    plain.put(&path("plain"), "x".into()).await.unwrap();
    store.put(&path("put"), "x".into()).await.unwrap();
    store.copy(&path("plain"), &path("copy")).await.unwrap();
    let mut upload = store.put_multipart(&path("upload")).await.unwrap();
    upload.put_part("x".into()).await.unwrap();
    upload.complete().await.unwrap();
    let id = store.create_multipart(&path("id")).await.unwrap();
    let part = MultipartStore::put_part(&store, &path("id"), &id, 0, "x".into()).await;
    let parts = vec![part.unwrap()];
    store
        .complete_multipart(&path("id"), &id, parts)
        .await
        .unwrap();
    let other = plain.with_encryption(Encryption::new("AES256"));
    other.put(&path("other"), "x".into()).await.unwrap();
    for (key, expected) in [
        ("plain", None),
        ("put", Some("aws:kms")),
        ("copy", Some("aws:kms")),
        ("upload", Some("aws:kms")),
        ("id", Some("aws:kms")),
        ("other", Some("AES256")),
    ] {
        let url = S3Url::from_parts(BUCKET, key).unwrap();
        let found = transfer.head(url, &CallOptions::default()).await.unwrap();
        let found = found.attributes.encryption;
        assert_eq!(found.as_ref().map(Encryption::as_str), expected, "{key}");
    }
}

#[tokio::test]
async fn a_tag_that_is_there_twice_is_rejected() {
    let setup = Setup::in_memory().await;
    let store = S3ObjectStore::builder(setup.transfer(), BUCKET);
    let store = store.on_callers_runtime().build().unwrap();
    let mut options = PutOptions::from(tags());
    options.tags.push("owner", "other");
    let put = store.put_opts(&Path::from("k"), "x".into(), options).await;
    assert!(matches!(put, Err(Error::Generic { .. })), "{put:?}");
    assert_eq!(setup.memory.object_count(), 0);
}

//! Conformance cases of object attributes: content type, user metadata, storage class, encryption and other headers.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use s3_core::{Attributes, Encryption};

use super::assertions::succeeds;
use super::pages::page;
use super::verdict::require;
use super::{Harness, Verdict};

/// User metadata as Metaflow writes it: a name and JSON in ASCII.
const METAFLOW: (&str, &str) = (
    "metaflow-user-attributes",
    r#"{"k \"1\"": "caf\u00e9", "n": [1, 2.5, null]}"#,
);

async fn put(harness: &Harness, attributes: Attributes) {
    succeeds(
        harness
            .put_with("k", "x", |request| request.attributes = attributes)
            .await,
    );
}

/// Returns the attributes that both GET and HEAD return.
async fn attributes(harness: &Harness) -> Attributes {
    let head = harness.head("k").await.attributes;
    let get = harness.get("k").await.meta.attributes;
    assert_eq!(get, head, "get and head say the same");
    head
}

/// A content type is stored and returned.
pub async fn a_content_type_comes_back(harness: &Harness) -> Verdict {
    require!(harness, attributes);
    let mut sent = Attributes::default();
    sent.content_type = Some("text/plain; charset=utf-8".into());
    put(harness, sent.clone()).await;
    assert_eq!(attributes(harness).await.content_type, sent.content_type);
    Verdict::Ran
}

/// An object without a content type is `binary/octet-stream`.
pub async fn an_object_without_content_type_is_binary(harness: &Harness) -> Verdict {
    require!(harness, attributes);
    put(harness, Attributes::default()).await;
    let content_type = attributes(harness).await.content_type;
    assert_eq!(content_type.as_deref(), Some("binary/octet-stream"));
    Verdict::Ran
}

/// User metadata is stored and returned unchanged.
pub async fn user_metadata_comes_back(harness: &Harness) -> Verdict {
    require!(harness, attributes);
    let mut sent = Attributes::default();
    for (name, value) in [METAFLOW, ("empty-ish", "-"), ("two-words", "a  b")] {
        sent.user.insert(name.to_owned(), value.to_owned());
    }
    put(harness, sent.clone()).await;
    assert_eq!(attributes(harness).await.user, sent.user);
    Verdict::Ran
}

/// Names of user metadata are in lower case, because they travel as HTTP headers.
pub async fn names_of_user_metadata_are_in_lower_case(harness: &Harness) -> Verdict {
    require!(harness, attributes);
    let mut sent = Attributes::default();
    sent.user
        .insert("Camera-Model".to_owned(), "X100".to_owned());
    put(harness, sent).await;
    let user = attributes(harness).await.user;
    assert_eq!(
        user.get("camera-model").map(String::as_str),
        Some("X100"),
        "{user:?}"
    );
    assert_eq!(user.len(), 1);
    Verdict::Ran
}

/// An object written without user metadata has none.
pub async fn an_object_without_user_metadata_has_none(harness: &Harness) -> Verdict {
    put(harness, Attributes::default()).await;
    assert!(attributes(harness).await.user.is_empty());
    Verdict::Ran
}

/// The other headers that S3 stores are returned.
pub async fn other_headers_come_back(harness: &Harness) -> Verdict {
    require!(harness, attributes);
    let mut sent = Attributes::default();
    sent.content_encoding = Some("gzip".into());
    sent.cache_control = Some("max-age=60".into());
    sent.content_disposition = Some("attachment; filename=\"a b.txt\"".into());
    sent.content_language = Some("en, de".into());
    sent.expires = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000));
    put(harness, sent.clone()).await;
    let got = attributes(harness).await;
    assert_eq!(got.content_encoding, sent.content_encoding);
    assert_eq!(got.cache_control, sent.cache_control);
    assert_eq!(got.content_disposition, sent.content_disposition);
    assert_eq!(got.content_language, sent.content_language);
    assert_eq!(got.expires, sent.expires);
    Verdict::Ran
}

/// A storage class other than the default is returned by reads and listings.
pub async fn a_storage_class_comes_back(harness: &Harness) -> Verdict {
    require!(harness, attributes);
    for (class, returned) in [
        ("REDUCED_REDUNDANCY", Some("REDUCED_REDUNDANCY")),
        ("STANDARD", None),
    ] {
        let mut sent = Attributes::default();
        sent.storage_class = Some(class.into());
        put(harness, sent).await;
        assert_eq!(attributes(harness).await.storage_class.as_deref(), returned);
        let listed = page(harness, harness.listing("k")).await;
        assert_eq!(listed.objects[0].storage_class.as_deref(), Some(class));
    }
    Verdict::Ran
}

/// Server-side encryption is reported, and the object can be read.
pub async fn encryption_comes_back(harness: &Harness) -> Verdict {
    require!(harness, attributes);
    let mut sent = Attributes::default();
    sent.encryption = Some(Encryption::new("AES256"));
    put(harness, sent.clone()).await;
    assert_eq!(attributes(harness).await.encryption, sent.encryption);
    assert_eq!(harness.read("k").await, "x");
    Verdict::Ran
}

/// The KMS key ID and the bucket key setting are returned with the encryption.
pub async fn a_key_of_kms_comes_back(harness: &Harness) -> Verdict {
    require!(harness, attributes);
    let encryption = Encryption::new("aws:kms").with_key_id("arn:aws:kms:us-east-1:1:key/2");
    let mut sent = Attributes::default();
    sent.encryption = Some(encryption.with_bucket_key());
    put(harness, sent.clone()).await;
    assert_eq!(attributes(harness).await.encryption, sent.encryption);
    Verdict::Ran
}

/// A write replaces all attributes of the object.
pub async fn a_write_replaces_all_attributes(harness: &Harness) -> Verdict {
    require!(harness, attributes);
    let mut old = Attributes::default();
    old.content_type = Some(Arc::from("text/old"));
    old.user.insert("old".to_owned(), "1".to_owned());
    put(harness, old).await;
    let mut new = Attributes::default();
    new.user.insert("new".to_owned(), "2".to_owned());
    put(harness, new.clone()).await;
    let got = attributes(harness).await;
    assert_eq!(got.user, new.user);
    assert_eq!(got.content_type.as_deref(), Some("binary/octet-stream"));
    Verdict::Ran
}

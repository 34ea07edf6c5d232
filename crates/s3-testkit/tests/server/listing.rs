//! Listings return every key exactly.

use s3_core::{DeleteRequest, ListRequest, S3Prefix, S3Url, Store, StoreExt};
use s3_testkit::ramp;

use crate::raw_http::{open_server, send};

const KEYS: &[&str] = &[
    " leading space",
    "%2F",
    "../up",
    "./here",
    "/slash",
    "a\u{1}b",
    "a\nb",
    "a\rb",
    "a//b",
    "a/b",
    "a+b c",
    "dir/",
    "e\u{301}",
    "q?x=1&y=<z>",
    "tab\tend",
    "#1",
    "\u{e9}",
    "\u{1f980}",
];

#[tokio::test]
async fn a_client_lists_every_key_as_it_was_put() {
    let server = open_server().await;
    let client = server.sdk_store();
    for key in KEYS {
        client
            .put_bytes(S3Url::from_parts("bkt", key).unwrap(), ramp(0, 3))
            .await
            .unwrap();
    }
    let mut expected = KEYS.to_vec();
    expected.sort_unstable();
    let mut request = ListRequest::new(S3Prefix::parse("s3://bkt").unwrap()).with_max_keys(5);
    let mut listed = Vec::new();
    loop {
        let page = client.list_page(request.clone()).await.unwrap();
        listed.extend(
            page.objects
                .iter()
                .map(|object| object.url.key().to_owned()),
        );
        match page.next {
            Some(next) => request = request.with_continuation(next),
            None => break,
        }
    }
    assert_eq!(listed, expected);

    let urls = KEYS
        .iter()
        .map(|key| S3Url::from_parts("bkt", key).unwrap())
        .collect();
    let deleted = client
        .delete(DeleteRequest::new("bkt", urls))
        .await
        .unwrap();
    assert!(deleted.failures.is_empty(), "{deleted:?}");
    for key in KEYS {
        let url = S3Url::from_parts("bkt", key).unwrap();
        assert!(!server.store().exists(url).await.unwrap(), "{key:?}");
    }
}

#[tokio::test]
async fn encoding_type_url_encodes_every_field_with_a_key() {
    let server = open_server().await;
    let store = server.store();
    for key in ["p /a\u{1}", "p /b|c", "p /b|d"] {
        store
            .put_bytes(S3Url::from_parts("bkt", key).unwrap(), "x")
            .await
            .unwrap();
    }
    let target =
        "GET /bkt?list-type=2&encoding-type=url&prefix=p%20/&delimiter=%7C&start-after=p%20";
    let text = send(&server, target, &[], b"").await.text();
    for part in [
        "<Key>p%20/a%01</Key>",
        "<CommonPrefixes><Prefix>p%20/b%7C</Prefix></CommonPrefixes>",
        "<Prefix>p%20/</Prefix>",
        "<Delimiter>%7C</Delimiter>",
        "<StartAfter>p%20</StartAfter>",
        "<EncodingType>url</EncodingType>",
        "<KeyCount>2</KeyCount>",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[tokio::test]
async fn list_objects_v1_continues_after_the_marker() {
    let server = open_server().await;
    for key in ["a/1", "a/2", "b", "c"] {
        server
            .store()
            .put_bytes(S3Url::from_parts("bkt", key).unwrap(), "x")
            .await
            .unwrap();
    }
    let first = send(&server, "GET /bkt?delimiter=/&max-keys=1", &[], b"")
        .await
        .text();
    assert!(first.contains("<NextMarker>a/</NextMarker>"), "{first}");
    let second = send(
        &server,
        "GET /bkt?delimiter=/&max-keys=1&marker=a/",
        &[],
        b"",
    )
    .await
    .text();
    assert!(
        second.contains("<Key>b</Key>") && !second.contains("<Prefix>a/"),
        "{second}"
    );
    let none = send(&server, "GET /bkt?list-type=2&max-keys=0", &[], b"")
        .await
        .text();
    assert!(none.contains("<IsTruncated>false</IsTruncated>"), "{none}");
}

#[tokio::test]
async fn a_marker_that_is_the_prefix_and_a_key_skips_nothing_below_it() {
    let server = open_server().await;
    for key in ["a/", "a/1", "a/b/2"] {
        server
            .store()
            .put_bytes(S3Url::from_parts("bkt", key).unwrap(), "x")
            .await
            .unwrap();
    }
    let mut marker = String::new();
    let mut seen = Vec::new();
    for entry in ["<Key>a/</Key>", "<Key>a/1</Key>", "<Prefix>a/b/</Prefix>"] {
        let target = format!("GET /bkt?prefix=a/&delimiter=/&max-keys=1&marker={marker}");
        let page = send(&server, &target, &[], b"").await.text();
        if page.contains(entry) {
            seen.push(entry);
        }
        let next = page.split_once("<NextMarker>");
        marker = next.map_or_else(String::new, |(_, rest)| {
            rest.split('<').next().unwrap_or_default().to_owned()
        });
    }
    assert_eq!(
        (seen.len(), marker.as_str()),
        (3, ""),
        "{seen:?}, then {marker}"
    );
}

#[tokio::test]
async fn a_token_that_the_server_did_not_give_is_rejected() {
    let server = open_server().await;
    let response = send(
        &server,
        "GET /bkt?list-type=2&continuation-token=!",
        &[],
        b"",
    )
    .await;
    assert_eq!(response.status, 400);
    assert_eq!(
        send(&server, "GET /bkt?list-type=2&max-keys=-1", &[], b"")
            .await
            .status,
        400
    );
}

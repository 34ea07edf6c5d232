//! Versions, locks, archives, repeated completions and cross-origin requests, as other clients see them.

use std::time::Duration;

use s3_core::MemoryStore;
use s3_testkit::S3Server;
use tokio::time::Instant;

use crate::raw_http::{RawResponse, open_server, send};

const ENABLED: &[u8] =
    b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";

async fn ok(server: &S3Server, line: &str, headers: &[&str], body: &[u8]) -> RawResponse {
    let response = send(server, line, headers, body).await;
    assert!(response.status < 300, "{line}: {}", response.text());
    response
}

fn version(response: &RawResponse) -> String {
    response.header("x-amz-version-id").unwrap().to_owned()
}

#[tokio::test]
async fn a_delete_marker_says_what_it_is() {
    let server = open_server().await;
    ok(&server, "PUT /bkt?versioning", &[], ENABLED).await;
    let first = version(&ok(&server, "PUT /bkt/k", &[], b"1").await);
    let deleted = ok(&server, "DELETE /bkt/k", &[], b"").await;
    assert_eq!(deleted.header("x-amz-delete-marker"), Some("true"));
    let marker = version(&deleted);
    let hidden = send(&server, "GET /bkt/k", &[], b"").await;
    let named = format!("GET /bkt/k?versionId={marker}");
    let named = send(&server, &named, &[], b"").await;
    assert_eq!((hidden.status, named.status), (404, 405));
    assert_eq!(named.header("allow"), Some("DELETE"));
    for response in [hidden, named] {
        assert_eq!(response.header("x-amz-delete-marker"), Some("true"));
        assert_eq!(version(&response), marker);
        assert_eq!(response.header("content-type"), Some("application/xml"));
        assert!(
            response.text().contains("<RequestId>"),
            "{}",
            response.text()
        );
    }
    let old = ok(&server, &format!("GET /bkt/k?versionId={first}"), &[], b"").await;
    assert_eq!(old.text(), "1");
    let listed = ok(&server, "GET /bkt?versions", &[], b"").await.text();
    assert!(
        listed.contains("<DeleteMarker>") && listed.contains("<Version>"),
        "{listed}"
    );
    let batch =
        format!("<Delete><Object><Key>k</Key><VersionId>{marker}</VersionId></Object></Delete>");
    let text = ok(&server, "POST /bkt?delete", &[], batch.as_bytes())
        .await
        .text();
    let expected = format!("<DeleteMarkerVersionId>{marker}</DeleteMarkerVersionId>");
    assert!(text.contains(&expected), "{text}");
    assert_eq!(ok(&server, "GET /bkt/k", &[], b"").await.text(), "1");
}

#[tokio::test]
async fn a_suspended_bucket_names_no_version_of_a_write() {
    let server = open_server().await;
    ok(&server, "PUT /bkt?versioning", &[], ENABLED).await;
    let suspended =
        b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";
    ok(&server, "PUT /bkt?versioning", &[], suspended).await;
    let written = ok(&server, "PUT /bkt/k", &[], b"1").await;
    assert_eq!(written.header("x-amz-version-id"), None);
    let read = ok(&server, "GET /bkt/k", &[], b"").await;
    assert_eq!(read.header("x-amz-version-id"), Some("null"));
}

#[tokio::test]
async fn a_locked_version_stays() {
    let server = open_server().await;
    let lock = ["x-amz-bucket-object-lock-enabled: true"];
    ok(&server, "PUT /locked", &lock, b"").await;
    let headers = [
        "x-amz-object-lock-mode: GOVERNANCE",
        "x-amz-object-lock-retain-until-date: 2999-01-01T00:00:00Z",
    ];
    let id = version(&ok(&server, "PUT /locked/k", &headers, b"1").await);
    let line = format!("DELETE /locked/k?versionId={id}");
    let rejected = send(&server, &line, &[], b"").await;
    assert_eq!(rejected.status, 403, "{}", rejected.text());
    let hold = b"<LegalHold><Status>ON</Status></LegalHold>";
    ok(&server, "PUT /locked/k?legal-hold", &[], hold).await;
    let bypass = ["x-amz-bypass-governance-retention: true"];
    assert_eq!(send(&server, &line, &bypass, b"").await.status, 403);
    let hold = b"<LegalHold><Status>OFF</Status></LegalHold>";
    ok(&server, "PUT /locked/k?legal-hold", &[], hold).await;
    ok(&server, &line, &bypass, b"").await;
    let unlocked = send(&server, "PUT /bkt/k", &headers, b"1").await;
    assert_eq!(unlocked.status, 400, "{}", unlocked.text());
}

#[tokio::test]
async fn an_archived_object_is_restored_before_it_is_read() {
    let server = open_server().await;
    let archived = ["x-amz-storage-class: GLACIER"];
    ok(&server, "PUT /bkt/k", &archived, b"1").await;
    let early = send(&server, "GET /bkt/k", &[], b"").await;
    assert_eq!(early.status, 403);
    assert!(
        early.text().contains("InvalidObjectState"),
        "{}",
        early.text()
    );
    let days = b"<RestoreRequest><Days>1</Days></RestoreRequest>";
    for status in [202, 200] {
        let restored = send(&server, "POST /bkt/k?restore", &[], days).await;
        assert_eq!(restored.status, status, "{}", restored.text());
    }
    let read = ok(&server, "GET /bkt/k", &[], b"").await;
    assert!(
        read.header("x-amz-restore")
            .unwrap()
            .contains("expiry-date")
    );
    let endless = b"<RestoreRequest></RestoreRequest>";
    let rejected = send(&server, "POST /bkt/k?restore", &[], endless).await;
    assert_eq!(rejected.status, 400, "{}", rejected.text());
    assert!(rejected.text().contains("MalformedXML"));
    let tiering = ["x-amz-storage-class: INTELLIGENT_TIERING"];
    ok(&server, "PUT /bkt/t", &tiering, b"1").await;
    let restored = send(&server, "POST /bkt/t?restore", &[], endless).await;
    assert_eq!(restored.status, 202, "{}", restored.text());
    let rejected = send(&server, "POST /bkt/t?restore", &[], days).await;
    assert_eq!(rejected.status, 400, "{}", rejected.text());
    let odd = ["x-amz-storage-class: ODD"];
    assert_eq!(send(&server, "PUT /bkt/k", &odd, b"1").await.status, 400);
}

#[tokio::test]
async fn a_completion_is_repeated_if_the_server_is_told_to() {
    let strict = open_server().await;
    let lenient = S3Server::builder(MemoryStore::with_buckets(["bkt"]))
        .allow_anonymous()
        .repeat_completions()
        .start()
        .await
        .unwrap();
    for (server, again) in [(&strict, 404), (&lenient, 200)] {
        let created = ok(server, "POST /bkt/k?uploads", &[], b"").await.text();
        let id = created.split_once("<UploadId>").unwrap().1;
        let id = id.split_once("</UploadId>").unwrap().0;
        let part = format!("PUT /bkt/k?partNumber=1&uploadId={id}");
        let etag = ok(server, &part, &[], b"1").await;
        let complete = |etag: &str| {
            format!(
                "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>\
                 </CompleteMultipartUpload>"
            )
        };
        let (line, right) = (
            format!("POST /bkt/k?uploadId={id}"),
            complete(etag.header("etag").unwrap()),
        );
        let first = ok(server, &line, &[], right.as_bytes()).await;
        let second = send(server, &line, &[], right.as_bytes()).await;
        assert_eq!(second.status, again, "{}", second.text());
        assert_eq!(second.text() == first.text(), again == 200);
        let other = send(server, &line, &[], complete("\"x\"").as_bytes()).await;
        assert_eq!(other.status, 404, "{}", other.text());
    }
}

#[tokio::test]
async fn cors_rules_respond_to_preflights_and_mark_responses() {
    let server = open_server().await;
    let rules = b"<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod>\
        <AllowedOrigin>https://a.example</AllowedOrigin></CORSRule></CORSConfiguration>";
    ok(&server, "PUT /bkt?cors", &[], rules).await;
    ok(&server, "PUT /bkt/k", &[], b"1").await;
    let (origin, method) = (
        "Origin: https://a.example",
        "Access-Control-Request-Method: GET",
    );
    let allowed = ok(&server, "OPTIONS /bkt/k", &[origin, method], b"").await;
    let read = ok(&server, "GET /bkt/k", &[origin], b"").await;
    for response in [allowed, read] {
        let shown = response.header("access-control-allow-origin");
        assert_eq!(shown, Some("https://a.example"));
    }
    let other = ["Origin: https://b.example", method];
    assert_eq!(
        send(&server, "OPTIONS /bkt/k", &other, b"").await.status,
        403
    );
}

#[tokio::test]
async fn an_error_says_what_it_is_about() {
    let server = open_server().await;
    ok(&server, "PUT /bkt/k", &[], b"123").await;
    let missing = send(&server, "GET /bkt/none", &[], b"").await.text();
    assert!(
        missing.contains("<Key>none</Key><Resource>/bkt/none</Resource>"),
        "{missing}"
    );
    let range = send(&server, "GET /bkt/k", &["Range: bytes=9-"], b"")
        .await
        .text();
    let expected =
        "<RangeRequested>bytes=9-</RangeRequested><ActualObjectSize>3</ActualObjectSize>";
    assert!(range.contains(expected), "{range}");
    let owner = ["x-amz-expected-bucket-owner: 999999999999"];
    assert_eq!(send(&server, "GET /bkt/k", &owner, b"").await.status, 403);
}

#[tokio::test]
async fn a_body_in_chunks_needs_no_length() {
    let server = open_server().await;
    let chunked = ["Transfer-Encoding: chunked"];
    let body = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    ok(&server, "PUT /bkt/k", &chunked, body).await;
    let document = b"4b\r\n<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>\r\n0\r\n\r\n";
    ok(&server, "PUT /bkt?versioning", &chunked, document).await;
    assert_eq!(ok(&server, "GET /bkt/k", &[], b"").await.text(), "abcde");
    let encrypted = ["x-amz-server-side-encryption: AES256"];
    let read = send(&server, "GET /bkt/k", &encrypted, b"").await;
    assert_eq!(read.status, 400, "{}", read.text());
}

#[tokio::test]
async fn latency_and_rate_slow_the_server_down() {
    let server = S3Server::builder(MemoryStore::with_buckets(["bkt"]))
        .allow_anonymous()
        .latency(Duration::from_millis(50))
        .rate(4 << 20)
        .start()
        .await
        .unwrap();
    let began = Instant::now();
    ok(&server, "PUT /bkt/k", &[], &vec![7; 2 << 20]).await;
    let put = began.elapsed();
    let read = ok(&server, "GET /bkt/k", &[], b"").await;
    assert_eq!(read.body.len(), 2 << 20);
    // 50 ms and 2 MiB at 4 MiB/s; only the last step is not waited for.
    let least = Duration::from_millis(500);
    assert!(put >= least, "{put:?}");
    assert!(began.elapsed() - put >= least, "{:?}", began.elapsed());
}

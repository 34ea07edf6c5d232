//! Requests that S3 rejects before or instead of an operation, and headers that it ignores.

use crate::raw_http::{RawResponse, open_server, send};

const DELETE: &[u8] = b"<Delete><Object><Key>a</Key></Object></Delete>";

fn code(response: &RawResponse) -> String {
    let text = response.text();
    let code = text.split_once("<Code>").map_or("", |(_, rest)| rest);
    code.split('<').next().unwrap().to_owned()
}

#[tokio::test]
async fn malformed_requests_have_the_codes_of_s3() {
    let server = open_server().await;
    send(&server, "PUT /bkt/k", &[], b"1").await;
    let presigned =
        "GET /bkt/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=testkey&X-Amz-Signature=0";
    let week = format!("{presigned}&X-Amz-Date=d&X-Amz-SignedHeaders=host&X-Amz-Expires=604801");
    let other_hash = format!("x-amz-content-sha256: {}", "0".repeat(64));
    for (line, header, body, expected) in [
        ("PATCH /bkt", "", &b""[..], (405, "MethodNotAllowed")),
        ("POST /bkt/k", "", b"", (405, "MethodNotAllowed")),
        ("GET /bkt/k", "Authorization: Bearer x", b"", (400, "InvalidArgument")),
        (
            "GET /bkt/k",
            "Authorization: AWS4-HMAC-SHA256 malformed",
            b"",
            (400, "AuthorizationHeaderMalformed"),
        ),
        (presigned, "", b"", (400, "AuthorizationQueryParametersError")),
        (&week, "", b"", (400, "AuthorizationQueryParametersError")),
        (
            "GET /bkt/k",
            "x-amz-content-sha256: malformed",
            b"",
            (400, "InvalidArgument"),
        ),
        ("PUT /bkt/k", "Content-MD5: c2hvcnQ=", b"1", (400, "InvalidDigest")),
        (
            "PUT /bkt/k",
            "x-amz-sdk-checksum-algorithm: SHA256",
            b"1",
            (400, "InvalidRequest"),
        ),
        (
            "PUT /bkt/k",
            "x-amz-write-offset-bytes: 1",
            b"1",
            (501, "NotImplemented"),
        ),
        (
            "POST /bkt?delete",
            "Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==",
            DELETE,
            (400, "BadDigest"),
        ),
        (
            "POST /bkt?delete",
            "x-amz-checksum-crc32: AAAAAA==",
            DELETE,
            (400, "BadDigest"),
        ),
        (
            "PUT /bkt?versioning",
            &other_hash,
            b"<VersioningConfiguration/>",
            (400, "XAmzContentSHA256Mismatch"),
        ),
        (
            "POST /bkt/k?uploads",
            "x-amz-checksum-algorithm: MD4",
            b"",
            (400, "InvalidRequest"),
        ),
        (
            "POST /bkt/k?uploads",
            "x-amz-checksum-type: FULL_OBJECT",
            b"",
            (400, "InvalidRequest"),
        ),
        (
            "PUT /bkt/k?tagging",
            "",
            b"<Tagging><TagSet><Tag><Key>aws:a</Key><Value>1</Value></Tag></TagSet></Tagging>",
            (400, "InvalidTag"),
        ),
        (
            "PUT /bkt?cors",
            "",
            b"<CORSConfiguration><CORSRule><AllowedMethod>MOVE</AllowedMethod><AllowedOrigin>*</AllowedOrigin>\
              </CORSRule></CORSConfiguration>",
            (400, "InvalidRequest"),
        ),
        (
            "PUT /bkt?lifecycle",
            "",
            b"<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter><Prefix>a</Prefix></Filter>\
              <Expiration><Days>0</Days></Expiration></Rule></LifecycleConfiguration>",
            (400, "InvalidArgument"),
        ),
        (
            "GET /bkt/k?attributes",
            "x-amz-object-attributes: Malformed",
            b"",
            (400, "InvalidArgument"),
        ),
        (
            "GET /none/k?attributes",
            "x-amz-object-attributes: ETag",
            b"",
            (404, "NoSuchBucket"),
        ),
        ("PUT /sthree-x", "", b"", (400, "InvalidBucketName")),
        ("GET /?max-buckets=0", "", b"", (400, "InvalidArgument")),
        ("PUT /bkt/to", "x-amz-copy-source: /bkt/", b"", (400, "InvalidArgument")),
    ] {
        let headers = [header];
        let headers = &headers[..usize::from(!header.is_empty())];
        let response = send(&server, line, headers, body).await;
        let found = (response.status, code(&response));
        let expected = (expected.0, expected.1.to_owned());
        assert_eq!(found, expected, "{line} {header}: {}", response.text());
    }
    let headers = [
        "x-amz-copy-source: /bkt/k",
        "x-amz-metadata-directive: MOVE",
    ];
    let response = send(&server, "PUT /bkt/to", &headers, b"").await;
    assert_eq!(code(&response), "InvalidArgument");
}

#[tokio::test]
async fn what_is_no_condition_is_ignored() {
    let server = open_server().await;
    let put = send(&server, "PUT /bkt/k", &[], b"0123456789").await;
    let same = format!("If-Range: {}", put.header("etag").unwrap());
    for (headers, status, body) in [
        (&["If-Modified-Since: yesterday"][..], 200, "0123456789"),
        (&["If-Unmodified-Since: 2020"], 200, "0123456789"),
        (&["Range: bytes=0-1", &same], 206, "01"),
        (
            &["Range: bytes=0-1", "If-Range: \"other\""],
            200,
            "0123456789",
        ),
    ] {
        let response = send(&server, "GET /bkt/k", headers, b"").await;
        let found = (response.status, response.text());
        assert_eq!(found, (status, body.to_owned()), "{headers:?}");
    }
    send(&server, "PUT /bkt/empty", &[], b"").await;
    let part = send(&server, "GET /bkt/empty?partNumber=1", &[], b"").await;
    assert_eq!((part.status, part.header("content-range")), (200, None));
}

#[tokio::test]
async fn a_response_to_a_form_names_its_file() {
    let server = open_server().await;
    let field = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = field("key", "up/${filename}")
        + &field("success_action_status", "201")
        + "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n--b--\r\n";
    let headers = ["Content-Type: multipart/form-data; boundary=b"];
    let posted = send(&server, "POST /bkt", &headers, body.as_bytes()).await;
    let text = posted.text();
    assert_eq!(posted.status, 201, "{text}");
    assert!(text.contains("<Key>up/a.txt</Key>"), "{text}");
    let read = send(&server, "GET /bkt/up/a.txt", &[], b"").await;
    assert_eq!(read.text(), "hello");
    // {"expiration":"2100-01-01T00:00:00Z","conditions":[["eq","$key","other"]]}
    let policy = field(
        "policy",
        "eyJleHBpcmF0aW9uIjoiMjEwMC0wMS0wMVQwMDowMDowMFoiLCJjb25kaXRpb25zIjpbWyJlcSIsIiRrZXkiLCJvdGhlciJdXX0=",
    );
    let unsigned = send(&server, "POST /bkt", &headers, (policy + &body).as_bytes()).await;
    assert_eq!(unsigned.status, 400, "{}", unsigned.text());
}

//! Bodies that the server collects: not before it has verified the signature, and not without end.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use s3s::crypto::{Checksum, Sha1};
use time::OffsetDateTime;

use crate::harness::{Response, Server, builder};

const FORM: &str = "Content-Type: multipart/form-data; boundary=b";

/// The header of a body that is much longer than the bytes that are sent.
const LONG: &str = "Content-Length: 1000000000";

/// An authorization with a wrong signature, and the time that it is for.
fn wrong_signature() -> [String; 3] {
    let now = OffsetDateTime::now_utc();
    let day = format!("{}{:02}{:02}", now.year(), u8::from(now.month()), now.day());
    let time = format!("{:02}{:02}{:02}", now.hour(), now.minute(), now.second());
    [
        format!(
            "Authorization: AWS4-HMAC-SHA256 Credential=key/{day}/us-east-1/s3/aws4_request, \
             SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={}",
            "0".repeat(64)
        ),
        format!("x-amz-date: {day}T{time}Z"),
        "x-amz-content-sha256: UNSIGNED-PAYLOAD".to_owned(),
    ]
}

fn field(name: &str, value: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn file(name: &str, content: &str) -> String {
    format!(
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{content}"
    )
}

/// Signs a policy with version 2.
fn signature(policy: &str) -> String {
    let sha1 = |parts: &[&[u8]]| {
        let mut sha1 = Sha1::new();
        parts.iter().for_each(|part| sha1.update(part));
        sha1.finalize()
    };
    let padded = |with: u8| {
        let mut key = [0; 64];
        key[..6].copy_from_slice(b"secret");
        key.map(|byte| byte ^ with)
    };
    let inner = sha1(&[&padded(0x36), policy.as_bytes()]);
    STANDARD.encode(sha1(&[&padded(0x5c), &inner]))
}

/// The fields of a form that is signed for files of at most 100 bytes.
fn signed_fields() -> String {
    let policy = STANDARD.encode(
        r#"{"expiration":"2100-01-01T00:00:00Z","conditions":[{"bucket":"bkt"},["starts-with","$key","up/"],["content-length-range",0,100]]}"#,
    );
    field("key", "up/${filename}")
        + &field("AWSAccessKeyId", "key")
        + &field("signature", &signature(&policy))
        + &field("policy", &policy)
}

#[tokio::test]
async fn a_request_without_the_right_signature_is_rejected_before_its_body() {
    let server = Server::start(builder().build()).await;
    let chunked = "Transfer-Encoding: chunked";
    let unsigned_form = field("key", "k") + &file("a", "x");
    // Of two fields with one name the last counts.
    let wrong_form = signed_fields() + &field("signature", &signature("other")) + &file("a", "x");
    for (line, headers, body) in [
        ("PUT /bkt/k", &[chunked][..], ""),
        ("PUT /bkt/k", &[LONG], ""),
        ("POST /bkt?delete", &[LONG], "<Delete>"),
        ("POST /bkt?delete", &[chunked], ""),
        ("PUT /bkt/k?tagging", &[LONG], ""),
        ("POST /bkt", &[LONG, FORM], &unsigned_form),
        (
            "POST /bkt",
            &[LONG, &FORM.to_ascii_uppercase().replace("=B", "=b")],
            &unsigned_form,
        ),
        ("POST /bkt", &[LONG, FORM], &wrong_form),
    ] {
        let rejected = server.begin(line, headers, body).await;
        assert_eq!(rejected.status, 403, "{line} {headers:?}: {rejected:?}");
        if line.ends_with("/bkt") {
            continue;
        }
        let wrong = wrong_signature();
        let mut headers = headers.to_vec();
        headers.extend(wrong.iter().map(String::as_str));
        let rejected = server.begin(line, &headers, body).await;
        let code = Some("SignatureDoesNotMatch");
        assert_eq!(rejected.code(), code, "{line} {headers:?}: {rejected:?}");
    }
}

#[tokio::test]
async fn a_form_with_a_policy_and_no_signature_is_incomplete() {
    let server = Server::start(builder().build()).await;
    let form = field("key", "k") + &field("policy", "e30=") + &file("a", "x");
    let rejected = server.begin("POST /bkt", &[LONG, FORM], &form).await;
    assert_eq!(rejected.status, 400, "{rejected:?}");
    assert_eq!(rejected.code(), Some("InvalidArgument"), "{rejected:?}");
}

#[tokio::test]
async fn the_file_of_a_form_is_read_as_far_as_its_policy_allows() {
    let server = Server::start(builder().build()).await;
    let post = async |body: String| -> Response { server.send("POST /bkt", &[FORM], &body).await };
    let posted = post(signed_fields() + &file("a.txt", "content\r\n--b--\r\n")).await;
    assert_eq!(posted.status, 204, "{posted:?}");
    let location = posted.header("location");
    assert!(
        location.is_some_and(|it| it.ends_with("up/a.txt")),
        "{posted:?}"
    );

    let long = signed_fields() + &file("b.txt", &"x".repeat(200));
    let rejected = server.begin("POST /bkt", &[FORM, LONG], &long).await;
    assert_eq!(rejected.code(), Some("EntityTooLarge"), "{rejected:?}");
}

#[tokio::test]
async fn what_is_collected_has_an_end() {
    let server = Server::open().await;
    let document = " ".repeat((20 << 20) + 1);
    let rejected = server.begin("PUT /bkt?tagging", &[LONG], &document).await;
    assert_eq!(
        rejected.code(),
        Some("MaxMessageLengthExceeded"),
        "{rejected:?}"
    );
    let fields = field("key", &" ".repeat(1 << 20));
    let rejected = server.begin("POST /bkt", &[FORM, LONG], &fields).await;
    assert_eq!(
        rejected.code(),
        Some("MalformedPOSTRequest"),
        "{rejected:?}"
    );
}

#[tokio::test]
async fn a_form_of_any_size_is_stored_as_it_is() {
    let server = Server::open().await;
    let content = "0123456789abcde\n".repeat(1 << 17);
    let form = field("key", "up/${filename}") + &file("a", &content) + "\r\n--b--\r\n";
    let posted = server.send("POST /bkt", &[FORM], &form).await;
    assert_eq!(posted.status, 204, "{posted:?}");
    let read = server.ok("GET /bkt/up/a", &[], "").await;
    assert!(read.body == content, "{} bytes", read.body.len());
}

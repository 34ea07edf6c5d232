//! Tests of both transports over sockets: corrected requests (clock, credentials, region) and unusual responses.

use std::cmp::Ordering as Order;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::future::ProvideCredentials as Providing;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use futures_util::future::join_all;

use crate::{
    AbortUpload, Attributes, BucketRequest, ChecksumAlgorithm, CreateUpload, DeleteRequest,
    ErrorKind, GetRequest, HeadRequest, Integrity, Payload, PresignMethod, PresignRequest, PutMode,
    PutRequest, RestoreRequest, Retryability, S3Url, SdkStore, SdkStoreBuilder, SetTags,
    SetVersioning, Store, Tags, UploadId, UploadPart, Versioning,
};

/// A request as received by the server.
#[derive(Clone, Debug, Default)]
struct Came {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Came {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A server that responds to each request with the result of `response`: status line, headers and body.
struct Server {
    endpoint: String,
    came: Arc<Mutex<Vec<Came>>>,
}

impl Server {
    fn start(response: impl Fn(&Came) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let came = Arc::new(Mutex::new(Vec::new()));
        let (log, response) = (Arc::clone(&came), Arc::new(response));
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (log, response) = (Arc::clone(&log), Arc::clone(&response));
                thread::spawn(move || serve(connection.unwrap(), &log, &*response));
            }
        });
        Self { endpoint, came }
    }

    fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }

    fn builder(&self) -> SdkStoreBuilder {
        SdkStore::builder()
            .endpoint(&self.endpoint)
            .region("us-east-1")
            .credentials("access", "secret", None)
    }

    /// Returns a store that sends over `s3-wire`, or else through the SDK's client.
    fn store(&self, wire: bool) -> SdkStore {
        match wire {
            true => self.builder().build(),
            false => self.builder().http_client(sdk_http_client()).build(),
        }
    }
}

pub(super) fn sdk_http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

fn serve(stream: TcpStream, log: &Mutex<Vec<Came>>, response: &dyn Fn(&Came) -> String) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    loop {
        let mut came = Came::default();
        if reader.read_line(&mut came.line).unwrap_or(0) == 0 {
            return;
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            came.headers
                .push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let length = came
            .header("content-length")
            .map_or(0, |text| text.parse().unwrap());
        came.body = vec![0; length];
        reader.read_exact(&mut came.body).unwrap();
        let text = response(&came);
        log.lock().unwrap().push(came);
        writer.write_all(text.as_bytes()).unwrap();
        if text.contains("Connection: close") {
            return;
        }
    }
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn rejection(status: u16, code: &str, headers: &str) -> String {
    let body = format!("<Error><Code>{code}</Code><Message>because</Message></Error>");
    format!(
        "HTTP/1.1 {status} No\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn url() -> S3Url {
    S3Url::parse("s3://bucket/a//b é+").unwrap()
}

/// A provider that returns another session at each call.
#[derive(Debug, Default)]
struct Sessions(Arc<AtomicU32>);

impl ProvideCredentials for Sessions {
    fn provide_credentials<'a>(&'a self) -> Providing<'a>
    where
        Self: 'a,
    {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        let token = Some(format!("session-{number}"));
        Providing::ready(Ok(Credentials::new(
            "access", "secret", token, None, "test",
        )))
    }
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_by_the_server_once() {
    let server = Server::start(|came| match came.header("x-amz-date").unwrap() {
        date if date.starts_with("2040") => ok("abc"),
        _ => rejection(
            403,
            "RequestTimeTooSkewed",
            "Date: Sun, 01 Jan 2040 00:00:00 GMT\r\n",
        ),
    });
    let store = server.store(true);
    for _ in 0..2 {
        let response = store.get(GetRequest::new(url())).await.unwrap();
        assert_eq!(response.body.collect().await.unwrap(), "abc");
    }
    // The second request is signed with the correct time at the first attempt.
    assert_eq!(server.came().len(), 3);
}

#[tokio::test]
async fn the_generated_client_also_corrects_its_clock() {
    let server = Server::start(|came| match came.header("x-amz-date").unwrap() {
        date if !date.starts_with("2040") => rejection(
            403,
            "RequestTimeTooSkewed",
            "Date: Sun, 01 Jan 2040 00:00:00 GMT\r\n",
        ),
        _ if came.line.contains("?uploads") => ok("<InitiateMultipartUploadResult>\
             <UploadId>u</UploadId></InitiateMultipartUploadResult>"),
        _ => ok(""),
    });
    for direct in [true, false] {
        for learns in ["create", "head"] {
            let (store, before) = (server.store(direct), server.came().len());
            let create = || store.create_upload(CreateUpload::new(url(), Attributes::default()));
            let head = || store.head(HeadRequest::new(url()));
            if learns == "create" {
                create().await.unwrap();
                head().await.unwrap();
            } else {
                head().await.unwrap();
                create().await.unwrap();
            }
            // The first request is sent twice.
            assert_eq!(server.came().len() - before, 3, "{direct} {learns}");
            let minute = Duration::from_secs(60);
            let request = PresignRequest::new(url(), PresignMethod::Get, minute);
            let signed = store.presign(request).await.unwrap();
            assert!(signed.contains("X-Amz-Date=20400101T"), "{signed}");
        }
    }
}

async fn soon<F: Future>(calls: F) -> F::Output {
    let limit = Duration::from_secs(60);
    let done = tokio::time::timeout(limit, calls).await;
    done.expect("the server waits for as many requests as there are")
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_for_all_requests_that_are_in_flight() {
    let rejections = Arc::new(Barrier::new(120));
    let server = Server::start(move |came| match came.header("x-amz-date").unwrap() {
        date if !date.starts_with("2040") => {
            // Waits until all requests have been signed.
            rejections.wait();
            let date = "Date: Sun, 01 Jan 2040 00:00:00 GMT\r\n";
            format!("HTTP/1.1 403 No\r\n{date}Content-Length: 0\r\n\r\n")
        }
        _ if came.line.contains("?uploads") => ok("<InitiateMultipartUploadResult>\
             <UploadId>u</UploadId></InitiateMultipartUploadResult>"),
        _ => ok(""),
    });
    for direct in [true, false] {
        let (one, two) = (server.store(direct), server.store(direct));
        let create = || one.create_upload(CreateUpload::new(url(), Attributes::default()));
        let created = soon(join_all((0..120).map(|_| create()))).await;
        assert!(created.iter().all(Result::is_ok), "{direct}: {created:?}");
        let head = || two.head(HeadRequest::new(url()));
        let looked = soon(join_all((0..120).map(|_| head()))).await;
        assert!(looked.iter().all(Result::is_ok), "{direct}: {looked:?}");
    }
}

#[tokio::test]
async fn the_generated_client_retries_only_for_a_wrong_clock() {
    for response in ["500 InternalError", "503 SlowDown", "400 RequestTimeout"] {
        let (status, code) = response.split_once(' ').unwrap();
        let status = status.parse().unwrap();
        let server = Server::start(move |_| rejection(status, code, ""));
        let request = HeadRequest::new(url());
        server.store(false).head(request).await.unwrap_err();
        assert_eq!(server.came().len(), 1, "{response}");
    }
}

#[tokio::test]
async fn expired_credentials_are_renewed_once_for_all_requests() {
    let server = Server::start(|came| match came.header("x-amz-security-token") {
        Some("session-0") => rejection(400, "ExpiredToken", ""),
        _ => ok("abc"),
    });
    let transports: [fn(SdkStoreBuilder) -> SdkStoreBuilder; 2] = [
        |builder| builder,
        |builder| builder.http_client(sdk_http_client()),
    ];
    for with_transport in transports {
        let loads = Arc::new(AtomicU32::new(0));
        let sessions = Sessions(Arc::clone(&loads));
        let builder = server.builder().credentials_provider(sessions);
        let store = with_transport(builder).build();
        let responses = join_all((0..20).map(|_| store.get(GetRequest::new(url())))).await;
        assert!(responses.into_iter().all(|response| response.is_ok()));
        assert_eq!(loads.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test]
async fn unchanged_credentials_are_not_tried_again() {
    for wire in [true, false] {
        let server = Server::start(|_| rejection(400, "ExpiredToken", ""));
        let store = server.store(wire);
        let error = store.get(GetRequest::new(url())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AccessDenied);
        assert_eq!(server.came().len(), 1);
    }
}

#[tokio::test]
async fn the_error_of_a_bucket_in_another_region_names_the_region() {
    let server = Server::start(|_| {
        rejection(
            301,
            "PermanentRedirect",
            "x-amz-bucket-region: eu-west-3\r\n",
        )
    });
    for direct in [true, false] {
        let error = server
            .store(direct)
            .get(GetRequest::new(url()))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.hint().unwrap().contains("eu-west-3"), "{error}");
    }
}

#[tokio::test]
async fn all_requests_in_flight_are_sent_again_to_the_region_of_the_bucket() {
    const REQUESTS: usize = 32;
    for wire in [true, false] {
        let sent_here = Barrier::new(REQUESTS);
        let server = Server::start(move |came| {
            let signed = came.header("authorization").unwrap_or_default();
            if signed.contains("/eu-west-3/s3/") {
                return ok("abc");
            }
            // Holds the responses until all requests are sent.
            sent_here.wait();
            let region = "x-amz-bucket-region: eu-west-3\r\n";
            rejection(301, "PermanentRedirect", region)
        });
        let store = server.store(wire);
        let gets = (0..REQUESTS).map(|_| store.get(GetRequest::new(url())));
        let failed: Vec<_> = { join_all(gets).await.into_iter() }
            .filter_map(|response| response.err().map(|error| error.to_string()))
            .collect();
        assert_eq!(failed, [""; 0], "wire: {wire}");
        assert_eq!(server.came().len(), 2 * REQUESTS, "wire: {wire}");
    }
}

/// Returns method, headers and body, without the signature and without headers that identify the client, such as
/// `user-agent`.
fn comparable(came: &Came) -> (String, Vec<(String, String)>, Vec<u8>) {
    const OWN: [&str; 9] = [
        "amz-sdk-invocation-id",
        "amz-sdk-request",
        "authorization",
        "user-agent",
        "x-amz-date",
        "x-amz-user-agent",
        // The hash of an empty body is irrelevant.
        "x-amz-content-sha256",
        "accept",
        "content-length",
    ];
    let line = came
        .line
        .trim_end()
        .replace("x-id=GetObject", "")
        .replace("x-id=PutObject", "");
    let line = line
        .replace("x-id=UploadPart&", "")
        .replace("? ", " ")
        .replace("?&", "?");
    let mut headers = came.headers.clone();
    headers.retain(|(name, _)| !OWN.contains(&name.as_str()));
    // The SDK sends a content type for parts, which have none.
    headers.retain(|(_, value)| value != "application/octet-stream");
    headers.sort();
    (line, headers, came.body.clone())
}

#[tokio::test]
async fn both_transports_send_the_same() {
    let server = Server::start(|_| ok(""));
    let attributes = || {
        let user = [("Mixed".to_owned(), "two  blanks".to_owned())];
        Attributes {
            content_type: Some("text/plain".into()),
            user: user.into(),
            ..Attributes::default()
        }
    };
    for direct in [true, false] {
        let store = server.store(direct);
        store.head(HeadRequest::new(url())).await.unwrap();
        _ = store.get(GetRequest::new(url()).with_range(2..4)).await;
        let put = PutRequest::new(url(), Payload::from("hello"));
        let put = put
            .with_mode(PutMode::IfAbsent)
            .with_attributes(attributes());
        store.put(put).await.unwrap();
        let part = UploadPart::new(url(), UploadId::new("u/1"), 2, Payload::from("part"));
        store.upload_part(part).await.unwrap();
    }
    let came = server.came();
    assert_eq!(came.len(), 8);
    let (ours, generated) = came.split_at(4);
    for (ours, generated) in ours.iter().zip(generated) {
        assert_eq!(comparable(ours), comparable(generated));
    }
}

#[tokio::test]
async fn an_upload_announces_the_checksum_that_its_parts_will_carry() {
    let server = Server::start(|came| match came.line.starts_with("POST") {
        true => ok(
            "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
        ),
        false => ok(""),
    });
    let builder = SdkStore::builder().endpoint(&server.endpoint).region("r");
    let builder = builder.credentials("access", "secret", None);
    let store = builder.integrity(Integrity::WhenSupported).build();
    let upload = store.create_upload(CreateUpload::new(url(), Attributes::default()));
    let upload = upload.await.unwrap();
    let part = UploadPart::new(url(), upload, 1, Payload::from("123456789"));
    store.upload_part(part).await.unwrap();
    let came = server.came();
    assert_eq!(
        came[0].header("x-amz-checksum-algorithm"),
        Some("CRC64NVME")
    );
    assert_eq!(
        came[1].header("x-amz-checksum-crc64nvme"),
        Some("rosUhgp5mIg=")
    );
}

#[tokio::test]
async fn a_whole_object_is_compared_with_its_checksum_however_it_arrives() {
    for size in [9, 200_000] {
        for (sum, agrees) in [("right", true), ("wrong", false)] {
            let body = "1".repeat(size);
            let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc64Nvme);
            digest.update(body.as_bytes());
            if sum == "wrong" {
                digest.update(b"1");
            }
            let value = base64::Engine::encode(
                &base64::engine::general_purpose::STANDARD,
                digest.finalize().to_be_bytes(),
            );
            let server = Server::start(move |_| {
                let headers = format!("x-amz-checksum-crc64nvme: {value}");
                format!("HTTP/1.1 200 OK\r\n{headers}\r\nContent-Length: {size}\r\n\r\n{body}")
            });
            let builder = SdkStore::builder().endpoint(&server.endpoint).region("r");
            let store = builder.credentials("access", "secret", None).build();
            let read = async {
                let response = store.get(GetRequest::new(url())).await?;
                let compared = response.body.verified_by_store();
                assert_eq!(compared, Some(ChecksumAlgorithm::Crc64Nvme));
                response.body.collect().await
            };
            match read.await {
                Ok(bytes) => assert!(agrees && bytes.len() == size, "{size} {sum}"),
                Err(error) => {
                    assert!(!agrees, "{error}");
                    assert_eq!(error.kind(), ErrorKind::Integrity, "{error}");
                    assert!(error.retryability().is_retryable());
                }
            }
            let store = server.builder().integrity(Integrity::WhenRequired).build();
            let response = store.get(GetRequest::new(url())).await.unwrap();
            assert_eq!(response.body.verified_by_store(), None);
            assert_eq!(response.body.collect().await.unwrap().len(), size);
        }
        // A large body has not been verified yet when the reader turns verification off.
        if size > 9 {
            let server = Server::start(move |_| {
                let body = "1".repeat(size);
                let headers = "x-amz-checksum-crc64nvme: AAAAAAAAAAA=";
                format!("HTTP/1.1 200 OK\r\n{headers}\r\nContent-Length: {size}\r\n\r\n{body}")
            });
            let builder = SdkStore::builder().endpoint(&server.endpoint).region("r");
            let store = builder.credentials("access", "secret", None).build();
            let mut response = store.get(GetRequest::new(url())).await.unwrap();
            response.body.skip_verification();
            assert_eq!(response.body.verified_by_store(), None);
            assert_eq!(response.body.collect().await.unwrap().len(), size);
        }
    }
}

const CHECKSUM_MODE: &str = "x-amz-checksum-mode";

#[tokio::test]
async fn an_endpoint_that_rejects_checksum_mode_is_remembered() {
    for wire in [true, false] {
        for (status, names_it) in [
            (501, ""),
            (501, "<Header>x-amz-checksum-mode</Header>"),
            (400, "<ArgumentName>X-Amz-Checksum-Mode</ArgumentName>"),
        ] {
            let server = Server::start(move |came| {
                if came.header(CHECKSUM_MODE).is_none() {
                    return ok("body");
                }
                let body = format!("<Error><Code>InvalidArgument</Code>{names_it}</Error>");
                let len = body.len();
                format!("HTTP/1.1 {status} No\r\nContent-Length: {len}\r\n\r\n{body}")
            });
            let store = server.store(wire);
            for _ in 0..2 {
                let response = store.get(GetRequest::new(url())).await.unwrap();
                assert_eq!(response.body.collect().await.unwrap(), "body");
            }
            let came = server.came();
            let modes: Vec<_> = came.iter().map(|came| came.header(CHECKSUM_MODE)).collect();
            assert_eq!(modes, [Some("ENABLED"), None, None], "{wire} {status}");
        }
    }
}

#[tokio::test]
async fn other_rejections_do_not_turn_checksums_off() {
    for wire in [true, false] {
        for (status, requests) in [(400, 1), (403, 1), (404, 1), (501, 2)] {
            let server = Server::start(move |_| rejection(status, "InvalidArgument", ""));
            let store = server.store(wire);
            for round in 1..3 {
                let error = store.get(GetRequest::new(url())).await.unwrap_err();
                assert_eq!(error.http_status(), Some(status));
                assert_eq!(server.came().len(), round * requests, "{wire} {status}");
            }
            let came = server.came();
            assert_eq!(came[requests].header(CHECKSUM_MODE), Some("ENABLED"));
        }
    }
}

#[tokio::test]
async fn an_error_document_in_a_success_is_an_error() {
    let server = Server::start(|_| rejection(200, "InternalError", "ETag: \"e\"\r\n"));
    let store = server.store(true);
    let put = store
        .put(PutRequest::new(url(), Payload::from("hello")))
        .await;
    let part = UploadPart::new(url(), UploadId::new("u"), 1, Payload::from("part"));
    for error in [put.unwrap_err(), store.upload_part(part).await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Server, "{error}");
        assert_eq!(error.code(), Some("InternalError"));
        assert!(error.retryability().is_retryable());
    }
}

#[tokio::test]
async fn a_truncated_error_response_is_a_network_error() {
    for status in [400, 403, 404, 409, 412, 503] {
        for direct in [true, false] {
            let server = Server::start(move |_| {
                let head = format!("HTTP/1.1 {status} No\r\nContent-Length: 99\r\n");
                format!("{head}Connection: close\r\n\r\n<Error>")
            });
            let put = PutRequest::new(url(), Payload::from("hello"));
            let error = server.store(direct).put(put).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Network, "{direct} {error}");
            assert!(error.retryability().is_retryable());
        }
    }
}

#[tokio::test]
async fn a_proxy_page_is_not_a_successful_write() {
    let server = Server::start(|_| {
        let page = "<html>Please log in</html>";
        let len = page.len();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n{page}")
    });
    let put = PutRequest::new(url(), Payload::from("hello"));
    let error = server.store(true).put(put).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    assert!(error.to_string().contains("Please log in"), "{error}");
}

#[tokio::test]
async fn a_part_without_content_length_is_complete_or_an_error() {
    let body = "01234567";
    for sent in 0..=body.len() + 1 {
        let server = Server::start(move |_| {
            let body = &"012345678"[..sent];
            format!(
                "HTTP/1.0 206 Part\r\nContent-Range: bytes 2-9/20\r\nConnection: close\r\n\r\n{body}"
            )
        });
        for wire in [true, false] {
            let get = GetRequest::new(url()).with_range(2..10);
            let response = server.store(wire).get(get).await.unwrap();
            let collected = response.body.collect().await;
            let outcome = collected.map_err(|error| (error.kind(), error.retryability()));
            let expected = match sent.cmp(&body.len()) {
                Order::Less => Err((ErrorKind::Network, Retryability::Transient)),
                Order::Equal => Ok(body.into()),
                Order::Greater => Err((ErrorKind::Protocol, Retryability::Transient)),
            };
            assert_eq!(outcome, expected, "{sent} {wire}");
        }
    }
}

#[tokio::test]
async fn a_response_without_length_is_an_object_only_with_an_etag_or_a_time() {
    let time = "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n";
    for (header, is_object) in [("ETag: \"e\"\r\n", true), (time, true), ("", false)] {
        let server = Server::start(move |_| {
            format!(
                "HTTP/1.1 200 OK\r\n{header}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
            )
        });
        for wire in [true, false] {
            let get = GetRequest::new(url()).with_range(2..10);
            let outcome = server.store(wire).get(get).await;
            let range = outcome.map(|response| response.range);
            let range = range.map_err(|error| error.kind());
            let expected = is_object.then_some(0..5).ok_or(ErrorKind::Protocol);
            assert_eq!(range, expected, "{header}");
        }
    }
}

#[tokio::test]
async fn a_proxy_page_is_not_a_success_of_a_request_without_a_document() {
    for (page, is_success) in [
        ("<html>Please log in</html>", false),
        ("<!DOCTYPE html><p>Please log in", false),
        ("Please log in", false),
        ("", true),
        ("\r\n", true),
        ("<?xml version=\"1.0\"?><Done/>", true),
    ] {
        let server = Server::start(move |_| {
            let len = page.len();
            format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n{page}")
        });
        for wire in [true, false] {
            let store = server.store(wire);
            let one = DeleteRequest::new("bucket", vec![url()]);
            let mut failures = store.delete(one).await.unwrap().failures;
            let outcomes = [
                failures.pop().map_or(Ok(()), |(_, error)| Err(error)),
                store
                    .abort_upload(AbortUpload::new(url(), UploadId::new("u")))
                    .await,
                store.set_tags(SetTags::new(url(), Tags::default())).await,
                store
                    .set_versioning(SetVersioning::new("bucket", Versioning::Enabled))
                    .await,
                store.restore(RestoreRequest::new(url(), 1_u32)).await,
                store.create_bucket(BucketRequest::new("bucket")).await,
                store.delete_bucket(BucketRequest::new("bucket")).await,
            ];
            for outcome in outcomes {
                let kind = outcome.err().map(|error| error.kind());
                let expected = (!is_success).then_some(ErrorKind::Protocol);
                assert_eq!(kind, expected, "{page}");
            }
        }
    }
}

#[tokio::test]
async fn a_rejected_head_corrects_the_clock_only_if_it_is_far_off() {
    for (date, requests) in [("Sun, 01 Jan 2040 00:00:00 GMT", 2), ("now", 1)] {
        let server = Server::start(move |came| match came.header("x-amz-date").unwrap() {
            right if right.starts_with("2040") => ok(""),
            _ => {
                let now = httpdate::fmt_http_date(std::time::SystemTime::now());
                let date = if date == "now" { &now } else { date };
                format!("HTTP/1.1 403 No\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n")
            }
        });
        let outcome = server.store(true).head(HeadRequest::new(url())).await;
        assert_eq!(outcome.is_ok(), requests == 2);
        assert_eq!(server.came().len(), requests);
    }
}

//! Tests with servers that never stop sending: each call ends, and buffers a bounded number of bytes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::requests::sdk_http_client;
use crate::sdk::collected_response::{MAX_DOCUMENT as DOCUMENT, MAX_ERROR_BODY as ERROR_BODY};
use crate::{
    AbortUpload, Attributes, ByteCounter, CompleteUpload, CopyRequest, CreateUpload, DeleteRequest,
    ETag, Error, GetRequest, HeadRequest, ListParts, ListRequest, ListUploads, PartTag, Payload,
    PutRequest, Result, S3Prefix, S3Url, SdkStore, Store, UploadId, UploadPart,
};

/// Maximum number of bytes in the socket buffers of both sides when a connection is closed. The limit is per
/// connection: a call may use several, for example for a listing that is rejected and requested in another form.
const ON_THE_WAY: usize = 12 << 20;
/// Timeout of a call that should end by itself.
const FOR_EVER: Duration = Duration::from_secs(30);

/// A server that responds to every request with `head`, and then sends `more` until the connection is closed.
struct Server {
    endpoint: String,
    /// Maximum number of bytes sent over one connection.
    said: Arc<AtomicUsize>,
}

impl Server {
    fn start(head: &'static str, more: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let said = Arc::new(AtomicUsize::new(0));
        let (count, more) = (Arc::clone(&said), Arc::new(more));
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (count, more) = (Arc::clone(&count), Arc::clone(&more));
                thread::spawn(move || talk(connection.unwrap(), head, &more, &count));
            }
        });
        Self { endpoint, said }
    }

    fn store(&self, direct: bool) -> SdkStore {
        let builder = SdkStore::builder()
            .endpoint(&self.endpoint)
            .credentials("access", "secret", None);
        match direct {
            true => builder.build(),
            false => builder.http_client(sdk_http_client()).build(),
        }
    }

    /// Makes a call, and returns its error and the maximum number of bytes that one connection has sent until then.
    async fn suffer(&self, call: Call, direct: bool) -> (Error, usize) {
        self.said.store(0, Ordering::SeqCst);
        let response = tokio::time::timeout(FOR_EVER, call(self.store(direct)));
        let error = response
            .await
            .expect("the call comes to an end")
            .unwrap_err();
        (error, self.said.load(Ordering::SeqCst))
    }
}

fn talk(mut stream: TcpStream, head: &str, more: &[u8], most: &AtomicUsize) {
    let mut said = 0;
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => request.extend_from_slice(&buffer[..count]),
            _ => return,
        }
    }
    let mut next = head.as_bytes();
    while stream.write_all(next).is_ok() {
        said += next.len();
        most.fetch_max(said, Ordering::SeqCst);
        next = more;
    }
}

type Call = fn(SdkStore) -> BoxFuture<'static, Result<()>>;

fn url() -> S3Url {
    S3Url::parse("s3://bucket/key").unwrap()
}

fn id() -> UploadId {
    UploadId::new("u")
}

macro_rules! calls {
    ($($name:literal => $method:ident($($request:expr)?);)*) => {
        [$(($name, (|store| Box::pin(async move {
            store.$method($($request)?).await.map(|_| ())
        })) as Call)),*]
    };
}

/// Returns one call of each operation.
fn calls() -> [(&'static str, Call); 12] {
    calls! {
        "head" => head(HeadRequest::new(url()));
        "put" => put(PutRequest::new(url(), Payload::from("x")));
        "copy" => copy(CopyRequest::new(url(), S3Url::parse("s3://bucket/to").unwrap()));
        "delete" => delete(DeleteRequest::new("bucket", vec![url(), url()]));
        "list" => list_page(ListRequest::new(S3Prefix::parse("s3://bucket/").unwrap()));
        "create upload" => create_upload(CreateUpload::new(url(), Attributes::default()));
        "upload part" => upload_part(UploadPart::new(url(), id(), 1, Payload::from("x")));
        "complete upload" => complete_upload(CompleteUpload::new(
            url(), id(), vec![PartTag::new(1, ETag::new("e"))]
        ));
        "list uploads" => list_uploads(ListUploads::new(S3Prefix::parse("s3://bucket/").unwrap()));
        "list parts" => list_parts(ListParts::new(url(), id()));
        "list buckets" => list_buckets();
        "abort upload" => abort_upload(AbortUpload::new(url(), id()));
    }
}

/// Returns a chunk of a chunked response, part of an endless XML document.
fn document() -> Vec<u8> {
    let text = "<Contents><Key>k</Key><Size>1</Size></Contents>".repeat(1400);
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nTransfer-Encoding: chunked\r\n\r\n";
const BAD_REQUEST: &str = "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n";

#[tokio::test]
async fn a_document_without_end_is_broken_off() {
    let server = Server::start(CHUNKED, document());
    for (name, call) in calls() {
        // The response has no body, or its body is not parsed.
        if matches!(name, "head" | "abort upload") {
            continue;
        }
        let (_, said) = server.suffer(call, true).await;
        assert!(said < DOCUMENT + ON_THE_WAY, "{name}: {said} bytes");
    }
    let list = calls()[4].1;
    let (_, said) = server.suffer(list, false).await;
    assert!(said < DOCUMENT + ON_THE_WAY, "{said} bytes");
}

#[tokio::test]
async fn bytes_of_a_page_are_counted_while_they_arrive() {
    let server = Server::start(CHUNKED, document());
    for direct in [true, false] {
        let counter = ByteCounter::default();
        let prefix = S3Prefix::parse("s3://bucket/").unwrap();
        let page = ListRequest::new(prefix).counted_by(counter.clone());
        let store = server.store(direct);
        let half = async {
            while counter.bytes() < (DOCUMENT / 2) as u64 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = store.list_page(page) => panic!("it is over, and {counter:?}"),
            () = half => {}
        }
    }
}

#[tokio::test]
async fn bytes_of_a_body_of_unknown_length_are_counted_while_they_arrive() {
    let server = Server::start(CHUNKED, document());
    for direct in [true, false] {
        let counter = ByteCounter::default();
        let get = GetRequest::new(url()).counted_by(counter.clone());
        let store = server.store(direct);
        let some = async {
            while counter.bytes() < 1 << 20 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = store.get(get) => panic!("it is over, and {counter:?}"),
            () = some => {}
        }
    }
}

#[tokio::test]
async fn an_error_response_without_end_is_an_error_response() {
    let server = Server::start(BAD_REQUEST, document());
    for direct in [true, false] {
        for (name, call) in calls() {
            let (error, said) = server.suffer(call, direct).await;
            assert_eq!(error.http_status(), Some(400), "{name} {direct}: {error}");
            assert!(said < ERROR_BODY + ON_THE_WAY, "{name}: {said} bytes");
        }
        let get: Call =
            |store| Box::pin(async move { store.get(GetRequest::new(url())).await.map(|_| ()) });
        let (error, said) = server.suffer(get, direct).await;
        assert_eq!(error.http_status(), Some(400), "{direct}: {error}");
        assert!(said < ERROR_BODY + ON_THE_WAY, "get: {said} bytes");
    }
}

#[tokio::test]
async fn an_endless_response_head_is_an_error() {
    let long = |text: &str| text.repeat(64).into_bytes();
    for (what, head, more) in [
        (
            "a header",
            "HTTP/1.1 200 OK\r\nx: ",
            long("yyyyyyyyyyyyyyyy"),
        ),
        (
            "headers",
            "HTTP/1.1 200 OK\r\n",
            long("x-amz-meta-a: b\r\n"),
        ),
        ("a status line", "HTTP/1.1 200 ", long("OK OK OK OK OK ")),
        ("no HTTP", "", long("\u{1}\u{2}\u{3}")),
    ] {
        let server = Server::start(head, more);
        for direct in [true, false] {
            for (name, call) in [calls()[0], calls()[1], calls()[4]] {
                let (_, said) = server.suffer(call, direct).await;
                assert!(said < ON_THE_WAY, "{what} to {name}: {said} bytes");
            }
        }
    }
}

#[tokio::test]
async fn endless_interim_responses_are_an_error() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(64);
    let server = Server::start("", interim.into_bytes());
    // Not with the SDK's HTTP client: it waits for the final response until the engine's stall timeout.
    for (name, call) in [calls()[0], calls()[1], calls()[4]] {
        let (_, said) = server.suffer(call, true).await;
        assert!(said < ON_THE_WAY, "{name}: {said} bytes");
    }
}

#[tokio::test]
async fn endless_chunk_headers_and_trailers_are_an_error() {
    for more in [
        format!("1;{}", "x=y;".repeat(500)),
        "0".repeat(2000),
        "\r\n".repeat(1000),
    ] {
        let server = Server::start(CHUNKED, more.into_bytes());
        let (_, said) = server.suffer(calls()[4].1, true).await;
        assert!(said < ON_THE_WAY, "{said} bytes");
    }
    let trailer = "x-amz-checksum-crc32: AAAAAA==\r\n".repeat(64);
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    let server = Server::start(head, trailer.into_bytes());
    let (_, said) = server.suffer(calls()[4].1, true).await;
    assert!(said < ON_THE_WAY, "{said} bytes");
}

#[tokio::test]
async fn huge_lengths_do_not_reserve_memory() {
    let vast = [
        "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "HTTP/1.1 400 No\r\nContent-Length: 9223372036854775808\r\n\r\n",
    ];
    for head in vast {
        let server = Server::start(head, vec![b' '; 64 << 10]);
        for direct in [true, false] {
            for (name, call) in [calls()[4], calls()[3]] {
                let (_, said) = server.suffer(call, direct).await;
                assert!(said < DOCUMENT + ON_THE_WAY, "{head} {name}: {said} bytes");
            }
        }
    }
}

//! Servers with wrong, slow, interrupted or missing responses: every fault works as documented and is counted.

use std::time::{Duration, Instant};

use s3_core::{
    CopyRequest, ErrorKind, GetRequest, ListRequest, MemoryStore, S3Prefix, S3Url, SdkStore, Store,
    StoreExt,
};
use s3_testkit::{
    FaultAction, FaultMatch, FaultPlan, FaultRule, FaultStore, ListFault, Position, S3Server,
    assert_ramp, ramp,
};

use crate::raw_http;

const SIZE: usize = 100_000;

fn url(key: &str) -> S3Url {
    S3Url::from_parts("bkt", key).unwrap()
}

async fn served(plan: impl Into<FaultPlan>) -> (S3Server, SdkStore) {
    let server = S3Server::builder(MemoryStore::with_buckets(["bkt"]))
        .allow_anonymous()
        .faults(plan)
        .start()
        .await
        .unwrap();
    server
        .store()
        .put_bytes(url("k"), ramp(0, SIZE))
        .await
        .unwrap();
    let client = server.sdk_store();
    (server, client)
}

fn once(action: FaultAction) -> FaultPlan {
    FaultMatch::any().on(action).times(1).into()
}

fn count(server: &S3Server, action: &str) -> u64 {
    let delivered = server.faults().delivered();
    assert_eq!(delivered.actions.values().sum::<u64>(), delivered.total());
    delivered.actions.get(action).copied().unwrap_or(0)
}

#[tokio::test]
async fn a_reset_replaces_the_response_and_has_no_effect() {
    let (server, client) = served(FaultMatch::any().on(FaultAction::Reset)).await;
    let error = client.put_bytes(url("new"), "x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(!server.store().exists(url("new")).await.unwrap());
    assert_eq!(count(&server, "reset"), 1);
}

#[tokio::test]
async fn a_request_body_is_cut_unless_it_is_too_short() {
    let cut = FaultAction::CutRequest { after: 1000 };
    let (server, client) = served(FaultMatch::any().on(cut)).await;
    let error = client
        .put_bytes(url("long"), ramp(0, 1 << 20))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(!server.store().exists(url("long")).await.unwrap());
    client.put_bytes(url("short"), ramp(0, 1000)).await.unwrap();
    assert_eq!(count(&server, "cut request"), 1);
}

#[tokio::test]
async fn a_trickled_response_is_slow_from_its_headers_on() {
    let drip = FaultAction::Trickle {
        bytes: 50,
        every: Duration::from_millis(2),
        at: None,
    };
    let (server, client) = served(once(drip)).await;
    server.store().put_bytes(url("s"), "small").await.unwrap();
    let start = Instant::now();
    assert_eq!(client.get_bytes(url("s")).await.unwrap(), "small");
    // The head alone is more than 200 bytes.
    assert!(start.elapsed() >= Duration::from_millis(8), "{start:?}");
    assert_eq!(count(&server, "trickle"), 1);
    // The next response on the same connection comes at once.
    assert_eq!(client.get_bytes(url("k")).await.unwrap().len(), SIZE);
}

#[tokio::test]
async fn a_body_is_trickled_from_a_position_on() {
    let drip = FaultAction::Trickle {
        bytes: 10_000,
        every: Duration::from_millis(2),
        at: Some(Position::Half),
    };
    let (server, client) = served(once(drip)).await;
    let start = Instant::now();
    let bytes = client.get_bytes(url("k")).await.unwrap();
    assert_ramp(&bytes, 0);
    assert_eq!(bytes.len(), SIZE);
    assert!(start.elapsed() >= Duration::from_millis(10), "{start:?}");
    assert_eq!(count(&server, "trickle"), 1);
}

#[tokio::test]
async fn white_space_precedes_the_response_or_an_error() {
    let white = |code: Option<&str>| FaultAction::WhiteSpace {
        wait: Duration::from_millis(30),
        every: Duration::from_millis(10),
        code: code.map(str::to_owned),
    };
    let copy = || CopyRequest::new(url("k"), url("to"));
    let (server, client) = served(once(white(Some("InternalError")))).await;
    let error = client.copy(copy()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert!(!server.store().exists(url("to")).await.unwrap());

    server.faults().set(once(white(None)));
    let start = Instant::now();
    client.copy(copy()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(30));
    assert!(server.store().exists(url("to")).await.unwrap());
    assert_eq!(count(&server, "white space"), 1);
}

#[tokio::test]
async fn a_status_200_can_contain_an_error() {
    let (server, client) = served(once(FaultAction::error_inside("InternalError"))).await;
    let error = client.put_bytes(url("to"), "x").await.unwrap_err();
    assert_eq!(error.code(), Some("InternalError"));
    assert!(!server.store().exists(url("to")).await.unwrap());
}

#[tokio::test]
async fn headers_are_replaced_added_and_removed() {
    let header = |name, value: Option<&str>| FaultAction::Header {
        name,
        value: value.map(str::to_owned),
    };
    for (name, value) in [
        ("etag", Some("\"x\"")),
        ("x-new", Some("y")),
        ("etag", None),
    ] {
        let (server, _) = served(once(header(name, value))).await;
        let response = raw_http::send(&server, "GET /bkt/k", &[], b"").await;
        assert_eq!(response.header(name), value);
        assert_eq!(count(&server, "header"), 1);
    }
    let (server, _) = served(once(header("x-absent", None))).await;
    raw_http::send(&server, "GET /bkt/k", &[], b"").await;
    assert_eq!(count(&server, "header"), 0);
}

#[tokio::test]
async fn a_range_is_shifted_or_ignored() {
    let ranged = || GetRequest::new(url("k")).with_range(10..20);
    let (server, client) = served(once(FaultAction::ShiftedRange)).await;
    let response = client.get(ranged()).await.unwrap();
    assert_eq!(response.range, 11..21);
    assert_ramp(&response.body.collect().await.unwrap(), 10);
    assert_eq!(count(&server, "shifted range"), 1);

    server.faults().set(once(FaultAction::WholeObject));
    assert_eq!(client.get(ranged()).await.unwrap().range, 0..SIZE as u64);
    assert_eq!(count(&server, "whole object"), 1);
    // There was no range to ignore.
    server.faults().set(once(FaultAction::WholeObject));
    client.get(GetRequest::new(url("k"))).await.unwrap();
    assert_eq!(count(&server, "whole object"), 0);
}

#[tokio::test]
async fn a_body_is_longer_or_shorter_than_announced() {
    for (by, sent) in [(-10, SIZE), (10, SIZE)] {
        let (server, _) = served(once(FaultAction::Announce { by })).await;
        let response = raw_http::send(&server, "GET /bkt/k", &[], b"").await;
        let announced = (SIZE as i64 + by).to_string();
        assert_eq!(response.header("content-length"), Some(announced.as_str()));
        assert_eq!(response.body.len(), sent, "{by}");
        assert_eq!(count(&server, "announce"), 1);
    }
}

#[tokio::test]
async fn one_bit_of_a_body_is_flipped() {
    for at in [
        Position::Byte(0),
        Position::Half,
        Position::Byte(SIZE as u64 - 1),
    ] {
        let (server, client) = served(once(FaultAction::FlipByte { at })).await;
        let bytes = client.get_bytes(url("k")).await.unwrap();
        let whole = ramp(0, SIZE);
        let wrong: Vec<usize> = (0..SIZE)
            .filter(|&place| bytes[place] != whole[place])
            .collect();
        let place = match at {
            Position::Byte(at) => at as usize,
            _ => SIZE / 2,
        };
        assert_eq!(wrong, [place]);
        assert_eq!(bytes[place] ^ 1, whole[place]);
        assert_eq!(count(&server, "flip byte"), 1);
    }
}

/// Lists two keys per page until the end, or for five pages, or to an error.
async fn listed(store: &impl Store) -> (Vec<String>, Option<ErrorKind>) {
    let mut keys = Vec::new();
    let mut list = ListRequest::new(S3Prefix::parse("s3://bkt/p").unwrap()).with_max_keys(2);
    for _ in 0..5 {
        let page = match store.list_page(list.clone()).await {
            Ok(page) => page,
            Err(error) => return (keys, Some(error.kind())),
        };
        keys.extend(page.objects.iter().map(|found| found.url.key().to_owned()));
        match page.next {
            Some(next) => list.continuation = Some(next),
            None => break,
        }
    }
    (keys, None)
}

#[tokio::test]
async fn wrong_pages_are_the_same_with_and_without_http() {
    for (lie, expected, kind) in [
        (ListFault::Ends, "p0 p1 p2 p3", None),
        (ListFault::NoToken, "p0 p1", Some(ErrorKind::Protocol)),
        (ListFault::RepeatsToken, "p0 p1 p2 p3 p2 p3 p4 p5", None),
        (ListFault::RepeatsPage, "p0 p1 p0 p1 p2 p3 p4 p5", None),
        (ListFault::SkipsPage, "p0 p1 p4 p5", None),
        (ListFault::Overlaps, "p0 p1 p1 p2 p3 p4 p5", None),
    ] {
        let memory = MemoryStore::with_buckets(["bkt"]);
        for number in 0..6 {
            memory
                .put_bytes(url(&format!("p{number}")), "x")
                .await
                .unwrap();
        }
        let second = FaultMatch::operation("ListObjectsV2").on(FaultAction::List(lie));
        let second = FaultPlan::from(second.skip(1).times(1));
        let server = S3Server::builder(memory.clone()).faults(second.clone());
        let server = server.start().await.unwrap();
        let store = FaultStore::new(memory, second);
        for (found, delivered) in [
            (
                listed(&server.sdk_store()).await,
                server.faults().delivered(),
            ),
            (listed(&store).await, store.faults().delivered()),
        ] {
            assert_eq!(
                (found.0.join(" ").as_str(), found.1),
                (expected, kind),
                "{lie:?}"
            );
            assert_eq!(delivered.actions.get("list"), Some(&1), "{lie:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_closes_after_a_response_without_connection_close() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for line in ["GET /bkt/k", "HEAD /bkt/k"] {
        let (server, client) = served(once(FaultAction::CloseIdle)).await;
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", server.port()))
            .await
            .unwrap();
        let request = format!("{line} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut whole = Vec::new();
        stream.read_to_end(&mut whole).await.unwrap();
        let text = String::from_utf8_lossy(&whole).to_lowercase();
        assert!(!text.contains("connection: close"), "{text}");
        assert!(line.starts_with("HEAD") || whole.len() > SIZE);
        assert_eq!(count(&server, "close idle"), 1);
        // A client that keeps connections does not notice.
        server
            .faults()
            .set(FaultMatch::any().on(FaultAction::CloseIdle));
        for _ in 0..3 {
            assert_eq!(client.get_bytes(url("k")).await.unwrap().len(), SIZE);
        }
        assert_eq!(count(&server, "close idle"), 3);
    }
}

#[tokio::test]
async fn a_response_is_replaced_after_the_commit() {
    for (action, kind) in [
        (FaultAction::status(500, "InternalError"), ErrorKind::Server),
        (FaultAction::Drop, ErrorKind::Network),
        (FaultAction::Reset, ErrorKind::Network),
    ] {
        let (server, client) = served(once(action.after_commit())).await;
        let error = client.put_bytes(url("new"), "x").await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(server.store().exists(url("new")).await.unwrap());
        assert_eq!(count(&server, "after commit"), 1);
    }
    let (server, client) = served(once(FaultAction::parked_reply())).await;
    let put = client.put_bytes(url("new"), "x");
    let parked = tokio::time::timeout(Duration::from_millis(100), put).await;
    assert!(parked.is_err());
    assert!(server.store().exists(url("new")).await.unwrap());
}

#[tokio::test]
async fn a_server_that_is_down_refuses_connections_and_comes_back_on_its_port() {
    let (server, client) = served(FaultPlan::none()).await;
    assert_eq!(client.get_bytes(url("k")).await.unwrap().len(), SIZE);
    for _ in 0..2 {
        server.go_down().await.unwrap();
        let requests = server.request_log().requests().len();
        let error = client.get_bytes(url("k")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Network, "{error}");
        assert!(error.to_string().contains("could not connect"), "{error}");
        assert_eq!(server.request_log().requests().len(), requests);
        server.come_back().await.unwrap();
        assert_eq!(client.get_bytes(url("k")).await.unwrap().len(), SIZE);
    }
}

#[tokio::test]
async fn activity_grows_with_every_request() {
    let (server, client) = served(FaultPlan::none()).await;
    let mut before = server.activity();
    for _ in 0..3 {
        client.get_bytes(url("k")).await.unwrap();
        assert!(server.activity() > before);
        assert_eq!(server.connections(), 1);
        before = server.activity();
    }
}

#[tokio::test]
async fn a_burst_has_its_status_code_and_wait() {
    let burst = FaultRule::burst(
        FaultMatch::any(),
        (429, "TooManyRequests"),
        Some(Duration::from_secs(2)),
        2,
    );
    let (server, client) = served(burst).await;
    for _ in 0..2 {
        let error = client.get_bytes(url("k")).await.unwrap_err();
        assert_eq!(
            (error.http_status(), error.kind()),
            (Some(429), ErrorKind::Throttled)
        );
    }
    client.get_bytes(url("k")).await.unwrap();
    assert_eq!(count(&server, "status"), 2);
}

#[tokio::test]
async fn an_interrupted_response_is_a_network_error_on_both_request_paths() {
    let half = Position::Half;
    for action in [
        FaultAction::TruncateBody { at: half },
        FaultAction::BodyError { at: half },
    ] {
        let (server, client) = served(FaultMatch::any().on(action.clone())).await;
        let copied = client.copy(CopyRequest::new(url("k"), url("to"))).await;
        assert_eq!(copied.unwrap_err().kind(), ErrorKind::Network, "{action:?}");
        let list = ListRequest::new(S3Prefix::parse("s3://bkt/").unwrap());
        let listed = client.list_page(list).await;
        assert_eq!(listed.unwrap_err().kind(), ErrorKind::Network, "{action:?}");
        assert_eq!(server.faults().delivered().total(), 2);
    }
}

//! Every fault reaches the client and is counted.

use std::time::{Duration, Instant};

use s3_core::{
    Error, ErrorKind, GetRequest, HeadRequest, MemoryStore, Retryability, S3Url, SdkStore, Store,
    StoreExt,
};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, Position, S3Server, assert_ramp, ramp};

const SIZE: usize = 300_000;

async fn served(plan: impl Into<FaultPlan>) -> (S3Server, SdkStore) {
    let server = S3Server::builder(MemoryStore::with_buckets(["bkt"]))
        .faults(plan)
        .start()
        .await
        .unwrap();
    server
        .store()
        .put_bytes(url(), ramp(0, SIZE))
        .await
        .unwrap();
    let client = server.sdk_store();
    (server, client)
}

fn url() -> S3Url {
    S3Url::parse("s3://bkt/k").unwrap()
}

fn once(action: FaultAction) -> FaultPlan {
    FaultMatch::any().with_key("k").on(action).times(1).into()
}

/// Reads the object. Returns the received bytes, and the error if there was one.
async fn read(client: &SdkStore) -> (Vec<u8>, Option<Error>) {
    let mut body = match client.get(GetRequest::new(url())).await {
        Ok(response) => response.body,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut bytes = Vec::new();
    loop {
        match body.next().await {
            Some(Ok(frame)) => bytes.extend_from_slice(&frame),
            Some(Err(error)) => return (bytes, Some(error)),
            None => return (bytes, None),
        }
    }
}

#[tokio::test]
async fn an_error_status_comes_with_its_code_and_wait() {
    let (server, client) = served(once(FaultAction::slow_down(Duration::from_secs(3)))).await;
    let error = client.get(GetRequest::new(url())).await.unwrap_err();
    assert_eq!(
        (error.http_status(), error.code()),
        (Some(503), Some("SlowDown"))
    );
    assert_eq!(
        error.retryability(),
        Retryability::Throttled {
            after: Some(Duration::from_secs(3))
        }
    );
    assert_eq!(client.get_bytes(url()).await.unwrap().len(), SIZE);
    assert_eq!(server.faults().delivered().rules, [1]);
    let recorded = &server.request_log().requests()[0];
    assert_eq!(
        (recorded.status, recorded.fault.as_deref()),
        (Some(503), Some("status 503 SlowDown"))
    );
}

#[tokio::test]
async fn a_head_gets_only_the_status_and_a_put_stores_nothing() {
    let (server, client) =
        served(FaultMatch::any().on(FaultAction::status(500, "InternalError"))).await;
    let error = client.head(HeadRequest::new(url())).await.unwrap_err();
    assert_eq!(
        (error.http_status(), error.kind()),
        (Some(500), ErrorKind::Server)
    );
    let other = S3Url::parse("s3://bkt/other").unwrap();
    let error = client
        .put_bytes(other.clone(), ramp(0, 1 << 20))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("InternalError"));
    assert!(!server.store().exists(other).await.unwrap());
    assert_eq!(server.faults().delivered().total(), 2);
}

#[tokio::test]
async fn a_dropped_connection_has_no_response() {
    let (server, client) = served(once(FaultAction::Drop)).await;
    let (_, error) = read(&client).await;
    assert_eq!(error.unwrap().kind(), ErrorKind::Network);
    assert_eq!(server.faults().delivered().rules, [1]);
    assert_eq!(server.request_log().requests()[0].status, None);
    assert_eq!(read(&client).await.0.len(), SIZE);
}

#[tokio::test]
async fn a_request_with_a_lost_reply_takes_effect() {
    let (server, client) = served(
        FaultMatch::method("PUT")
            .on(FaultAction::LoseReply)
            .times(1),
    )
    .await;
    let other = S3Url::parse("s3://bkt/other").unwrap();
    let error = client.put_bytes(other.clone(), "stored").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert_eq!(server.store().get_bytes(other).await.unwrap(), "stored");
    assert_eq!(server.faults().delivered().rules, [1]);
}

#[tokio::test]
async fn a_truncated_body_arrives_up_to_its_position() {
    for (at, len) in [
        (Position::Byte(0), 0),
        (Position::Byte(1), 1),
        (Position::Byte(70_000), 70_000),
        (Position::Half, SIZE / 2),
        (Position::Byte(SIZE as u64 - 1), SIZE - 1),
    ] {
        for action in [
            FaultAction::TruncateBody { at },
            FaultAction::BodyError { at },
        ] {
            let (server, client) = served(once(action.clone())).await;
            let (bytes, error) = read(&client).await;
            assert!(error.is_some(), "{action:?}");
            assert!(bytes.len() <= len, "{action:?}: {}", bytes.len());
            assert_ramp(&bytes, 0);
            assert_eq!(server.faults().delivered().rules, [1], "{action:?}");
            let recorded = &server.request_log().requests()[0];
            assert_eq!(
                (recorded.status, recorded.response_bytes),
                (Some(200), len as u64),
                "{action:?}"
            );
            assert_eq!(read(&client).await.0.len(), SIZE, "{action:?}");
        }
    }
}

#[tokio::test]
async fn all_bytes_before_a_truncation_reach_the_client() {
    let (server, _) = served(once(FaultAction::truncate_after(200_000))).await;
    let open = S3Server::builder(server.store())
        .allow_anonymous()
        .start()
        .await
        .unwrap();
    open.faults()
        .set(once(FaultAction::truncate_after(200_000)));
    let response = crate::raw_http::send(&open, "GET /bkt/k", &[], b"").await;
    assert_eq!(response.header("content-length"), Some("300000"));
    assert_eq!(response.body.len(), 200_000);
    assert_ramp(&response.body, 0);
}

#[tokio::test]
async fn a_body_shorter_than_the_position_is_complete_and_nothing_is_delivered() {
    let (server, client) = served(once(FaultAction::truncate_after(SIZE as u64))).await;
    assert_eq!(read(&client).await.0.len(), SIZE);
    assert_eq!(server.faults().delivered().total(), 0);
}

#[tokio::test]
async fn a_stall_ends_after_its_time() {
    let wait = Duration::from_millis(60);
    for action in [
        FaultAction::stall(wait),
        FaultAction::Stall {
            at: Some(Position::Byte(100_000)),
            wait: Some(wait),
        },
    ] {
        let (server, client) = served(once(action.clone())).await;
        let started = Instant::now();
        let (bytes, error) = read(&client).await;
        assert!(
            error.is_none() && started.elapsed() >= wait,
            "{action:?} {error:?}"
        );
        assert_eq!(bytes.len(), SIZE);
        assert_ramp(&bytes, 0);
        assert_eq!(server.faults().delivered().rules, [1], "{action:?}");
    }
}

#[tokio::test]
async fn an_endless_stall_ends_when_the_client_closes_the_connection() {
    for action in [
        FaultAction::Stall {
            at: None,
            wait: None,
        },
        FaultAction::stall_after(1000),
    ] {
        let (server, client) = served(once(action.clone())).await;
        let stalled = client.clone();
        let reading = tokio::spawn(async move { read(&stalled).await });
        delivery(&server).await;
        assert!(!reading.is_finished(), "{action:?}");
        reading.abort();
        assert!(reading.await.unwrap_err().is_cancelled());
        assert_eq!(server.faults().delivered().rules, [1], "{action:?}");
        assert_eq!(read(&client).await.0.len(), SIZE, "{action:?}");
    }
}

/// Waits until a fault was delivered.
async fn delivery(server: &S3Server) {
    while server.faults().delivered().total() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_object_can_appear_changed() {
    let (server, client) = served(
        FaultMatch::method("GET")
            .on(FaultAction::ChangedETag)
            .times(1),
    )
    .await;
    let changed = client.get(GetRequest::new(url())).await.unwrap().meta.etag;
    let real = client.get(GetRequest::new(url())).await.unwrap().meta.etag;
    assert_ne!(changed, real);
    assert_eq!(server.faults().delivered().rules, [1]);
}

#[tokio::test]
async fn random_faults_are_the_same_on_every_run() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        // No dropped connections: a client may use another one at once, and the first is not seen.
        let actions = [
            FaultAction::status(500, "InternalError"),
            FaultAction::status(503, "SlowDown"),
        ];
        let (server, client) = served(FaultPlan::random(42, 0.4, actions)).await;
        let mut outcomes = Vec::new();
        for _ in 0..20 {
            outcomes.push(read(&client).await.1.map(|error| error.kind()));
        }
        let hits = outcomes.iter().flatten().count() as u64;
        assert_eq!(server.faults().delivered().random, hits);
        assert!((2..18).contains(&hits), "{hits}");
        runs.push(outcomes);
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn dropping_the_server_ends_a_stalled_connection() {
    let (server, client) = served(once(FaultAction::Stall {
        at: None,
        wait: None,
    }))
    .await;
    let reading = tokio::spawn(async move { read(&client).await });
    delivery(&server).await;
    drop(server);
    assert_eq!(reading.await.unwrap().1.unwrap().kind(), ErrorKind::Network);
}

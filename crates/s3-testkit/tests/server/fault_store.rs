//! `FaultStore`: fault plans without HTTP.

use std::time::Duration;

use s3_core::{
    CompleteUpload, CreateUpload, DeleteRequest, ErrorKind, GetRequest, HeadRequest, ListRequest,
    MemoryStore, Payload, PutRequest, S3Prefix, S3Url, Store, StoreExt, UploadPart,
};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore, assert_ramp, ramp};

fn url() -> S3Url {
    S3Url::parse("s3://bkt/k").unwrap()
}

async fn faulty(plan: impl Into<FaultPlan>) -> FaultStore<MemoryStore> {
    let memory = MemoryStore::with_buckets(["bkt"]);
    memory.put_bytes(url(), ramp(0, 1000)).await.unwrap();
    FaultStore::new(memory, plan.into())
}

#[tokio::test]
async fn every_call_is_matched_as_its_request() {
    let status = || FaultAction::status(403, "AccessDenied");
    let plan = FaultPlan::new([
        FaultMatch::operation("GetObject").on(status()),
        FaultMatch::method("HEAD").on(status()),
        FaultMatch::operation("PutObject").on(status()),
        FaultMatch::method("GET")
            .with_query("list-type=2&delimiter=/&prefix=a/")
            .on(status()),
        FaultMatch::method("POST")
            .with_query("uploads")
            .on(status())
            .times(1),
        FaultMatch::method("PUT")
            .with_query("partNumber=7")
            .on(status()),
        FaultMatch::operation("CompleteMultipartUpload").on(status()),
        FaultMatch::method("POST").with_query("delete").on(status()),
    ]);
    let store = faulty(plan).await;
    let denied = |error: s3_core::Error| {
        assert_eq!(error.kind(), ErrorKind::AccessDenied);
        (
            error.code().map(str::to_owned),
            error.resource().map(str::to_owned),
        )
    };
    let place = Some("s3://bkt/k".to_owned());
    let code = Some("AccessDenied".to_owned());
    assert_eq!(
        denied(store.get(GetRequest::new(url())).await.unwrap_err()),
        (code.clone(), place.clone())
    );
    assert_eq!(
        denied(store.head(HeadRequest::new(url())).await.unwrap_err()),
        (None, place)
    );
    denied(
        store
            .put(PutRequest::new(url(), Payload::empty()))
            .await
            .unwrap_err(),
    );
    let list = ListRequest::new(S3Prefix::parse("s3://bkt/a/").unwrap()).with_delimiter("/");
    denied(store.list_page(list).await.unwrap_err());
    let create = CreateUpload::new(url(), s3_core::Attributes::default());
    denied(store.create_upload(create.clone()).await.unwrap_err());
    let upload = store.create_upload(create).await.unwrap();
    denied(
        store
            .upload_part(UploadPart::new(url(), upload.clone(), 7, Payload::empty()))
            .await
            .unwrap_err(),
    );
    denied(
        store
            .complete_upload(CompleteUpload::new(url(), upload, Vec::new()))
            .await
            .unwrap_err(),
    );
    denied(
        store
            .delete(DeleteRequest::new("bkt", vec![url()]))
            .await
            .unwrap_err(),
    );
    assert_eq!(store.faults().delivered().rules, [1; 8]);
    assert_eq!(store.inner().object_count(), 1);
}

#[tokio::test]
async fn a_dropped_call_has_no_effect_and_a_call_with_a_lost_reply_has() {
    let put = |action| FaultMatch::method("PUT").on(action).times(1);
    let store = faulty(FaultPlan::new([
        put(FaultAction::Drop),
        put(FaultAction::LoseReply),
    ]))
    .await;
    for body in ["first", "second"] {
        let error = store.put_bytes(url(), body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Network);
        assert!(error.retryability().is_retryable());
    }
    assert_eq!(store.get_bytes(url()).await.unwrap(), "second");
    assert_eq!(store.faults().delivered().rules, [1, 1]);
}

#[tokio::test]
async fn a_truncated_body_ends_early_and_an_interrupted_one_fails() {
    let get = |action| FaultMatch::method("GET").on(action).times(1);
    let plan = FaultPlan::new([
        get(FaultAction::truncate_half()),
        get(FaultAction::body_error_after(10)),
    ]);
    let store = faulty(plan).await;
    let short = store.get_bytes(url()).await.unwrap();
    assert_eq!(short.len(), 500);
    assert_ramp(&short, 0);

    let mut body = store
        .get(GetRequest::new(url()).with_range(100..200))
        .await
        .unwrap()
        .body;
    let first = body.next().await.unwrap().unwrap();
    assert_eq!(first.len(), 10);
    assert_ramp(&first, 100);
    assert_eq!(
        body.next().await.unwrap().unwrap_err().kind(),
        ErrorKind::Network
    );
    assert!(body.next().await.is_none());
    assert_eq!(store.faults().delivered().rules, [1, 1]);
    assert_ramp(&store.get_bytes(url()).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn stalls_last_as_long_as_requested() {
    let stall = Duration::from_secs(30);
    let body_stall = FaultAction::Stall {
        at: Some(s3_testkit::Position::Byte(100)),
        wait: Some(stall),
    };
    let store = faulty(FaultPlan::new([
        FaultMatch::method("GET")
            .on(FaultAction::stall(stall))
            .times(1),
        FaultMatch::method("GET").on(body_stall).times(1),
    ]))
    .await;
    for _ in 0..2 {
        let started = tokio::time::Instant::now();
        let bytes = store.get_bytes(url()).await.unwrap();
        assert_eq!((bytes.len(), started.elapsed()), (1000, stall));
        assert_ramp(&bytes, 0);
    }
    assert_eq!(store.faults().delivered().rules, [1, 1]);
}

#[tokio::test]
async fn an_object_can_appear_changed() {
    let store = faulty(FaultMatch::any().on(FaultAction::ChangedETag).times(2)).await;
    let changed = store.head(HeadRequest::new(url())).await.unwrap().etag;
    assert_eq!(
        store.get(GetRequest::new(url())).await.unwrap().meta.etag,
        changed
    );
    assert_ne!(
        store.head(HeadRequest::new(url())).await.unwrap().etag,
        changed
    );
}

#[tokio::test(start_paused = true)]
async fn faults_after_the_call_and_in_its_body_work_without_http() {
    let other = S3Url::parse("s3://bkt/other").unwrap();
    let late = FaultAction::status(503, "SlowDown").after_commit();
    let store = faulty(FaultMatch::method("PUT").on(late)).await;
    let error = store.put_bytes(other.clone(), "x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert!(store.inner().exists(other.clone()).await.unwrap());

    let cut = FaultAction::CutRequest { after: 0 };
    let store = faulty(FaultMatch::method("PUT").on(cut)).await;
    assert!(store.put_bytes(other.clone(), "x").await.is_err());
    assert!(!store.inner().exists(other).await.unwrap());

    let at = s3_testkit::Position::Byte(500);
    let store = faulty(FaultMatch::method("GET").on(FaultAction::FlipByte { at })).await;
    let bytes = store.get_bytes(url()).await.unwrap();
    assert_ramp(&bytes[..500], 0);
    assert_eq!(bytes[500] ^ 1, ramp(500, 1)[0]);
    assert_ramp(&bytes[501..], 501);

    let drip = FaultAction::slow_loris(Duration::from_secs(1));
    let store = faulty(FaultMatch::method("GET").on(drip)).await;
    let start = tokio::time::Instant::now();
    assert_ramp(&store.get_bytes(url()).await.unwrap(), 0);
    assert!(start.elapsed() >= Duration::from_secs(1000));

    let store = faulty(FaultMatch::method("GET").on(FaultAction::WholeObject)).await;
    let ranged = GetRequest::new(url()).with_range(1..2);
    assert_eq!(store.get(ranged).await.unwrap().range, 0..1000);
    assert_eq!(store.faults().delivered().total(), 1);
}

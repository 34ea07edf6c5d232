//! The events that an observer receives.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use s3_core::{CopyRequest, Payload, PutMode};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, Position, ramp};
use s3_transfer::{
    CallOptions, Destination, Event, GetItem, Observer, PutItem, Source, Transfer, WaitReason,
};
use tokio::time::{Instant, timeout};

use crate::setup::{Setup, config, setup, url, with_config};

/// Keeps each event as one line.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Observer for Recorder {
    fn on_event(&self, event: &Event<'_>) {
        let line = match event {
            Event::Started {
                operation,
                url,
                bytes,
            } => format!("{operation} {} started, {bytes:?} bytes", url.key()),
            Event::SizeKnown { url, bytes } => format!("{} has {bytes} bytes", url.key()),
            Event::BytesMoved {
                operation, bytes, ..
            } => format!("{operation} moved {bytes}"),
            Event::Restarted { error, .. } => format!("restarted: {:?}", error.kind()),
            Event::Completed {
                bytes, verified, ..
            } => format!("completed, {bytes} bytes, {verified:?}"),
            Event::Failed { error, .. } => format!("failed: {:?}", error.kind()),
            Event::Cancelled { operation, .. } => format!("{operation} cancelled"),
            Event::Retrying { error, .. } => {
                format!("{} failed: {:?}", error.operation(), error.kind())
            }
            Event::Waiting {
                resource, reason, ..
            } => format!("{resource} waits: {reason:?}"),
            other => panic!("{other:?}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

impl Recorder {
    fn options(&self) -> CallOptions {
        CallOptions::default().with_observer(Arc::new(self.clone()))
    }

    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

const UNVERIFIED: &str = "Some(NotVerified(NotOffered))";

async fn get(setup: &Setup, item: GetItem) -> Vec<String> {
    let recorder = Recorder::default();
    let options = recorder.options();
    let _ = setup
        .transfer
        .get(item, Destination::Memory, &options)
        .await;
    recorder.lines()
}

#[tokio::test(start_paused = true)]
async fn a_read_reports_its_start_its_size_its_bytes_and_its_end() {
    let setup = setup(FaultPlan::none());
    let item = GetItem::new(setup.seed("k", 700).await);
    let done = format!("completed, 700 bytes, {UNVERIFIED}");
    assert_eq!(
        get(&setup, item.clone()).await,
        [
            "get k started, None bytes",
            "k has 700 bytes",
            "get moved 700",
            &done
        ]
    );
    let known = get(&setup, item.clone().with_known(700, None)).await;
    assert_eq!(known[0], "get k started, Some(700) bytes");
    let range = get(&setup, item.with_range(10..30)).await;
    assert_eq!(range[1..3], ["k has 20 bytes", "get moved 20"]);
}

#[tokio::test(start_paused = true)]
async fn bytes_of_an_interrupted_body_are_reported_once() {
    let at = Position::Byte(600);
    let interrupted = FaultMatch::method("GET").on(FaultAction::BodyError { at });
    let setup = setup(interrupted.times(1));
    let item = GetItem::new(setup.seed("k", 1000).await);
    assert_eq!(
        get(&setup, item).await,
        [
            "get k started, None bytes",
            "k has 1000 bytes",
            "get moved 600",
            "get failed: Network",
            "get moved 400",
            "completed, 1000 bytes, Some(Etag)",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_bytes_of_parallel_parts_add_up_to_the_size() {
    let setup = setup(FaultMatch::method("GET").on(FaultAction::truncate_after(300)));
    let item = GetItem::new(setup.seed("k", 4500).await);
    let lines = get(&setup, item).await;
    let moved = lines
        .iter()
        .filter_map(|line| line.strip_prefix("get moved "));
    let moved: u64 = moved.map(|bytes| bytes.parse::<u64>().unwrap()).sum();
    assert_eq!(moved, 4500);
}

#[tokio::test(start_paused = true)]
async fn a_large_body_is_reported_a_buffer_at_a_time() {
    let mut config = config();
    config.part_size = 8 << 20;
    let setup = with_config(FaultPlan::none(), config);
    let dir = tempfile::tempdir().unwrap();
    let item = GetItem::new(setup.seed("k", 1 << 20).await);
    let recorder = Recorder::default();
    let to = Destination::File(dir.path().join("out"));
    let options = recorder.options();
    setup.transfer.get(item, to, &options).await.unwrap();
    assert!(recorder.lines().len() <= 3 + 4);
}

#[tokio::test(start_paused = true)]
async fn a_replaced_object_is_reported_as_restarted() {
    let changed = FaultMatch::method("GET").on(FaultAction::ChangedETag);
    let setup = setup(changed.times(1).skip(1));
    let item = GetItem::new(setup.seed("k", 1500).await);
    let lines = get(&setup, item).await;
    let restarted = lines.iter().position(|line| line.starts_with("restarted"));
    let done = format!("completed, 1500 bytes, {UNVERIFIED}");
    assert_eq!(lines[restarted.unwrap()], "restarted: ChangedDuringRead");
    assert_eq!(lines.last(), Some(&done));
    assert_eq!(lines[restarted.unwrap() + 1], "k has 1500 bytes");
}

#[tokio::test(start_paused = true)]
async fn a_failed_read_ends_with_its_error() {
    let setup = setup(FaultPlan::none());
    assert_eq!(
        get(&setup, GetItem::new(url("missing"))).await,
        ["get missing started, None bytes", "failed: NotFound"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_reports_what_it_sends_and_a_write_that_is_not_needed_nothing() {
    let setup = setup(FaultPlan::none());
    let recorder = Recorder::default();
    let options = recorder.options();
    let put = |source: Source| {
        let item = PutItem::new(url("k"), source).with_mode(PutMode::IfAbsent);
        setup.transfer.put(item, &options)
    };
    let reader = || Source::Read(Box::new(std::io::Cursor::new(ramp(0, 2500))));
    put(reader()).await.unwrap();
    assert_eq!(
        recorder.lines(),
        [
            "put k started, None bytes",
            "put moved 1000",
            "put moved 1000",
            "put moved 500",
            "completed, 2500 bytes, None"
        ]
    );
    put(Payload::from("again").into()).await.unwrap();
    assert_eq!(
        recorder.lines(),
        ["put k started, Some(5) bytes", "completed, 0 bytes, None"]
    );
}

#[tokio::test(start_paused = true)]
async fn throttling_and_an_open_circuit_breaker_are_reported() {
    let slow_down = FaultAction::slow_down(Duration::from_secs(1));
    let setup = setup(FaultMatch::any().on(slow_down).times(1));
    let from = setup.seed("from", 5).await;
    let recorder = Recorder::default();
    let options = recorder.options();
    let copy = CopyRequest::new(from, url("to"));
    setup.transfer.copy(copy, &options).await.unwrap();
    assert_eq!(
        recorder.lines(),
        [
            "copy to started, None bytes",
            "s3://b/to waits: Throttled",
            "copy failed: Throttled",
            "completed, 0 bytes, None"
        ]
    );
    let down = FaultMatch::any().on(FaultAction::Drop).times(200);
    let setup = with_config(down, config());
    let recorder = Recorder::default();
    let options = recorder.options();
    let heads = (0..4).map(|_| setup.transfer.head(url("k"), &options));
    futures_util::future::join_all(heads).await;
    let lines = recorder.lines();
    let open = format!("s3://b/k waits: {:?}", WaitReason::CircuitBreaker);
    assert!(lines.contains(&open), "{lines:?}");
    assert!(lines.contains(&"head failed: Network".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_is_reported_as_cancelled_and_one_at_its_deadline_as_failed() {
    let setup = setup(FaultMatch::any().on(FaultAction::stall_after(0)));
    let item = GetItem::new(setup.seed("k", 10).await);
    let recorder = Recorder::default();
    let options = recorder.options();
    let get = setup
        .transfer
        .get(item.clone(), Destination::Memory, &options);
    assert!(timeout(Duration::from_secs(1), get).await.is_err());
    assert_eq!(recorder.lines().last().unwrap(), "get cancelled");
    let options = options.with_deadline(Instant::now() + Duration::from_secs(1));
    let get = setup.transfer.get(item, Destination::Memory, &options);
    get.await.unwrap_err();
    assert_eq!(recorder.lines().last().unwrap(), "failed: Timeout");
}

#[tokio::test]
async fn the_clients_observer_receives_the_events_of_calls_without_one() {
    let recorder = Recorder::default();
    let mut config = config();
    config.observer = Some(Arc::new(recorder.clone()));
    let transfer = Transfer::new(crate::setup::memory(), config);
    let put = |options: CallOptions| {
        let item = PutItem::new(url("k"), Payload::from("hello").into());
        let transfer = transfer.clone();
        async move { transfer.put(item, &options).await.unwrap() }
    };
    put(CallOptions::default()).await;
    assert_eq!(recorder.lines().len(), 3);
    let other = Recorder::default();
    put(other.options()).await;
    assert_eq!((recorder.lines().len(), other.lines().len()), (0, 3));
}

//! Downloads: parts, ETag pins, resumption, destinations.

use std::time::Duration;

use s3_core::{ByteRange, ErrorKind, Operation, Phase, StoreExt};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, Position, assert_ramp, ramp};
use s3_transfer::{Destination, Fetched, GetItem, MemoryShare, ObjectData, Transfer};

use crate::hooked::Hooked;
use crate::setup::{Setup, config, memory, setup, url};

async fn fetch(setup: &Setup, item: GetItem) -> Result<Fetched, s3_core::Error> {
    setup
        .transfer
        .get(item, Destination::Memory, &Default::default())
        .await
}

fn bytes(fetched: &Fetched) -> &[u8] {
    match &fetched.data {
        ObjectData::Memory(bytes) => bytes,
        other => panic!("not in memory: {other:?}"),
    }
}

fn gets(setup: &Setup) -> u64 {
    setup.memory.operations().get(Operation::Get)
}

#[tokio::test]
async fn an_object_of_n_parts_costs_n_gets() {
    for (len, expected) in [(1, 1), (999, 1), (1000, 1), (1001, 2), (4000, 4), (4500, 5)] {
        let setup = setup(FaultPlan::none());
        let item = GetItem::new(setup.seed("k", len).await);
        let fetched = fetch(&setup, item).await.unwrap();
        assert_eq!(bytes(&fetched).len(), len);
        assert_ramp(bytes(&fetched), 0);
        assert_eq!(
            (gets(&setup), fetched.meta.size),
            (expected, len as u64),
            "{len} bytes"
        );
    }
}

#[tokio::test]
async fn an_empty_object_costs_two_gets_or_one_if_its_size_is_known() {
    let setup = setup(FaultPlan::none());
    let url = setup.seed("k", 0).await;
    assert_eq!(
        bytes(&fetch(&setup, GetItem::new(url.clone())).await.unwrap()),
        b""
    );
    assert_eq!(gets(&setup), 2);
    fetch(&setup, GetItem::new(url).with_known(0, None))
        .await
        .unwrap();
    assert_eq!(gets(&setup), 3);
}

#[tokio::test]
async fn a_missing_object_costs_one_get() {
    let setup = setup(FaultPlan::none());
    let error = fetch(&setup, GetItem::new(url("nope"))).await.unwrap_err();
    assert_eq!((error.kind(), gets(&setup)), (ErrorKind::NotFound, 1));
}

#[tokio::test]
async fn ranges_are_clipped_and_split() {
    let setup = setup(FaultPlan::none());
    let key = setup.seed("k", 4500).await;
    for (range, expected) in [
        (ByteRange::from(0..10), 0..10),
        (ByteRange::from(100..3000), 100..3000),
        (ByteRange::from(4000..9999), 4000..4500),
        (ByteRange::From(10), 10..4500),
        (ByteRange::Last(5), 4495..4500),
        (ByteRange::Last(9999), 0..4500),
    ] {
        let fetched = fetch(&setup, GetItem::new(key.clone()).with_range(range))
            .await
            .unwrap();
        assert_eq!(fetched.range, expected);
        assert_eq!(bytes(&fetched).len() as u64, expected.end - expected.start);
        assert_ramp(bytes(&fetched), expected.start);
    }
}

#[tokio::test]
async fn a_range_behind_the_end_is_an_error_and_an_empty_one_is_rejected_unsent() {
    let setup = setup(FaultPlan::none());
    let key = setup.seed("k", 10).await;
    let behind = fetch(&setup, GetItem::new(key.clone()).with_range(10..20))
        .await
        .unwrap_err();
    assert_eq!((behind.kind(), gets(&setup)), (ErrorKind::InvalidRange, 1));
    let empty = fetch(&setup, GetItem::new(key).with_range(3..3))
        .await
        .unwrap_err();
    assert_eq!((empty.kind(), gets(&setup)), (ErrorKind::InvalidRange, 1));
}

#[tokio::test(start_paused = true)]
async fn a_broken_body_goes_on_after_the_last_byte() {
    for action in [
        FaultAction::TruncateBody {
            at: Position::Byte(600),
        },
        FaultAction::BodyError {
            at: Position::Byte(600),
        },
    ] {
        let setup = setup(FaultMatch::method("GET").on(action).times(1));
        let key = setup.seed("k", 1000).await;
        let fetched = fetch(&setup, GetItem::new(key)).await.unwrap();
        assert_eq!(bytes(&fetched).len(), 1000);
        assert_ramp(bytes(&fetched), 0);
        assert_eq!((gets(&setup), setup.faults.delivered().total()), (2, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_again_and_again_gets_through_as_long_as_it_moves() {
    let cut = FaultAction::TruncateBody {
        at: Position::Byte(10),
    };
    let setup = setup(FaultMatch::method("GET").on(cut));
    let key = setup.seed("k", 995).await;
    let fetched = fetch(&setup, GetItem::new(key)).await.unwrap();
    assert_ramp(bytes(&fetched), 0);
    assert_eq!((bytes(&fetched).len(), gets(&setup)), (995, 100));
}

#[tokio::test(start_paused = true)]
async fn parts_that_move_a_byte_at_a_time_do_not_use_up_the_retry_budget() {
    let setup = setup(FaultMatch::method("GET").on(FaultAction::truncate_after(1)));
    let key = setup.seed("k", 4000).await;
    let fetched = fetch(&setup, GetItem::new(key)).await.unwrap();
    assert_ramp(bytes(&fetched), 0);
    assert_eq!((bytes(&fetched).len(), gets(&setup)), (4000, 4000));
}

#[tokio::test(start_paused = true)]
async fn a_body_of_unknown_length_may_take_as_long_as_it_comes() {
    let (moment, minute) = (Duration::from_secs(1), Duration::from_secs(60));
    for (coming, rest, arrives) in [(20 * minute, moment, true), (moment, 30 * moment, false)] {
        let memory = memory();
        memory.put_bytes(url("k"), ramp(0, 700)).await.unwrap();
        let mut store = Hooked::new(memory, |_, response| response);
        store.line = Some((coming, rest));
        let transfer = Transfer::new(store, config());
        let options = Default::default();
        let get = transfer.get(GetItem::new(url("k")), Destination::Memory, &options);
        match get.await {
            Ok(fetched) => {
                assert!(arrives, "{coming:?}");
                assert_ramp(bytes(&fetched), 0);
            }
            Err(error) => {
                assert!(!arrives && error.kind() == ErrorKind::Timeout, "{error}");
                let log = error.attempt_log().unwrap();
                assert!(log.iter().all(|attempt| attempt.phase == Phase::Body));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_given_up_and_asked_again() {
    let stall = FaultAction::Stall {
        at: Some(Position::Byte(5)),
        wait: None,
    };
    let setup = setup(FaultMatch::method("GET").on(stall).times(1));
    let key = setup.seed("k", 100).await;
    let start = tokio::time::Instant::now();
    let fetched = fetch(&setup, GetItem::new(key)).await.unwrap();
    assert_ramp(bytes(&fetched), 0);
    assert!(start.elapsed().as_secs() <= 26, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_changes_once_is_read_again_from_zero() {
    let setup = setup(
        FaultMatch::method("GET")
            .on(FaultAction::ChangedETag)
            .times(1)
            .skip(1),
    );
    let key = setup.seed("k", 3500).await;
    let fetched = fetch(&setup, GetItem::new(key)).await.unwrap();
    assert_eq!(bytes(&fetched).len(), 3500);
    assert_ramp(bytes(&fetched), 0);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_keeps_changing_is_an_error_and_never_a_mixture() {
    let setup = setup(
        FaultMatch::method("GET")
            .on(FaultAction::ChangedETag)
            .skip(1),
    );
    let key = setup.seed("k", 3500).await;
    let error = fetch(&setup, GetItem::new(key)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ChangedDuringRead);
}

#[tokio::test]
async fn an_object_replaced_since_it_was_listed_is_read_as_it_is_now() {
    let setup = setup(FaultPlan::none());
    let key = setup.seed("k", 2500).await;
    let old = setup
        .transfer
        .head(key.clone(), &Default::default())
        .await
        .unwrap();
    setup
        .memory
        .put_bytes(key.clone(), ramp(7, 1500))
        .await
        .unwrap();
    let item = GetItem::new(key).with_known(old.size, old.etag);
    let fetched = fetch(&setup, item).await.unwrap();
    assert_eq!(bytes(&fetched).len(), 1500);
    assert_ramp(bytes(&fetched), 7);
}

#[tokio::test]
async fn a_file_appears_when_it_is_complete_and_a_failure_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let setup = setup(
        FaultMatch::any()
            .with_key("bad")
            .on(FaultAction::status(403, "AccessDenied"))
            .skip(2),
    );
    let target = dir.path().join("out");
    for (key, len) in [("k", 4500), ("one", 10), ("none", 0)] {
        let key = setup.seed(key, len).await;
        let to = Destination::File(target.clone());
        let fetched = setup
            .transfer
            .get(GetItem::new(key), to, &Default::default())
            .await
            .unwrap();
        assert!(matches!(fetched.data, ObjectData::File(path) if path == target));
        let read = std::fs::read(&target).unwrap();
        assert_eq!(read.len(), len);
        assert_ramp(&read, 0);
    }
    let bad = setup.seed("bad", 4500).await;
    let to = Destination::File(dir.path().join("bad"));
    let error = setup
        .transfer
        .get(GetItem::new(bad), to, &Default::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_a_local_error_that_names_both_ends() {
    let setup = setup(FaultPlan::none());
    let key = setup.seed("k", 10).await;
    let to = Destination::File("/nonexistent-directory/out".into());
    let error = setup
        .transfer
        .get(GetItem::new(key), to, &Default::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LocalIo);
    assert_eq!(error.resource(), Some("s3://b/k"));
    assert!(
        error.to_string().contains("/nonexistent-directory/out"),
        "{error}"
    );
}

#[tokio::test]
async fn small_objects_stay_in_memory_and_large_ones_go_to_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let setup = setup(FaultPlan::none());
    let to = || Destination::Auto {
        memory: MemoryShare::up_to(1500),
        path: dir.path().join("f").into(),
    };
    for (key, len, file) in [("small", 1500, false), ("large", 1501, true)] {
        let key = setup.seed(key, len).await;
        let fetched = setup
            .transfer
            .get(GetItem::new(key), to(), &Default::default())
            .await
            .unwrap();
        assert_eq!(
            matches!(fetched.data, ObjectData::File(_)),
            file,
            "{len} bytes"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_a_download_removes_its_temporary_file() {
    let dir = tempfile::tempdir().unwrap();
    let stall = FaultAction::Stall {
        at: Some(Position::Byte(1)),
        wait: None,
    };
    let setup = setup(FaultMatch::method("GET").on(stall).skip(1));
    let key = setup.seed("k", 4500).await;
    let to = Destination::File(dir.path().join("out"));
    let options = s3_transfer::CallOptions::default()
        .with_deadline(tokio::time::Instant::now() + std::time::Duration::from_secs(5));
    let error = setup
        .transfer
        .get(GetItem::new(key), to, &options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    crate::setup::settle().await;
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

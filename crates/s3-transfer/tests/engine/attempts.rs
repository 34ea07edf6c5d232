//! The attempt log of errors: start, phase, status and wait of each attempt.

use std::time::Duration;

use futures_util::StreamExt;
use s3_core::{Attempt, ErrorKind, Phase};
use s3_testkit::{FaultAction, FaultMatch, FaultRule, Position, ramp};
use s3_transfer::{CallOptions, Destination, GetItem, ListOptions, PutItem, Source, Transfer};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::hooked::Hooked;
use crate::setup::{config, memory, setup, url, with_config};

fn attempts(error: &s3_core::Error) -> Vec<Attempt> {
    let log = error.attempt_log().expect("it came through the engine");
    log.iter().cloned().collect()
}

#[tokio::test(start_paused = true)]
async fn an_error_says_when_each_attempt_began_and_how_long_it_was_waited() {
    let setup = setup(FaultMatch::any().on(FaultAction::slow_down(Duration::from_secs(2))));
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let options = CallOptions::default().with_began(began);
    let error = setup.transfer.head(url("k"), &options).await.unwrap_err();
    let log = error.attempt_log().unwrap();
    assert_eq!((log.total(), log.left_out()), (21, 13));
    let kept = attempts(&error);
    assert_eq!(kept[0].began, Duration::from_secs(1));
    for pair in kept[..4].windows(2) {
        let wait = pair[0].wait.unwrap();
        assert!(wait >= Duration::from_secs(2));
        // The clock of paused time goes in whole milliseconds.
        let gap = pair[1].began - (pair[0].began + pair[0].took + wait);
        assert!(gap <= Duration::from_millis(2), "{gap:?}");
    }
    let last = kept.last().unwrap();
    assert_eq!((last.number, last.wait), (21, None));
    assert_eq!((last.phase, last.status), (Phase::Response, Some(503)));
    let text = format!("{error:#}");
    assert_eq!(text.lines().count(), 1 + 9, "{text}");
    assert_eq!(error.to_string().lines().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_error_response_has_a_log_of_one() {
    let setup = setup(FaultMatch::any().on(FaultAction::status(403, "AccessDenied")));
    let item = GetItem::new(url("k"));
    let options = CallOptions::default();
    let get = setup.transfer.get(item, Destination::Memory, &options);
    let kept = attempts(&get.await.unwrap_err());
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (kept[0].kind, kept[0].code.as_deref()),
        (ErrorKind::AccessDenied, Some("AccessDenied"))
    );
    assert_eq!((kept[0].bytes, kept[0].wait), (Some(0), None));
}

#[tokio::test(start_paused = true)]
async fn an_error_names_the_range_that_the_caller_has_asked_for_and_no_other() {
    let (at, wait) = (Position::Byte(0), None);
    for fault in [
        FaultAction::Stall { at: Some(at), wait },
        FaultAction::BodyError { at },
        FaultAction::status(500, "InternalError"),
    ] {
        let setup = setup(FaultMatch::method("GET").on(fault));
        let whole = GetItem::new(setup.seed("k", 900).await);
        let range = whole.clone().with_range(10..20);
        for (item, shown) in [(whole, None), (range, Some(" bytes=10-19:"))] {
            let options = CallOptions::default();
            let get = setup.transfer.get(item, Destination::Memory, &options);
            let text = get.await.unwrap_err().to_string();
            match shown {
                None => assert!(!text.contains("bytes="), "{text}"),
                // The layer that ends a stalled attempt knows no ranges.
                Some(_) if text.contains("nothing moved") => {}
                Some(shown) => assert!(text.contains(shown), "{text}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_tells_its_own_phase_and_bytes() {
    let get = || FaultMatch::method("GET");
    let at = Position::Byte(100);
    let plan = s3_testkit::FaultPlan::new([
        get().on(FaultAction::BodyError { at }).times(1),
        get().on(FaultAction::Drop).times(1),
        get()
            .on(FaultAction::Stall {
                at: Some(at),
                wait: None,
            })
            .times(1),
        get()
            .on(FaultAction::Stall {
                at: None,
                wait: None,
            })
            .times(1),
        FaultRule::new(get(), FaultAction::status(403, "AccessDenied")),
    ]);
    let setup = setup(plan);
    let item = GetItem::new(setup.seed("k", 900).await);
    let options = CallOptions::default();
    let get = setup.transfer.get(item, Destination::Memory, &options);
    let kept = attempts(&get.await.unwrap_err());
    let seen: Vec<_> = kept
        .iter()
        .map(|attempt| (attempt.phase, attempt.bytes))
        .collect();
    assert_eq!(
        seen,
        [
            (Phase::Body, Some(100)),
            (Phase::NoResponse, Some(0)),
            (Phase::Body, Some(100)),
            (Phase::NoResponse, Some(0)),
            (Phase::Response, Some(0)),
        ]
    );
    assert_eq!(kept[3].kind, ErrorKind::Timeout);
    assert!(kept[3].took >= config().stall_timeout);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_tells_what_it_has_cut_short() {
    let plan = s3_testkit::FaultPlan::new([
        FaultMatch::any()
            .on(FaultAction::status(500, "InternalError"))
            .times(2),
        FaultMatch::any().on(FaultAction::Stall {
            at: None,
            wait: None,
        }),
    ]);
    let setup = setup(plan);
    let at = Instant::now() + Duration::from_secs(5);
    let options = CallOptions::default().with_deadline(at);
    let error = setup.transfer.head(url("k"), &options).await.unwrap_err();
    let kept = attempts(&error);
    assert_eq!((error.attempts(), kept.len()), (3, 3));
    assert_eq!(error.resource(), Some("s3://b/k"));
    assert_eq!(
        (kept[0].kind, kept[1].code.as_deref()),
        (ErrorKind::Server, None)
    );
    assert_eq!(
        (kept[2].kind, kept[2].phase),
        (ErrorKind::Timeout, Phase::NoResponse)
    );
    let end = kept[2].began + kept[2].took;
    assert!(
        end.abs_diff(Duration::from_secs(5)) <= Duration::from_millis(2),
        "{end:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_stood_still_is_not_told_twice() {
    let stall = FaultAction::Stall {
        at: None,
        wait: None,
    };
    let mut config = config();
    config.stall_timeout = Duration::from_secs(1);
    // Full jitter draws from nothing up to this: far behind the deadline.
    config.backoff_base = Duration::from_secs(1 << 20);
    config.backoff_cap = config.backoff_base;
    let setup = with_config(FaultMatch::any().on(stall), config);
    let deadline = Instant::now() + Duration::from_secs(60);
    let options = CallOptions::default().with_deadline(deadline);
    let error = setup.transfer.head(url("k"), &options).await.unwrap_err();
    assert_eq!((error.attempts(), attempts(&error).len()), (1, 1));
    assert_eq!(setup.faults.delivered().total(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_an_upload_in_parts_tells_what_its_parts_met() {
    let plan = s3_testkit::FaultPlan::new([
        FaultMatch::operation("UploadPart")
            .on(FaultAction::status(500, "InternalError"))
            .times(3),
        FaultMatch::operation("UploadPart").on(FaultAction::Stall {
            at: None,
            wait: None,
        }),
    ]);
    let setup = setup(plan);
    let options = CallOptions::default().with_deadline(Instant::now() + Duration::from_secs(5));
    let item = PutItem::new(url("k"), s3_core::Payload::from(ramp(0, 8000)).into());
    let error = setup.transfer.put(item, &options).await.unwrap_err();
    let kept = attempts(&error);
    assert_eq!(kept.len(), 4, "{error:#}");
    assert!(kept[..3].iter().all(|attempt| attempt.status == Some(500)));
    assert_eq!(
        (kept[3].kind, error.kind()),
        (ErrorKind::Timeout, ErrorKind::Timeout)
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_got_its_turn_made_no_attempt() {
    let mut config = config();
    config.concurrency = s3_transfer::Concurrency::Fixed(1);
    let stall = FaultMatch::any().with_key("slow").on(FaultAction::Stall {
        at: None,
        wait: None,
    });
    let setup = with_config(stall, config);
    let options = CallOptions::default().with_deadline(Instant::now() + Duration::from_secs(5));
    let head = |transfer: Transfer, key, options: CallOptions| async move {
        transfer.head(url(key), &options).await.unwrap_err()
    };
    let slow = tokio::spawn(head(setup.transfer.clone(), "slow", options.clone()));
    tokio::task::yield_now().await;
    let waiting = head(setup.transfer.clone(), "k", options).await;
    assert_eq!((waiting.attempts(), attempts(&waiting).len()), (0, 0));
    assert_eq!(slow.await.unwrap().attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_read_tells_how_far_it_had_come() {
    for (at, phase, bytes) in [
        (None, Phase::NoResponse, 0),
        (Some(Position::Byte(100)), Phase::Body, 100),
    ] {
        let stall = FaultAction::Stall { at, wait: None };
        let setup = setup(FaultMatch::method("GET").on(stall));
        let item = GetItem::new(setup.seed("k", 900).await);
        let options = CallOptions::default().with_deadline(Instant::now() + Duration::from_secs(5));
        let get = setup.transfer.get(item, Destination::Memory, &options);
        let kept = attempts(&get.await.unwrap_err());
        let seen = (kept.len(), kept[0].phase, kept[0].bytes);
        assert_eq!(seen, (1, phase, Some(bytes)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_listing_tells_that_a_page_was_coming() {
    let mut store = Hooked::new(memory(), |_, response| response);
    store.line = Some((Duration::from_secs(100), Duration::ZERO));
    let transfer = Transfer::new(store, config());
    for (seconds, phase) in [(5, Phase::NoResponse), (50, Phase::Body)] {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        let options = CallOptions::default().with_deadline(deadline);
        let bucket = s3_core::S3Prefix::parse("s3://b").unwrap();
        let mut pages = transfer.list(bucket, ListOptions::default(), &options);
        let error = pages.next().await.unwrap().unwrap_err();
        let kept = attempts(&error);
        assert_eq!((kept.len(), kept[0].phase), (1, phase));
    }
}

struct Broken;

impl std::io::Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("cable cut"))
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_that_is_no_deadline_is_left_as_it_is() {
    let setup = setup(s3_testkit::FaultPlan::none());
    let item = PutItem::new(url("k"), Source::Read(Box::new(Broken)));
    let options = CallOptions::default().with_deadline(Instant::now() + Duration::from_secs(5));
    let error = setup.transfer.put(item, &options).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::LocalIo, 1));
    assert!(error.attempt_log().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_upload_whose_source_falls_silent_was_attempted_although_each_part_had_its_response() {
    let setup = setup(s3_testkit::FaultPlan::none());
    let (mut feed, source) = tokio::io::duplex(10_000);
    feed.write_all(&ramp(0, 2500)).await.unwrap();
    let options = CallOptions::default().with_deadline(Instant::now() + Duration::from_secs(5));
    let item = PutItem::new(url("k"), Source::AsyncRead(Box::pin(source)));
    let error = setup.transfer.put(item, &options).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 1));
    assert_eq!(attempts(&error).len(), 0, "none has failed");
}

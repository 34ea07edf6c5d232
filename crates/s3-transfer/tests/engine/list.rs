//! Listing: pages one by one, and ranges side by side.

use std::num::NonZeroUsize;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, TryStreamExt};
use s3_core::{ErrorKind, Operation, Phase, S3Prefix, StoreExt};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultRule, ListFault};
use s3_transfer::{Concurrency, Destination, GetItem, ListOptions, Transfer, TransferConfig};
use tokio::time::{Instant, timeout};

use crate::hooked::Hooked;
use crate::setup::{Setup, config, memory, settle, setup, url, with_config};

fn bucket() -> S3Prefix {
    S3Prefix::parse("s3://b").unwrap()
}

#[tokio::test]
async fn a_page_is_asked_for_when_it_is_read() {
    let setup = setup(FaultPlan::none());
    for n in 0..5 {
        setup
            .memory
            .put_bytes(url(&format!("k{n}")), "x")
            .await
            .unwrap();
    }
    let mut options = ListOptions::default();
    options.page_size = Some(2);
    let mut pages = setup.transfer.list(bucket(), options, &Default::default());
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.unwrap().objects.len());
        assert_eq!(
            setup.memory.operations().get(Operation::List),
            sizes.len() as u64
        );
    }
    assert_eq!(sizes, [2, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_fails_is_asked_for_again_and_the_others_are_not() {
    let slow = FaultMatch::any()
        .with_query("start-after")
        .on(FaultAction::status(503, "SlowDown"));
    let setup = setup(slow.times(2));
    for n in 0..5 {
        setup
            .memory
            .put_bytes(url(&format!("k{n}")), "x")
            .await
            .unwrap();
    }
    let mut options = ListOptions::default();
    options.page_size = Some(2);
    let pages: Vec<_> = setup
        .transfer
        .list(bucket(), options, &Default::default())
        .collect()
        .await;
    let keys: usize = pages
        .iter()
        .map(|page| page.as_ref().unwrap().objects.len())
        .sum();
    assert_eq!((keys, setup.faults.delivered().total()), (5, 2));
    assert_eq!(setup.memory.operations().get(Operation::List), 3);
}

#[tokio::test]
async fn a_missing_bucket_is_an_error() {
    let setup = setup(FaultPlan::none());
    let prefix = S3Prefix::parse("s3://nope/x").unwrap();
    let mut pages = setup
        .transfer
        .list(prefix, ListOptions::one_level(), &Default::default());
    assert_eq!(
        pages.next().await.unwrap().unwrap_err().kind(),
        ErrorKind::NoSuchBucket
    );
    assert!(pages.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn tokens_that_repeat_are_an_error() {
    for on_page in [
        (|_| "a") as fn(usize) -> &'static str,
        |number| ["a", "b"][number % 2],
        |number| ["a", "b", "c"][number % 3],
        // The circle begins behind a tail.
        |number| {
            ["x", "y", "a", "b", "c", "d", "e"][if number < 2 { number } else { 2 + number % 5 }]
        },
    ] {
        let mut store = Hooked::new(memory(), |_, response| response);
        store.on_page = Some(on_page);
        let transfer = Transfer::new(store, config());
        let prefix = S3Prefix::parse("s3://b/some").unwrap();
        let pages = transfer.list(prefix, ListOptions::default(), &Default::default());
        let pages: Vec<_> = pages.take(50).collect().await;
        let error = pages.last().unwrap().as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
        assert_eq!(error.resource(), Some("s3://b/some"));
    }
}

/// An engine over a store that lists these keys for every prefix.
async fn ignoring_prefixes(keys: &[&str]) -> Transfer {
    let memory = memory();
    for key in keys {
        memory.put_bytes(url(key), "x").await.unwrap();
    }
    let mut store = Hooked::new(memory, |_, response| response);
    store.ignores_prefixes = true;
    Transfer::new(store, config())
}

#[tokio::test]
async fn a_key_outside_the_prefix_is_an_error_that_names_both() {
    let prefix = S3Prefix::parse("s3://b/p/").unwrap();
    for (keys, page_size, delimiter, outside) in [
        (&["a", "p/x"][..], None, None, "\"a\""),
        (&["p/x", "pq"][..], None, None, "\"pq\""),
        // On a later page, and as a common prefix.
        (&["p/x", "p/y", "q/z"][..], Some(1), None, "\"q/z\""),
        (&["p/x", "q/z"][..], None, Some("/"), "\"q/\""),
    ] {
        let transfer = ignoring_prefixes(keys).await;
        let mut options = ListOptions::default().sequential();
        (options.page_size, options.delimiter) = (page_size, delimiter.map(Into::into));
        let pages = transfer.list(prefix.clone(), options, &Default::default());
        let pages: Result<Vec<_>, _> = pages.try_collect().await;
        let error = pages.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        let text = error.to_string();
        assert!(text.contains(outside) && text.contains("\"p/\""), "{text}");
    }
    let transfer = ignoring_prefixes(&["a", "p/x"]).await;
    let request = s3_core::ListRequest::new(prefix);
    let page = transfer.list_page(request, &Default::default()).await;
    assert_eq!(page.unwrap_err().kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn the_prefix_without_its_slash_is_no_key_below_it() {
    for keys in [&["p"][..], &["p", "p/x"][..]] {
        let transfer = ignoring_prefixes(keys).await;
        let prefix = S3Prefix::parse("s3://b/p/").unwrap();
        let pages = transfer.list(prefix, ListOptions::default(), &Default::default());
        let pages: Vec<_> = pages.try_collect().await.unwrap();
        let listed = pages.iter().flat_map(|page| &page.objects);
        let listed: Vec<_> = listed.map(|object| object.url.key()).collect();
        assert_eq!(listed, keys[1..]);
    }
}

#[tokio::test]
async fn markers_of_versions_that_repeat_are_an_error() {
    let memory = memory();
    for key in ["some/1", "some/2"] {
        memory.put_bytes(url(key), "x").await.unwrap();
    }
    let mut store = Hooked::new(memory, |_, response| response);
    store.repeats_versions = true;
    let transfer = Transfer::new(store, config());
    let prefix = S3Prefix::parse("s3://b/some").unwrap();
    let options = Default::default();
    let versions = transfer.list_all_versions(prefix, &options).await;
    let error = versions.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    assert_eq!(error.resource(), Some("s3://b/some"));
}

/// A round trip to S3 that returns 1,000 keys: 26 ms, as in docs/TUNING.md.
fn slow_pages() -> FaultRule {
    let wait = Some(Duration::from_millis(26));
    FaultMatch::operation("ListObjectsV2").on(FaultAction::Stall { at: None, wait })
}

/// For callers who keep all objects anyway.
fn all() -> ListOptions {
    let mut options = ListOptions::default();
    options.read_ahead = Some(NonZeroUsize::MAX);
    options
}

async fn holding(config: TransferConfig, keys: impl Iterator<Item = String>) -> Setup {
    let setup = with_config(slow_pages(), config);
    for key in keys {
        setup.memory.put_bytes(url(&key), "").await.unwrap();
    }
    setup
}

/// Lists the bucket, and returns the number of keys, the number of requests and the duration.
async fn listed(setup: &Setup) -> (usize, u64, Duration) {
    let begin = Instant::now();
    let pages = setup.transfer.list(bucket(), all(), &Default::default());
    let pages: Vec<_> = pages.try_collect().await.unwrap();
    let keys: Vec<_> = pages.iter().flat_map(|page| &page.objects).collect();
    assert!(
        keys.windows(2)
            .all(|two| two[0].url.key() < two[1].url.key())
    );
    let requests = setup.memory.operations().get(Operation::List);
    (keys.len(), requests, begin.elapsed())
}

#[tokio::test(start_paused = true)]
async fn directories_are_listed_in_the_time_of_the_largest() {
    let keys = (0..200_000).map(|n| format!("d{:02}/k{:05}", n / 3125, n % 3125));
    let setup = holding(TransferConfig::default(), keys).await;
    let (keys, requests, time) = listed(&setup).await;
    assert_eq!(keys, 200_000);
    assert!(requests <= 290, "{requests} requests in {time:?}");
    assert!(time <= Duration::from_millis(230), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn numbers_are_listed_in_a_few_round_trips() {
    let setup = holding(
        TransferConfig::default(),
        (0..200_000).map(|n| format!("{n:06}")),
    )
    .await;
    let (keys, requests, time) = listed(&setup).await;
    assert_eq!(keys, 200_000);
    assert!(requests <= 300, "{requests} requests in {time:?}");
    assert!(time <= Duration::from_millis(350), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn pages_that_nobody_reads_keep_nobody_waiting() {
    let mut config = config();
    config.concurrency = Concurrency::Fixed(2);
    let keys = (0..9_000).map(|n| format!("d{}/k{n:05}", n / 1000));
    let setup = holding(config, keys).await;
    let options = Default::default();
    let mut pages = setup.transfer.list(bucket(), all(), &options);
    assert_eq!(pages.next().await.unwrap().unwrap().objects.len(), 1000);
    // Asks for the second page and the directories, and then for more pages than may be in flight at once.
    assert!(pages.next().now_or_never().is_none());
    settle().await;
    assert_eq!(pages.next().await.unwrap().unwrap().objects.len(), 1000);
    assert!(pages.next().now_or_never().is_none());
    let item = GetItem::new(url("d0/k00000"));
    let get = setup.transfer.get(item, Destination::Memory, &options);
    timeout(Duration::from_secs(5), get).await.unwrap().unwrap();
    let rest: Vec<_> = pages.try_collect().await.unwrap();
    assert_eq!(
        rest.iter().map(|page| page.objects.len()).sum::<usize>(),
        7000
    );
}

#[tokio::test(start_paused = true)]
async fn a_dropped_listing_sends_nothing_more() {
    let keys = (0..9_000).map(|n| format!("d{}/k{n:05}", n / 1000));
    let setup = holding(TransferConfig::default(), keys).await;
    let mut pages = setup
        .transfer
        .list(bucket(), ListOptions::default(), &Default::default());
    pages.next().await.unwrap().unwrap();
    assert!(pages.next().now_or_never().is_none());
    drop(pages);
    settle().await;
    assert_eq!(setup.memory.operations().get(Operation::List), 1);
}

#[tokio::test(start_paused = true)]
async fn a_level_and_a_single_worker_are_listed_as_they_are_read() {
    let keys = (0..5_000).map(|n| format!("d{n:04}/x"));
    let setup = holding(TransferConfig::default(), keys).await;
    for (options, pages) in [
        (ListOptions::one_level(), 5),
        (ListOptions::default().sequential(), 5),
    ] {
        let before = setup.memory.operations().get(Operation::List);
        let mut listing = setup.transfer.list(bucket(), options, &Default::default());
        for page in 1..=pages {
            listing.next().await.unwrap().unwrap();
            assert_eq!(
                setup.memory.operations().get(Operation::List) - before,
                page
            );
        }
        assert!(listing.next().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_repeats_the_end_of_the_one_before_is_an_error() {
    for delimiter in [None, Some("/")] {
        let overlap = FaultMatch::any().on(FaultAction::List(ListFault::Overlaps));
        let setup = setup(FaultPlan::from(overlap));
        for n in 0..6 {
            let key = url(&format!("k{n}"));
            setup.memory.put_bytes(key, "x").await.unwrap();
        }
        let mut options = ListOptions::default().sequential();
        options.page_size = Some(2);
        options.delimiter = delimiter.map(Into::into);
        let pages = setup.transfer.list(bucket(), options, &Default::default());
        let pages: Result<Vec<_>, _> = pages.try_collect().await;
        let error = pages.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
        assert!(error.to_string().contains("repeats entries"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_over_a_slow_line_may_take_as_long_as_it_comes() {
    let (moment, minute) = (Duration::from_secs(1), Duration::from_secs(60));
    for (coming, rest, listed) in [(20 * minute, moment, true), (moment, 30 * moment, false)] {
        let memory = memory();
        memory.put_bytes(url("k"), "x").await.unwrap();
        let mut store = Hooked::new(memory, |_, response| response);
        store.line = Some((coming, rest));
        let transfer = Transfer::new(store, config());
        let mut pages = transfer.list(bucket(), ListOptions::default(), &Default::default());
        match pages.next().await.unwrap() {
            Ok(page) => assert!(listed && page.objects.len() == 1, "{coming:?}"),
            Err(error) => {
                assert!(!listed && error.kind() == ErrorKind::Timeout, "{error}");
                let log = error.attempt_log().unwrap();
                assert!(log.iter().all(|attempt| attempt.phase == Phase::Body));
            }
        }
    }
}

//! Listing: pages one by one.

use futures_util::StreamExt;
use s3_core::{ErrorKind, Operation, S3Prefix, StoreExt};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan};
use s3_transfer::{ListOptions, Transfer};

use crate::hooked::Hooked;
use crate::setup::{config, memory, setup, url};

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
        .with_query("continuation-token")
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
async fn tokens_that_go_round_in_a_circle_are_an_error() {
    for on_page in [
        (|_| "a") as fn(usize) -> &'static str,
        |number| ["a", "b"][number % 2],
        |number| ["a", "b", "c"][number % 3],
        // The circle begins behind a tail.
        |number| {
            ["x", "y", "a", "b", "c", "d", "e"][if number < 2 { number } else { 2 + number % 5 }]
        },
    ] {
        let mut store = Hooked::new(memory(), |_, answer| answer);
        store.on_page = Some(on_page);
        let transfer = Transfer::new(store, config());
        let prefix = S3Prefix::parse("s3://b/some").unwrap();
        let pages = transfer.list(prefix, ListOptions::default(), &Default::default());
        let pages: Vec<_> = pages.take(50).collect().await;
        let error = pages.last().unwrap().as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
        assert_eq!(error.place(), Some("s3://b/some"));
    }
}

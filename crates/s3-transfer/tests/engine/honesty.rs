//! Servers that return wrong, empty or contradictory responses: no wrong bytes, no endless retries.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use s3_core::{Body, Error, ErrorKind, GetResponse, Operation, Retryability, StoreExt};
use s3_testkit::{FaultAction, FaultMatch, Position, assert_ramp, ramp};
use s3_transfer::{Destination, Fetched, GetItem, ObjectData, Transfer};
use tokio::time::{Instant, timeout};

use crate::hooked::Hooked;
use crate::setup::{config, memory, setup, url};

/// Longer than any number of attempts that is not endless takes.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

async fn fetch(transfer: &Transfer, item: GetItem, to: Destination) -> Result<Fetched, Error> {
    let options = Default::default();
    timeout(FOR_EVER, transfer.get(item, to, &options))
        .await
        .expect("the attempts come to an end")
}

async fn hooked(len: usize, change: impl FnOnce(&mut Hooked)) -> (Transfer, GetItem) {
    let memory = memory();
    let key = url("k");
    memory.put_bytes(key.clone(), ramp(0, len)).await.unwrap();
    let mut store = Hooked::new(memory, |_, response| response);
    change(&mut store);
    (Transfer::new(store, config()), GetItem::new(key))
}

fn read(fetched: &Fetched) -> Vec<u8> {
    match &fetched.data {
        ObjectData::Memory(bytes) => bytes.to_vec(),
        ObjectData::File(path) => std::fs::read(path).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// All bytes of the response, wrong, and then the error of a checksum.
fn corrupted(mut response: GetResponse) -> GetResponse {
    let len = usize::try_from(response.range.end - response.range.start).unwrap();
    let mismatch = Error::new(ErrorKind::Integrity, Operation::Get)
        .with_message("checksum mismatch")
        .with_retryability(Retryability::Transient);
    let frames = [Ok(vec![0xEE; len].into()), Err(mismatch)];
    response.body = Body::from_stream(stream::iter(frames));
    response
}

#[tokio::test(start_paused = true)]
async fn bytes_that_fail_their_checksum_are_read_again() {
    let dir = tempfile::tempdir().unwrap();
    for (len, broken) in [(700, 0), (3500, 0), (3500, 2)] {
        for to in [
            Destination::Memory,
            Destination::File(dir.path().join("out")),
        ] {
            let on_get: fn(usize, GetResponse) -> GetResponse = match broken {
                0 => |number, response| match number {
                    0 => corrupted(response),
                    _ => response,
                },
                _ => |number, response| match number {
                    2 => corrupted(response),
                    _ => response,
                },
            };
            let (transfer, item) = hooked(len, |store| store.on_get = on_get).await;
            let fetched = fetch(&transfer, item, to).await.unwrap();
            assert_eq!(read(&fetched).len(), len);
            assert_ramp(&read(&fetched), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_always_fail_their_checksum_are_an_error() {
    let always = |_, response| corrupted(response);
    let (transfer, item) = hooked(700, |store| store.on_get = always).await;
    let error = fetch(&transfer, item, Destination::Memory)
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Integrity, 21));
}

#[tokio::test(start_paused = true)]
async fn a_response_without_a_byte_is_no_progress() {
    let nothing = FaultAction::TruncateBody {
        at: Position::Byte(0),
    };
    let setup = setup(FaultMatch::method("GET").on(nothing));
    let item = GetItem::new(setup.seed("k", 500).await);
    let error = fetch(&setup.transfer, item, Destination::Memory)
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Network, 21));
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_thrown_away_are_no_progress() {
    fn interrupted(_: usize, mut response: GetResponse) -> GetResponse {
        response.body = Body::from_stream(response.body.map(|frame| Ok(frame?.slice(..600))));
        response
    }
    let (transfer, item) = hooked(900, |store| {
        store.on_get = interrupted;
        store.ignores_ranges = true;
    })
    .await;
    let error = fetch(&transfer, item, Destination::Memory)
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Network, 21));
}

#[tokio::test(start_paused = true)]
async fn a_server_without_ranges_is_read_in_one_go() {
    let (transfer, item) = hooked(4500, |store| store.ignores_ranges = true).await;
    let part = item.clone().with_range(1500..3600);
    let whole = fetch(&transfer, item, Destination::Memory).await.unwrap();
    assert_eq!(read(&whole).len(), 4500);
    assert_ramp(&read(&whole), 0);
    let part = fetch(&transfer, part, Destination::Memory).await.unwrap();
    assert_eq!(read(&part).len(), 2100);
    assert_ramp(&read(&part), 1500);
}

#[tokio::test(start_paused = true)]
async fn a_size_that_no_machine_can_hold_is_an_error_and_not_the_end() {
    fn in_parts(_: usize, mut response: GetResponse) -> GetResponse {
        response.meta.size = u64::MAX;
        response
    }
    fn in_one(_: usize, mut response: GetResponse) -> GetResponse {
        response.meta.size = 1 << 62;
        response.range = 0..1 << 62;
        response
    }
    for on_get in [in_parts as fn(_, _) -> _, in_one] {
        let (transfer, item) = hooked(1500, |store| store.on_get = on_get).await;
        let error = fetch(&transfer, item, Destination::Memory)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test(start_paused = true)]
async fn without_tags_the_size_tells_that_the_object_was_replaced() {
    fn replaced(number: usize, mut response: GetResponse) -> GetResponse {
        response.meta.etag = None;
        response.meta.size += u64::from(number == 2);
        response
    }
    let (transfer, item) = hooked(3500, |store| store.on_get = replaced).await;
    let fetched = fetch(&transfer, item, Destination::Memory).await.unwrap();
    assert_eq!(read(&fetched).len(), 3500);
    assert_ramp(&read(&fetched), 0);

    fn always(number: usize, mut response: GetResponse) -> GetResponse {
        response.meta.etag = None;
        response.meta.size += number as u64;
        response
    }
    let (transfer, item) = hooked(3500, |store| store.on_get = always).await;
    let error = fetch(&transfer, item, Destination::Memory)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ChangedDuringRead);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_no_wait_is_not_asked_at_once() {
    let now = FaultAction::Status {
        status: 503,
        code: "SlowDown".into(),
        retry_after: Some(Duration::ZERO),
    };
    let setup = setup(FaultMatch::any().on(now));
    let start = Instant::now();
    let head = setup.transfer.head(url("k"), &Default::default()).await;
    assert_eq!(head.unwrap_err().attempts(), 21);
    assert!(start.elapsed().as_secs() > 20, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_object_of_another_size_than_was_listed_is_asked_for_again() {
    /// The whole object, as if it ended ten bytes early.
    fn shorter(number: usize, mut response: GetResponse) -> GetResponse {
        if number == 0 {
            let len = response.meta.size - 10;
            (response.meta.size, response.range) = (len, 0..len);
            response.body = Body::from_bytes(ramp(0, usize::try_from(len).unwrap()));
        }
        response
    }
    let (transfer, item) = hooked(700, |store| store.on_get = shorter).await;
    let item = item.with_known(700, None);
    let fetched = fetch(&transfer, item, Destination::Memory).await.unwrap();
    assert_eq!(read(&fetched).len(), 700);
    assert_ramp(&read(&fetched), 0);
}

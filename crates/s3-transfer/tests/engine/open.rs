//! Streamed reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use s3_core::{
    Body, ByteRange, Checksum, ChecksumAlgorithm, Conditions, ErrorKind, GetResponse, Operation,
    Payload, StoreExt,
};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, Position, assert_ramp, ramp};
use s3_transfer::{
    CallOptions, Concurrency, GetItem, NotVerified, ObjectReader, PutItem, Transfer, Verified,
};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep, timeout};

use crate::hooked::Hooked;
use crate::setup::{PART, Setup, config, memory, settle, setup, url, with_config};

async fn open(setup: &Setup, item: GetItem) -> ObjectReader {
    let options = CallOptions::default();
    setup.transfer.open(item, &options).await.unwrap()
}

async fn read(reader: ObjectReader) -> Result<Vec<u8>, s3_core::Error> {
    let frames: Vec<_> = reader.try_collect().await?;
    Ok(frames.concat())
}

fn gets(setup: &Setup) -> u64 {
    setup.memory.operations().get(Operation::Get)
}

#[tokio::test(start_paused = true)]
async fn frames_arrive_in_order_and_cost_one_get_per_part() {
    for (len, expected) in [(0, 2), (1, 1), (1000, 1), (1001, 2), (45_500, 46)] {
        let setup = setup(FaultPlan::none());
        let item = GetItem::new(setup.seed("k", len).await);
        let reader = open(&setup, item).await;
        assert_eq!(reader.meta().size, len as u64);
        assert_eq!(reader.range(), 0..len as u64);
        let bytes = read(reader).await.unwrap();
        assert_eq!((bytes.len(), gets(&setup)), (len, expected));
        assert_ramp(&bytes, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn ranges_are_read_as_get_reads_them() {
    let setup = setup(FaultPlan::none());
    let key = setup.seed("k", 4500).await;
    for (range, expected) in [
        (s3_core::ByteRange::from(100..3000), 100..3000),
        (s3_core::ByteRange::From(4400), 4400..4500),
        (s3_core::ByteRange::Last(2500), 2000..4500),
        (s3_core::ByteRange::Last(9999), 0..4500),
    ] {
        let reader = open(&setup, GetItem::new(key.clone()).with_range(range)).await;
        assert_eq!(reader.range(), expected);
        let bytes = read(reader).await.unwrap();
        assert_eq!(bytes.len() as u64, expected.end - expected.start);
        assert_ramp(&bytes, expected.start);
    }
    let options = CallOptions::default();
    let empty = GetItem::new(key.clone()).with_range(3..3);
    let error = setup.transfer.open(empty, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRange);
    let missing = setup.transfer.open(GetItem::new(url("missing")), &options);
    assert_eq!(missing.await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_first_response_of_other_bytes_is_asked_for_again() {
    fn from_the_beginning(number: usize, mut response: GetResponse) -> GetResponse {
        if number == 0 {
            response.range = 0..101;
            response.body = Body::from_bytes(ramp(0, 101));
        }
        response
    }
    fn from_behind(number: usize, mut response: GetResponse) -> GetResponse {
        if number == 0 {
            response.range = 950..1000;
            response.body = Body::from_bytes(ramp(950, 50));
        }
        response
    }
    for on_get in [from_the_beginning as fn(_, _) -> _, from_behind] {
        for range in [ByteRange::Last(100), ByteRange::From(900)] {
            let memory = memory();
            memory.put_bytes(url("k"), ramp(0, 1000)).await.unwrap();
            let transfer = Transfer::new(Hooked::new(memory, on_get), config());
            let item = GetItem::new(url("k")).with_range(range);
            let options = CallOptions::default();
            let reader = transfer.open(item, &options).await.unwrap();
            assert_eq!(reader.range(), 900..1000);
            let bytes = read(reader).await.unwrap();
            assert_eq!(bytes.len(), 100);
            assert_ramp(&bytes, 900);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn responses_that_are_always_of_other_bytes_are_an_error() {
    fn from_the_beginning(_: usize, mut response: GetResponse) -> GetResponse {
        response.range = 0..101;
        response.body = Body::from_bytes(ramp(0, 101));
        response
    }
    let memory = memory();
    memory.put_bytes(url("k"), ramp(0, 1000)).await.unwrap();
    let transfer = Transfer::new(Hooked::new(memory, from_the_beginning), config());
    let item = GetItem::new(url("k")).with_range(ByteRange::Last(100));
    let options = CallOptions::default();
    let reader = transfer.open(item, &options).await.unwrap();
    let error = read(reader).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Integrity, 21));
}

#[tokio::test(start_paused = true)]
async fn the_first_frames_arrive_before_the_first_part_is_complete() {
    fn slow(_: usize, mut response: GetResponse) -> GetResponse {
        let frames = stream::iter(response.body.take_whole().map(|bytes| {
            let (one, two) = (bytes.slice(..100), bytes.slice(100..));
            [one, two]
        }));
        let frames = frames.flat_map(stream::iter).enumerate();
        response.body = Body::from_stream(frames.then(|(n, frame)| async move {
            sleep(Duration::from_secs(10 * n as u64)).await;
            Ok(frame)
        }));
        response
    }
    let memory = memory();
    memory.put_bytes(url("k"), ramp(0, 900)).await.unwrap();
    let transfer = Transfer::new(Hooked::new(memory, slow), config());
    let start = Instant::now();
    let options = CallOptions::default();
    let mut reader = transfer
        .open(GetItem::new(url("k")), &options)
        .await
        .unwrap();
    assert_eq!(reader.next().await.unwrap().unwrap().len(), 100);
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(reader.next().await.unwrap().unwrap().len(), 800);
    assert!(start.elapsed() >= Duration::from_secs(10));
    assert!(reader.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_body_resumes_after_the_last_byte() {
    for at in [0, 1, 600] {
        let cut = FaultAction::truncate_after(at);
        let setup = setup(FaultMatch::method("GET").on(cut).times(5).skip(1));
        let item = GetItem::new(setup.seed("k", 4500).await);
        let bytes = read(open(&setup, item).await).await.unwrap();
        assert_eq!(bytes.len(), 4500);
        assert!(gets(&setup) > 5, "nothing was interrupted");
        assert_ramp(&bytes, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_replaced_in_the_middle_is_an_error_and_never_a_mixture() {
    let setup = setup(FaultPlan::none());
    let key = setup.seed("k", 9500).await;
    let mut reader = open(&setup, GetItem::new(key.clone())).await;
    let mut bytes = reader.next().await.unwrap().unwrap().to_vec();
    let new = vec![0xEE; 9500];
    setup.memory.put_bytes(key, new).await.unwrap();
    let error = loop {
        match reader.next().await.unwrap() {
            Ok(frame) => bytes.extend_from_slice(&frame),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::ChangedDuringRead);
    assert_ramp(&bytes, 0);
    assert!(reader.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_object_replaced_since_it_was_listed_is_read_as_it_is_now() {
    let setup = setup(FaultPlan::none());
    let key = setup.seed("k", 2500).await;
    let options = CallOptions::default();
    let old = setup.transfer.head(key.clone(), &options).await.unwrap();
    setup
        .memory
        .put_bytes(key.clone(), ramp(7, 1500))
        .await
        .unwrap();
    let item = GetItem::new(key).with_known(old.size, old.etag);
    let bytes = read(open(&setup, item).await).await.unwrap();
    assert_eq!(bytes.len(), 1500);
    assert_ramp(&bytes, 7);
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_does_not_hold_is_an_error_of_its_own() {
    let setup = setup(FaultPlan::none());
    let key = setup.seed("k", 2500).await;
    let options = CallOptions::default();
    let meta = setup.transfer.head(key.clone(), &options).await.unwrap();
    let mut other = Conditions::default();
    other.if_match = Some(s3_core::ETag::new("other"));
    let mut same = Conditions::default();
    same.if_none_match = meta.etag;
    for (conditions, kind) in [
        (other, ErrorKind::PreconditionFailed),
        (same, ErrorKind::NotModified),
    ] {
        let item = GetItem::new(key.clone()).with_conditions(conditions);
        let before = gets(&setup);
        let opened = setup.transfer.open(item.clone(), &options).await;
        assert_eq!(opened.unwrap_err().kind(), kind);
        let to = s3_transfer::Destination::Memory;
        let got = setup.transfer.get(item, to, &options).await;
        assert_eq!(got.unwrap_err().kind(), kind);
        assert_eq!(gets(&setup), before + 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_not_read_fetches_no_more_than_the_memory_budget() {
    let mut config = config();
    config.memory = 3 * PART as usize;
    config.concurrency = Concurrency::Fixed(16);
    let setup = with_config(FaultPlan::none(), config);
    let item = GetItem::new(setup.seed("k", 40_000).await);
    let mut reader = open(&setup, item).await;
    settle().await;
    assert_eq!(
        gets(&setup),
        1,
        "nothing is read ahead of a reader that does not read"
    );
    let mut taken = 0;
    while let Some(frame) = reader.next().await {
        taken += frame.unwrap().len() as u64;
        // Everything that can be fetched now has been fetched.
        settle().await;
        let fetched = gets(&setup) * PART;
        assert!(
            fetched - taken.min(fetched) <= 3 * PART,
            "{fetched} fetched, {taken} taken"
        );
    }
    assert_eq!((taken, gets(&setup)), (40_000, 40));
}

#[tokio::test(start_paused = true)]
async fn more_and_more_parts_are_read_ahead_of_a_reader_that_reads() {
    let mut config = config();
    config.concurrency = Concurrency::Fixed(8);
    let late = FaultAction::stall(Duration::from_secs(1));
    let setup = with_config(FaultMatch::method("GET").on(late), config);
    let item = GetItem::new(setup.seed("k", 64_000).await);
    let start = Instant::now();
    let bytes = read(open(&setup, item).await).await.unwrap();
    assert_eq!(bytes.len(), 64_000);
    // One part after the other would take 64 s, eight at once 8 s.
    assert!(
        start.elapsed() < Duration::from_secs(14),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn idle_readers_block_neither_each_other_nor_other_transfers() {
    let mut config = config();
    config.memory = 2 * PART as usize;
    config.concurrency = Concurrency::Fixed(2);
    let setup = with_config(FaultPlan::none(), config);
    let key = setup.seed("k", 5000).await;
    let mut readers = Vec::new();
    for _ in 0..10 {
        readers.push(open(&setup, GetItem::new(key.clone())).await);
    }
    let to = s3_transfer::Destination::Memory;
    let options = CallOptions::default();
    let get = setup.transfer.get(GetItem::new(key), to, &options);
    timeout(Duration::from_secs(60), get)
        .await
        .unwrap()
        .unwrap();
    for reader in readers.into_iter().rev() {
        let bytes = timeout(Duration::from_secs(60), read(reader)).await;
        assert_ramp(&bytes.unwrap().unwrap(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_whose_part_is_interrupted_again_and_again_blocks_no_other_transfer() {
    let mut config = config();
    config.concurrency = Concurrency::Fixed(1);
    let cut = FaultMatch::method("GET").on(FaultAction::truncate_after(30));
    let setup = with_config(cut, config);
    let item = GetItem::new(setup.seed("k", 900).await);
    let reader = open(&setup, item).await;
    // More interruptions than the part's queue has room for.
    sleep(Duration::from_secs(60)).await;
    let options = CallOptions::default();
    let put = PutItem::new(url("other"), Payload::from("hello").into());
    let put = setup.transfer.put(put, &options);
    timeout(Duration::from_secs(600), put)
        .await
        .expect("a part that is not read holds no permit")
        .unwrap();
    let bytes = read(reader).await.unwrap();
    assert_eq!((bytes.len(), gets(&setup)), (900, 30));
    assert_ramp(&bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_pauses_for_longer_than_the_stall_limit_goes_on() {
    let setup = setup(FaultPlan::none());
    let item = GetItem::new(setup.seed("k", 5000).await);
    let mut reader = open(&setup, item).await;
    let mut bytes = Vec::new();
    while let Some(frame) = reader.next().await {
        bytes.extend_from_slice(&frame.unwrap());
        sleep(Duration::from_secs(300)).await;
    }
    assert_eq!((bytes.len(), gets(&setup)), (5000, 5));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_an_open_reader() {
    let setup = setup(FaultPlan::none());
    let item = GetItem::new(setup.seed("k", 5000).await);
    let options = CallOptions::default().with_deadline(Instant::now() + Duration::from_secs(5));
    let mut reader = setup.transfer.open(item, &options).await.unwrap();
    reader.next().await.unwrap().unwrap();
    sleep(Duration::from_secs(6)).await;
    let error = reader.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(reader.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn dropping_a_reader_cancels_its_requests() {
    static IN_FLIGHT: AtomicUsize = AtomicUsize::new(0);
    struct InFlight;
    impl Drop for InFlight {
        fn drop(&mut self) {
            IN_FLIGHT.fetch_sub(1, Ordering::SeqCst);
        }
    }
    fn endless(number: usize, mut response: GetResponse) -> GetResponse {
        if number > 0 {
            IN_FLIGHT.fetch_add(1, Ordering::SeqCst);
            let body = InFlight;
            response.body = Body::from_stream(stream::once(async move {
                let _body = body;
                std::future::pending().await
            }));
        }
        response
    }
    let memory = memory();
    memory.put_bytes(url("k"), ramp(0, 9000)).await.unwrap();
    let transfer = Transfer::new(Hooked::new(memory, endless), config());
    let options = CallOptions::default();
    let item = GetItem::new(url("k"));
    let mut reader = transfer.open(item, &options).await.unwrap();
    reader.next().await.unwrap().unwrap();
    assert!(
        timeout(Duration::from_secs(1), reader.next())
            .await
            .is_err()
    );
    assert!(IN_FLIGHT.load(Ordering::SeqCst) > 0);
    drop(reader);
    settle().await;
    assert_eq!(IN_FLIGHT.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_reader_is_also_an_async_read() {
    let setup = setup(FaultPlan::none());
    let item = GetItem::new(setup.seed("k", 4500).await);
    let mut reader = open(&setup, item).await;
    let mut head = [0; 7];
    reader.read_exact(&mut head).await.unwrap();
    assert_ramp(&head, 0);
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest.len(), 4493);
    assert_ramp(&rest, 7);
}

fn with_checksum(mut response: GetResponse, of: &[u8]) -> GetResponse {
    let crc = crc_of(of);
    response.meta.checksum = Some(Checksum::new(ChecksumAlgorithm::Crc32, crc));
    response
}

/// The base64 of a CRC-32, computed bit by bit.
fn crc_of(bytes: &[u8]) -> String {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    base64(&(!crc).to_be_bytes())
}

fn base64(bytes: &[u8; 4]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = u64::from(u32::from_be_bytes(*bytes)) << 16;
    let digits = (0..6).map(|n| DIGITS[(bits >> (42 - 6 * n)) as usize & 63] as char);
    digits.chain("==".chars()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_verdict_of_the_checksum_is_known_at_the_end() {
    fn right(_: usize, response: GetResponse) -> GetResponse {
        with_checksum(response, &ramp(0, 4500))
    }
    fn wrong(_: usize, response: GetResponse) -> GetResponse {
        with_checksum(response, &ramp(1, 4500))
    }
    let opened = |on_get| async move {
        let memory = memory();
        memory.put_bytes(url("k"), ramp(0, 4500)).await.unwrap();
        let transfer = Transfer::new(Hooked::new(memory, on_get), config());
        let options = CallOptions::default();
        transfer
            .open(GetItem::new(url("k")), &options)
            .await
            .unwrap()
    };
    let mut reader = opened(right as fn(_, _) -> _).await;
    while let Some(frame) = reader.next().await {
        assert_eq!(reader.verified(), None);
        frame.unwrap();
    }
    let verified = Verified::Checksum(ChecksumAlgorithm::Crc32);
    assert_eq!(reader.verified(), Some(verified));
    let error = read(opened(wrong as fn(_, _) -> _).await)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    let mut reader = opened(|_, response| response).await;
    while reader.next().await.is_some() {}
    let unverified = Verified::NotVerified(NotVerified::NotOffered);
    assert_eq!(reader.verified(), Some(unverified));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_its_own_verification_is_an_error_and_is_not_sent_twice() {
    fn corrupted(_: usize, mut response: GetResponse) -> GetResponse {
        let mismatch = s3_core::Error::new(ErrorKind::Integrity, Operation::Get)
            .with_retryability(s3_core::Retryability::Transient);
        let frames = [Ok(vec![0xEE; 700].into()), Err(mismatch)];
        response.body = Body::from_stream(stream::iter(frames));
        response
    }
    let memory = memory();
    memory.put_bytes(url("k"), ramp(0, 700)).await.unwrap();
    let operations = memory.clone();
    let transfer = Transfer::new(Hooked::new(memory, corrupted), config());
    let options = CallOptions::default();
    let opened = transfer.open(GetItem::new(url("k")), &options).await;
    // The mismatch may be known before a frame is out; then the part is read again without success.
    let error = read(opened.unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    assert!(operations.operations().get(Operation::Get) <= 21);
}

#[tokio::test(start_paused = true)]
async fn a_reader_reports_its_events() {
    let setup = setup(FaultPlan::none());
    let item = GetItem::new(setup.seed("k", 2500).await);
    let lines = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&lines);
    let observer = move |event: &s3_transfer::Event<'_>| {
        let text = format!("{event:?}");
        let name = text.split([' ', '{']).next().unwrap().to_owned();
        seen.lock().unwrap().push(name);
    };
    let options = CallOptions::default().with_observer(Arc::new(observer));
    let reader = setup.transfer.open(item.clone(), &options).await.unwrap();
    read(reader).await.unwrap();
    let moved = "BytesMoved";
    let expected = ["Started", "SizeKnown", moved, moved, moved, "Completed"];
    assert_eq!(std::mem::take(&mut *lines.lock().unwrap()), expected);
    drop(setup.transfer.open(item, &options).await.unwrap());
    assert_eq!(lines.lock().unwrap().last().unwrap(), "Cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_stalled_part_is_retried_while_the_reader_waits() {
    let at = Some(Position::Byte(5));
    let stall = FaultAction::Stall { at, wait: None };
    let setup = setup(FaultMatch::method("GET").on(stall).times(1).skip(1));
    let item = GetItem::new(setup.seed("k", 2500).await);
    let bytes = read(open(&setup, item).await).await.unwrap();
    assert_eq!(bytes.len(), 2500);
    assert_ramp(&bytes, 0);
}

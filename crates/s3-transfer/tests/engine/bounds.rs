//! Memory, permits and windows stay within their bounds, without deadlocks.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use s3_core::{Payload, StoreExt};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, Position, assert_ramp, ramp};
use s3_transfer::{Concurrency, Destination, FanOutOptions, GetItem, PutItem, Source, Transfer};
use tokio::time::{Instant, sleep, timeout};

use crate::hooked::Hooked;
use crate::setup::{PART, config, memory, setup, url, with_config};

#[tokio::test(start_paused = true)]
async fn reads_and_uploads_do_not_wait_for_each_other() {
    let mut config = config();
    config.concurrency = Concurrency::Fixed(1);
    config.memory = PART as usize;
    let slow = FaultAction::stall(Duration::from_millis(10));
    let setup = with_config(FaultMatch::operation("UploadPart").on(slow), config);
    let from = setup.seed("from", PART as usize).await;
    let upload = async {
        let reader = Box::pin(std::io::Cursor::new(ramp(0, 6 * PART as usize)));
        let item = PutItem::new(url("to"), Source::AsyncRead(reader));
        setup.transfer.put(item, &Default::default()).await.unwrap();
    };
    let reads = async {
        sleep(Duration::from_millis(5)).await;
        let many = setup
            .transfer
            .fan_out(0..20, FanOutOptions::default(), move |transfer, _| {
                let item = GetItem::new(from.clone());
                async move {
                    transfer
                        .get(item, Destination::Memory, &Default::default())
                        .await
                }
            });
        assert!(many.all().await.iter().all(Result::is_ok));
    };
    timeout(
        Duration::from_secs(3600),
        futures_util::future::join(upload, reads),
    )
    .await
    .expect("both come to an end");
    assert_ramp(&setup.memory.get_bytes(url("to")).await.unwrap(), 0);
}

/// Counts the bytes that are read from it.
struct Counted(Arc<AtomicUsize>);

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(100);
        self.0.fetch_add(count, Ordering::SeqCst);
        Ok(count)
    }
}

#[tokio::test(start_paused = true)]
async fn readers_are_read_no_further_than_memory_allows() {
    let mut config = config();
    config.memory = 2 * PART as usize;
    let stall = FaultAction::Stall {
        at: None,
        wait: None,
    };
    let setup = with_config(
        FaultMatch::operation("CreateMultipartUpload").on(stall),
        config,
    );
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let many = setup
        .transfer
        .fan_out(0..10, FanOutOptions::default(), move |transfer, n| {
            let source = Source::Read(Box::new(Counted(Arc::clone(&counter))));
            let item = PutItem::new(url(&format!("k{n}")), source);
            async move { transfer.put(item, &Default::default()).await }
        });
    assert!(timeout(Duration::from_secs(5), many.all()).await.is_err());
    assert_eq!(read.load(Ordering::SeqCst), 2 * PART as usize);
}

#[tokio::test(start_paused = true)]
async fn files_do_not_wait_for_readers_whose_sources_are_silent() {
    let mut config = config();
    config.memory = 2 * PART as usize;
    let setup = with_config(FaultPlan::none(), config);
    let (feeds, sources): (Vec<_>, Vec<_>) = (0..4).map(|_| tokio::io::duplex(10)).unzip();
    for (n, source) in sources.into_iter().enumerate() {
        let (transfer, url) = (setup.transfer.clone(), url(&format!("silent{n}")));
        let item = PutItem::new(url, Source::AsyncRead(Box::pin(source)));
        tokio::spawn(async move { transfer.put(item, &Default::default()).await });
    }
    sleep(Duration::from_secs(1)).await;
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&ramp(0, 4500)).unwrap();
    let payload = Payload::from_file(Arc::new(file), 0, 4500);
    let item = PutItem::new(url("file"), payload.into());
    let options = Default::default();
    let put = timeout(Duration::from_secs(60), setup.transfer.put(item, &options));
    put.await.expect("it does not wait").unwrap();
    assert_ramp(&setup.memory.get_bytes(url("file")).await.unwrap(), 0);
    drop(feeds);
}

#[tokio::test(start_paused = true)]
async fn settings_at_their_limits_work() {
    let mut config = config();
    config.part_size = 0;
    config.single_put_up_to = u64::MAX;
    config.stall_timeout = Duration::MAX;
    config.concurrency = Concurrency::Fixed(usize::MAX);
    config.memory = 0;
    config.retry_ratio = f32::MAX;
    config.retry_floor = u32::MAX;
    let transfer = Transfer::new(memory(), config);
    let reader = Source::Read(Box::new(std::io::Cursor::new(ramp(0, 5))));
    let options = Default::default();
    let put = transfer.put(PutItem::new(url("k"), reader), &options);
    timeout(Duration::from_secs(3600), put)
        .await
        .expect("the reader is read to its end")
        .unwrap();
    // So large that it may take longer than the stall limit.
    let payload = Payload::from(ramp(0, 100_000)).into();
    transfer
        .put(PutItem::new(url("large"), payload), &Default::default())
        .await
        .unwrap();
    let fetched = transfer
        .get(
            GetItem::new(url("k")),
            Destination::Memory,
            &Default::default(),
        )
        .await
        .unwrap();
    assert_eq!(fetched.range, 0..5);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_download_leaves_no_file_even_for_a_moment() {
    let dir = tempfile::tempdir().unwrap();
    let stall = FaultAction::stall_after(1);
    let setup = setup(FaultPlan::from(FaultMatch::method("GET").on(stall).skip(1)));
    let key = setup.seed("k", 4500).await;
    let to = Destination::File(dir.path().join("out"));
    let options = Default::default();
    let get = setup.transfer.get(GetItem::new(key), to, &options);
    assert!(timeout(Duration::from_secs(5), get).await.is_err());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn parts_in_the_callers_own_buffer_do_not_count_as_buffered() {
    let mut config = config();
    config.part_size = 2 << 20;
    config.memory = 4 << 20;
    let late = FaultAction::Stall {
        at: Some(Position::Byte(0)),
        wait: Some(Duration::from_secs(10)),
    };
    let setup = with_config(FaultMatch::method("GET").on(late), config);
    let item = GetItem::new(setup.seed("k", 8 << 20).await);
    let start = Instant::now();
    let options = Default::default();
    let get = setup.transfer.get(item, Destination::Memory, &options);
    assert_eq!(get.await.unwrap().range, 0..8 << 20);
    // Four parts at once, although only two of them fit into the budget.
    assert!(start.elapsed().as_secs() < 15, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_tiny_reader_holds_no_more_memory_than_it_has_bytes() {
    let mut config = config();
    config.concurrency = Concurrency::Fixed(10);
    config.memory = 2 * PART as usize;
    let slow = FaultAction::stall(Duration::from_secs(10));
    let setup = with_config(FaultMatch::operation("PutObject").on(slow), config);
    let start = Instant::now();
    let many = setup
        .transfer
        .fan_out(0..10, FanOutOptions::default(), |transfer, n| {
            let reader = Source::AsyncRead(Box::pin(std::io::Cursor::new(ramp(0, 5))));
            let item = PutItem::new(url(&format!("k{n}")), reader);
            async move { transfer.put(item, &Default::default()).await }
        });
    assert!(many.all().await.iter().all(Result::is_ok));
    assert!(start.elapsed().as_secs() < 15, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_last_part_of_a_reader_holds_no_more_memory_than_it_has_bytes() {
    let mut config = config();
    config.concurrency = Concurrency::Fixed(10);
    config.memory = 2 * PART as usize;
    let slow = FaultAction::stall(Duration::from_secs(10));
    let last = FaultMatch::operation("UploadPart").with_query("partNumber=2");
    let setup = with_config(last.on(slow), config);
    let start = Instant::now();
    let many = setup
        .transfer
        .fan_out(0..5, FanOutOptions::default(), |transfer, n| {
            let bytes = ramp(0, PART as usize + 5);
            let reader = Source::AsyncRead(Box::pin(std::io::Cursor::new(bytes)));
            let item = PutItem::new(url(&format!("k{n}")), reader);
            async move { transfer.put(item, &Default::default()).await }
        });
    assert!(many.all().await.iter().all(Result::is_ok));
    assert!(start.elapsed().as_secs() < 15, "{:?}", start.elapsed());
}

/// Begins an upload whose parts never get a response, and returns how many of them are on their way after a second.
async fn parts_on_their_way(source: Source, config: s3_transfer::TransferConfig) -> usize {
    let mut store = Hooked::new(memory(), |_, response| response);
    store.rejected_part = Some(u32::MAX);
    let parts = Arc::clone(&store.parts);
    let transfer = Transfer::new(store, config);
    let options = Default::default();
    let put = transfer.put(PutItem::new(url("k"), source), &options);
    assert!(timeout(Duration::from_secs(1), put).await.is_err());
    parts.begun.load(Ordering::SeqCst)
}

#[tokio::test(start_paused = true)]
async fn sixteen_parts_of_an_upload_start_at_once() {
    let mut config = config();
    config.concurrency = s3_transfer::TransferConfig::default().concurrency;
    let payload = Payload::from(ramp(0, 40 * PART as usize)).into();
    let begun = parts_on_their_way(payload, config).await;
    assert!(begun >= 16, "{begun}");
}

#[tokio::test(start_paused = true)]
async fn parts_of_a_file_on_their_way_are_bounded_by_the_memory_that_they_are_read_into() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(20 << 20).unwrap();
    let mut config = config();
    config.part_size = 1 << 20;
    config.concurrency = Concurrency::Fixed(16);
    config.memory = 2 << 20;
    let payload = Payload::from_file(Arc::new(file), 0, 20 << 20).into();
    assert_eq!(parts_on_their_way(payload, config).await, 4);
}

//! Destinations of downloads: memory and files, a full disk, a dropped call.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream;
use s3_core::{
    Body, BodySource, Checksum, ChecksumAlgorithm, ErrorKind, GetResponse, Operation, StoreExt,
};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, Position, assert_ramp, ramp};
use s3_transfer::{
    CallOptions, Destination, Fetched, GetItem, NotVerified, ObjectData, Transfer, TransferConfig,
    Verified,
};
use tokio::time::Instant;

use crate::hooked::Hooked;
use crate::setup::{config, memory, setup, url, with_config};

/// Replaces the response with this number.
type OnGet = fn(usize, GetResponse) -> GetResponse;

const MIB: usize = 1 << 20;

/// One part, but several buffers.
fn one_part() -> TransferConfig {
    let mut config = config();
    config.part_size = 8 << 20;
    config
}

fn read(fetched: &Fetched) -> Vec<u8> {
    match &fetched.data {
        ObjectData::Memory(bytes) => bytes.to_vec(),
        ObjectData::File(path) => std::fs::read(path).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn names(directory: &Path) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

/// A body that fills buffers, a little at a time, and lets its reader wait before each.
struct Trickle {
    left: Bytes,
    ready: bool,
}

impl BodySource for Trickle {
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut BytesMut,
        at_most: usize,
    ) -> Poll<s3_core::Result<usize>> {
        self.ready = !self.ready;
        if !self.ready {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let count = at_most.min(70_000).min(self.left.len());
        into.put(self.left.split_to(count));
        Poll::Ready(Ok(count))
    }
}

async fn hooked(len: usize, on_get: OnGet) -> Hooked {
    let memory = memory();
    memory.put_bytes(url("k"), ramp(0, len)).await.unwrap();
    Hooked::new(memory, on_get)
}

/// The bytes of a response, which the memory store has in memory.
fn bytes(response: &mut GetResponse) -> Bytes {
    response.body.take_whole().unwrap()
}

fn streamed(_: usize, mut response: GetResponse) -> GetResponse {
    let bytes = bytes(&mut response);
    let frames: Vec<_> = bytes
        .chunks(100_000)
        .map(|frame| Ok(Bytes::copy_from_slice(frame)))
        .collect();
    response.body = Body::from_stream(stream::iter(frames));
    response
}

fn trickled(_: usize, mut response: GetResponse) -> GetResponse {
    let (left, ready) = (bytes(&mut response), true);
    response.body = Body::from_source(Trickle { left, ready });
    response
}

/// Reads objects of all shapes into memory and into files.
async fn all_shapes(inline: bool) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("out");
    let one = one_part();
    let mut several = config();
    several.part_size = 300_000;
    let hooks: [OnGet; 3] = [|_, response| response, streamed, trickled];
    for len in [0, 3, 262_144, 262_145, 700_000] {
        for on_get in hooks {
            for config in [&one, &several] {
                for to in [Destination::Memory, Destination::File(file.clone())] {
                    let store = hooked(len, on_get).await;
                    let transfer = Transfer::new(store, config.clone());
                    let item = GetItem::new(url("k"));
                    let fetched = transfer.get(item, to, &Default::default()).await.unwrap();
                    assert_eq!(read(&fetched).len(), len, "inline {inline}");
                    assert_ramp(&read(&fetched), 0);
                }
            }
        }
    }
    assert_eq!(names(dir.path()), 1);
}

#[tokio::test]
async fn every_shape_of_body_lands_in_memory_and_in_files() {
    all_shapes(false).await;
}

#[test]
fn every_shape_of_body_lands_on_a_thread_that_may_wait() {
    let thread = std::thread::spawn(|| {
        s3_core::blocking_io::allow_blocking_io();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(all_shapes(true));
    });
    thread.join().unwrap();
}

#[tokio::test]
async fn a_response_in_memory_is_not_copied() {
    let store = hooked(1000, |_, response| response).await;
    let stored = store.memory.get_bytes(url("k")).await.unwrap().as_ptr();
    let transfer = Transfer::new(store, config());
    let item = GetItem::new(url("k")).with_known(1000, None);
    let fetched = transfer
        .get(item, Destination::Memory, &Default::default())
        .await
        .unwrap();
    let ObjectData::Memory(bytes) = fetched.data else {
        panic!("memory")
    };
    assert_eq!(bytes.as_ptr(), stored);
}

#[tokio::test(start_paused = true)]
async fn what_has_reached_a_file_is_not_fetched_again() {
    let dir = tempfile::tempdir().unwrap();
    let cut = FaultAction::TruncateBody {
        at: Position::Byte(10),
    };
    let setup = setup(FaultMatch::method("GET").on(cut));
    let key = setup.seed("k", 995).await;
    let to = Destination::File(dir.path().join("out"));
    let fetched = setup
        .transfer
        .get(GetItem::new(key), to, &Default::default())
        .await
        .unwrap();
    assert_eq!(read(&fetched).len(), 995);
    assert_ramp(&read(&fetched), 0);
    assert_eq!(setup.memory.operations().get(Operation::Get), 100);
    assert_eq!(names(dir.path()), 1);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_stalls_in_mid_buffer_goes_on_from_there() {
    static STARTS: AtomicU64 = AtomicU64::new(0);
    fn stalling(number: usize, mut response: GetResponse) -> GetResponse {
        STARTS.fetch_add(response.range.start, Ordering::SeqCst);
        if number == 0 {
            let head = bytes(&mut response).slice(..300_000);
            let frames = stream::iter([Ok(head)]);
            let silence = futures_util::StreamExt::chain(frames, stream::pending());
            response.body = Body::from_stream(silence);
        }
        response
    }
    let dir = tempfile::tempdir().unwrap();
    let transfer = Transfer::new(hooked(MIB, stalling).await, one_part());
    let to = Destination::File(dir.path().join("out"));
    let item = GetItem::new(url("k"));
    let fetched = transfer.get(item, to, &Default::default()).await.unwrap();
    assert_eq!(read(&fetched).len(), MIB);
    assert_ramp(&read(&fetched), 0);
    assert_eq!(STARTS.load(Ordering::SeqCst), 300_000);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_download_leaves_nothing_and_the_target_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("out");
    std::fs::write(&target, "as it was").unwrap();
    for at in [0, 1, 200_000, 262_144, 700_000] {
        let stall = FaultAction::Stall {
            at: Some(Position::Byte(at)),
            wait: None,
        };
        let setup = with_config(
            FaultPlan::from(FaultMatch::method("GET").on(stall)),
            one_part(),
        );
        let key = setup.seed("k", MIB).await;
        let to = Destination::File(target.clone());
        let options = CallOptions::default().with_deadline(Instant::now() + Duration::from_secs(5));
        let error = setup.transfer.get(GetItem::new(key), to, &options).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Timeout);
        assert_eq!(names(dir.path()), 1, "stalled at byte {at}");
        assert_eq!(std::fs::read(&target).unwrap(), b"as it was");
    }
}

/// A tmpfs of 1 MiB; unmounted when dropped.
struct TinyDisk(tempfile::TempDir);

impl TinyDisk {
    #[expect(clippy::print_stderr, reason = "a test that tests nothing says so")]
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(dir.path())
            .output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self(dir));
        }
        eprintln!("SKIPPED: no right to mount a small disk");
        None
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        // Lazily: after a failure a write may still be running.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

#[tokio::test]
async fn a_full_disk_is_an_error_that_says_so_and_leaves_nothing() {
    let Some(disk) = TinyDisk::mount() else {
        return;
    };
    let mut several = config();
    several.part_size = 400_000;
    // Where the room is reserved, nothing more is asked for.
    for (len, config, gets) in [
        (3 * MIB, several, 1),
        (3 * MIB, one_part(), 1),
        (MIB - 1, one_part(), 1),
    ] {
        let directory = disk.0.path().join("d");
        std::fs::create_dir(&directory).unwrap();
        // Room that others have taken, so that objects too small to be reserved do not fit either.
        std::fs::write(disk.0.path().join("other"), ramp(0, 200_000)).unwrap();
        let setup = with_config(FaultPlan::none(), config);
        let key = setup.seed("k", len).await;
        let to = Destination::File(directory.join("out"));
        let error = setup
            .transfer
            .get(GetItem::new(key), to, &Default::default())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DiskFull, "{error}");
        assert_eq!(setup.memory.operations().get(Operation::Get), gets);
        assert_eq!(names(&directory), 0);
        std::fs::remove_dir(&directory).unwrap();
    }
}

/// Stores an object with a checksum, the CRC-32C of its bytes.
async fn with_checksum(len: usize, on_get: OnGet) -> Hooked {
    let store = hooked(len, on_get).await;
    let bytes = ramp(0, len);
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &bytes);
    let value = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        u32::try_from(crc).unwrap().to_be_bytes(),
    );
    let mut request = s3_core::PutRequest::new(url("k"), bytes.into());
    request.checksum = Some(Checksum::new(ChecksumAlgorithm::Crc32c, value));
    s3_core::Store::put(&store.memory, request).await.unwrap();
    store
}

/// Changes one byte of the response with this number.
fn rotten(response: GetResponse, at: usize) -> GetResponse {
    let mut response = response;
    let mut bytes = BytesMut::from(&bytes(&mut response)[..]);
    bytes[at] ^= 1;
    response.body = Body::from_bytes(bytes.freeze());
    response
}

#[tokio::test(start_paused = true)]
async fn bytes_are_compared_with_the_servers_checksum_whole_and_in_parts() {
    let dir = tempfile::tempdir().unwrap();
    let hooks: [(OnGet, usize); 4] = [
        (|_, response| response, 0),
        (streamed, 0),
        (
            |number, response| match number {
                0 => rotten(response, 5),
                _ => response,
            },
            1,
        ),
        (
            |number, response| match number {
                0 => streamed(0, rotten(response, 5)),
                _ => response,
            },
            1,
        ),
    ];
    let mut several = config();
    several.part_size = 300;
    for (on_get, rotten) in hooks {
        for (config, gets) in [(config(), 1), (several.clone(), 4)] {
            for to in [
                Destination::Memory,
                Destination::File(dir.path().join("out")),
            ] {
                let store = with_checksum(1000, on_get).await;
                let memory = store.memory.clone();
                let transfer = Transfer::new(store, config.clone());
                let item = GetItem::new(url("k"));
                let fetched = transfer.get(item, to, &Default::default()).await.unwrap();
                assert_ramp(&read(&fetched), 0);
                let checked = Verified::Checksum(ChecksumAlgorithm::Crc32c);
                assert_eq!(fetched.verified, checked);
                let asked = memory.operations().get(Operation::Get);
                assert_eq!(asked as usize, gets * (1 + rotten));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_never_have_their_checksum_are_an_error_and_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut several = config();
    several.part_size = 300;
    for config in [config(), several] {
        let store = with_checksum(1000, |_, response| rotten(response, 5)).await;
        let transfer = Transfer::new(store, config);
        let to = Destination::File(dir.path().join("out"));
        let item = GetItem::new(url("k"));
        let error = transfer
            .get(item, to, &Default::default())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
        assert!(!error.retryability().is_retryable(), "{error:?}");
        assert_eq!(names(dir.path()), 0);
    }
}

#[tokio::test]
async fn what_is_not_compared_says_why() {
    let plain = Transfer::new(hooked(1000, |_, response| response).await, config());
    let summed = Transfer::new(with_checksum(1000, |_, response| response).await, config());
    let whole = GetItem::new(url("k"));
    for (transfer, item, reason) in [
        (&plain, whole.clone(), NotVerified::NotOffered),
        (&summed, whole.with_range(0..999), NotVerified::Range),
    ] {
        let options = Default::default();
        let fetched = transfer.get(item, Destination::Memory, &options).await;
        let verified = fetched.unwrap().verified;
        assert_eq!(verified, Verified::NotVerified(reason));
    }
}

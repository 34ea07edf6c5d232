//! The blocking client: the same calls, without an async runtime around them.

use std::io::{Read, Seek, SeekFrom};

use s3_client::blocking::S3;
use s3_client::{Error, ErrorClass, TransferConfig, Versioning};
use s3_core::{Limits, MemoryStore};
use s3_testkit::{BlockingServer, FaultAction, FaultMatch, FaultRule, S3Server, ramp};

fn in_memory(dir: &tempfile::TempDir) -> S3 {
    let store = MemoryStore::with_buckets(["bkt"]);
    S3::builder()
        .store(store)
        .s3root("s3://bkt/root")
        .tmproot(dir.path())
        .build()
        .unwrap()
}

#[test]
fn the_calls_are_the_same_and_end_in_send() {
    let dir = tempfile::tempdir().unwrap();
    let server = S3Server::spawn_thread(MemoryStore::with_buckets(["bkt"])).unwrap();
    let store = server.client_builder().build();
    for s3 in [
        in_memory(&dir),
        S3::builder()
            .store(store)
            .s3root("s3://bkt/root")
            .tmproot(dir.path())
            .build()
            .unwrap(),
    ] {
        s3.put("a", "1").content_type("text/plain").send().unwrap();
        s3.put_many([("b", "2"), ("c/d", "3")]).send().unwrap();
        let object = s3.get("a").send().unwrap();
        assert_eq!(object.text().unwrap(), "1");
        assert_eq!(object.content_type(), Some("text/plain"));
        assert_eq!(s3.get_many(["a", "b"]).send().unwrap().len(), 2);
        assert_eq!(s3.get_all().send().unwrap().len(), 3);
        assert_eq!(s3.list_paths().send().unwrap().len(), 3);
        let missing = s3.get("nope").send().unwrap_err();
        assert_eq!(missing.class(), ErrorClass::NotFound);
        s3.close().unwrap();
    }
    assert_eq!(server.unfinished_uploads().unwrap(), 0);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_blocking_call_inside_a_runtime_is_an_error_and_not_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let s3 = in_memory(&dir);
    let error = s3.get("a").send().unwrap_err();
    assert!(matches!(error, Error::InsideRuntime), "{error}");
    drop(s3);
}

#[tokio::test]
async fn a_blocking_call_on_a_thread_for_blocking_work_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let s3 = in_memory(&dir);
    let calls = tokio::task::spawn_blocking(move || {
        s3.put("spawned/k", "v").send()?;
        let listed = s3.list_recursive().at(["spawned"]).iter()?.count();
        s3.close()?;
        Ok::<_, Error>(listed)
    });
    assert_eq!(calls.await.unwrap().unwrap(), 1);
}

/// A client with parts of 1,000 bytes of a server whose bucket keeps versions, and which lists two parts per page.
fn versioned(dir: &tempfile::TempDir, fault: FaultRule) -> (BlockingServer, S3) {
    let mut limits = Limits::default();
    (limits.min_part_size, limits.max_keys_per_page) = (1, 2);
    let memory = MemoryStore::with_buckets(["bkt"]).with_limits(limits);
    let server = BlockingServer::start(S3Server::builder(memory).faults(fault)).unwrap();
    let mut transfer = TransferConfig::default();
    (transfer.part_size, transfer.single_put_up_to) = (1000, 1000);
    let s3 = S3::builder()
        .store(server.sdk_store())
        .s3root("s3://bkt/root")
        .tmproot(dir.path())
        .transfer(transfer)
        .build()
        .unwrap();
    s3.set_versioning("bkt", Versioning::Enabled)
        .send()
        .unwrap();
    (server, s3)
}

fn read_at(reader: &mut (impl Read + Seek), position: u64) -> [u8; 100] {
    let mut bytes = [0; 100];
    reader.seek(SeekFrom::Start(position)).unwrap();
    reader.read_exact(&mut bytes).unwrap();
    bytes
}

#[test]
fn what_is_read_in_several_requests_takes_no_permission_to_read_versions() {
    let dir = tempfile::tempdir().unwrap();
    let denied = FaultAction::status(403, "AccessDenied");
    let fault = FaultMatch::any().with_query("versionId").on(denied);
    let (_server, s3) = versioned(&dir, fault);
    let written = s3.put("k", ramp(0, 5000)).send().unwrap();
    assert!(written.version().is_some());
    let mut reader = s3.get("k").reader().unwrap();
    assert_eq!(read_at(&mut reader, 4500)[..], ramp(4500, 100)[..]);
    assert_eq!(read_at(&mut reader, 10)[..], ramp(10, 100)[..]);
    let attributes = s3.object_attributes("k").send().unwrap();
    assert_eq!(attributes.parts.len(), 5);
}

#[test]
fn a_reader_stays_at_the_version_that_it_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let silent = FaultAction::Header {
        name: "x-amz-version-id",
        value: None,
    };
    let (_server, s3) = versioned(&dir, FaultMatch::operation("GetObject").on(silent));
    let written = s3.put("k", ramp(0, 5000)).send().unwrap();
    s3.put("k", ramp(7, 5000)).send().unwrap();
    let version = written.version().unwrap().clone();
    let mut reader = s3.get("k").version(version).reader().unwrap();
    assert_eq!(read_at(&mut reader, 4500)[..], ramp(4500, 100)[..]);
}

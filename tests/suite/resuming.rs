//! Resumed transfers over HTTP: conditions, journals and checksums.

use std::fs;
use std::time::Duration;

use s3_client::{ErrorKind, NotVerified, Resume, S3, TransferConfig, Verified};
use s3_core::{Capabilities, MemoryStore, Operation, S3Url, StoreExt};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, S3Server, ramp};
use s3_tests::Case;
use s3_transfer::PutOutcome;

/// Two parts.
const LEN: usize = (5 << 20) + 7;

/// Returns a client whose objects of more than 1,000 bytes have parts of 5 MiB.
fn client(server: &S3Server, capabilities: Capabilities) -> S3 {
    let mut transfer = TransferConfig::default();
    (transfer.part_size, transfer.single_put_up_to) = (5 << 20, 1000);
    let store = server.client_builder().capabilities(capabilities);
    let builder = S3::builder().store(store.build()).s3root("s3://bkt/root");
    let builder = builder.tmproot(std::env::temp_dir()).transfer(transfer);
    builder.build().unwrap()
}

#[tokio::test]
async fn a_resumed_upload_replaces_no_object_that_must_stay() {
    for complete_conditions in [true, false] {
        Case::run(FaultPlan::none(), async |case: &Case| {
            let mut capabilities = Capabilities::aws();
            capabilities.complete_conditions = complete_conditions;
            let s3 = client(&case.server, capabilities);
            let old = s3.put("k", "old").await.unwrap();
            let path = case.work().join("f");
            fs::write(&path, ramp(0, LEN)).unwrap();
            let resume = Resume::in_dir(case.work().join("state"));
            let kept = s3.resume_upload(&path, "k", &resume).if_absent().await;
            assert_eq!(kept.unwrap(), PutOutcome::AlreadyThere);
            let kept = s3.upload_file(&path, "k").overwrite(false).resume(&resume);
            assert!(kept.await.unwrap().already_there());
            // Nothing was sent for nothing.
            let uploads = || case.memory.operations().get(Operation::CreateUpload);
            assert_eq!(uploads(), 0);
            let etag = old.etag().unwrap().clone();
            let replaced = s3.upload_file(&path, "k").if_match(etag).resume(&resume);
            let stored = match replaced.await {
                Ok(_) => LEN,
                Err(error) => {
                    let kind = error.as_request().unwrap().kind();
                    assert_eq!(kind, ErrorKind::Unsupported);
                    3
                }
            };
            assert_eq!(stored == LEN, complete_conditions);
            let url = S3Url::parse("s3://bkt/root/k").unwrap();
            assert_eq!(case.memory.get_bytes(url).await.unwrap().len(), stored);
            assert_eq!(uploads(), u64::from(complete_conditions));
            assert!(
                fs::read_dir(case.work().join("state"))
                    .unwrap()
                    .next()
                    .is_none()
            );
        })
        .await;
    }
}

#[tokio::test]
async fn a_composite_checksum_is_compared_with_nothing() {
    // Some servers send it with a range too: the checksum of those of two parts.
    let composite = FaultAction::Header {
        name: "x-amz-checksum-crc32",
        value: Some("AAAAAA==-2".to_owned()),
    };
    let faults = FaultMatch::operation("GetObject").on(composite);
    Case::run(faults, async |case: &Case| {
        let s3 = client(&case.server, Capabilities::aws());
        s3.put("k", ramp(0, LEN)).await.unwrap();
        let path = case.work().join("out");
        let resume = Resume::in_dir(case.work().join("state"));
        let done = s3.resume_download("k", &path, &resume).await.unwrap();
        let composite = Verified::NotVerified(NotVerified::Composite);
        assert_eq!(done.verified, composite);
        assert_eq!(fs::read(path).unwrap(), ramp(0, LEN));
    })
    .await;
}

/// Starts a server that accepts one access key.
async fn server(memory: &MemoryStore, port: u16, key: &str, faults: FaultPlan) -> S3Server {
    let server = S3Server::builder(memory.clone()).port(port).faults(faults);
    let server = server.credentials(key, "secret").start().await;
    server.expect("the port is free")
}

#[tokio::test]
async fn a_transfer_of_another_access_key_or_server_starts_over() {
    let memory = MemoryStore::with_buckets(["bkt"]);
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("f");
    fs::write(&path, ramp(0, LEN)).unwrap();
    let resume = || Resume::in_dir(work.path().join("state"));
    let denied = FaultAction::status(403, "AccessDenied");
    let second = FaultMatch::operation("UploadPart").on(denied).skip(1);
    let interrupted = server(&memory, 0, "first", second.into()).await;
    let port = interrupted.port();
    let s3 = client(&interrupted, Capabilities::aws());
    let upload = s3.resume_upload(&path, "k", &resume()).await;
    assert!(upload.is_err());
    interrupted.stop().await;
    let parts = || memory.operations().get(Operation::UploadPart);
    assert_eq!(parts(), 1);
    let kept = || resume().interrupted(Duration::ZERO).unwrap();

    let other = server(&memory, port, "second", FaultPlan::none()).await;
    let s3 = client(&other, Capabilities::aws());
    s3.resume_upload(&path, "k", &resume()).await.unwrap();
    assert_eq!(parts(), 3, "all parts are sent");
    assert_eq!(kept().len(), 1);
    assert!(
        !s3.discard(kept().remove(0)).await.unwrap(),
        "of another key"
    );
    other.stop().await;

    let elsewhere = server(&memory, 0, "first", FaultPlan::none()).await;
    let s3 = client(&elsewhere, Capabilities::aws());
    assert!(
        !s3.discard(kept().remove(0)).await.unwrap(),
        "of another server"
    );
    let same = server(&memory, port, "first", FaultPlan::none()).await;
    let s3 = client(&same, Capabilities::aws());
    s3.resume_upload(&path, "k", &resume()).await.unwrap();
    assert_eq!(parts(), 4, "one part was there");
    assert_eq!(
        (kept().len(), same.unfinished_uploads().await.unwrap()),
        (0, 0)
    );
}

//! Resumed transfers over HTTP: conditions, journals and checksums.

use std::fs;

use s3_client::{ErrorKind, Resume, S3, TransferConfig};
use s3_core::{Capabilities, Operation, S3Url, StoreExt};
use s3_testkit::{FaultPlan, ramp};
use s3_tests::Case;
use s3_transfer::PutOutcome;

/// Two parts.
const LEN: usize = (5 << 20) + 7;

fn client(case: &Case, capabilities: Capabilities) -> S3 {
    let mut transfer = TransferConfig::default();
    (transfer.part_size, transfer.single_put_up_to) = (5 << 20, 1000);
    let store = case.server.client_builder().capabilities(capabilities);
    let builder = S3::builder().store(store.build()).s3root("s3://bkt/root");
    let builder = builder.tmproot(case.scratch()).transfer(transfer);
    builder.build().unwrap()
}

#[tokio::test]
async fn a_resumed_upload_replaces_no_object_that_must_stay() {
    for complete_conditions in [true, false] {
        Case::run(FaultPlan::none(), async |case: &Case| {
            let mut capabilities = Capabilities::aws();
            capabilities.complete_conditions = complete_conditions;
            let s3 = client(case, capabilities);
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

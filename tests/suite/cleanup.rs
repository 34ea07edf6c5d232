//! No temporary file, directory or upload is left, however a call ends.

use std::time::Duration;

use s3_client::{ErrorClass, TransferConfig, WriteOutcome};
use s3_core::StoreExt;
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, Position, ramp};
use s3_tests::{Case, CrashChild};
use s3_url::S3Url;

const CRASH_CHILD: &str = env!("CARGO_BIN_EXE_crash_child");

fn small_parts() -> TransferConfig {
    let mut config = TransferConfig::default();
    config.part_size = 5 << 20;
    config.single_put_up_to = 5 << 20;
    config.backoff_base = Duration::from_millis(1);
    config
}

async fn seed(case: &Case, key: &str, len: usize) {
    let url = S3Url::from_parts("bkt", key).unwrap();
    case.memory.put_bytes(url, ramp(0, len)).await.unwrap();
}

fn entries(path: &std::path::Path) -> usize {
    std::fs::read_dir(path).unwrap().count()
}

#[tokio::test]
async fn the_temporary_directory_lives_from_the_first_file_to_close() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        seed(case, "root/k", 10).await;
        let s3 = case.s3();
        let object = s3.get("k").await.unwrap();
        assert_eq!(entries(case.scratch()), 0);
        let path = object.path().unwrap();
        assert_eq!(entries(case.scratch()), 1);
        assert_eq!(std::fs::read(&path).unwrap(), ramp(0, 10));
        s3.close().await.unwrap();
        assert_eq!(entries(case.scratch()), 0);
        assert!(!path.exists());
        s3.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn results_outlive_the_client_and_the_last_of_them_cleans_up() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        seed(case, "root/k", 10).await;
        let s3 = case.s3();
        let object = s3.get("k").await.unwrap();
        drop(s3);
        let path = object.path().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), ramp(0, 10));
        drop(object);
        assert_eq!(entries(case.scratch()), 0);
    })
    .await;
}

#[tokio::test]
async fn a_large_upload_that_is_rejected_halfway_is_aborted() {
    let denied = FaultMatch::operation("UploadPart")
        .on(FaultAction::status(403, "AccessDenied"))
        .skip(2);
    Case::run(denied, async |case: &Case| {
        let s3 = case.s3_with(small_parts());
        let error = s3.put("k", ramp(0, 26 << 20)).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::AccessDenied);
        assert_eq!(case.memory.object_count(), 0);
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_is_cancelled_is_aborted() {
    let stall = FaultMatch::operation("UploadPart")
        .on(FaultAction::Stall {
            at: None,
            wait: None,
        })
        .skip(1);
    Case::run(stall, async |case: &Case| {
        let s3 = case.s3_with(small_parts());
        let put = s3
            .put("k", ramp(0, 26 << 20))
            .deadline(Duration::from_millis(500));
        let error = put.await.unwrap_err();
        assert!(error.to_string().contains("deadline"), "{error}");
        for _ in 0..100 {
            if case.server.unfinished_uploads().await.unwrap() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(case.memory.object_count(), 0);
    })
    .await;
}

/// The process ends as soon as the client is closed: background tasks have no time after that.
#[tokio::test]
async fn a_process_that_closes_its_client_leaves_no_upload_that_it_gave_up() {
    for call in [
        "cancelled upload",
        "dropped runtime",
        "dropped blocking client",
    ] {
        let stall = FaultMatch::operation("UploadPart").on(FaultAction::Stall {
            at: None,
            wait: None,
        });
        // The uploads are still there when the aborts begin, and for a while.
        let slow = FaultMatch::operation("AbortMultipartUpload")
            .on(FaultAction::stall(Duration::from_millis(300)));
        Case::run(FaultPlan::new([stall, slow]), async |case: &Case| {
            let mut child = CrashChild::start(CRASH_CHILD, "", call, &case.server, case.work());
            assert_eq!(child.says().await, "given up Ok(())");
            child.finish().await;
            assert_eq!(case.server.unfinished_uploads().await.unwrap(), 0, "{call}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_download_that_breaks_for_good_leaves_the_old_file_alone() {
    let broken = FaultMatch::method("GET")
        .on(FaultAction::status(403, "AccessDenied"))
        .skip(1);
    Case::run(broken, async |case: &Case| {
        seed(case, "root/k", 12 << 20).await;
        let target = case.work().join("out");
        std::fs::write(&target, "old").unwrap();
        let error = case
            .s3_with(small_parts())
            .download_file("k", &target)
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::AccessDenied);
        assert_eq!(std::fs::read(&target).unwrap(), b"old");
    })
    .await;
}

#[tokio::test]
async fn a_body_that_breaks_on_the_wire_is_taken_up_where_it_broke() {
    for action in [
        FaultAction::TruncateBody { at: Position::Half },
        FaultAction::BodyError {
            at: Position::Byte(100_000),
        },
        FaultAction::Drop,
    ] {
        Case::run(
            FaultMatch::method("GET").on(action).times(2),
            async |case: &Case| {
                seed(case, "root/k", 1 << 20).await;
                let object = case.s3_with(small_parts()).get("k").await.unwrap();
                assert_eq!(object.bytes().unwrap(), ramp(0, 1 << 20));
                assert_eq!(case.server.faults().delivered().total(), 2);
            },
        )
        .await;
    }
}

#[tokio::test]
async fn a_put_whose_response_is_lost_has_one_true_outcome() {
    let lost = FaultMatch::operation("PutObject")
        .on(FaultAction::LoseReply)
        .times(1);
    Case::run(lost, async |case: &Case| {
        let s3 = case.s3_with(small_parts());
        let written = s3.put_many([("k", "mine")]).overwrite(false).await.unwrap();
        assert_eq!(written[0].pair(), ("k", "s3://bkt/root/k"));
        assert_eq!(written[0].outcome(), WriteOutcome::Created);
        let again = s3
            .put_many([("k", "other")])
            .overwrite(false)
            .await
            .unwrap();
        assert_eq!(again[0].outcome(), WriteOutcome::AlreadyThere);
        assert_eq!(s3.get("k").await.unwrap().text().unwrap(), "mine");
    })
    .await;
}

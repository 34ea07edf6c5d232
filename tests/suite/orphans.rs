//! Orphans of killed processes are found by name, told apart from files in use, and removed on request.

use std::path::Path;
use std::time::Duration;

use s3_client::{Orphan, S3};
use s3_core::StoreExt;
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, ramp};
use s3_tests::{Case, CrashChild};
use s3_url::S3Url;

const CRASH_CHILD: &str = env!("CARGO_BIN_EXE_crash_child");
const NOW: Duration = Duration::ZERO;
const HOUR: Duration = Duration::from_secs(3600);

fn count(found: &[Orphan]) -> (usize, usize, usize) {
    let mut count = (0, 0, 0);
    for orphan in found {
        match orphan {
            Orphan::Directory { .. } => count.0 += 1,
            Orphan::File { .. } => count.1 += 1,
            Orphan::Upload { .. } => count.2 += 1,
            other => panic!("{other:?}"),
        }
    }
    count
}

async fn found(s3: &S3, age: Duration, work: &Path) -> (usize, usize, usize) {
    let call = s3.orphans(age).in_directory(work).uploads_below("");
    count(&call.await.unwrap())
}

fn parts_in(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".s3-part")).count()
}

/// Waits until another process has made the condition true.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..2000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never happened");
}

fn stalls() -> FaultPlan {
    let stall = FaultAction::Stall {
        at: None,
        wait: None,
    };
    FaultPlan::new([
        FaultMatch::operation("UploadPart").on(stall).skip(1),
        FaultMatch::operation("GetObject").on(FaultAction::stall_after(1 << 20)),
    ])
}

#[tokio::test]
async fn what_killed_processes_leave_is_found_and_swept_and_nothing_else() {
    Case::run(stalls(), async |case: &Case| {
        let down = S3Url::from_parts("bkt", "root/down").unwrap();
        case.memory
            .put_bytes(down, ramp(0, 12 << 20))
            .await
            .unwrap();
        let s3 = case.s3();
        // The children's directories are beside the client's own; their targets are there too.
        let place = case.scratch();
        let start = |call| CrashChild::start(CRASH_CHILD, "", call, &case.server, place);
        let (mut up, mut down) = (start("upload"), start("download"));
        until(async || {
            let begun = case.server.unfinished_uploads().await.unwrap() == 1;
            begun && parts_in(place) == 1
        })
        .await;

        // Files in use are left alone; an upload does not show whether it is in use, but its age.
        assert_eq!(found(&s3, NOW, place).await, (0, 0, 1));
        assert_eq!(found(&s3, HOUR, place).await, (0, 0, 0));
        s3.cleanup(NOW).in_directory(place).await.unwrap();
        assert_eq!(parts_in(place), 1);

        up.kill();
        down.kill();
        assert_eq!(found(&s3, NOW, place).await, (2, 1, 1));
        assert_eq!(found(&s3, HOUR, place).await, (0, 0, 0));
        let sweep = |age| s3.cleanup(age).in_directory(place).uploads_below("");
        assert_eq!(sweep(HOUR).await.unwrap(), []);
        assert_eq!(count(&sweep(NOW).await.unwrap()), (2, 1, 1));
        assert_eq!(found(&s3, NOW, place).await, (0, 0, 0));
        assert_eq!(sweep(NOW).await.unwrap(), []);
        // The client that swept is as it was.
        assert!(s3.scratch_path().unwrap().exists());
        assert!(!place.join("out").exists());
    })
    .await;
}

#[tokio::test]
async fn a_search_for_uploads_costs_one_list_and_a_sweep_one_abort_for_each() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        use s3_core::{Attributes, CreateUpload, Store};
        let s3 = case.s3();
        for key in ["root/a", "root/b", "root2/c"] {
            let url = S3Url::from_parts("bkt", key).unwrap();
            let create = CreateUpload::new(url, Attributes::default());
            case.memory.create_upload(create).await.unwrap();
        }
        let before = case.server.request_log().requests().len();
        assert_eq!(count(&s3.orphans(NOW).await.unwrap()), (0, 0, 0));
        assert_eq!(case.server.request_log().requests().len() - before, 0);
        assert_eq!(
            count(&s3.orphans(NOW).uploads_below("").await.unwrap()),
            (0, 0, 2)
        );
        assert_eq!(case.server.request_log().requests().len() - before, 1);
        s3.cleanup(NOW).uploads_below("").await.unwrap();
        assert_eq!(
            case.server.request_log().requests().len() - before,
            1 + 1 + 2
        );
        // Uploads outside of the root were not listed.
        assert_eq!(case.server.unfinished_uploads().await.unwrap(), 1);
        let all = S3::builder()
            .store(case.server.sdk_store())
            .tmproot(case.work());
        let all = all.build().unwrap();
        all.cleanup(NOW).uploads_below("s3://bkt/").await.unwrap();
    })
    .await;
}

//! Invalid input is rejected before anything is sent, with an error that names it.

use std::time::Duration;

use s3_client::{Error, ErrorClass, Key, S3, S3GetObject, S3PutObject};
use s3_testkit::FaultPlan;
use s3_tests::Case;

/// Asserts that `outcome` is an error of `class` that names `input`, and that nothing was sent.
fn rejected<T: std::fmt::Debug>(
    case: &Case,
    outcome: Result<T, Error>,
    class: ErrorClass,
    input: &str,
) {
    let error = outcome.unwrap_err();
    assert_eq!(error.class(), class, "{error}");
    assert!(
        error.to_string().contains(input),
        "{error} does not name {input}"
    );
    assert_eq!(case.server.request_log().requests().len(), 0, "{error}");
}

#[tokio::test]
async fn a_full_url_on_a_client_with_a_root_is_rejected_by_every_call() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        let s3 = case.s3();
        for key in ["s3://bkt/k", "S3://b/k"] {
            let class = ErrorClass::Url;
            rejected(case, s3.get(key).await, class, key);
            rejected(case, s3.get(key).return_missing().await, class, key);
            rejected(case, s3.get_many(["ok", key]).await, class, key);
            rejected(case, s3.get_recursive(["ok", key]).await, class, key);
            rejected(case, s3.put(key, "v").await, class, key);
            rejected(
                case,
                s3.put_many([("ok", "v"), (key, "v")]).await,
                class,
                key,
            );
            rejected(case, s3.info(key).await, class, key);
            rejected(case, s3.info_many(["ok", key]).await, class, key);
            rejected(case, s3.list_paths().at(["ok", key]).await, class, key);
            rejected(case, s3.list_recursive().at(["ok", key]).await, class, key);
            rejected(case, s3.delete(key).await, class, key);
            rejected(case, s3.delete_many(["ok", key]).await, class, key);
            rejected(
                case,
                s3.presign(key, Duration::from_secs(60)).await,
                class,
                key,
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_relative_key_on_a_client_without_root_is_rejected() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        let s3 = S3::builder()
            .store(case.server.sdk_store())
            .tmproot(case.scratch())
            .build()
            .unwrap();
        for key in [
            "k",
            "/k",
            "http://b/k",
            "s3:/b/k",
            "s3://",
            "s3://b",
            "s3://bkt/",
        ] {
            rejected(case, s3.get(key).await, ErrorClass::Url, key);
            rejected(
                case,
                s3.put_many([("s3://bkt/ok", "v"), (key, "v")]).await,
                ErrorClass::Url,
                key,
            );
        }
        rejected(case, s3.get(Key::root()).await, ErrorClass::Url, "no key");
        rejected(case, s3.get_all().await, ErrorClass::Url, "");
    })
    .await;
}

#[tokio::test]
async fn a_key_longer_than_s3_allows_is_rejected() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        let long = "x".repeat(1025);
        rejected(
            case,
            case.s3().put(long.as_str(), "v").await,
            ErrorClass::Url,
            "1,024",
        );
    })
    .await;
}

#[tokio::test]
async fn ranges_that_hold_no_byte_are_rejected() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        let s3 = case.s3();
        for (offset, length) in [(-1, 5), (-3, -1), (0, 0), (5, 0)] {
            let range = || S3GetObject::new("key", offset, length);
            rejected(case, s3.get(range()).await, ErrorClass::InvalidRange, "key");
            let many = s3
                .get_many([S3GetObject::new("ok", 0, 1), range()])
                .return_missing();
            rejected(case, many.await, ErrorClass::InvalidRange, "key");
        }
    })
    .await;
}

#[tokio::test]
async fn a_batch_with_one_bad_input_uploads_nothing() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        let s3 = case.s3();
        let good = case.work().join("good");
        std::fs::write(&good, "x").unwrap();
        let missing = case.work().join("missing");
        let files = [("a", good.clone()), ("b", missing.clone())];
        rejected(
            case,
            s3.put_files(files).await,
            ErrorClass::NotFound,
            "missing",
        );
        let files = [("a", good.clone()), ("b", case.work().to_owned())];
        rejected(
            case,
            s3.put_files(files).await,
            ErrorClass::Other,
            case.work().to_str().unwrap(),
        );
        let mut empty = S3PutObject::new("empty", "v");
        empty.value = None;
        let items = [S3PutObject::from(("a", "v")), empty];
        rejected(
            case,
            s3.put_many(items).await,
            ErrorClass::InvalidObject,
            "empty",
        );
        assert_eq!(case.memory.object_count(), 0);
    })
    .await;
}

#[tokio::test]
async fn missing_local_files_and_directories_are_rejected() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        let s3 = case.s3();
        let missing = case.work().join("nope");
        rejected(
            case,
            s3.upload_file(&missing, "k").await,
            ErrorClass::NotFound,
            "nope",
        );
        let target = case.work().join("no-such-directory").join("f");
        rejected(
            case,
            s3.download_file("k", &target).await,
            ErrorClass::Other,
            "no-such-directory",
        );
    })
    .await;
}

#[tokio::test]
async fn builders_reject_what_makes_no_client() {
    for root in [
        "http://b/p",
        "b/p",
        "/p",
        "s3a://b/p",
        "s3:/b/p",
        "s3://",
        "s3:///p",
        "s3://b?d/p",
    ] {
        let error = S3::builder().s3root(root).build().unwrap_err();
        assert_eq!(error.class(), ErrorClass::Url, "{error}");
        assert!(error.to_string().contains(root), "{error}");
    }
    let error = S3::builder()
        .s3root("s3://bkt/p")
        .tmproot("/nonexistent-directory")
        .build()
        .unwrap_err();
    assert!(
        error.to_string().contains("/nonexistent-directory"),
        "{error}"
    );
}

#[tokio::test]
async fn presigned_urls_live_a_second_to_a_week() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        let s3 = case.s3();
        for expires in [Duration::ZERO, Duration::from_secs(8 * 24 * 3600)] {
            rejected(
                case,
                s3.presign("key", expires).await,
                ErrorClass::Other,
                "key",
            );
        }
        let url = s3.presign("key", Duration::from_secs(60)).await.unwrap();
        assert!(url.starts_with(&case.server.endpoint()), "{url}");
        assert_eq!(case.server.request_log().requests().len(), 0);
    })
    .await;
}

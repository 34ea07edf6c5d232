//! A key that occurs twice in one call has one outcome.

use s3_client::{ErrorClass, OnFailure, Outcome};
use s3_core::{Operation, StoreExt};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore};
use s3_url::S3Url;

/// Returns which inputs failed.
fn failed(outcomes: &[Outcome]) -> Vec<bool> {
    outcomes
        .iter()
        .map(|outcome| !outcome.is_success())
        .collect()
}

#[tokio::test]
async fn equal_keys_of_delete_many_share_one_request_and_one_outcome() {
    let memory = s3_core::MemoryStore::with_buckets(["b", "locked"]);
    for key in ["s3://b/a", "s3://locked/a"] {
        let url = S3Url::parse(key).unwrap();
        memory.put_bytes(url, "x").await.unwrap();
    }
    let denied = FaultMatch::any().with_bucket("locked");
    let denied = denied.on(FaultAction::status(403, "AccessDenied"));
    let store = FaultStore::new(memory.clone(), FaultPlan::new([denied]));
    let s3 = s3_client::S3::builder().store(store).build().unwrap();

    let keys = [
        "s3://locked/a",
        "s3://b/a",
        "s3://locked/a",
        "s3://b/a",
        "s3://b/never",
    ];
    let error = s3
        .delete_many(keys)
        .on_failure(OnFailure::Collect)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::AccessDenied);
    let batch = error.as_batch().unwrap();
    assert_eq!(failed(batch.outcomes()), [true, false, true, false, false]);
    assert_eq!(memory.operations().get(Operation::Delete), 1);
    assert_eq!(memory.object_count(), 1);
}

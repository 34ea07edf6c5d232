//! The conformance suite against any server, with default settings: `cargo xtask conformance --endpoint URL`.
//!
//! A case that fails shows what the server does unlike S3. No case is excused, so the list of failures is the list of
//! what the server cannot do.

use s3_core::{BucketRequest, ErrorKind, SdkStore, Store};
use s3_testkit::conformance::Harness;
use s3_testkit::conformance_suite;

conformance_suite!(endpoint, harness());

/// Each case has a bucket's name from outside and a prefix of its own.
async fn harness() -> Harness {
    let setting = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let store = SdkStore::builder()
        .endpoint(&setting("CONFORMANCE_ENDPOINT"))
        .credentials(
            &setting("CONFORMANCE_ACCESS_KEY"),
            &setting("CONFORMANCE_SECRET_KEY"),
            None,
        )
        .build();
    let bucket = setting("CONFORMANCE_BUCKET");
    match store.create_bucket(BucketRequest::new(&*bucket)).await {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => panic!("{error:#}"),
        _ => Harness::new(store, bucket),
    }
}

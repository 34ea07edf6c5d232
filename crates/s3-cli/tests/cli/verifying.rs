//! `--verify`.

use s3_testkit::{FaultAction, FaultMatch, FaultPlan};

use crate::harness::Harness;

/// Returns a server whose HEAD tells an ETag that is the MD5 of other bytes, as those of KMS are.
fn with_other_etags(adds_checksums: bool) -> Harness {
    let spoilt = FaultMatch::operation("HeadObject").on(FaultAction::ChangedETag);
    let harness = Harness::with_server(|server| {
        let server = server.faults(FaultPlan::none().with(spoilt));
        match adds_checksums {
            true => server.default_checksums(),
            false => server,
        }
    });
    harness.write("f", "content");
    harness
}

#[test]
fn the_etag_of_an_encrypted_object_is_no_md5() {
    let harness = with_other_etags(false);
    for (sse, expected) in [
        ("AES256", "the file and the object differ"),
        ("aws:kms", "cannot be compared"),
    ] {
        let ran = harness.run(&["cp", "f", "s3://bkt/f", "--verify", "--sse", sse]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains(expected), "{sse}: {ran:?}");
    }
}

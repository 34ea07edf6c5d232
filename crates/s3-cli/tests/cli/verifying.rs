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

#[test]
fn a_checksum_tells_where_the_etag_does_not() {
    let harness = with_other_etags(true);
    let verify = ["cp", "f", "s3://bkt/f", "--verify", "--sse", "aws:kms"];
    let ran = harness.run(&[&verify[..], &["--json"]].concat());
    assert_eq!(ran.json()[0]["verified"], "CRC64NVME", "{ran:?}");
    // Another one.
    let spoilt = FaultAction::Header {
        name: "x-amz-checksum-crc64nvme",
        value: Some("AAAAAAAAAAA=".to_owned()),
    };
    let spoilt = FaultMatch::operation("HeadObject").on(spoilt);
    let harness = Harness::with_server(|server| server.faults(FaultPlan::none().with(spoilt)));
    harness.write("f", "content");
    let ran = harness.run(&verify);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.err.contains("the file and the object differ"),
        "{ran:?}"
    );
}

#[test]
fn without_the_permission_to_decrypt_there_is_no_checksum() {
    let denied = FaultAction::status(403, "AccessDenied");
    let denied = FaultMatch::operation("HeadObject").on(denied).times(1);
    let harness = Harness::with_server(|server| server.faults(FaultPlan::none().with(denied)));
    harness.write("f", "content");
    let ran = harness.run(&["cp", "f", "s3://bkt/f", "--verify", "--json"]);
    assert_eq!(ran.json()[0]["verified"], "MD5", "{ran:?}");
}

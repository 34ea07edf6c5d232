//! Conformance cases of checksums that a write requests, in the responses of writes, reads and listings.

use s3_core::{
    Attributes, Checksum, ChecksumAlgorithm, ChecksumType, CopyRequest, GetObjectAttributes,
    HeadRequest, Store,
};

use super::assertions::succeeds;
use super::object_attributes::upload;
use super::pages::page;
use super::verdict::require;
use super::{Harness, Verdict};

/// The checksums of `123456789`.
const SUMS: [(ChecksumAlgorithm, &str); 5] = [
    (ChecksumAlgorithm::Crc32, "y/Q5Jg=="),
    (ChecksumAlgorithm::Crc32c, "4waSgw=="),
    (ChecksumAlgorithm::Crc64Nvme, "rosUhgp5mIg="),
    (ChecksumAlgorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
    (
        ChecksumAlgorithm::Sha256,
        "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
    ),
];

fn with(algorithm: ChecksumAlgorithm) -> Attributes {
    Attributes::default().with_checksum_algorithm(algorithm)
}

async fn described(harness: &Harness, key: &str) -> Option<Checksum> {
    let request = HeadRequest::new(harness.url(key)).with_checksum();
    succeeds(harness.store.head(request).await).checksum
}

/// A write that names a checksum algorithm stores that checksum; PUT, HEAD, GET and the listing return it.
pub async fn a_write_has_the_checksum_that_it_names(harness: &Harness) -> Verdict {
    require!(harness, checksums);
    for (algorithm, value) in SUMS {
        let put = harness.put_with("k", "123456789", |request| {
            request.attributes = with(algorithm)
        });
        let expected = Some(Checksum::new(algorithm, value));
        assert_eq!(succeeds(put.await).checksum, expected);
        assert_eq!(described(harness, "k").await, expected);
        let got = harness.get("k").await;
        assert_eq!(got.meta.checksum, expected);
        assert_eq!(succeeds(got.body.collect().await), "123456789");
        let listed = page(harness, harness.listing("k")).await.objects;
        let listed = (listed[0].checksum_algorithm, listed[0].checksum_type);
        assert_eq!(listed, (Some(algorithm), Some(ChecksumType::FullObject)));
    }
    Verdict::Ran
}

/// A multipart upload with SHA checksums has a composite checksum, and all responses return the same value.
pub async fn an_upload_may_have_a_composite_checksum(harness: &Harness) -> Verdict {
    require!(harness, checksums);
    let algorithm = ChecksumAlgorithm::Sha256;
    let written = upload(harness, "k", Some(algorithm), &[(1, 5 << 20), (2, 9)]).await;
    let sum = written.checksum.expect("the upload has a checksum");
    assert_eq!(
        (sum.algorithm, sum.checksum_type),
        (algorithm, ChecksumType::Composite)
    );
    assert!(sum.value.ends_with("-2"), "{sum:?}");
    let sum = Some(sum);
    assert_eq!(described(harness, "k").await, sum);
    let got = harness.get("k").await;
    assert_eq!(got.meta.checksum, sum);
    assert_eq!(succeeds(got.body.collect().await).len(), (5 << 20) + 9);
    let listed = page(harness, harness.listing("k")).await.objects;
    let listed = (listed[0].checksum_algorithm, listed[0].checksum_type);
    assert_eq!(listed, (Some(algorithm), Some(ChecksumType::Composite)));
    if harness.store.capabilities().object_attributes {
        let request = GetObjectAttributes::new(harness.url("k"));
        let read = succeeds(harness.store.object_attributes(request).await);
        let value =
            |sum: Option<Checksum>| sum.map(|sum| sum.value.split('-').next().map(str::to_owned));
        assert_eq!(value(read.checksum), value(sum));
    }
    Verdict::Ran
}

/// The CRC of a multipart upload is that of the whole object.
pub async fn the_crc_of_an_upload_is_that_of_the_object(harness: &Harness) -> Verdict {
    require!(harness, checksums);
    let algorithm = ChecksumAlgorithm::Crc32c;
    let written = upload(harness, "k", Some(algorithm), &[(1, 5 << 20), (2, 9)]).await;
    let bytes = harness.read("k").await;
    let whole = harness.put_with("whole", bytes, |request| {
        request.attributes = with(algorithm)
    });
    let whole = succeeds(whole.await).checksum;
    assert_eq!(written.checksum, whole);
    assert_eq!(described(harness, "k").await, whole);
    Verdict::Ran
}

/// A copy may request another checksum than its source has.
pub async fn a_copy_may_name_its_checksum(harness: &Harness) -> Verdict {
    require!(harness, checksums);
    harness.put("from", "123456789").await;
    for (algorithm, value) in SUMS {
        let copy = CopyRequest::new(harness.url("from"), harness.url("to"));
        let copy = copy.with_checksum_algorithm(algorithm);
        let copied = succeeds(harness.store.copy(copy).await).checksum;
        let expected = Some(Checksum::new(algorithm, value));
        assert_eq!(copied, expected);
        assert_eq!(described(harness, "to").await, expected);
    }
    Verdict::Ran
}

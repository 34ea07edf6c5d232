//! A whole object that is read in one part has its checksum computed once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::BytesMut;
use s3_core::{Body, BodySource, Checksum, ChecksumAlgorithm, GetResponse, Result, StoreExt};
use s3_transfer::{Destination, GetItem, Transfer, Verified};

use crate::hooked::Hooked;
use crate::setup::{config, memory, url};

static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// A body on its way that verifies itself.
struct SelfVerifying(Body, ChecksumAlgorithm);

impl BodySource for SelfVerifying {
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut BytesMut,
        at_most: usize,
    ) -> Poll<Result<usize>> {
        self.0.poll_fill(cx, into, at_most)
    }

    fn verified_by_store(&self) -> Option<ChecksumAlgorithm> {
        Some(self.1)
    }

    fn skip_verification(&mut self) {
        SKIPPED.fetch_add(1, Ordering::SeqCst);
    }
}

async fn verdict(on_get: fn(usize, GetResponse) -> GetResponse) -> Result<Verified> {
    let memory = memory();
    memory.put_bytes(url("k"), "123456789").await.unwrap();
    let transfer = Transfer::new(Hooked::new(memory, on_get), config());
    let item = GetItem::new(url("k"));
    let options = Default::default();
    let fetched = transfer.get(item, Destination::Memory, &options).await?;
    Ok(fetched.verified)
}

#[tokio::test(start_paused = true)]
async fn a_body_that_verified_itself_is_not_compared_again() {
    // Any comparison with this value would fail.
    let by_store = verdict(|_, mut response| {
        let crc = ChecksumAlgorithm::Crc32;
        response.meta.checksum = Some(Checksum::new(crc, "AAAAAA=="));
        response.body = response.body.with_verified(crc);
        response
    });
    let crc = Verified::Checksum(ChecksumAlgorithm::Crc32);
    assert_eq!(by_store.await.unwrap(), crc);
}

#[tokio::test(start_paused = true)]
async fn a_body_on_its_way_leaves_a_crc_to_the_engine_and_keeps_a_digest() {
    let crc = verdict(|_, mut response| {
        let crc = ChecksumAlgorithm::Crc32;
        response.meta.checksum = Some(Checksum::new(crc, "y/Q5Jg=="));
        response.body = Body::from_source(SelfVerifying(response.body, crc));
        response
    });
    let verified = Verified::Checksum(ChecksumAlgorithm::Crc32);
    assert_eq!(crc.await.unwrap(), verified);
    assert_eq!(SKIPPED.load(Ordering::SeqCst), 1);
    let digest = verdict(|_, mut response| {
        let sha = ChecksumAlgorithm::Sha256;
        response.meta.checksum = Some(Checksum::new(sha, "?"));
        response.body = Body::from_source(SelfVerifying(response.body, sha));
        response
    });
    let verified = Verified::Checksum(ChecksumAlgorithm::Sha256);
    assert_eq!(digest.await.unwrap(), verified);
    assert_eq!(SKIPPED.load(Ordering::SeqCst), 1);
}

//! Bytes of a response that was interrupted and continued are compared with the MD5 that the object's ETag is.

use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use s3_core::{
    Body, BodySource, Encryption, Error, ErrorKind, GetResponse, Operation, Result, StoreExt,
};
use s3_testkit::{assert_ramp, ramp};
use s3_transfer::{Destination, Fetched, GetItem, NotVerified, ObjectData, Transfer, Verified};

use crate::hooked::Hooked;
use crate::setup::{config, memory, url};

/// Some bytes, and then an interruption.
struct Interrupted(Bytes);

impl BodySource for Interrupted {
    fn poll_fill(
        &mut self,
        _: &mut Context<'_>,
        into: &mut BytesMut,
        at_most: usize,
    ) -> Poll<Result<usize>> {
        if self.0.is_empty() {
            return Poll::Ready(Err(Error::new(ErrorKind::Network, Operation::Get)));
        }
        let bytes = self.0.split_to(at_most.min(self.0.len()));
        into.extend_from_slice(&bytes);
        Poll::Ready(Ok(bytes.len()))
    }
}

/// Interrupts a response after 100 bytes at most; its first `lost` bytes do not arrive.
fn interrupted(mut response: GetResponse, lost: usize) -> GetResponse {
    let bytes = response.body.take_whole().unwrap();
    let end = bytes.len().min(100 + lost);
    response.body = Body::from_source(Interrupted(bytes.slice(lost..end)));
    response
}

/// Reads 1,000 bytes, in one part or in four, to memory and to a file.
async fn reads(on_get: fn(usize, GetResponse) -> GetResponse) -> Vec<Result<Fetched>> {
    let dir = tempfile::tempdir().unwrap();
    let mut several = config();
    several.part_size = 300;
    let mut read = Vec::new();
    for config in [config(), several] {
        for to in [
            Destination::Memory,
            Destination::File(dir.path().join("out")),
        ] {
            let memory = memory();
            memory.put_bytes(url("k"), ramp(0, 1000)).await.unwrap();
            let transfer = Transfer::new(Hooked::new(memory, on_get), config.clone());
            let item = GetItem::new(url("k"));
            let mut fetched = transfer.get(item, to, &Default::default()).await;
            let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
            match &mut fetched {
                Ok(fetched) => {
                    if let ObjectData::File(path) = &fetched.data {
                        let bytes = std::fs::read(path).unwrap();
                        std::fs::remove_file(path).unwrap();
                        fetched.data = ObjectData::Memory(bytes.into());
                    }
                }
                Err(_) => assert_eq!(names.len(), 0, "{names:?}"),
            }
            read.push(fetched);
        }
    }
    read
}

fn assert_right(fetched: Result<Fetched>) -> Verified {
    let fetched = fetched.unwrap();
    let ObjectData::Memory(bytes) = &fetched.data else {
        panic!("{:?}", fetched.data);
    };
    assert_eq!(bytes.len(), 1000);
    assert_ramp(bytes, 0);
    fetched.verified
}

#[tokio::test(start_paused = true)]
async fn bytes_that_were_lost_before_an_interruption_are_noticed_and_read_again() {
    let first = reads(|number, response| match number {
        0 => interrupted(response, 7),
        _ => response,
    });
    // The second attempt at all of it has been read in one go.
    let not_compared = Verified::NotVerified(NotVerified::NotOffered);
    for fetched in first.await {
        assert_eq!(assert_right(fetched), not_compared);
    }
    let last = reads(|number, response| match number {
        3 => interrupted(response, 7),
        _ => response,
    });
    for fetched in last.await {
        assert_right(fetched);
    }
}

#[tokio::test(start_paused = true)]
async fn only_bytes_of_interrupted_responses_are_compared() {
    let whole = reads(|_, response| response);
    let not_compared = Verified::NotVerified(NotVerified::NotOffered);
    for fetched in whole.await {
        assert_eq!(assert_right(fetched), not_compared);
    }
    let resumed = reads(|number, response| match number {
        0 => interrupted(response, 0),
        _ => response,
    });
    for fetched in resumed.await {
        assert_eq!(assert_right(fetched), Verified::Etag);
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_lost_each_time_are_an_error_and_no_file() {
    // Every response from the first byte of a part loses some.
    let lossy = reads(|_, response| match response.range.start % 300 {
        0 => interrupted(response, 7),
        _ => response,
    });
    for fetched in lossy.await {
        let error = fetched.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
        assert!(!error.retryability().is_retryable(), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_etag_of_an_encrypted_object_is_not_compared() {
    let encrypted = reads(|number, mut response| {
        response.meta.attributes.encryption = Some(Encryption::new("aws:kms"));
        match number {
            0 => interrupted(response, 0),
            _ => response,
        }
    });
    let not_compared = Verified::NotVerified(NotVerified::NotOffered);
    for fetched in encrypted.await {
        assert_eq!(assert_right(fetched), not_compared);
    }
}

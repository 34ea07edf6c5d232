//! Conformance cases of GET and HEAD: whole objects and ranges.

use std::ops::Range;

use bytes::Bytes;
use s3_core::{ByteRange, ErrorKind, GetRequest, GetResponse, Result, Store};

use super::assertions::{fails, succeeds};
use super::{Harness, Verdict};
use crate::{assert_ramp, ramp};

const MIB: usize = 1 << 20;

async fn read_range(
    harness: &Harness,
    key: &str,
    range: impl Into<ByteRange>,
) -> Result<GetResponse> {
    harness
        .store
        .get(GetRequest::new(harness.url(key)).with_range(range))
        .await
}

/// Reads a range of a 100-byte ramp and checks the returned bytes, range and size.
async fn check_range(
    harness: &Harness,
    range: impl Into<ByteRange>,
    expected: Range<u64>,
) -> Verdict {
    harness.put("k", ramp(0, 100)).await;
    let response = succeeds(read_range(harness, "k", range).await);
    assert_eq!(
        response.range, expected,
        "the range that the response names"
    );
    assert_eq!(
        response.meta.size, 100,
        "the size is that of the whole object"
    );
    let bytes = succeeds(response.body.collect().await);
    assert_eq!(bytes.len() as u64, expected.end - expected.start);
    assert_ramp(&bytes, expected.start);
    Verdict::Ran
}

/// An empty object can be read.
pub async fn an_empty_object_reads_as_nothing(harness: &Harness) -> Verdict {
    harness.put("k", Bytes::new()).await;
    let response = harness.get("k").await;
    assert_eq!((response.meta.size, response.range), (0, 0..0));
    assert_eq!(succeeds(response.body.collect().await), Bytes::new());
    assert_eq!(harness.head("k").await.size, 0);
    Verdict::Ran
}

/// An object of one byte is read as one byte.
pub async fn one_byte_comes_back(harness: &Harness) -> Verdict {
    harness.put("k", "\0").await;
    assert_eq!(harness.read("k").await, "\0");
    assert_eq!(harness.head("k").await.size, 1);
    Verdict::Ran
}

/// An object larger than all buffers is read in order.
pub async fn a_large_object_comes_back_in_order(harness: &Harness) -> Verdict {
    let data = ramp(0, 5 * MIB + 1);
    harness.put("k", data.clone()).await;
    let mut response = harness.get("k").await;
    assert_eq!(
        (response.meta.size, response.range.clone()),
        (data.len() as u64, 0..data.len() as u64)
    );
    let mut position = 0;
    while let Some(frame) = response.body.next().await {
        let frame = succeeds(frame);
        assert_ramp(&frame, position);
        position += frame.len() as u64;
    }
    assert_eq!(position, data.len() as u64);
    Verdict::Ran
}

/// A range inside the object gives those bytes.
pub async fn a_bounded_range_gives_those_bytes(harness: &Harness) -> Verdict {
    check_range(harness, 10..30, 10..30).await
}

/// The first byte can be read alone.
pub async fn the_first_byte_can_be_read_alone(harness: &Harness) -> Verdict {
    check_range(harness, 0..1, 0..1).await
}

/// The last byte can be read alone.
pub async fn the_last_byte_can_be_read_alone(harness: &Harness) -> Verdict {
    check_range(harness, 99..100, 99..100).await
}

/// The whole object may be requested as a range.
pub async fn the_whole_object_is_a_range_too(harness: &Harness) -> Verdict {
    check_range(harness, 0..100, 0..100).await
}

/// A range without an end returns all bytes from its offset.
pub async fn a_range_from_an_offset_goes_to_the_end(harness: &Harness) -> Verdict {
    check_range(harness, 40.., 40..100).await
}

/// A suffix range returns the last bytes.
pub async fn the_last_bytes_are_counted_from_the_end(harness: &Harness) -> Verdict {
    check_range(harness, ByteRange::Last(5), 95..100).await
}

/// A suffix range longer than the object returns the whole object.
pub async fn more_last_bytes_than_there_are_is_all_of_them(harness: &Harness) -> Verdict {
    check_range(harness, ByteRange::Last(1000), 0..100).await
}

/// A range is clipped at the end of the object.
pub async fn a_range_is_clipped_at_the_end(harness: &Harness) -> Verdict {
    check_range(harness, 90..1000, 90..100).await
}

/// A range that begins at or after the end of the object cannot be satisfied.
pub async fn a_range_behind_the_end_is_rejected(harness: &Harness) -> Verdict {
    harness.put("k", ramp(0, 100)).await;
    for range in [
        ByteRange::from(100..101),
        ByteRange::from(1000..2000),
        ByteRange::From(100),
    ] {
        fails(
            read_range(harness, "k", range).await,
            ErrorKind::InvalidRange,
        );
    }
    Verdict::Ran
}

/// No range of an empty object can be satisfied.
pub async fn every_range_of_an_empty_object_is_rejected(harness: &Harness) -> Verdict {
    harness.put("k", Bytes::new()).await;
    for range in [
        ByteRange::from(0..1),
        ByteRange::From(0),
        ByteRange::Last(1),
    ] {
        fails(
            read_range(harness, "k", range).await,
            ErrorKind::InvalidRange,
        );
    }
    Verdict::Ran
}

/// A range of no bytes is rejected and never returns the whole object.
pub async fn a_range_of_no_bytes_is_rejected(harness: &Harness) -> Verdict {
    harness.put("k", ramp(0, 100)).await;
    let inverted = ByteRange::Bounded(Range { start: 7, end: 3 });
    for range in [ByteRange::from(5..5), inverted, ByteRange::Last(0)] {
        fails(
            read_range(harness, "k", range).await,
            ErrorKind::InvalidRange,
        );
    }
    Verdict::Ran
}

/// Consecutive ranges of a larger object, cut at 1 MiB, cover it without gaps.
pub async fn ranges_fit_together(harness: &Harness) -> Verdict {
    let size = 3 * MIB as u64 + 17;
    harness.put("k", ramp(0, 3 * MIB + 17)).await;
    for start in (0..size).step_by(MIB) {
        let end = (start + MIB as u64).min(size);
        let response = succeeds(read_range(harness, "k", start..end).await);
        assert_eq!(response.range, start..end);
        let bytes = succeeds(response.body.collect().await);
        assert_eq!(bytes.len() as u64, end - start);
        assert_ramp(&bytes, start);
    }
    Verdict::Ran
}

/// GET, HEAD and the listing agree about an object.
pub async fn get_head_and_listing_agree(harness: &Harness) -> Verdict {
    let written = harness.put("k", ramp(0, 100)).await;
    let head = harness.head("k").await;
    let get = harness.get("k").await.meta;
    let listed = super::pages::page(harness, harness.listing("k"))
        .await
        .objects;
    assert_eq!(head.url, harness.url("k"));
    assert_eq!(
        (&get.url, get.size, &get.etag),
        (&head.url, head.size, &head.etag)
    );
    assert_eq!(get.last_modified, head.last_modified);
    assert_eq!(written.etag, head.etag);
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0].url, listed[0].size), (&head.url, head.size));
    // A listing may omit the ETag, but must not return another one.
    assert!(
        listed[0].etag.is_none() || listed[0].etag == head.etag,
        "{:?}",
        listed[0]
    );
    Verdict::Ran
}

/// `Last-Modified` is close to the current time, in whole seconds.
pub async fn an_object_is_dated(harness: &Harness) -> Verdict {
    harness.put("k", "x").await;
    let written = harness
        .head("k")
        .await
        .last_modified
        .expect("head says when it was written");
    let now = std::time::SystemTime::now();
    let apart = now
        .duration_since(written)
        .unwrap_or_else(|error| error.duration());
    assert!(
        apart.as_secs() < 3600,
        "the object is dated {apart:?} from now"
    );
    let since = written
        .duration_since(std::time::UNIX_EPOCH)
        .expect("it was written after 1970");
    assert_eq!(since.subsec_nanos(), 0, "HTTP dates have whole seconds");
    Verdict::Ran
}

/// A store can be used after a body was dropped unread.
pub async fn a_body_may_be_dropped_unread(harness: &Harness) -> Verdict {
    harness.put("k", ramp(0, 2 * MIB)).await;
    for _ in 0..3 {
        let mut response = harness.get("k").await;
        drop(response.body.next().await);
    }
    assert_ramp(&harness.read("k").await, 0);
    Verdict::Ran
}

/// Concurrent reads return the bytes of their own objects.
pub async fn many_reads_at_once_do_not_mix(harness: &Harness) -> Verdict {
    for number in 0..8 {
        harness
            .put(&number.to_string(), ramp(number * 1000, 10_000))
            .await;
    }
    let reads = (0..8_u64).map(|number| async move {
        let bytes = harness.read(&number.to_string()).await;
        assert_eq!(bytes.len(), 10_000);
        assert_ramp(&bytes, number * 1000);
    });
    futures_util::future::join_all(reads).await;
    Verdict::Ran
}

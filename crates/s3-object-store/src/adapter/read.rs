//! Implements reads: `get_opts` (GET and HEAD) and `get_ranges`.

use std::ops::Range;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use s3_core::{ByteRange, Conditions, HeadRequest, VersionId};
use s3_transfer::{CallOptions, Destination, GetItem, KnownObject, ObjectData};

use super::attributes::from_s3;
use super::convert::{call_options, condition, error_at, found, pin_of};
use super::get_result;
use super::object_store::path::Path;
use super::object_store::{self, GetOptions, GetRange, GetResult, GetResultPayload, Result};
use super::store::S3ObjectStore;
use crate::pins::Pins;

/// Reads an object, a range of it, or only its metadata.
///
/// An object or range that is known to fit into one part is returned in one buffer; others are streamed.
pub(super) async fn get(
    store: &S3ObjectStore,
    location: &Path,
    options: GetOptions,
) -> Result<GetResult> {
    let at = |error| error_at(location.as_ref(), error);
    let call = call_options(&options.extensions);
    let item = item(store, location, &options)?;
    // A version that the caller names overrides the pin.
    let pins = store.pins.as_deref().filter(|_| options.version.is_none());
    if options.head {
        let mut request = HeadRequest::new(item.url).with_conditions(item.conditions);
        request.version = item.version;
        let head = move |transfer: s3_transfer::Transfer| async move {
            transfer.head_with(request, &call).await
        };
        let meta = store.runtime.run(head).await.map_err(at)?;
        let range = 0..meta.size;
        return result(pins, location, &meta, range, stream::empty().boxed());
    }
    if let Some(len) = known_len(&item)
        && len <= store.runtime.transfer().config().part_size
    {
        let get = |transfer: s3_transfer::Transfer| async move {
            transfer.get(item, Destination::Memory, &call).await
        };
        let fetched = store.runtime.run(get).await.map_err(at)?;
        let ObjectData::Memory(bytes) = fetched.data else {
            unreachable!("asked for memory")
        };
        let body = stream::iter([Ok(bytes)]).boxed();
        return result(pins, location, &fetched.meta, fetched.range, body);
    }
    let has_deadline = call.deadline.is_some();
    let open = |transfer: s3_transfer::Transfer| async move { transfer.open(item, &call).await };
    let reader = store.runtime.run(open).await.map_err(at)?;
    let (meta, range) = (reader.meta().clone(), reader.range());
    // A deadline needs a tokio timer, which the caller's thread may not have.
    let frames = match has_deadline {
        true => store.runtime.stream(reader),
        false => reader.boxed(),
    };
    let (runtime, path) = (store.runtime.clone(), location.clone());
    let body = frames.map_err(move |error| {
        // The stream keeps the threads running that read its parts.
        let _ = &runtime;
        error_at(path.as_ref(), error)
    });
    result(pins, location, &meta, range, body.boxed())
}

pub(super) async fn get_ranges(
    store: &S3ObjectStore,
    location: &Path,
    ranges: &[Range<u64>],
    gap: u64,
) -> Result<Vec<Bytes>> {
    if store
        .pins
        .as_ref()
        .is_some_and(|pins| pins.get(location.as_ref()).is_none())
    {
        // Ranges are read concurrently, so a HEAD pins the version before.
        get(store, location, GetOptions::new().with_head(true)).await?;
    }
    let item = item(store, location, &GetOptions::default())?;
    // The engine rejects an empty range, and so does a read of a single range.
    let is_empty = |range: &Range<u64>| range.start == range.end;
    let asked: Vec<Range<u64>> = ranges
        .iter()
        .filter(|range| !is_empty(range))
        .cloned()
        .collect();
    let read = |transfer: s3_transfer::Transfer| async move {
        let options = CallOptions::default();
        transfer.get_ranges(item, &asked, gap, &options).await
    };
    let read = store.runtime.run(read).await;
    let mut read = read
        .map_err(|error| error_at(location.as_ref(), error))?
        .into_iter();
    let bytes = ranges.iter().map(|range| match is_empty(range) {
        true => Bytes::new(),
        false => read.next().expect("each range that has bytes was read"),
    });
    Ok(bytes.collect())
}

/// Returns the object, range, conditions and pin of a read.
fn item(store: &S3ObjectStore, location: &Path, options: &GetOptions) -> Result<GetItem> {
    let mut item = GetItem::new(store.url(location)?);
    item.range = options.range.as_ref().map(|range| match range {
        GetRange::Bounded(range) => ByteRange::Bounded(range.clone()),
        GetRange::Offset(start) => ByteRange::From(*start),
        GetRange::Suffix(count) => ByteRange::Last(*count),
    });
    item.version = options.version.as_deref().map(VersionId::new);
    let mut conditions = Conditions::default();
    if let Some(etag) = &options.if_match {
        conditions.if_match = condition(etag)?;
    }
    if let Some(etag) = &options.if_none_match {
        // `If-None-Match: *` on a read.
        let any = || super::convert::not_supported("if_none_match: * on a read");
        conditions.if_none_match = Some(condition(etag)?.ok_or_else(any)?);
    }
    conditions.if_modified_since = options.if_modified_since.map(Into::into);
    conditions.if_unmodified_since = options.if_unmodified_since.map(Into::into);
    item.known = options.extensions.get::<KnownObject>().cloned();
    let pin = store
        .pins
        .as_ref()
        .and_then(|pins| pins.get(location.as_ref()));
    if let Some(pin) = pin
        && item.version.is_none()
    {
        conditions.if_match.get_or_insert_with(|| pin.etag.clone());
        item.version = pin.version;
        item = item.with_known(pin.size, Some(pin.etag));
    }
    Ok(item.with_conditions(conditions))
}

/// Returns the maximum number of bytes of the response, if it is known.
fn known_len(item: &GetItem) -> Option<u64> {
    match &item.range {
        Some(ByteRange::Bounded(range)) => Some(range.end.saturating_sub(range.start)),
        Some(ByteRange::Last(count)) => Some(*count),
        Some(ByteRange::From(_)) => None,
        None => item.known.as_ref().map(|known| known.size),
    }
}

fn result(
    pins: Option<&Pins>,
    location: &Path,
    meta: &s3_core::ObjectMeta,
    range: Range<u64>,
    body: stream::BoxStream<'static, Result<Bytes>>,
) -> Result<GetResult> {
    if let Some(pins) = pins
        && let Some(seen) = pin_of(meta)
    {
        let (at, etag) = (location.as_ref(), seen.etag.clone());
        let pin = pins.pin(at, seen).map_err(|error| error_at(at, error))?;
        if pin.etag != etag && pin.version.is_none() {
            return Err(object_store::Error::Precondition {
                path: at.to_owned(),
                source: "the object has changed since this pinned store has seen it".into(),
            });
        }
    }
    let attributes = from_s3(&meta.attributes);
    let payload = GetResultPayload::Stream(body);
    Ok(get_result(
        payload,
        found(location, meta),
        range,
        attributes,
    ))
}

//! Downloads an object to memory, to a given file or to the temporary directory, and returns it as an [`S3Object`].

use std::path::Path;
use std::sync::Arc;

use s3_core::{ByteRange, ErrorKind, S3Prefix};
use s3_transfer::{Destination, Fetched, GetItem, LazyPath, ObjectData};

use crate::S3Object;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::local_data::{LocalData, Origin};
use crate::resume::{self, Resume};

/// How the result of a download is presented.
#[derive(Clone, Debug)]
pub(crate) struct Show {
    /// The prefix that its key is relative to.
    pub(crate) relative_to: Option<S3Prefix>,
    pub(crate) return_info: bool,
}

/// Downloads an object to `destination`; without one to memory, or to the temporary directory if it is too large for
/// memory.
pub(crate) async fn download(
    call: &Call,
    item: GetItem,
    destination: Option<Destination>,
    show: Show,
) -> Result<S3Object> {
    let client = &call.client;
    let origin = Origin {
        url: item.url.clone(),
        range: item.range.clone(),
        scratch: Arc::clone(&client.scratch),
    };
    let mut share = None;
    let own_file = matches!(destination, Some(Destination::File(_)));
    let destination = destination.unwrap_or_else(|| {
        let memory = client.memory.share(client.max_in_memory_object);
        share = Some(memory.clone());
        let file = origin.clone();
        let path = LazyPath::new(move || file.new_file());
        Destination::Auto { memory, path }
    });
    let fetched = client.transfer.get(item, destination, &call.options).await;
    let fetched = fetched.map_err(|error| explain_closed(error, &origin))?;
    let Fetched {
        meta,
        range,
        data,
        verified,
        ..
    } = fetched;
    let data = match data {
        ObjectData::Memory(bytes) => {
            let share = share.unwrap_or_else(|| client.memory.hold(bytes.len() as u64));
            LocalData::memory(origin, bytes, share)
        }
        ObjectData::File(path) if own_file => LocalData::own_file(origin, path),
        ObjectData::File(path) => LocalData::scratch_file(origin, path),
        other => unreachable!("{other:?} is neither memory nor a file"),
    };
    let data = (data, verified);
    Ok(S3Object::new(
        &meta,
        show.relative_to,
        range,
        data,
        show.return_info,
    ))
}

/// Downloads a whole object to `path`, resuming an interrupted download. Returns `None` for a range, for an object
/// without ETag, and for an object that is too small for several parts.
pub(crate) async fn download_resumed(
    call: &Call,
    item: &GetItem,
    path: &Path,
    resume: &Resume,
    show: Show,
) -> Result<Option<S3Object>> {
    let client = &call.client;
    if item.range.is_some() {
        return Ok(None);
    }
    let url = item.url.clone();
    let meta = client.transfer.head(url.clone(), &call.options).await?;
    if meta.etag.is_none() || meta.size <= client.transfer.config().single_put_up_to {
        return Ok(None);
    }
    let target = resume::FileTarget {
        path,
        replaces: true,
    };
    let done = Box::pin(resume::download(call, resume, meta, &target)).await?;
    let origin = Origin {
        url,
        range: None,
        scratch: Arc::clone(&client.scratch),
    };
    let data = (LocalData::own_file(origin, path.to_owned()), done.verified);
    let range = 0..done.meta.size;
    Ok(Some(S3Object::new(
        &done.meta,
        show.relative_to,
        range,
        data,
        show.return_info,
    )))
}

/// Returns the maximum number of bytes that the response has, if it is known before the request.
pub(crate) fn expected_len(item: &GetItem) -> Option<u64> {
    match (&item.range, &item.known) {
        (Some(ByteRange::Bounded(range)), _) => Some(range.end.saturating_sub(range.start)),
        (Some(ByteRange::Last(count)), _) => Some(*count),
        (None, Some(known)) => Some(known.size),
        _ => None,
    }
}

/// Converts the error of a download: a file that could not be written because the client was closed, or because the
/// temporary directory could not be created, is not a failure of the disk.
fn explain_closed(error: s3_core::Error, origin: &Origin) -> Error {
    if error.kind() == ErrorKind::LocalIo && origin.scratch.is_closed() {
        return Error::Closed {
            action: format!("download {}", origin.url.as_str()),
        };
    }
    match origin.scratch.failure() {
        Some(unmade) if error.kind() == ErrorKind::LocalIo => unmade,
        _ => error.into(),
    }
}

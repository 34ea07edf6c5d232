//! One download: where it lands, and the object that it becomes.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use s3_core::{ByteRange, ETag, ErrorKind, ObjectMeta, S3Prefix, S3Url};
use s3_transfer::{Destination, Fetched, GetItem, MemoryShare, ObjectData, Verified};

use crate::error::{Error, Result};
use crate::local_data::{LocalData, Origin};
use crate::request::Call;
use crate::s3::Shared;
use crate::{RangeInfo, S3Object};

/// How much of what is downloaded stays in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemoryLimits {
    /// The largest object that stays in memory, in bytes.
    pub(crate) per_object: u64,
    /// The most bytes in memory for all objects of a client that are alive or on their way.
    pub(crate) in_all: u64,
}

impl Default for MemoryLimits {
    /// 8 MiB, one part of a download; 256 MiB.
    fn default() -> Self {
        Self {
            per_object: 8 << 20,
            in_all: 256 << 20,
        }
    }
}

/// Where the caller wants the bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Landing {
    /// In memory if they are few, else in the temporary directory.
    #[default]
    Auto,
    /// In memory, however many they are.
    Memory,
    /// In this file.
    File(PathBuf),
}

/// What to download. Equal ones give equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fetch {
    pub(crate) url: S3Url,
    pub(crate) range: Option<ByteRange>,
    /// Size and tag, if a listing has told them.
    pub(crate) known: Option<(u64, Option<ETag>)>,
}

/// What has been downloaded. Clone is a reference count or two.
#[derive(Clone, Debug)]
pub(crate) struct Download {
    meta: ObjectMeta,
    range: Range<u64>,
    data: Arc<LocalData>,
    verified: Verified,
}

impl Fetch {
    pub(crate) fn new(url: S3Url, range: Option<ByteRange>) -> Self {
        Self {
            url,
            range,
            known: None,
        }
    }

    /// Returns how many bytes will come at most, if that is known before they are asked for.
    pub(crate) fn expected(&self) -> Option<u64> {
        match (&self.range, &self.known) {
            (Some(ByteRange::Bounded(range)), _) => Some(range.end.saturating_sub(range.start)),
            (Some(ByteRange::Last(count)), _) => Some(*count),
            (None, Some((size, _))) => Some(*size),
            _ => None,
        }
    }

    /// Downloads.
    pub(crate) async fn run(self, call: &Call, landing: &Landing) -> Result<Download> {
        let client = &call.client;
        let origin = Origin {
            url: self.url.clone(),
            range: self.range.clone(),
            scratch: Arc::clone(&client.scratch),
        };
        let mut share = None;
        let destination = match landing {
            Landing::Memory => Destination::Memory,
            Landing::File(path) => Destination::File(path.clone()),
            Landing::Auto => {
                let memory = client.memory.share(client.limits.per_object);
                share = Some(memory.clone());
                let path = origin.new_file();
                Destination::Auto { memory, path }
            }
        };
        let fetched = client
            .transfer
            .get(self.into_item(), destination, &call.options)
            .await;
        let fetched = fetched.map_err(|error| explain_closed(error, &origin))?;
        Ok(client.download(fetched, origin, landing, share))
    }

    fn into_item(self) -> GetItem {
        let mut item = GetItem::new(self.url);
        item.range = self.range;
        match self.known {
            Some((size, etag)) => item.with_known(size, etag),
            None => item,
        }
    }
}

/// A file that could not be written because its directory went away with the client is no fault of the disk.
fn explain_closed(error: s3_core::Error, origin: &Origin) -> Error {
    if error.kind() == ErrorKind::LocalIo && origin.scratch.is_closed() {
        return Error::Closed {
            action: format!("download {}", origin.url.as_str()),
        };
    }
    error.into()
}

impl Shared {
    fn download(
        &self,
        fetched: Fetched,
        origin: Origin,
        landing: &Landing,
        share: Option<MemoryShare>,
    ) -> Download {
        let Fetched {
            meta,
            range,
            data,
            verified,
            ..
        } = fetched;
        let data = match (data, landing) {
            (ObjectData::Memory(bytes), _) => {
                let share = share.unwrap_or_else(|| self.memory.hold(bytes.len() as u64));
                LocalData::memory(origin, bytes, share)
            }
            (ObjectData::File(path), Landing::File(_)) => LocalData::own_file(origin, path),
            (ObjectData::File(path), _) => LocalData::scratch_file(origin, path),
            (other, _) => unreachable!("{other:?} is neither memory nor a file"),
        };
        Download {
            meta,
            range,
            data: Arc::new(data),
            verified,
        }
    }
}

impl Download {
    /// Returns the result that callers see, with the key relative to `relative_to`.
    pub(crate) fn into_object(self, relative_to: Option<S3Prefix>, return_info: bool) -> S3Object {
        let size = self.range.end.saturating_sub(self.range.start);
        let range = RangeInfo {
            total_size: self.meta.size,
            request_offset: self.range.start,
            request_length: size,
        };
        let info = return_info.then_some((&self.meta, range));
        let data = (self.data, self.verified);
        S3Object::from_download(self.meta.url.clone(), relative_to, size, info, data)
    }
}

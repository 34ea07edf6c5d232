//! State of the first part of a download: its destination, and the metadata from its response, which later parts need.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use s3_core::{ByteRange, ETag, ObjectMeta, VersionId};

use super::Destination;
use super::assembly::Assembly;
use super::checksum::{ExpectedChecksum, NotVerified};
use super::frames::FrameSender;
use super::part_state::lock;
use crate::etag_md5::etag_that_is_md5;

/// The destination of the first part, and the metadata from its response.
#[derive(Debug)]
pub(super) struct FirstPart {
    pub(super) target: FirstTarget,
    pub(super) discovered: Mutex<Option<Discovered>>,
}

/// Destination of the bytes of the first part.
#[derive(Debug)]
pub(super) enum FirstTarget {
    /// The call's destination.
    Destination(Arc<Destination>),
    /// A reader, which gets at most this number of bytes of the part.
    Frames(FrameSender, u64),
}

/// Metadata from the first response.
#[derive(Debug)]
pub(super) struct Discovered {
    pub(super) meta: ObjectMeta,
    /// The bytes of the object that the caller wants.
    pub(super) wanted: Range<u64>,
    /// The bytes of `wanted` that the first part reads.
    pub(super) first: Range<u64>,
    pub(super) expected: Expected,
    /// The version that the caller requested.
    pub(super) version: Option<VersionId>,
    /// The range that the caller requested, for error messages.
    pub(super) asked: Option<ByteRange>,
    /// Storage for all parts, if there are several and they do not go to a reader.
    pub(super) assembly: Option<Arc<Assembly>>,
}

/// The checksum to compare with, or why there is no comparison.
pub(super) type Expected = std::result::Result<ExpectedChecksum, NotVerified>;

impl FirstPart {
    pub(super) fn discovered(&self) -> MutexGuard<'_, Option<Discovered>> {
        lock(&self.discovered)
    }
}

impl Discovered {
    /// Returns the MD5 to compare interrupted bytes with: the ETag of a whole object without a checksum.
    pub(super) fn md5(&self) -> Option<&ETag> {
        let is_whole = self.wanted == (0..self.meta.size);
        etag_that_is_md5(&self.meta).filter(|_| is_whole && self.expected.is_err())
    }
}

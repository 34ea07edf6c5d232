//! What a backend can do beyond the common ground.

/// What a backend can do; callers and the conformance suite choose by it.
///
/// Every field defaults to what AWS S3 offers. A backend for a server that lacks something turns the field
/// off, and the layers above use the slower or less atomic way instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// `PutMode::IfAbsent` on a single put is honoured atomically (`If-None-Match: *`).
    pub put_if_absent: bool,
    /// `PutMode::IfMatch` on a single put is honoured atomically.
    pub put_if_match: bool,
    /// Conditions on `CompleteUpload` are honoured.
    pub complete_conditions: bool,
    /// `If-Match` on reads is honoured, so parts of one download can be pinned to one version.
    pub get_if_match: bool,
    /// Every legal key can be stored and listed, `a//b`, `dir/` and `./x` included.
    pub exact_keys: bool,
    /// Listings come in UTF-8 byte order of the keys.
    pub ordered_listing: bool,
    /// Listings take `start_after`.
    pub start_after: bool,
    /// User metadata, content type and encryption are stored and given back.
    pub attributes: bool,
    /// The size and number limits of multipart uploads are enforced.
    pub multipart_limits: bool,
    /// Unfinished uploads and their parts can be listed.
    pub list_uploads: bool,
    /// Presigned URLs can be made.
    pub presign: bool,
}

impl Capabilities {
    /// What AWS S3 can do: everything.
    #[must_use]
    pub const fn aws() -> Self {
        Self {
            put_if_absent: true,
            put_if_match: true,
            complete_conditions: true,
            get_if_match: true,
            exact_keys: true,
            ordered_listing: true,
            start_after: true,
            attributes: true,
            multipart_limits: true,
            list_uploads: true,
            presign: true,
        }
    }
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::aws()
    }
}

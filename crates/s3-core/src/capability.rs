//! [`Capabilities`]: which optional S3 features (conditional writes, versions, tags, …) a backend supports.

/// The optional features of a backend. Callers and the conformance suite adapt to them.
///
/// The default is AWS S3, which has all of them. If a backend turns one off, the layers above use a slower or less
/// atomic way instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// A put honours `PutMode::IfAbsent` atomically (`If-None-Match: *`).
    pub put_if_absent: bool,
    /// A put honours `PutMode::IfMatch` atomically.
    pub put_if_match: bool,
    /// Completing an upload honours its `PutMode`.
    pub complete_conditions: bool,
    /// Reads honour `If-Match`, so that all parts of a download can be pinned to one version.
    pub get_if_match: bool,
    /// Every legal key can be stored and listed, `a//b`, `dir/` and `./x` included.
    pub exact_keys: bool,
    /// Listings come in UTF-8 byte order of the keys.
    pub ordered_listing: bool,
    /// Listings honour `start_after`.
    pub start_after: bool,
    /// User metadata, content type and encryption are stored and returned.
    pub attributes: bool,
    /// The size and number limits of multipart uploads are enforced.
    pub multipart_limits: bool,
    /// Multipart uploads and their parts can be listed.
    pub list_uploads: bool,
    /// Presigned URLs can be created.
    pub presign: bool,
    /// Buckets can keep versions.
    pub versions: bool,
    /// Objects have tags.
    pub tags: bool,
    /// Deletes honour `If-Match`.
    pub delete_if_match: bool,
    /// Attributes of objects, parts among them, can be read (GetObjectAttributes).
    pub object_attributes: bool,
    /// Archived objects cannot be read before they are restored.
    pub restore: bool,
    /// The algorithm of a write's checksum can be chosen, and reads and listings return algorithm and type.
    pub checksums: bool,
}

impl Capabilities {
    /// Returns the features of AWS S3: all.
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
            versions: true,
            tags: true,
            delete_if_match: true,
            object_attributes: true,
            restore: true,
            checksums: true,
        }
    }
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::aws()
    }
}

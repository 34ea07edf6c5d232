//! [`RangeInfo`]: which bytes of an object were downloaded.

/// The downloaded range of an object, clipped at the end of the object.
///
/// For a whole object it is `(size, 0, size)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RangeInfo {
    /// The size of the whole object in bytes.
    pub total_size: u64,
    /// The offset of the first byte that was read.
    pub request_offset: u64,
    /// The number of bytes that were read.
    pub request_length: u64,
}

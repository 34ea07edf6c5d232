//! Which bytes of an object a download holds.

/// Which bytes of an object a download holds, as the server said: clipped at the end of the object.
///
/// A whole download holds `(size, 0, size)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RangeInfo {
    /// The size of the whole object in bytes.
    pub total_size: u64,
    /// The offset of the first byte that was read.
    pub request_offset: u64,
    /// How many bytes were read.
    pub request_length: u64,
}

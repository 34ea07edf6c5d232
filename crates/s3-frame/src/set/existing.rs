//! [`Existing`]: what a write does with objects that are there already.

/// What a write does with the objects of a set that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Existing {
    /// Fails, and leaves them alone.
    #[default]
    Refuse,
    /// Replaces them. Parts that the new set does not have are deleted: those of the old manifest, and those whose names
    /// are of the set's pattern, such as `7.part`. No other key is.
    Replace,
    /// Adds parts, numbered from the last on. The set has to have a manifest.
    Append,
}

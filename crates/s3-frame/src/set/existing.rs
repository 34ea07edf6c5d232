//! [`Existing`]: option of a write: fail, replace or append if the set exists.

/// How a write treats an existing set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Existing {
    /// Fails without a change.
    #[default]
    Refuse,
    /// Replaces the parts. Deletes old parts that the new set does not have: those in the old manifest, and those whose
    /// names match the pattern of the set, such as `7.part`. Deletes no other objects.
    ///
    /// If several writers replace a set at the same time, at most one succeeds: a part that has changed since a writer
    /// began is not replaced, and that writer fails with `Conflict`. This needs a manifest, and for parts that are
    /// uploaded in several pieces, a server that supports conditions on CompleteMultipartUpload. If all writers fail,
    /// readers get `Unfinished` until the set is written again.
    Replace,
    /// Adds parts, numbered after the last one: `3.part` after `2.part`, or `30.part` if more than seven are added, so
    /// that their keys sort after it too. The set needs a manifest.
    Append,
}

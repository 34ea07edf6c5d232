//! [`Existing`]: fail, replace or append if the set exists.

/// How a write treats an existing set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Existing {
    /// Fails without a change.
    #[default]
    Refuse,
    /// Replaces the parts. Deletes old parts that the new set does not have: those in the old manifest, and those whose
    /// names match the set's pattern, such as `7.part`. Deletes no other object.
    ///
    /// Of several writers that replace a set at the same time, one succeeds, or none: a part that has changed since a
    /// writer began is not replaced, and the writer fails with `Conflict`. This needs a manifest, and for parts of several
    /// pieces a server whose completions take conditions. If all have failed, readers get `Unfinished` until the set is
    /// written once more.
    Replace,
    /// Adds parts, numbered after the last one: `3.part` after `2.part`, or `30.part` if more than seven are added, so that
    /// their keys come after it too. The set needs a manifest.
    Append,
}

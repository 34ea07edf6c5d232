//! Arguments that Rust's types rule out, and the exception that Python raises for them.
//!
//! A vector may pass an integer as a key or a list as a value. A Rust program that does so does not compile, which is
//! the earliest of all errors. This table says which exception of the reference each of them stands for; neither
//! the client nor the model is asked. Nothing that the client could reject at run time belongs here.
//!
//! | argument | why it is no Rust | the reference raises |
//! |---|---|---|
//! | too few, too many or unknown arguments | the call has other parameters | `TypeError` |
//! | `None` or a number for a list of keys or items | not `IntoIterator` | `TypeError` |
//! | a key that is no string, without a root | not `Into<Key>` | `MetaflowS3URLException` |
//! | an integer, list or the like as key below a root | not `Into<Key>` | `AttributeError` |
//! | bytes as key below a root | not `Into<Key>` | `TypeError` |
//! | a value of `put` that is not text, bytes or a binary stream | not `Into<PutValue>` | `MetaflowS3InvalidObject` |
//! | an item of `put_many` that is too short to be a pair | not `Into<S3PutObject>` | `IndexError` |
//! | an item of `put_many` that has no members | not `Into<S3PutObject>` | `TypeError` |
//! | an item of `put_files` without a path | a pair holds a path | `TypeError` |
//! | metadata that JSON cannot say | not a JSON value | `TypeError` |
//! | an `s3root` that is no string | not `&str` | `MetaflowS3URLException`, for bytes `TypeError` |
//! | a flow while none is running | the facade takes runs, not flows | `MetaflowS3URLException` |
//! | a `run` that is neither a flow nor a run | not a `RunPath` | `AttributeError` |
//! | a record without its mandatory fields | the constructor has more parameters | `TypeError` |

use serde_json::{Value, json};

use super::argument::Argument;
use super::call::Call;
use super::vector::Scenario;

/// The exception that stands for code that does not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Untypable {
    class: &'static str,
    kind: &'static str,
}

const TYPE_ERROR: Untypable = Untypable {
    class: "TypeError",
    kind: "python",
};
const INDEX_ERROR: Untypable = Untypable {
    class: "IndexError",
    kind: "python",
};
const ATTRIBUTE_ERROR: Untypable = Untypable {
    class: "AttributeError",
    kind: "python",
};
const URL: Untypable = Untypable {
    class: "MetaflowS3URLException",
    kind: "metaflow",
};
const INVALID_OBJECT: Untypable = Untypable {
    class: "MetaflowS3InvalidObject",
    kind: "metaflow",
};

impl Untypable {
    /// Shows the exception as results do.
    #[must_use]
    pub fn show(&self) -> Value {
        json!({"exception": self.class, "kind": self.kind})
    }
}

/// Arguments that no signature takes.
pub(crate) const fn arguments() -> Untypable {
    TYPE_ERROR
}

/// Something that cannot be iterated, where keys or items are expected.
pub(crate) const fn not_iterable() -> Untypable {
    TYPE_ERROR
}

/// A key that is no string.
pub(crate) const fn key(key: &Argument, has_root: bool) -> Untypable {
    match key {
        _ if !has_root => URL,
        Argument::Bytes(_) | Argument::OtherBytes(_) => TYPE_ERROR,
        _ => ATTRIBUTE_ERROR,
    }
}

/// A value of `put` that is neither text, nor bytes, nor a binary stream.
pub(crate) const fn value() -> Untypable {
    INVALID_OBJECT
}

/// An item of `put_many` or `put_files` that is no pair.
pub(crate) const fn item(item: &Argument) -> Untypable {
    match item {
        Argument::Text(_) | Argument::List(_) | Argument::Tuple(_) => INDEX_ERROR,
        _ => TYPE_ERROR,
    }
}

/// An item of `put_files` without a path.
pub(crate) const fn path() -> Untypable {
    TYPE_ERROR
}

/// Metadata that cannot be written as JSON.
pub(crate) const fn metadata() -> Untypable {
    TYPE_ERROR
}

/// An `s3root` that is no string.
pub(crate) const fn s3root(root: &Argument) -> Untypable {
    match root {
        Argument::Bytes(_) => TYPE_ERROR,
        _ => URL,
    }
}

/// A flow that stands for the current run when there is no run.
pub(crate) const fn no_flow() -> Untypable {
    URL
}

/// A `run` that is neither a flow nor a run.
pub(crate) const fn run(_: &Argument) -> Untypable {
    ATTRIBUTE_ERROR
}

/// A record without its mandatory fields.
pub(crate) const fn record() -> Untypable {
    TYPE_ERROR
}

/// Why a scenario cannot be said in Rust at all, if that is so.
pub(crate) fn skip(scenario: &Scenario) -> Option<&'static str> {
    let has_defaults = |step: &super::call::Step| {
        let is_range = step.args.first() == Some(&Argument::Text("RangeInfo".to_owned()));
        let given = step.args.len() + step.kwargs.len();
        step.call == Call::Construct && is_range && (2..4).contains(&given)
    };
    let reason = "fields of Rust's RangeInfo have no defaults, and its length is never negative";
    scenario.steps.iter().any(has_defaults).then_some(reason)
}

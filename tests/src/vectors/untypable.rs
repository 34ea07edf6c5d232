//! [`Untypable`]: arguments that Rust's types do not allow, and the exception that Python raises for them.
//!
//! A vector may pass an integer as a key or a list as a value. A Rust program that does so does not compile. This table
//! says which exception of the reference each of them stands for; neither the client nor the model is called. It
//! contains nothing that the client could reject at run time.
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
    /// Returns the exception in the JSON form of results.
    #[must_use]
    pub fn show(&self) -> Value {
        json!({"exception": self.class, "kind": self.kind})
    }
}

/// Returns the exception for arguments that match no signature.
pub(crate) const fn arguments() -> Untypable {
    TYPE_ERROR
}

/// Returns the exception for a value that cannot be iterated, where keys or items are expected.
pub(crate) const fn not_iterable() -> Untypable {
    TYPE_ERROR
}

/// Returns the exception for a key that is not a string.
pub(crate) const fn key(key: &Argument, has_root: bool) -> Untypable {
    match key {
        _ if !has_root => URL,
        Argument::Bytes(_) | Argument::OtherBytes(_) => TYPE_ERROR,
        _ => ATTRIBUTE_ERROR,
    }
}

/// Returns the exception for a value of `put` that is neither text, nor bytes, nor a binary stream.
pub(crate) const fn value() -> Untypable {
    INVALID_OBJECT
}

/// Returns the exception for an item of `put_many` or `put_files` that is not a pair.
pub(crate) const fn item(item: &Argument) -> Untypable {
    match item {
        Argument::Text(_) | Argument::List(_) | Argument::Tuple(_) => INDEX_ERROR,
        _ => TYPE_ERROR,
    }
}

/// Returns the exception for an item of `put_files` without a path.
pub(crate) const fn path() -> Untypable {
    TYPE_ERROR
}

/// Returns the exception for metadata that JSON cannot represent.
pub(crate) const fn metadata() -> Untypable {
    TYPE_ERROR
}

/// Returns the exception for an `s3root` that is not a string.
pub(crate) const fn s3root(root: &Argument) -> Untypable {
    match root {
        Argument::Bytes(_) => TYPE_ERROR,
        _ => URL,
    }
}

/// Returns the exception for a flow that denotes the current run if there is no run.
pub(crate) const fn no_flow() -> Untypable {
    URL
}

/// Returns the exception for a `run` that is neither a flow nor a run.
pub(crate) const fn run(_: &Argument) -> Untypable {
    ATTRIBUTE_ERROR
}

/// Returns the exception for a record without its required fields.
pub(crate) const fn record() -> Untypable {
    TYPE_ERROR
}

/// Returns the reason why Rust cannot express the whole scenario, if there is one.
pub(crate) fn skip(scenario: &Scenario) -> Option<&'static str> {
    let has_defaults = |step: &super::call::Step| {
        let is_range = step.args.first() == Some(&Argument::Text("RangeInfo".to_owned()));
        let given = step.args.len() + step.kwargs.len();
        step.call == Call::Construct && is_range && (2..4).contains(&given)
    };
    let reason = "fields of Rust's RangeInfo have no defaults, and its length is never negative";
    scenario.steps.iter().any(has_defaults).then_some(reason)
}

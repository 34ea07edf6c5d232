//! Exceptions of the reference model, named after Metaflow's classes.

use serde_json::{Value, json};

use crate::vectors::untypable::Untypable;

/// The exception that a call of the model raises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Exception {
    Url,
    NotFound,
    AccessDenied,
    InvalidRange,
    Other,
    /// A built-in exception of Python.
    Python(&'static str),
    /// An argument that Rust's types do not allow.
    Untypable(Untypable),
}

/// Matches a Python exception of any class, where the class depends on undocumented internals of the reference.
pub(crate) const ANY_CLASS: &str = crate::vectors::record::RAISED;

pub(crate) type CallResult<T> = Result<T, Exception>;

impl Exception {
    pub(crate) fn show(&self) -> Value {
        let class = match self {
            Self::Url => "MetaflowS3URLException",
            Self::NotFound => "MetaflowS3NotFound",
            Self::AccessDenied => "MetaflowS3AccessDenied",
            Self::InvalidRange => "MetaflowS3InvalidRange",
            Self::Other => "MetaflowS3Exception",
            Self::Python(class) => return json!({"exception": class, "kind": "python"}),
            Self::Untypable(untypable) => return untypable.show(),
        };
        json!({"exception": class, "kind": "metaflow"})
    }
}

impl From<Untypable> for Exception {
    fn from(untypable: Untypable) -> Self {
        Self::Untypable(untypable)
    }
}

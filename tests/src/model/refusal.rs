//! Exceptions.

use serde_json::{Value, json};

use crate::vectors::untypable::Untypable;

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Url,
    NotFound,
    AccessDenied,
    InvalidRange,
    Other,
    /// One of Python's own exceptions.
    Python(&'static str),
    /// What Rust cannot even say.
    Untypable(Untypable),
}

/// Stands for an exception of Python whose class follows from inner workings that nobody writes down.
pub(crate) const ANY_CLASS: &str = crate::vectors::record::RAISED;

pub(crate) type Answer<T> = Result<T, Refusal>;

impl Refusal {
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

impl From<Untypable> for Refusal {
    fn from(untypable: Untypable) -> Self {
        Self::Untypable(untypable)
    }
}

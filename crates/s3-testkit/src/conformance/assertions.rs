//! Assertions of the conformance cases on the result or error of a store call.

use std::fmt::Debug;

use s3_core::{ErrorKind, Result};

/// Returns the value, or panics with the text of the error.
#[track_caller]
pub(super) fn succeeds<T>(outcome: Result<T>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("failed to {error}"),
    }
}

/// Panics unless the outcome is an error of this kind.
#[track_caller]
pub(super) fn fails<T: Debug>(outcome: Result<T>, kind: ErrorKind) {
    fails_as_one_of(outcome, &[kind]);
}

/// Panics unless the outcome is an error of one of these kinds, for rules on which servers differ.
#[track_caller]
pub(super) fn fails_as_one_of<T: Debug>(outcome: Result<T>, kinds: &[ErrorKind]) {
    match outcome {
        Ok(value) => panic!("expected an error of {kinds:?}, got {value:?}"),
        Err(error) => assert!(
            kinds.contains(&error.kind()),
            "expected an error of {kinds:?}, got {:?}: failed to {error}",
            error.kind()
        ),
    }
}

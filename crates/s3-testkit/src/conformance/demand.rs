//! Checking outcomes, with messages that say what was attempted.

use std::fmt::Debug;

use s3_core::{ErrorKind, Result};

/// Returns the value, or panics with the error's own text, which names operation and place.
#[track_caller]
pub(super) fn done<T>(outcome: Result<T>) -> T {
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

/// Panics unless the outcome is an error of one of these kinds: where servers rightly differ.
#[track_caller]
pub(super) fn fails_as_one_of<T: Debug>(outcome: Result<T>, kinds: &[ErrorKind]) {
    match outcome {
        Ok(value) => panic!("this should fail as one of {kinds:?}, but succeeded: {value:?}"),
        Err(error) => assert!(
            kinds.contains(&error.kind()),
            "this should fail as one of {kinds:?}, but is {:?}: failed to {error}",
            error.kind()
        ),
    }
}

//! What reads texts that other programs wrote, for programs that feed it nonsense. No part of the public interface.

use s3_core::UserMetadata;

use crate::metadata::{NAME, decode, encode};

/// Reads a metadata item; what is written of what was read is read as the same.
///
/// # Panics
///
/// If it is not.
pub fn metadata(text: &str) {
    let item = |text: &str| UserMetadata::from([(NAME.to_owned(), text.to_owned())]);
    let Some(value) = decode(&item(text), "s3://b/k") else {
        return;
    };
    if let Some(written) = encode(&value) {
        assert!(written.is_ascii(), "a header is ASCII: {written:?}");
        let again = decode(&item(&written), "s3://b/k");
        assert_eq!(again.as_ref(), Some(&value), "of {text:?} as {written:?}");
    }
}

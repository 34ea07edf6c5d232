//! Fuzz entry point of the decoder of Metaflow's user metadata. Not part of the public API.

use s3_core::UserMetadata;

use crate::metadata::{NAME, decode, encode};

/// Decodes a metadata item, and asserts that encoding and decoding the result returns it.
///
/// # Panics
///
/// If decoding does not return the encoded value.
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

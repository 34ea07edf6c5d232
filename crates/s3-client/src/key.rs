//! [`Key`]: an object or prefix as given to a call: a suffix of the client's root, a full URL, or an earlier result.

use std::fmt;

use s3_core::S3Url;
use s3_core::url::quote;

use crate::{S3GetObject, S3PutObject};

/// A key as given to a call: a suffix of the client's root, or a full `s3://bucket/key` without one.
///
/// Anything that names an object converts: text, `None` for the root itself, a reference to a result of an earlier
/// call, an [`S3GetObject`] or [`S3PutObject`] (their keys), an [`S3Url`] (its text).
///
/// A result used as a key means the object at its URL, even if its `key()` is relative to a listed prefix:
/// `delete_many(&found)` deletes the objects found. A client with a root rejects a result that is not below it. The
/// result's `key()` as text is relative to the prefix that was listed, and names the same object only if that was the
/// root.
///
/// # Deviation
///
/// In Metaflow an `S3Object` used as a key means its `key` below the client's root. That is another object, or none, if
/// something else than the root was listed.
///
/// # Examples
///
/// ```
/// use s3_client::Key;
///
/// assert_eq!(Key::from("a/b").as_str(), Some("a/b"));
/// assert_eq!(Key::from(""), Key::root());
/// assert_eq!(Key::from(None::<&str>), Key::root());
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Key(Named);

#[derive(Clone, Default, PartialEq, Eq, Hash)]
enum Named {
    #[default]
    Root,
    Text(String),
    /// The full URL of the result of an earlier call.
    Found(String),
}

impl Key {
    /// Returns the key of the root itself: `None` in Metaflow.
    #[must_use]
    pub const fn root() -> Self {
        Self(Named::Root)
    }

    /// Returns the text, or `None` for the root itself. For a result of an earlier call, it is the full URL.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.0 {
            Named::Root => None,
            Named::Text(text) | Named::Found(text) => Some(text),
        }
    }

    /// Returns the text, empty for the root itself. For a result of an earlier call, it is the full URL.
    #[must_use]
    pub fn into_string(self) -> String {
        match self.0 {
            Named::Root => String::new(),
            Named::Text(text) | Named::Found(text) => text,
        }
    }

    /// Returns the key of a result of an earlier call, by its full URL.
    pub(crate) fn found(url: &str) -> Self {
        Self(Named::Found(url.to_owned()))
    }

    /// Returns the full URL if the key is a result of an earlier call.
    pub(crate) fn as_found(&self) -> Option<&str> {
        match &self.0 {
            Named::Found(url) => Some(url),
            _ => None,
        }
    }
}

/// Prints the key without the query of a presigned URL.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key")
            .field(&self.as_str().map(quote))
            .finish()
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        if text.is_empty() {
            return Self::root();
        }
        Self(Named::Text(text))
    }
}

/// Implements the conversion of text types into a key.
macro_rules! from_text {
    ($($source:ty: $text:ident => $value:expr;)*) => {$(
        impl From<$source> for Key {
            fn from($text: $source) -> Self {
                Self::from(String::from($value))
            }
        }
    )*};
}

from_text! {
    &str: text => text;
    &String: text => text;
    &&str: text => *text;
    Option<&str>: text => text.unwrap_or_default();
    Option<String>: text => text.unwrap_or_default();
    &S3Url: url => url.as_str();
}

impl From<S3GetObject> for Key {
    fn from(object: S3GetObject) -> Self {
        object.key
    }
}

impl From<&S3GetObject> for Key {
    fn from(object: &S3GetObject) -> Self {
        object.key.clone()
    }
}

impl From<&S3PutObject> for Key {
    fn from(object: &S3PutObject) -> Self {
        object.key.clone()
    }
}

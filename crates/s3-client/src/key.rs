//! Keys as callers give them.

use s3_core::S3Url;

use crate::{S3GetObject, S3Object, S3PutObject};

/// A key as given to a call: a suffix of the client's root, or a full `s3://bucket/key` without one.
///
/// Anything that names an object converts: text, `None` for the root itself, an [`S3Object`] of an earlier call (its
/// [`key`](S3Object::key)), an [`S3GetObject`] or [`S3PutObject`] (their keys), an [`S3Url`] (its text).
///
/// The key of a listed object is relative to the prefix that was listed, as in Metaflow, so it leads back to the object
/// only if that was the client's root. Without a root, give the object's [`url`](S3Object::url).
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Key(Option<String>);

impl Key {
    /// Returns the key that stands for the root itself: `None` in Metaflow.
    #[must_use]
    pub const fn root() -> Self {
        Self(None)
    }

    /// Returns the text, or `None` for the root itself.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Returns the text, empty for the root itself.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0.unwrap_or_default()
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self(Some(text).filter(|text| !text.is_empty()))
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<&String> for Key {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<&&str> for Key {
    fn from(text: &&str) -> Self {
        (*text).into()
    }
}

impl From<Option<&str>> for Key {
    fn from(text: Option<&str>) -> Self {
        text.unwrap_or_default().into()
    }
}

impl From<Option<String>> for Key {
    fn from(text: Option<String>) -> Self {
        text.unwrap_or_default().into()
    }
}

impl From<&S3Object> for Key {
    fn from(object: &S3Object) -> Self {
        object.key().into()
    }
}

impl From<&S3GetObject> for Key {
    fn from(object: &S3GetObject) -> Self {
        object.key.clone()
    }
}

impl From<S3GetObject> for Key {
    fn from(object: S3GetObject) -> Self {
        object.key
    }
}

impl From<&S3PutObject> for Key {
    fn from(object: &S3PutObject) -> Self {
        object.key.as_str().into()
    }
}

impl From<&S3Url> for Key {
    fn from(url: &S3Url) -> Self {
        url.as_str().into()
    }
}

//! [`Location`]: the URL of a result, and its key relative to a root or a listed prefix.

use s3_core::url::{DisplayKey, display_key};
use s3_core::{S3Prefix, S3Url};

/// The URL of an object or a prefix, and the prefix that its key is relative to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Location {
    url: Url,
    relative_to: Option<S3Prefix>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Url {
    Object(S3Url),
    Prefix(S3Prefix),
}

impl Location {
    pub(crate) fn object(url: S3Url, relative_to: Option<S3Prefix>) -> Self {
        Self {
            url: Url::Object(url),
            relative_to,
        }
    }

    pub(crate) fn prefix(url: S3Prefix, relative_to: S3Prefix) -> Self {
        Self {
            url: Url::Prefix(url),
            relative_to: Some(relative_to),
        }
    }

    /// Returns the same URL with its key relative to another prefix.
    pub(crate) fn relative_to(self, relative_to: Option<S3Prefix>) -> Self {
        Self {
            url: self.url,
            relative_to,
        }
    }

    pub(crate) fn url(&self) -> &str {
        match &self.url {
            Url::Object(url) => url.as_str(),
            Url::Prefix(prefix) => prefix.as_str(),
        }
    }

    pub(crate) fn display(&self) -> DisplayKey<'_> {
        let relative_to = self.relative_to.as_ref();
        display_key(relative_to.map(S3Prefix::as_str), self.url())
    }
}

/// Implements `url`, `key` and `prefix` for result types, and their conversion into keys. Each type has a method
/// `location`.
macro_rules! located {
    ($($type:ty),*) => {$(
        impl $type {
            /// Returns the full URL. A common prefix ends in a slash.
            #[must_use]
            pub fn url(&self) -> &str {
                self.location().url()
            }

            /// Returns the key relative to [`prefix`](Self::prefix), without trailing slashes; the whole URL if there
            /// is no prefix.
            #[must_use]
            pub fn key(&self) -> &str {
                self.location().display().key
            }

            /// Returns the prefix that [`key`](Self::key) is relative to: the client's root or the listed prefix.
            #[must_use]
            pub fn prefix(&self) -> Option<&str> {
                self.location().display().prefix
            }
        }

        impl From<&$type> for $crate::Key {
            fn from(result: &$type) -> Self {
                Self::found(result.url())
            }
        }

        impl From<&$type> for $crate::GetObject {
            fn from(result: &$type) -> Self {
                $crate::Key::from(result).into()
            }
        }
    )*};
}

/// Implements `Debug` with the text of `Display`.
macro_rules! debug_as_display {
    ($($type:ty),*) => {$(
        /// Prints the same text as `Display`.
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    )*};
}

pub(crate) use debug_as_display;
pub(crate) use located;

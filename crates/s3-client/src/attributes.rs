//! Object attributes from a GET or HEAD response, and the macro that gives result types accessors for them.

use s3_core::{Attributes, Checksum, ObjectMeta, RestoreStatus};
use serde_json::Value;

use crate::metadata;

/// The attributes of an object in a GetObject or HeadObject response.
#[derive(Debug)]
pub(crate) struct HeadAttributes {
    pub(crate) stored: Attributes,
    pub(crate) metadata: Option<Value>,
    pub(crate) tag_count: u32,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) restore: Option<RestoreStatus>,
}

impl HeadAttributes {
    pub(crate) fn of(meta: &ObjectMeta) -> Self {
        Self {
            stored: meta.attributes.clone(),
            metadata: metadata::decode(&meta.attributes.user, meta.url.as_str()),
            tag_count: meta.tag_count,
            checksum: meta.checksum.clone(),
            restore: meta.restore,
        }
    }

    pub(crate) fn metadata_text(&self) -> Option<&str> {
        self.stored.user.get(metadata::NAME).map(String::as_str)
    }

    pub(crate) fn encryption(&self) -> Option<&str> {
        let encryption = self.stored.encryption.as_ref();
        encryption.map(s3_core::Encryption::as_str)
    }
}

/// Implements the accessors of [`HeadAttributes`] for a result type whose method `attributes` returns them. `$absent`
/// is the documentation of when they are missing.
macro_rules! described {
    ($type:ty, $absent:literal) => {
        impl $type {
            /// Returns the MIME type; AWS reports `binary/octet-stream` for an object stored without one.
            #[doc = $absent]
            #[must_use]
            pub fn content_type(&self) -> Option<&str> {
                self.attributes()?.stored.content_type.as_deref()
            }

            /// Returns the user metadata that Metaflow or this client stored: any JSON value, usually an object.
            #[doc = $absent]
            ///
            /// User metadata that other programs wrote is ignored, and an item that is not JSON counts as absent.
            #[must_use]
            pub fn metadata(&self) -> Option<&serde_json::Value> {
                self.attributes()?.metadata.as_ref()
            }

            /// Returns the text of [`metadata`](Self::metadata) as stored, also if it is not valid JSON: Python writes
            /// `NaN`.
            #[must_use]
            pub fn metadata_text(&self) -> Option<&str> {
                self.attributes()?.metadata_text()
            }

            /// Returns the server-side encryption (`AES256`, `aws:kms`).
            #[doc = $absent]
            #[must_use]
            pub fn encryption(&self) -> Option<&str> {
                self.attributes()?.encryption()
            }

            /// Returns all headers and the user metadata that are stored with the object: storage class, `Cache-Control`
            /// and so on.
            #[doc = $absent]
            #[must_use]
            pub fn stored_attributes(&self) -> Option<&s3_core::Attributes> {
                Some(&self.attributes()?.stored)
            }

            /// Returns whether an archived object is being restored, or has been; `None` for other objects.
            #[doc = $absent]
            #[must_use]
            pub fn restore_status(&self) -> Option<s3_core::RestoreStatus> {
                self.attributes()?.restore
            }

            /// Returns the number of tags.
            #[doc = $absent]
            #[must_use]
            pub fn tag_count(&self) -> Option<u32> {
                Some(self.attributes()?.tag_count)
            }
        }
    };
}

pub(crate) use described;

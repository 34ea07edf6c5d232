//! The attributes of an object that was read.

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

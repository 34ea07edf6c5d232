//! Content type, user metadata and encryption of an object.

use std::sync::Arc;

use s3_core::ObjectMeta;
use serde_json::Value;

use crate::metadata;

/// The attributes of an object in a GetObject or HeadObject response.
#[derive(Debug)]
pub(crate) struct ObjectAttributes {
    pub(crate) content_type: Option<Arc<str>>,
    pub(crate) metadata: Option<Value>,
    pub(crate) metadata_text: Option<Box<str>>,
    pub(crate) encryption: Option<Arc<str>>,
}

impl ObjectAttributes {
    pub(crate) fn of(meta: &ObjectMeta) -> Self {
        let attributes = &meta.attributes;
        let encryption = attributes.encryption.as_ref();
        Self {
            content_type: attributes.content_type.clone(),
            metadata: metadata::decode(&attributes.user, meta.url.as_str()),
            metadata_text: attributes
                .user
                .get(metadata::NAME)
                .map(|text| text.as_str().into()),
            encryption: encryption.map(|encryption| encryption.as_str().into()),
        }
    }
}

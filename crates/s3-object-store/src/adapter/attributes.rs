//! Content type, storage class and user metadata.

use std::sync::Arc;

use s3_core::Attributes;
use s3_transfer::WRITE_NAME;

use super::convert::not_supported;
use super::object_store::{self, Attribute, Result, TagSet};

/// Returns what is stored with an object.
///
/// # Errors
///
/// `NotSupported` for tags, and for attributes that S3 does not have.
pub(super) fn to_s3(from: &object_store::Attributes, tags: &TagSet) -> Result<Attributes> {
    if !tags.encoded().is_empty() {
        return Err(not_supported("tags of objects"));
    }
    let mut attributes = Attributes::default();
    for (name, value) in from {
        let text: &str = value;
        let field = match name {
            Attribute::ContentDisposition => &mut attributes.content_disposition,
            Attribute::ContentEncoding => &mut attributes.content_encoding,
            Attribute::ContentLanguage => &mut attributes.content_language,
            Attribute::ContentType => &mut attributes.content_type,
            Attribute::CacheControl => &mut attributes.cache_control,
            Attribute::StorageClass => &mut attributes.storage_class,
            Attribute::Metadata(name) => {
                attributes = attributes.with_user_metadata(name, text);
                continue;
            }
            other => return Err(not_supported(&format!("the attribute {other:?}"))),
        };
        *field = Some(text.into());
    }
    Ok(attributes)
}

/// Returns what was stored with an object, without the engine's own entry.
pub(super) fn from_s3(attributes: &Attributes) -> object_store::Attributes {
    let fields = [
        (
            Attribute::ContentDisposition,
            &attributes.content_disposition,
        ),
        (Attribute::ContentEncoding, &attributes.content_encoding),
        (Attribute::ContentLanguage, &attributes.content_language),
        (Attribute::ContentType, &attributes.content_type),
        (Attribute::CacheControl, &attributes.cache_control),
        (Attribute::StorageClass, &attributes.storage_class),
    ];
    let text = |value: &Arc<str>| value.as_ref().to_owned();
    let fields = fields.into_iter();
    let fields = fields.filter_map(|(name, value)| Some((name, text(value.as_ref()?))));
    let user = attributes
        .user
        .iter()
        .filter(|(name, _)| *name != WRITE_NAME);
    let user = user.map(|(name, value)| (Attribute::Metadata(name.clone().into()), value.clone()));
    fields.chain(user).collect()
}

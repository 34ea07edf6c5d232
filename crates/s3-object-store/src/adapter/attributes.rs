//! Converts attributes and tags between object_store and S3: content type, storage class, user metadata and tags.

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use s3_core::{Attributes, Error, ErrorKind, Operation, Tags};
use s3_transfer::WRITE_NAME;

use super::convert::{invalid, not_supported};
use super::object_store::{self, Attribute, Result, TagSet};
use super::store::S3ObjectStore;

/// Converts the attributes of a write to S3.
///
/// # Errors
///
/// `NotSupported` for attributes that S3 does not support; `Generic` for a duplicate tag.
pub(super) fn to_s3(
    store: &S3ObjectStore,
    from: &object_store::Attributes,
    tags: &TagSet,
) -> Result<Attributes> {
    let mut attributes = Attributes::default();
    attributes.encryption.clone_from(&store.encryption);
    attributes.tags = to_tags(tags)?;
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

/// Parses the tags, which object_store stores as a query string.
fn to_tags(from: &TagSet) -> Result<Tags> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    let mut tags = Tags::default();
    for pair in from.encoded().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name);
        if tags.contains_key(&name) {
            let text = format!("duplicate tag {name:?}");
            return Err(invalid(
                Error::new(ErrorKind::InvalidInput, Operation::Put).with_message(text),
            ));
        }
        tags.insert(name, decode(value));
    }
    Ok(tags)
}

/// Returns the stored attributes of an object, without the entry that the engine adds.
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

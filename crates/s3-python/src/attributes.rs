//! Converts upload options with S3 names (`ContentType`, `CacheControl`, …) from Python to `Attributes`.

use std::collections::HashMap;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use s3_core::{Attributes, Encryption};

/// Values by name: `ContentType`, `CacheControl` and so on.
pub(crate) type Named = HashMap<String, String>;

/// Returns attributes with these values and this user metadata.
///
/// # Errors
///
/// `TypeError` for a name that is not known here.
pub(crate) fn attributes(named: Option<&Named>, user: Option<Named>) -> PyResult<Attributes> {
    let mut attributes = Attributes::default();
    if let Some(named) = named {
        apply(&mut attributes, named)?;
    }
    let user = user.into_iter().flatten();
    attributes.user = user
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    Ok(attributes)
}

/// Sets the attributes that `named` contains.
///
/// # Errors
///
/// `TypeError` for a name that is not known here.
pub(crate) fn apply(attributes: &mut Attributes, named: &Named) -> PyResult<()> {
    for (name, value) in named {
        let value = value.as_str();
        let field = match name.as_str() {
            "ContentType" => &mut attributes.content_type,
            "ContentEncoding" => &mut attributes.content_encoding,
            "CacheControl" => &mut attributes.cache_control,
            "ContentDisposition" => &mut attributes.content_disposition,
            "ContentLanguage" => &mut attributes.content_language,
            "StorageClass" => &mut attributes.storage_class,
            "ACL" => &mut attributes.acl,
            "ServerSideEncryption" => {
                attributes.encryption = Some(Encryption::new(value));
                continue;
            }
            // Set after the loop: it belongs to the encryption, which may come later in the map.
            "SSEKMSKeyId" => continue,
            other => {
                let text = format!("{other}: mfs3 does not have this option");
                return Err(PyTypeError::new_err(text));
            }
        };
        *field = Some(value.into());
    }
    if let Some(key) = named.get("SSEKMSKeyId") {
        let encryption = attributes.encryption.take();
        let encryption = encryption.unwrap_or_else(|| Encryption::new("aws:kms"));
        attributes.encryption = Some(encryption.with_key_id(key.as_str()));
    }
    Ok(())
}

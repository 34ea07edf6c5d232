//! Options for the attributes of written objects: `--content-type`, `--metadata`, `--storage-class` and `--sse`.

use clap::Args;
use s3_core::{Attributes, Encryption};

use super::content_type::guess;

/// Attributes of written objects.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct AttributeArgs {
    /// Content type [default: guessed from the name]
    #[arg(long, value_name = "TYPE", value_parser = parse_header)]
    content_type: Option<String>,
    /// User metadata; may be repeated
    #[arg(long, value_name = "K=V", value_parser = parse_metadata)]
    metadata: Vec<(String, String)>,
    /// Storage class, such as STANDARD_IA
    #[arg(long, value_name = "CLASS", value_parser = parse_header)]
    storage_class: Option<String>,
    /// Server-side encryption: AES256 or aws:kms
    #[arg(long, value_name = "NAME", value_parser = parse_header)]
    sse: Option<String>,
}

impl AttributeArgs {
    /// Returns whether any attribute is given.
    pub(in crate::commands) fn is_given(&self) -> bool {
        self.replace() || self.sse.is_some()
    }

    /// Returns whether an attribute other than the encryption is given: then a copy replaces the attributes of its
    /// source.
    pub(super) fn replace(&self) -> bool {
        self.content_type.is_some() || !self.metadata.is_empty() || self.storage_class.is_some()
    }

    /// Returns the attributes of an upload from a file or stream of this name.
    pub(in crate::commands) fn for_upload(&self, name: &str) -> Attributes {
        let mut attributes = Attributes::default();
        attributes.content_type = guess(name).map(Into::into);
        self.apply(&mut attributes);
        attributes
    }

    /// Returns the encryption of a copy.
    pub(super) fn encryption(&self) -> Option<Encryption> {
        self.sse.as_deref().map(Encryption::new)
    }

    /// Sets the attributes that the options give. Given metadata replaces all metadata.
    pub(super) fn apply(&self, attributes: &mut Attributes) {
        if let Some(content_type) = &self.content_type {
            attributes.content_type = Some(content_type.as_str().into());
        }
        if !self.metadata.is_empty() {
            attributes.user = self.metadata.iter().cloned().collect();
        }
        if let Some(class) = &self.storage_class {
            attributes.storage_class = Some(class.as_str().into());
        }
        if let Some(encryption) = self.encryption() {
            attributes.encryption = Some(encryption);
        }
    }
}

fn parse_header(text: &str) -> Result<String, String> {
    let is_printable = text.chars().all(|letter| matches!(letter, ' '..='~'));
    match !text.is_empty() && is_printable {
        true => Ok(text.to_owned()),
        false => Err("printable ASCII characters are needed".to_owned()),
    }
}

fn parse_metadata(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "write NAME=VALUE".to_owned())?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("{name:?} cannot be the name of a header"));
    }
    let value = parse_header(value)?;
    Ok((name.to_ascii_lowercase(), value))
}

//! Reads the AWS configuration (environment variables, profiles in files), with the source of each value.
//!
//! aws-config ignores lines that it cannot parse: a request then goes to another server, or with other credentials,
//! than the files say. This module reads the same variables and files, as botocore does, and fails instead.
//! aws-config's credentials providers get the profiles from here, rewritten in the form that they accept.
//!
//! [`syntax`] parses a file, [`files`] finds and merges both files, [`settings`] resolves each setting, and
//! [`provider_files`] writes the chosen profile for aws-config. [`proxy_variables`] reads the proxies.

mod files;
mod provider_files;
mod proxy_variables;
mod settings;
mod syntax;

use std::ffi::OsString;
use std::fmt;

pub(super) use files::Located;
pub(super) use provider_files::ProviderFiles;
pub(super) use settings::{Configuration, Given, Setting, Source};

use super::endpoint::without_secrets;

/// Returns the value of an environment variable.
pub(super) type Lookup<'a> = dyn Fn(&str) -> Option<OsString> + 'a;

/// A setting that is invalid, and its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConfigError {
    pub(super) text: String,
    pub(super) hint: Option<String>,
    /// Whether a file could not be read because too many files are open.
    pub(super) lacks_descriptors: bool,
}

impl ConfigError {
    fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            hint: None,
            lacks_descriptors: false,
        }
    }

    fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Returns the value of a variable without surrounding white space; an empty value counts as unset.
fn variable(lookup: &Lookup<'_>, name: &str) -> Result<Option<String>, ConfigError> {
    let Some(value) = lookup(name) else {
        return Ok(None);
    };
    let Ok(text) = value.into_string() else {
        return Err(ConfigError::new(format!("{name} is not UTF-8")));
    };
    let text = text.trim();
    let in_quotes =
        |quote: char| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    if in_quotes('"') || in_quotes('\'') {
        // Files of variables have quotes for shells, which remove them.
        let is_secret = name.contains("KEY") || name.contains("TOKEN") || !name.starts_with("AWS_");
        let shown = match is_secret {
            true => String::new(),
            false => format!(": {}", without_secrets(text)),
        };
        let text = format!("the value of {name} is in quotes{shown}");
        return Err(ConfigError::new(text).with_hint("write it without them"));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

//! The AWS configuration: environment variables and profiles, with the source of each value.
//!
//! aws-config ignores lines that it cannot parse: a request then goes to another server or with other credentials than
//! the files say. This module reads the same variables and files, as botocore does, and fails instead. The credential
//! providers of aws-config get their profiles from here, rewritten in the form they accept.
//!
//! [`syntax`] parses a file, [`files`] finds and merges both, [`settings`] looks each setting up in order, and
//! [`provider_files`] writes the profile that was chosen for aws-config. [`proxy_variables`] reads the proxies.

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

/// Looks an environment variable up.
pub(super) type Lookup<'a> = dyn Fn(&str) -> Option<OsString> + 'a;

/// A setting that cannot be used, with the place that it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConfigError {
    pub(super) text: String,
    pub(super) hint: Option<String>,
    /// This process may not open more files now, so a file could not be read.
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

/// Returns the value of a variable without the blanks and line breaks around it; nothing left counts as unset.
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
        // As files of variables have them for shells, which take them off.
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

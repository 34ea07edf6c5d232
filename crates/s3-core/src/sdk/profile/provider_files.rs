//! Writes a profile, and its source profiles, as a configuration file that aws-config can parse.

use std::collections::BTreeSet;

use super::ConfigError;
use super::files::{Files, Located, Properties};

/// The text of a configuration file for aws-config, and the profile in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::sdk) struct ProviderFiles {
    pub(in crate::sdk) text: String,
    pub(in crate::sdk) profile: String,
}

/// Writes the profile `name` and its chain of `source_profile`s. Names that aws-config would skip are replaced.
pub(super) fn of_profile(files: &Files, name: &str) -> Result<ProviderFiles, ConfigError> {
    let mut written = ProviderFiles {
        text: String::new(),
        profile: provider_name(name),
    };
    let mut sessions = String::new();
    let mut seen = BTreeSet::new();
    let mut next = Some(name.to_owned());
    while let Some(name) = next.filter(|name| seen.insert(name.clone())) {
        let Some(section) = files.profiles.get(&name) else {
            break;
        };
        next = None;
        let key = section.get("aws_access_key_id");
        let has_keys = key.is_some_and(Located::has_text);
        written.text += &format!("[profile {}]\n", provider_name(&name));
        for (property, located) in section {
            // These do not concern credentials, and may have forms that aws-config does not accept.
            if ["services", "s3", "endpoint_url"].contains(&&**property) {
                continue;
            }
            // aws-config would run the command even if the profile has keys.
            if has_keys && property == "credential_process" {
                continue;
            }
            let mut value = located.value()?.to_owned();
            match property.as_str() {
                "aws_access_key_id" | "aws_secret_access_key" | "aws_session_token"
                    if !value.bytes().all(|byte| byte.is_ascii_graphic()) =>
                {
                    let text = format!(
                        "{located}: the value contains a space or another invalid character"
                    );
                    return Err(ConfigError::new(text));
                }
                "source_profile" if !value.is_empty() => {
                    files.profile(&value, located)?;
                    next = Some(value.clone());
                    value = provider_name(&value);
                }
                "sso_session" if !value.is_empty() => {
                    let session = files.sessions.get(&value).ok_or_else(|| {
                        let text = format!("{located}: there is no section [sso-session {value}]");
                        ConfigError::new(text)
                    })?;
                    sessions += &format!("[sso-session {value}]\n");
                    write_properties(&mut sessions, session)?;
                }
                _ => {}
            }
            write_line(&mut written.text, property, &value);
        }
    }
    written.text += &sessions;
    Ok(written)
}

fn write_properties(text: &mut String, section: &Properties) -> Result<(), ConfigError> {
    for (property, located) in section {
        write_line(text, property, located.value()?);
    }
    Ok(())
}

/// Writes a property. An empty one is omitted: it counts as unset, but not for aws-config.
fn write_line(text: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        *text += &format!("{name} = {value}\n");
    }
}

/// Returns the profile's name for aws-config: the name itself, or its bytes in hexadecimal if aws-config would skip a
/// profile of that name.
fn provider_name(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/.%@:+".contains(&byte);
    if name.bytes().all(plain) {
        return name.to_owned();
    }
    let hex: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("quoted.{hex}")
}

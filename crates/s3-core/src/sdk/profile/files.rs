//! Finds, reads and merges the AWS configuration and credentials files: profiles, `services` sections, SSO sessions.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ConfigError;
use super::syntax::{self, Property};
use crate::Retryability;

/// The sections of one kind: properties by section name.
pub(super) type Sections = BTreeMap<String, Properties>;

/// The properties of a section by name; those of the credentials file replace those of the configuration file.
pub(super) type Properties = BTreeMap<String, Located>;

/// A property and its location.
#[derive(Clone, Debug)]
pub(in crate::sdk) struct Located {
    file: Arc<Path>,
    pub(super) property: Property,
}

impl Located {
    /// Returns the value. Fails if it continues in the next line, which was probably meant to be another property.
    pub(super) fn value(&self) -> Result<&str, ConfigError> {
        match self.property.continued_at {
            None => Ok(&self.property.value),
            Some(line) => Err(ConfigError::new(format!(
                "{}, line {line}: an indented line continues the value of `{}`",
                self.file.display(),
                self.property.name
            ))
            .with_hint("indent it as far as the property before it")),
        }
    }

    /// Returns whether the property has a value, rather than nested properties.
    pub(super) fn has_text(&self) -> bool {
        !self.property.value.is_empty() && self.property.nested.is_empty()
    }

    /// Returns a nested property with its location.
    pub(super) fn nested(&self, name: &str) -> Option<Self> {
        let mut all = self.property.nested.iter();
        let property = all.rfind(|property| property.name == name)?.clone();
        let file = Arc::clone(&self.file);
        Some(Self { file, property })
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, property } = self;
        let file = file.display();
        write!(f, "`{}` in {file}, line {}", property.name, property.line)
    }
}

/// The sections of both files.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) profiles: Sections,
    pub(super) services: Sections,
    pub(super) sessions: Sections,
    /// Sections with other headers: the words of the header, and the location.
    others: Vec<(String, String)>,
    looked_at: Vec<String>,
}

/// One of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Config,
    Credentials,
}

impl Files {
    /// Reads both files: the ones that `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` name, otherwise those in the
    /// home directory, which may be missing.
    pub(super) fn read(
        variable: &super::Lookup<'_>,
        read: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
    ) -> Result<Self, ConfigError> {
        let home = super::variable(variable, "HOME")?
            .or(super::variable(variable, "USERPROFILE")?)
            .map(PathBuf::from);
        let mut files = Self::default();
        for (kind, name, place) in [
            (Kind::Config, "AWS_CONFIG_FILE", ".aws/config"),
            (
                Kind::Credentials,
                "AWS_SHARED_CREDENTIALS_FILE",
                ".aws/credentials",
            ),
        ] {
            let named = super::variable(variable, name)?;
            let path = match (&named, &home) {
                (Some(path), Some(home)) => match path.strip_prefix("~/") {
                    Some(rest) => home.join(rest),
                    None => PathBuf::from(path),
                },
                (Some(path), None) => PathBuf::from(path),
                (None, Some(home)) => home.join(place),
                (None, None) => continue,
            };
            files.looked_at.push(path.display().to_string());
            match read(&path) {
                Ok(bytes) => files.take(kind, &path, &bytes)?,
                Err(error) if named.is_none() && is_absent(&path, &error) => {}
                Err(error) => {
                    let place = path.display();
                    let text = match named {
                        Some(_) => format!("{name}: {place} cannot be read: {error}"),
                        None => format!("{place} cannot be read: {error}"),
                    };
                    let lacks_descriptors = Retryability::of_os_error(&error).is_retryable();
                    return Err(ConfigError {
                        lacks_descriptors,
                        ..ConfigError::new(text)
                    });
                }
            }
        }
        Ok(files)
    }

    fn take(&mut self, kind: Kind, path: &Path, bytes: &[u8]) -> Result<(), ConfigError> {
        let file: Arc<Path> = Arc::from(path);
        let sections = syntax::parse(bytes).map_err(|error| {
            let text = format!("{}, line {}: {}", path.display(), error.line, error.reason);
            ConfigError::new(text)
        })?;
        for section in sections {
            let words: Vec<&str> = section.words.iter().map(String::as_str).collect();
            let (sections, name) = match (kind, &*words) {
                (Kind::Config, ["profile", name]) => (&mut self.profiles, *name),
                (Kind::Config, ["default"]) => (&mut self.profiles, "default"),
                (Kind::Config, ["services", name]) => (&mut self.services, *name),
                (Kind::Config, ["sso-session", name]) => (&mut self.sessions, *name),
                (Kind::Credentials, [name]) => (&mut self.profiles, *name),
                _ => {
                    let place = format!("{}, line {}", path.display(), section.line);
                    self.others.push((words.join(" "), place));
                    continue;
                }
            };
            let known = sections.entry(name.to_owned()).or_default();
            for property in section.properties {
                let file = Arc::clone(&file);
                known.insert(property.name.clone(), Located { file, property });
            }
        }
        Ok(())
    }

    /// Returns a profile; `source` is the setting that names it.
    pub(super) fn profile(
        &self,
        name: &str,
        source: &dyn fmt::Display,
    ) -> Result<&Properties, ConfigError> {
        self.profiles.get(name).ok_or_else(|| {
            let places = self.looked_at.join(" nor in ");
            let error = match places.is_empty() {
                true => format!("the profile {name:?} of {source} cannot be found: HOME is not set"),
                false => format!("the profile {name:?} of {source} is not in {places}"),
            };
            let error = ConfigError::new(error);
            let odd = |words: &&str| words.strip_prefix("profile ").unwrap_or(words) == name;
            let odd = self.others.iter().find(|(words, _)| odd(&words.as_str()));
            match odd {
                Some((words, place)) => error.with_hint(format!(
                    "{place}: [{words}] is not read; a profile is written [profile x] in the configuration file, with \
                     quotes around a name with blanks, and [x] in the credentials file"
                )),
                None if self.profiles.is_empty() => error,
                None => {
                    let names: Vec<&str> = self.profiles.keys().map(String::as_str).collect();
                    error.with_hint(format!("there are: {}", names.join(", ")))
                }
            }
        })
    }
}

/// Returns whether a file does not exist, as opposed to one that cannot be read.
fn is_absent(path: &Path, error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => true,
        // The directory may be closed to this user, such as another user's home.
        io::ErrorKind::PermissionDenied => path.metadata().is_err(),
        _ => false,
    }
}

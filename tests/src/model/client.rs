//! State of the client in the reference model: settings, server, and the results of earlier calls.

use std::collections::BTreeMap;

use super::exception::{CallResult, Exception};
use super::local::LocalFiles;
use super::object::{Info, Object};
use super::quirk::{Quirk, Quirks};
use super::root::Root;
use super::server::Server;
use crate::vectors::python::is_truthy;
use crate::vectors::{Argument, LocalFile, Scenario, Stored, fails_many, untypable};

/// A client in the middle of a scenario.
pub(crate) struct Client<'scenario> {
    pub(crate) quirks: &'scenario Quirks,
    pub(crate) root: Root,
    pub(crate) server: Server,
    pub(crate) files: LocalFiles,
    /// Number of retries of a request.
    pub(crate) retries: u32,
    /// Maximum number of entries in a page of a listing.
    pub(crate) page: usize,
    /// Number of retries of a listing.
    pub(crate) list_retries: u32,
    pub(crate) encryption: Option<String>,
    /// The result of each step.
    pub(crate) returned: Vec<Returned>,
    /// The parent of the temporary directory, relative to the working directory.
    pub(crate) tmproot: String,
    pub(crate) state: Temporary,
    /// For each key, the number of bytes that a truncated download has received.
    pub(crate) moved: BTreeMap<String, u64>,
    /// Whether temporary directories are kept.
    pub(crate) keeps_files: bool,
    /// Whether every request of a call on many objects fails.
    pub(crate) fails_many: bool,
    /// Whether the constructor was given parameters of the SDK client, and whether that client is in use.
    pub(crate) parameters: Parameters,
    /// For each stream that was passed, whether it was passed to `put_many`.
    pub(crate) streams: Vec<bool>,
}

/// Parameters of the SDK's client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parameters {
    None,
    Given,
    Used,
}

/// The result of a step, if later steps can use it.
#[derive(Clone, Debug)]
pub(crate) enum Returned {
    Nothing,
    One(Box<Object>),
    Many(Vec<Object>),
}

/// The directory for temporary files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temporary {
    There,
    /// The working directory of the process has changed, and the path was relative.
    Elsewhere,
    /// It was removed by another process.
    Removed,
    Closed,
}

impl<'scenario> Client<'scenario> {
    /// Constructs a client with the settings of the scenario.
    pub(crate) fn construct(quirks: &'scenario Quirks, scenario: &Scenario) -> CallResult<Self> {
        let retry_count = scenario.count("S3_RETRY_COUNT").unwrap_or(7);
        let transient = scenario.count("S3_TRANSIENT_RETRY_COUNT").unwrap_or(20);
        let retries = retry_count.max(transient);
        let encryption = match scenario.constructor.get("encryption") {
            None => scenario.setting("S3_SERVER_SIDE_ENCRYPTION"),
            Some(Argument::Text(text)) => Some(text.clone()),
            Some(_) => None,
        };
        let root = Root::choose(quirks, scenario)?;
        let tmproot = tmproot(scenario);
        if !is_directory(scenario, &tmproot) {
            let is_python = quirks.has(Quirk::PythonErrors);
            return Err(if is_python {
                Exception::Python("FileNotFoundError")
            } else {
                Exception::Other
            });
        }
        Ok(Self {
            quirks,
            root,
            tmproot,
            server: Server::of(scenario),
            files: LocalFiles::of(scenario),
            retries,
            page: usize::MAX,
            list_retries: if quirks.has(Quirk::ListRetries) {
                retry_count
            } else {
                retries
            },
            encryption: encryption.filter(|value| !value.is_empty()),
            returned: Vec::new(),
            state: Temporary::There,
            moved: BTreeMap::new(),
            keeps_files: scenario
                .setting("DEBUG_S3CLIENT")
                .is_some_and(|text| !is_false(&text)),
            fails_many: fails_many(scenario),
            parameters: match scenario.constructor.get("client_params") {
                Some(given) if is_truthy(given) => Parameters::Given,
                _ => Parameters::None,
            },
            streams: Vec::new(),
        })
    }

    pub(crate) fn with_page(mut self, page: usize) -> Self {
        self.page = page;
        self
    }

    /// Returns the key that an argument denotes; `None` is the root.
    pub(crate) fn key(&self, argument: &Argument) -> CallResult<Option<String>> {
        match argument {
            Argument::Null => Ok(None),
            Argument::Text(text) => Ok(Some(text.clone())),
            Argument::Earlier { step, item } => {
                Ok(self.earlier(*step, *item).map(|object| object.key.clone()))
            }
            other => match other.attribute("key") {
                Some(key) => self.key(key),
                None if !is_truthy(other) && self.root.text().is_some() => Ok(None),
                None => Err(untypable::key(other, self.root.text().is_some()).into()),
            },
        }
    }

    /// Returns the URL that an argument denotes.
    pub(crate) fn resolve(&self, argument: &Argument) -> CallResult<String> {
        self.root
            .resolve(self.quirks, self.key(argument)?.as_deref())
    }

    pub(crate) fn earlier(&self, step: usize, item: Option<usize>) -> Option<&Object> {
        match (self.returned.get(step)?, item) {
            (Returned::One(object), None) => Some(object),
            (Returned::Many(objects), Some(item)) => objects.get(item),
            _ => None,
        }
    }

    /// Returns the info of a stored object.
    pub(crate) fn info_of(
        &self,
        stored: &Stored,
        range: Option<(u64, u64, u64)>,
    ) -> CallResult<Info> {
        let content_type = stored
            .content_type
            .clone()
            .unwrap_or_else(|| "binary/octet-stream".to_owned());
        let metadata = match stored.envelope().map(serde_json::from_str) {
            None => serde_json::Value::Null,
            Some(Ok(value)) => value,
            Some(Err(_)) if self.quirks.has(Quirk::BadMetadata) => {
                return Err(Exception::Python("JSONDecodeError"));
            }
            Some(Err(_)) => serde_json::Value::Null,
        };
        Ok(Info {
            content_type,
            metadata,
            encryption: stored.encryption.clone(),
            range,
        })
    }

    /// Records that a call on one object uses the SDK client.
    pub(crate) fn use_one(&mut self) {
        if self.parameters == Parameters::Given {
            self.parameters = Parameters::Used;
        }
    }

    /// Fails if a call on many objects cannot start its helper process: parameters in use cannot be passed to it.
    pub(crate) fn use_many(&self) -> CallResult<()> {
        let is_spoiled =
            self.parameters == Parameters::Used && self.quirks.has(Quirk::SpoiledParameters);
        if is_spoiled {
            Err(Exception::Python("TypeError"))
        } else {
            Ok(())
        }
    }

    /// Returns the results of a call on many objects, or the failure that the call raises.
    pub(crate) fn gather<T>(&self, results: Vec<CallResult<T>>) -> CallResult<Vec<T>> {
        if self.quirks.has(Quirk::FatalFirst) {
            let fatal = |result: &&CallResult<T>| matches!(result, Err(exception) if *exception != Exception::Other);
            if let Some(Err(exception)) = results.iter().find(fatal) {
                return Err(exception.clone());
            }
        }
        results.into_iter().collect()
    }
}

/// Returns whether the value of a setting means false.
fn is_false(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "" | "0" | "false")
}

/// Returns the directory for temporary files: a path below the working directory without dots, or an absolute one.
fn tmproot(scenario: &Scenario) -> String {
    match scenario.constructor.get("tmproot") {
        Some(Argument::Text(path)) => plain_path(path),
        Some(_) => "/".to_owned(),
        None => plain_path(&scenario.setting("TEMPDIR").unwrap_or_default()),
    }
}

/// Removes the redundant parts of a path; the working directory itself is empty.
pub(crate) fn plain_path(path: &str) -> String {
    let path = path
        .strip_prefix("{CWD}")
        .map_or(path, |rest| rest.trim_start_matches('/'));
    let parts: Vec<_> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    if path.starts_with('/') {
        format!("/{}", parts.join("/"))
    } else {
        parts.join("/")
    }
}

fn is_directory(scenario: &Scenario, path: &str) -> bool {
    let has_files = !scenario.local_files.is_empty();
    match path.strip_prefix("local/") {
        Some(name) => scenario.local_files.get(name) == Some(&LocalFile::Directory),
        None => matches!(path, "" | "/" | "/tmp") || (path == "local" && has_files),
    }
}

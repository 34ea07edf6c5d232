//! [`Config`]: reads Metaflow's settings from `METAFLOW_*` variables and from its JSON files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{env, fmt, fs, io};

use serde_json::Value;

use crate::config_files::{project_file, read_files};
use crate::error::{Error, Result};

/// The settings of Metaflow that a client uses.
///
/// Each setting `NAME` is the first of
///
/// 1. the environment variable `METAFLOW_NAME`; one that is set and empty switches the setting off,
/// 2. the field `METAFLOW_NAME` of the project's file: `config.json` in the nearest directory `.metaflow`, from the
///    working directory upwards,
/// 3. the field `METAFLOW_NAME` of the profile's file: `$METAFLOW_HOME/config.json`, or `config_PROFILE.json` when
///    `METAFLOW_PROFILE` is set; the directory is `~/.metaflowconfig` by default,
/// 4. the default.
///
/// | setting | field | default |
/// |---|---|---|
/// | `S3_ENDPOINT_URL`, `DATATOOLS_CLIENT_PARAMS.endpoint_url` | [`endpoint`](Self::endpoint) | AWS |
/// | `DATATOOLS_CLIENT_PARAMS.region_name` | [`region`](Self::region) | the SDK's |
/// | `S3_SERVER_SIDE_ENCRYPTION` | [`encryption`](Self::encryption) | none |
/// | `S3_RETRY_COUNT`, `S3_TRANSIENT_RETRY_COUNT` | [`retry_count`](Self::retry_count), [`transient_retry_count`](Self::transient_retry_count) | 7, 20 |
/// | `S3_WORKER_COUNT` | [`worker_count`](Self::worker_count) | the engine's |
/// | `DATATOOLS_S3ROOT`, or `DATASTORE_SYSROOT_S3` and `DATATOOLS_SUFFIX` (`data`) | [`datatools_s3root`](Self::datatools_s3root) | none |
/// | `TEMPDIR` | [`tempdir`](Self::tempdir) | `.` |
/// | `DEBUG_S3CLIENT` | [`keep_temp_files`](Self::keep_temp_files) | no |
/// | `S3_VERIFY_CERTIFICATE` | none: only "true" is accepted | true |
///
/// Other settings of Metaflow have no effect: `S3_CLIENT_RETRY_CONFIG` and `DATATOOLS_SESSION_VARS`, for example, are
/// options of boto3.
///
/// # Deviation
///
/// `S3_VERIFY_CERTIFICATE` cannot switch the verification of certificates off or name a bundle: both are errors. Add a
/// private authority to the system's store or to `SSL_CERT_FILE`.
///
/// # Examples
///
/// ```
/// use s3_client::Config;
///
/// let config = Config::from_lookup(|name| match name {
///     "METAFLOW_DATASTORE_SYSROOT_S3" => Some("s3://bucket/metaflow".to_owned()),
///     _ => None,
/// })?;
/// assert_eq!(config.datatools_s3root.as_deref(), Some("s3://bucket/metaflow/data"));
/// assert_eq!(config.retries(), 20);
/// # Ok::<(), s3_client::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The endpoint's URL. With `None`, that of the AWS configuration, or AWS.
    pub endpoint: Option<String>,
    /// The region. With `None`, that of the AWS configuration.
    pub region: Option<String>,
    /// The default server-side encryption of uploads: `AES256`, `aws:kms`.
    pub encryption: Option<String>,
    /// How often a request is retried; see [`retries`](Self::retries).
    pub retry_count: u32,
    /// How often a transient failure is retried; see [`retries`](Self::retries).
    pub transient_retry_count: u32,
    /// The maximum number of requests in flight.
    pub worker_count: Option<usize>,
    /// The root of all runs.
    pub datatools_s3root: Option<String>,
    /// The parent of temporary directories.
    pub tempdir: PathBuf,
    /// Keeps temporary files, for debugging.
    pub keep_temp_files: bool,
    /// Whether a setting sets one of the retry counts, even to its default.
    pub(crate) names_retry_count: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: None,
            encryption: None,
            retry_count: 7,
            transient_retry_count: 20,
            worker_count: None,
            datatools_s3root: None,
            tempdir: PathBuf::from("."),
            keep_temp_files: false,
            names_retry_count: false,
        }
    }
}

impl Config {
    /// Reads the process's environment, the file of the project and the file of the profile.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is not a JSON object, a profile without a file, an invalid value.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use s3_client::{Config, RunPath, S3};
    ///
    /// let run = RunPath::new("Train", "1234")?;
    /// let s3 = S3::builder().config(Config::from_env()?).run(run).build()?;
    /// # Ok::<(), s3_client::Error>(())
    /// ```
    pub fn from_env() -> Result<Self> {
        // Without a working directory there is no project.
        let project = env::current_dir().ok().and_then(|here| project_file(&here));
        Self::from_places(
            |name| env::var(name).ok(),
            project.as_deref(),
            |path| fs::read_to_string(path),
        )
    }

    /// Returns the texts of all settings that [`from_env`](Self::from_env) would interpret, by their full names.
    /// Variables of the environment win over the project's file, and that over the profile's file.
    ///
    /// Use it with [`from_lookup`](Self::from_lookup) in a program that interprets some of the settings itself.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env), except for invalid values.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use s3_client::Config;
    ///
    /// let mut texts = Config::texts_from_env()?;
    /// let bundle = texts.remove("METAFLOW_S3_VERIFY_CERTIFICATE");
    /// let config = Config::from_lookup(|name| texts.get(name).cloned())?;
    /// # Ok::<(), s3_client::Error>(())
    /// ```
    pub fn texts_from_env() -> Result<HashMap<String, String>> {
        let project = env::current_dir().ok().and_then(|here| project_file(&here));
        let variable = |name: &str| env::var(name).ok();
        let mut texts = read_files(&variable, project.as_deref(), |path| {
            fs::read_to_string(path)
        })?;
        let variables = env::vars_os().filter_map(|(name, value)| {
            let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
            name.starts_with("METAFLOW_").then_some((name, value))
        });
        texts.extend(variables);
        Ok(texts)
    }

    /// Reads variables through `lookup`, by their full names, and no file.
    ///
    /// # Errors
    ///
    /// An invalid value.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        Self::from_settings(&Settings {
            variable: lookup,
            file: HashMap::new(),
        })
    }

    /// Reads variables through `lookup` and the profile's file through `read`. Reads no project file.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_client::Config;
    ///
    /// let home = |name: &str| (name == "METAFLOW_HOME").then(|| "/etc/metaflow".to_owned());
    /// let config = Config::from_lookup_and_files(home, |path| {
    ///     assert_eq!(path.to_str(), Some("/etc/metaflow/config.json"));
    ///     Ok(r#"{"METAFLOW_TEMPDIR": "/scratch"}"#.to_owned())
    /// })?;
    /// assert_eq!(config.tempdir.to_str(), Some("/scratch"));
    /// # Ok::<(), s3_client::Error>(())
    /// ```
    pub fn from_lookup_and_files(
        lookup: impl Fn(&str) -> Option<String>,
        read: impl Fn(&Path) -> io::Result<String>,
    ) -> Result<Self> {
        Self::from_places(lookup, None, read)
    }

    fn from_places(
        lookup: impl Fn(&str) -> Option<String>,
        project: Option<&Path>,
        read: impl Fn(&Path) -> io::Result<String>,
    ) -> Result<Self> {
        let file = read_files(&lookup, project, read)?;
        Self::from_settings(&Settings {
            variable: lookup,
            file,
        })
    }

    /// Returns how often a request is retried: the larger of both counts, as in Metaflow.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.retry_count.max(self.transient_retry_count)
    }

    fn from_settings(settings: &Settings<impl Fn(&str) -> Option<String>>) -> Result<Self> {
        settings.check_certificates_are_verified()?;
        let default = Self::default();
        let client = settings.client_params()?;
        let retry_count = settings.number("S3_RETRY_COUNT")?;
        let transient_retry_count = settings.number("S3_TRANSIENT_RETRY_COUNT")?;
        let param = |name: &str| client.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            endpoint: param("endpoint_url").or_else(|| settings.text("S3_ENDPOINT_URL")),
            region: param("region_name"),
            encryption: settings.text("S3_SERVER_SIDE_ENCRYPTION"),
            retry_count: retry_count.unwrap_or(default.retry_count),
            transient_retry_count: transient_retry_count.unwrap_or(default.transient_retry_count),
            names_retry_count: retry_count.is_some() || transient_retry_count.is_some(),
            worker_count: settings
                .number("S3_WORKER_COUNT")?
                .map(|count| (count as usize).max(1)),
            datatools_s3root: settings.text("DATATOOLS_S3ROOT").or_else(|| {
                let root = settings.text("DATASTORE_SYSROOT_S3")?;
                let suffix = settings
                    .text("DATATOOLS_SUFFIX")
                    .unwrap_or_else(|| "data".to_owned());
                Some(format!("{}/{suffix}", root.trim_end_matches('/')))
            }),
            tempdir: settings
                .text("TEMPDIR")
                .map_or(default.tempdir, PathBuf::from),
            keep_temp_files: settings
                .text("DEBUG_S3CLIENT")
                .is_some_and(|text| !is_false(&text)),
        })
    }
}

/// Prints the endpoint without user name and password. `build` rejects such an endpoint, but they are secrets until
/// then.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("endpoint", &self.endpoint.as_deref().map(public))
            .field("region", &self.region)
            .field("encryption", &self.encryption)
            .field("retry_count", &self.retry_count)
            .field("transient_retry_count", &self.transient_retry_count)
            .field("worker_count", &self.worker_count)
            .field("datatools_s3root", &self.datatools_s3root)
            .field("tempdir", &self.tempdir)
            .field("keep_temp_files", &self.keep_temp_files)
            .finish()
    }
}

/// Returns the part of an endpoint that may be shown: without user name, password and query.
pub(crate) fn public(endpoint: &str) -> &str {
    let place = match endpoint.split_once('?') {
        // A password with a question mark, or a query with an `@`: the secret part is not known.
        Some((_, query)) if query.contains('@') => return "(hidden)",
        // It may be a presigned URL.
        Some((place, query)) if query.contains('=') => place,
        _ => endpoint,
    };
    place.rsplit_once('@').map_or(place, |(_, behind)| behind)
}

/// Looks up settings: variables first, then the fields of the files.
struct Settings<F> {
    variable: F,
    file: HashMap<String, String>,
}

impl<F: Fn(&str) -> Option<String>> Settings<F> {
    fn text(&self, name: &str) -> Option<String> {
        let name = format!("METAFLOW_{name}");
        (self.variable)(&name)
            .or_else(|| self.file.get(&name).cloned())
            .filter(|value| !value.is_empty())
    }

    fn number(&self, name: &str) -> Result<Option<u32>> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        text.trim().parse().map(Some).map_err(|_| {
            Error::config(format!(
                "METAFLOW_{name}: {text:?} is not a count\nhint: write a whole number"
            ))
        })
    }

    fn client_params(&self) -> Result<serde_json::Map<String, Value>> {
        let name = "DATATOOLS_CLIENT_PARAMS";
        let Some(text) = self.text(name) else {
            return Ok(serde_json::Map::new());
        };
        let params: serde_json::Map<String, Value> =
            serde_json::from_str(&text).map_err(|error| {
                Error::config(format!(
                    "METAFLOW_{name}: not a JSON object: {error}\nhint: write {{\"endpoint_url\": \"http://…\"}}"
                ))
            })?;
        for other in params
            .keys()
            .filter(|key| !matches!(key.as_str(), "endpoint_url" | "region_name"))
        {
            tracing::warn!("METAFLOW_{name}: {other} has no effect");
        }
        Ok(params)
    }

    fn check_certificates_are_verified(&self) -> Result<()> {
        let name = "S3_VERIFY_CERTIFICATE";
        match self.text(name) {
            None => Ok(()),
            Some(text) if matches!(text.to_ascii_lowercase().as_str(), "true" | "1") => Ok(()),
            Some(text) => Err(Error::config(format!(
                "METAFLOW_{name}: {text:?} is not supported: certificates are always verified, against the system's \
                 authorities\nhint: unset it, and add a private authority to the system's store or to SSL_CERT_FILE"
            ))),
        }
    }
}

fn is_false(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "" | "0" | "false")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorClass;

    fn lookup<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    fn config(variables: &[(&str, &str)]) -> Result<Config> {
        Config::from_lookup(lookup(variables))
    }

    #[test]
    fn without_settings_the_defaults_hold() {
        let config = config(&[]).unwrap();
        assert_eq!(config, Config::default());
        assert_eq!((config.retries(), config.tempdir), (20, PathBuf::from(".")));
    }

    #[test]
    fn every_setting_is_read() {
        let config = config(&[
            ("METAFLOW_S3_ENDPOINT_URL", "http://127.0.0.1:9000"),
            ("METAFLOW_S3_SERVER_SIDE_ENCRYPTION", "AES256"),
            ("METAFLOW_S3_RETRY_COUNT", "30"),
            ("METAFLOW_S3_TRANSIENT_RETRY_COUNT", "2"),
            ("METAFLOW_S3_WORKER_COUNT", "8"),
            ("METAFLOW_DATATOOLS_S3ROOT", "s3://b/data"),
            ("METAFLOW_TEMPDIR", "/scratch"),
            ("METAFLOW_DEBUG_S3CLIENT", "1"),
            ("METAFLOW_S3_VERIFY_CERTIFICATE", "True"),
        ])
        .unwrap();
        assert_eq!(config.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
        assert_eq!(config.encryption.as_deref(), Some("AES256"));
        assert_eq!((config.retries(), config.worker_count), (30, Some(8)));
        assert_eq!(config.datatools_s3root.as_deref(), Some("s3://b/data"));
        assert_eq!(config.tempdir, PathBuf::from("/scratch"));
        assert!(config.keep_temp_files);
    }

    #[test]
    fn the_client_parameters_come_before_the_endpoint() {
        let config = config(&[
            ("METAFLOW_S3_ENDPOINT_URL", "http://one"),
            (
                "METAFLOW_DATATOOLS_CLIENT_PARAMS",
                r#"{"endpoint_url": "http://two", "region_name": "r"}"#,
            ),
        ])
        .unwrap();
        assert_eq!(
            (config.endpoint.as_deref(), config.region.as_deref()),
            (Some("http://two"), Some("r"))
        );
    }

    #[test]
    fn an_invalid_value_is_an_error_that_names_the_setting() {
        for (name, value) in [
            ("METAFLOW_S3_RETRY_COUNT", "many"),
            ("METAFLOW_S3_WORKER_COUNT", "-1"),
            ("METAFLOW_DATATOOLS_CLIENT_PARAMS", "[]"),
            ("METAFLOW_S3_VERIFY_CERTIFICATE", "false"),
            ("METAFLOW_S3_VERIFY_CERTIFICATE", "/etc/my.pem"),
        ] {
            let error = config(&[(name, value)]).unwrap_err();
            assert_eq!(error.class(), ErrorClass::Other);
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn the_file_of_the_project_is_between_the_environment_and_the_profile() {
        let read = |path: &Path| match path.to_str().unwrap() {
            "/p/.metaflow/config.json" => {
                Ok(r#"{"METAFLOW_TEMPDIR": "/p", "METAFLOW_S3_RETRY_COUNT": 40}"#.to_owned())
            }
            _ => Ok(
                r#"{"METAFLOW_TEMPDIR": "/h", "METAFLOW_S3_SERVER_SIDE_ENCRYPTION": "AES256"}"#
                    .to_owned(),
            ),
        };
        let variables = [("HOME", "/home/me"), ("METAFLOW_S3_RETRY_COUNT", "30")];
        let project = Path::new("/p/.metaflow/config.json");
        let config = Config::from_places(lookup(&variables), Some(project), read).unwrap();
        assert_eq!(
            (config.tempdir.to_str(), config.retries()),
            (Some("/p"), 30)
        );
        assert_eq!(config.encryption.as_deref(), Some("AES256"));
    }

    #[test]
    fn a_password_in_an_endpoint_is_not_shown() {
        for endpoint in [
            "http://me:hunter2@host",
            "http://me:hunter2?k=v@host",
            "http://me:hu@hunter2@host",
            "http://me:hu/hunter2@host",
            "http://host?X-Amz-Credential=a@b&X-Amz-Signature=hunter2",
        ] {
            let config = config(&[("METAFLOW_S3_ENDPOINT_URL", endpoint)]).unwrap();
            assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
        }
    }

    #[test]
    fn the_environment_wins_over_the_file_of_the_profile() {
        let read = |path: &Path| match path.to_str().unwrap() {
            "/home/me/.metaflowconfig/config.json" => {
                Ok(r#"{"METAFLOW_TEMPDIR": "/a", "METAFLOW_S3_RETRY_COUNT": 50}"#.to_owned())
            }
            "/etc/mf/config_prod.json" => Ok(r#"{"METAFLOW_TEMPDIR": "/b"}"#.to_owned()),
            _ => Err(io::Error::from(io::ErrorKind::NotFound)),
        };
        let from =
            |variables: &[(&str, &str)]| Config::from_lookup_and_files(lookup(variables), read);

        let file = from(&[("HOME", "/home/me")]).unwrap();
        assert_eq!(
            (file.tempdir.as_path(), file.retries()),
            (Path::new("/a"), 50)
        );
        let both = from(&[("HOME", "/home/me"), ("METAFLOW_TEMPDIR", "/c")]).unwrap();
        assert_eq!(both.tempdir, Path::new("/c"));
        let emptied = from(&[("HOME", "/home/me"), ("METAFLOW_TEMPDIR", "")]).unwrap();
        assert_eq!(emptied.tempdir, Path::new("."));
        let profile = from(&[("METAFLOW_HOME", "/etc/mf"), ("METAFLOW_PROFILE", "prod")]).unwrap();
        assert_eq!(profile.tempdir, Path::new("/b"));
        assert_eq!(from(&[("HOME", "/nowhere")]).unwrap(), Config::default());
        let missing =
            from(&[("METAFLOW_HOME", "/etc/mf"), ("METAFLOW_PROFILE", "other")]).unwrap_err();
        assert!(
            missing.to_string().contains("/etc/mf/config_other.json"),
            "{missing}"
        );
    }
}

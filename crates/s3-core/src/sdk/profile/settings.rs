//! Resolves the AWS settings (endpoint, region, credentials, …) from builder, environment variables and profile.

use std::fmt;
use std::io;
use std::path::Path;

use super::Located;
use super::files::{Files, Properties};
use super::provider_files::{self, ProviderFiles};
use super::proxy_variables;
use super::{ConfigError, Lookup, variable};
use crate::sdk::builder::Addressing;
use crate::sdk::client::Configured;
use crate::sdk::endpoint::{Endpoint, without_secrets};
use crate::sdk::proxies::Proxies;

/// A value and its source.
#[derive(Clone, Debug)]
pub(in crate::sdk) struct Setting {
    pub(in crate::sdk) value: String,
    pub(in crate::sdk) source: Source,
}

/// The source of a setting.
#[derive(Clone, Debug)]
pub(in crate::sdk) enum Source {
    Builder,
    Variable(&'static str),
    Property(Box<super::Located>),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builder => f.write_str("the builder"),
            Self::Variable(name) => f.write_str(name),
            Self::Property(located) => located.fmt(f),
        }
    }
}

/// Settings from the builder. They take precedence over variables, and variables over the profile.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sdk) struct Given<'a> {
    pub(in crate::sdk) endpoint: Option<&'a str>,
    pub(in crate::sdk) region: Option<&'a str>,
    pub(in crate::sdk) profile: Option<&'a str>,
    pub(in crate::sdk) has_credentials: bool,
    pub(in crate::sdk) proxy: Option<&'a str>,
}

/// The access key in environment variables.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::sdk) struct Keys {
    pub(in crate::sdk) access_key: String,
    pub(in crate::sdk) secret_key: String,
    pub(in crate::sdk) session_token: Option<String>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// The resolved settings.
#[derive(Clone, Debug, Default)]
pub(in crate::sdk) struct Configuration {
    pub(in crate::sdk) endpoint: Option<Setting>,
    pub(in crate::sdk) region: Option<Setting>,
    /// The keys in environment variables; `None` if the builder has credentials or names a profile.
    pub(in crate::sdk) keys: Option<Keys>,
    /// The profile, in the form that aws-config reads.
    pub(in crate::sdk) provider_files: ProviderFiles,
    /// Whether the environment sets a web identity, and the builder names no profile.
    pub(in crate::sdk) has_web_identity: bool,
    /// Whether the environment sets the URL of a container's credentials.
    pub(in crate::sdk) has_container: bool,
    /// The command that prints credentials, if the profile has no other credentials.
    pub(in crate::sdk) credential_process: Option<String>,
    pub(in crate::sdk) ca_bundle: Option<Setting>,
    pub(in crate::sdk) proxies: Proxies,
    /// The proxies for requests for credentials.
    pub(in crate::sdk) credential_proxies: Proxies,
    /// The URL of the instance metadata service.
    pub(in crate::sdk) metadata_endpoint: String,
    pub(in crate::sdk) configured: Configured,
    /// Names of settings that are set and have no effect.
    pub(in crate::sdk) ignored: Vec<String>,
}

impl Configuration {
    /// Loads all settings. The files are not read if the builder has set everything that they could provide.
    pub(in crate::sdk) fn load(
        given: Given<'_>,
        lookup: &Lookup<'_>,
        read: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
    ) -> Result<Self, ConfigError> {
        let all_given = given.endpoint.is_some() && given.region.is_some() && given.has_credentials;
        let (files, profile) = match given.profile {
            None if all_given => (Files::default(), None),
            _ => (Files::read(lookup, read)?, profile_name(given, lookup)?),
        };
        let section = match &profile {
            Some(name) => files.profile(&name.value, &name.source)?.clone(),
            None => files.profiles.get("default").cloned().unwrap_or_default(),
        };
        let name = profile.map_or_else(|| "default".to_owned(), |name| name.value);
        let sources = SettingSources {
            lookup,
            section: &section,
        };
        let named_by_program = given.profile.is_some();
        let proxies = match given.proxy {
            Some(url) => proxy_variables::given(url)?,
            None => proxy_variables::read(lookup)?,
        };
        let metadata_endpoint = sources.metadata_endpoint()?;
        let credential_proxies = match given.proxy {
            Some(_) => proxy_variables::of_credentials(&proxies, &metadata_endpoint, lookup)?,
            None => proxies.clone(),
        };
        let mut loaded = Self {
            endpoint: sources.endpoint(given, &files)?,
            region: sources.region(given)?,
            keys: match named_by_program || given.has_credentials {
                true => None,
                false => sources.keys()?,
            },
            provider_files: provider_files::of_profile(&files, &name)?,
            has_web_identity: !named_by_program
                && variable(lookup, "AWS_WEB_IDENTITY_TOKEN_FILE")?.is_some(),
            has_container: variable(lookup, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")?.is_some()
                || variable(lookup, "AWS_CONTAINER_CREDENTIALS_FULL_URI")?.is_some(),
            credential_process: sources.credential_process()?,
            ca_bundle: sources.text("AWS_CA_BUNDLE", "ca_bundle")?,
            proxies,
            credential_proxies,
            metadata_endpoint,
            configured: sources.configured()?,
            ignored: sources.ignored()?,
        };
        if !given.has_credentials {
            sources.check_token_files(named_by_program, loaded.keys.is_none(), read)?;
        }
        if !given.has_credentials && loaded.keys.is_none() && loaded.has_container {
            check_container_uris(lookup)?;
        }
        if let Some(region) = &loaded.region {
            check_region(region, loaded.endpoint.is_none())?;
        }
        if !given.has_credentials && loaded.keys.is_none() {
            sources.check_credentials(&files)?;
        }
        if loaded.keys.is_some() {
            // Keys of the environment take precedence over all credentials of a profile.
            loaded.credential_process = None;
        }
        Ok(loaded)
    }
}

fn profile_name(given: Given<'_>, lookup: &Lookup<'_>) -> Result<Option<Setting>, ConfigError> {
    if let Some(name) = given.profile {
        let (value, source) = (name.to_owned(), Source::Builder);
        return Ok(Some(Setting { value, source }));
    }
    let set = |name: &'static str| {
        let source = Source::Variable(name);
        let value = variable(lookup, name)?;
        Ok::<_, ConfigError>(value.map(|value| Setting { value, source }))
    };
    match (set("AWS_PROFILE")?, set("AWS_DEFAULT_PROFILE")?) {
        (Some(one), Some(other)) if one.value != other.value => {
            let (one, other) = (one.value, other.value);
            let text = format!("AWS_PROFILE is {one:?}, and AWS_DEFAULT_PROFILE is {other:?}");
            Err(ConfigError::new(text)
                .with_hint("unset one of them: SDKs disagree about which one takes precedence"))
        }
        (one, other) => Ok(one.or(other)),
    }
}

/// Where settings are looked up: environment variables, and the section of the profile.
struct SettingSources<'a> {
    lookup: &'a Lookup<'a>,
    section: &'a Properties,
}

impl SettingSources<'_> {
    fn variable(&self, name: &'static str) -> Result<Option<Setting>, ConfigError> {
        let source = Source::Variable(name);
        let value = variable(self.lookup, name)?;
        Ok(value.map(|value| Setting { value, source }))
    }

    fn property(located: Option<Located>) -> Result<Option<Setting>, ConfigError> {
        let Some(located) = located else {
            return Ok(None);
        };
        let value = located.value()?.to_owned();
        let source = Source::Property(Box::new(located));
        Ok((!value.is_empty()).then_some(Setting { value, source }))
    }

    fn text(&self, variable: &'static str, property: &str) -> Result<Option<Setting>, ConfigError> {
        match self.variable(variable)? {
            Some(set) => Ok(Some(set)),
            None => Self::property(self.section.get(property).cloned()),
        }
    }

    fn parsed<T>(
        &self,
        variable: &'static str,
        property: &str,
        parse: Parse<T>,
    ) -> Result<Option<T>, ConfigError> {
        let set = self.text(variable, property)?;
        set.map(|set| parse_setting(&set, parse)).transpose()
    }

    fn nested<T>(
        &self,
        outer: &str,
        inner: &str,
        parse: Parse<T>,
    ) -> Result<Option<T>, ConfigError> {
        let located = self
            .section
            .get(outer)
            .and_then(|outer| outer.nested(inner));
        let set = Self::property(located)?;
        set.map(|set| parse_setting(&set, parse)).transpose()
    }

    fn configured(&self) -> Result<Configured, ConfigError> {
        let is_set = |variable, property| self.parsed(variable, property, truth);
        let is_set_for_s3 = |property| self.nested("s3", property, truth);
        let dual_stack = match is_set("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")? {
            None => is_set_for_s3("use_dualstack_endpoint")?,
            set => set,
        };
        let checksums = |variable, property| self.parsed(variable, property, checksum_mode);
        let retry_mode = self.parsed("AWS_RETRY_MODE", "retry_mode", is_adaptive)?;
        Ok(Configured {
            addressing: self.nested("s3", "addressing_style", addressing)?,
            request_checksums: checksums(
                "AWS_REQUEST_CHECKSUM_CALCULATION",
                "request_checksum_calculation",
            )?,
            response_checksums: checksums(
                "AWS_RESPONSE_CHECKSUM_VALIDATION",
                "response_checksum_validation",
            )?,
            max_attempts: self.parsed("AWS_MAX_ATTEMPTS", "max_attempts", attempts)?,
            adaptive_retries: retry_mode == Some(true),
            fips: is_set("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")? == Some(true),
            dual_stack: dual_stack == Some(true),
            accelerate: is_set_for_s3("use_accelerate_endpoint")? == Some(true),
        })
    }

    fn endpoint(&self, given: Given<'_>, files: &Files) -> Result<Option<Setting>, ConfigError> {
        // Looked up first: a missing section is an error even if its value is not needed.
        let of_services = self.of_services(files)?;
        if let Some(url) = given.endpoint {
            let (value, source) = (url.trim().to_owned(), Source::Builder);
            return Ok(Some(Setting { value, source }));
        }
        if self.ignores_endpoints()? {
            return Ok(None);
        }
        for name in ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"] {
            if let Some(set) = self.variable(name)? {
                return Ok(Some(set));
            }
        }
        match Self::property(of_services)? {
            Some(set) => Ok(Some(set)),
            None => Self::property(self.section.get("endpoint_url").cloned()),
        }
    }

    /// Returns whether endpoints in variables and profiles are ignored.
    fn ignores_endpoints(&self) -> Result<bool, ConfigError> {
        let ignore = self.parsed(
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
            "ignore_configured_endpoint_urls",
            truth,
        )?;
        Ok(ignore == Some(true))
    }

    fn of_services(&self, files: &Files) -> Result<Option<Located>, ConfigError> {
        let Some(Setting { value, source }) =
            Self::property(self.section.get("services").cloned())?
        else {
            return Ok(None);
        };
        let services = files.services.get(&value).ok_or_else(|| {
            ConfigError::new(format!("{source}: there is no section [services {value}]"))
        })?;
        // For example, an `endpoint_url` that is not indented below `s3 =`.
        if let Some(flat) = services.values().find(|located| located.has_text()) {
            let text = format!("{flat}: a services section holds services, such as `s3 =`");
            return Err(
                ConfigError::new(text).with_hint("indent the settings of a service below it")
            );
        }
        Ok(services.get("s3").and_then(|s3| s3.nested("endpoint_url")))
    }

    /// Rejects credentials settings that aws-config would ignore.
    fn check_credentials(&self, files: &Files) -> Result<(), ConfigError> {
        let set = |name: &str| Self::property(self.section.get(name).cloned());
        if let Some(Setting { source, .. }) = set("login_session")? {
            let text = format!("{source}: sessions of `aws login` cannot be used");
            let hint =
                "let credential_process run `aws configure export-credentials --format process`";
            return Err(ConfigError::new(text).with_hint(hint));
        }
        let names_service = |name| Ok(self.variable(name)?.is_some());
        if set("role_arn")?.is_none()
            || names_service("AWS_ENDPOINT_URL_STS")?
            || names_service("AWS_ENDPOINT_URL")?
            || self.ignores_endpoints()?
        {
            return Ok(());
        }
        let services = set("services")?.and_then(|set| files.services.get(&set.value));
        let of_services = services.and_then(|services| services.get("sts")?.nested("endpoint_url"));
        let endpoint = match Self::property(of_services)? {
            Some(endpoint) => Some(endpoint),
            None => set("endpoint_url")?,
        };
        match endpoint {
            None => Ok(()),
            Some(Setting { source, .. }) => {
                let text = format!(
                    "{source} does not apply to AssumeRole for `role_arn`, which AWS would receive"
                );
                Err(ConfigError::new(text).with_hint(
                    "set the endpoint for AssumeRole: AWS_ENDPOINT_URL_STS=https://host",
                ))
            }
        }
    }

    fn region(&self, given: Given<'_>) -> Result<Option<Setting>, ConfigError> {
        if let Some(region) = given.region {
            let (value, source) = (region.trim().to_owned(), Source::Builder);
            return Ok(Some(Setting { value, source }));
        }
        match self.variable("AWS_REGION")? {
            Some(set) => Ok(Some(set)),
            None => self.text("AWS_DEFAULT_REGION", "region"),
        }
    }

    fn keys(&self) -> Result<Option<Keys>, ConfigError> {
        let key = |name: &'static str| {
            let set = self.variable(name)?.map(|set| set.value);
            match set {
                Some(value) if !value.bytes().all(|byte| byte.is_ascii_graphic()) => {
                    Err(ConfigError::new(format!(
                        "{name} contains a space, a line break or another invalid character"
                    )))
                }
                set => Ok(set),
            }
        };
        let access_key = key("AWS_ACCESS_KEY_ID")?;
        let secret_key = key("AWS_SECRET_ACCESS_KEY")?;
        let session_token = match key("AWS_SESSION_TOKEN")? {
            Some(token) => Some(token),
            None => key("AWS_SECURITY_TOKEN")?,
        };
        match (access_key, secret_key) {
            (Some(access_key), Some(secret_key)) => Ok(Some(Keys {
                access_key,
                secret_key,
                session_token,
            })),
            (None, None) => Ok(None),
            (access_key, _) => {
                let (set, unset) = match access_key {
                    Some(_) => ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
                    None => ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
                };
                let text = format!("{set} is set, and {unset} is not");
                Err(ConfigError::new(text).with_hint("set both, or neither to use a profile"))
            }
        }
    }

    /// Returns the command of `credential_process` if neither botocore nor aws-config would use other credentials
    /// first.
    fn credential_process(&self) -> Result<Option<String>, ConfigError> {
        const BEFORE: [&str; 4] = [
            "role_arn",
            "sso_session",
            "sso_start_url",
            "aws_access_key_id",
        ];
        let is_set = |located: &&Located| !located.property.value.is_empty();
        let mut before = BEFORE.iter().filter_map(|name| self.section.get(*name));
        if before.any(|located| is_set(&located)) {
            return Ok(None);
        }
        let set = Self::property(self.section.get("credential_process").cloned())?;
        Ok(set.map(|set| set.value))
    }

    fn metadata_endpoint(&self) -> Result<String, ConfigError> {
        let is_ipv6 = self.parsed(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
            "ec2_metadata_service_endpoint_mode",
            is_ipv6,
        )?;
        let set = self.text(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            "ec2_metadata_service_endpoint",
        )?;
        match set {
            Some(Setting { value, source }) => match Endpoint::parse(&value) {
                Ok(_) => Ok(value),
                Err(text) => {
                    let shown = without_secrets(&value);
                    Err(ConfigError::new(format!("{source}: {shown:?} {text}")))
                }
            },
            None => Ok(match is_ipv6 {
                Some(true) => "http://[fd00:ec2::254]".to_owned(),
                _ => "http://169.254.169.254".to_owned(),
            }),
        }
    }

    /// Checks the token files, which aws-config sends without trimming.
    fn check_token_files(
        &self,
        named_by_program: bool,
        are_needed: bool,
        read: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
    ) -> Result<(), ConfigError> {
        let mut files = vec![Self::property(
            self.section.get("web_identity_token_file").cloned(),
        )?];
        if !named_by_program {
            files.push(self.variable("AWS_WEB_IDENTITY_TOKEN_FILE")?);
        }
        files.push(self.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")?);
        for Setting { value, source } in files.into_iter().flatten() {
            match read(Path::new(&value)) {
                Ok(token) if token.trim_ascii().len() < token.len() => {
                    return Err(ConfigError::new(format!(
                        "{source}: the token in {value} begins or ends with a space or a line break"
                    ))
                    .with_hint("remove the space or line break, for example by writing the token with `printf %s`"));
                }
                // The error of aws-config does not name the missing file.
                Err(error) if are_needed => {
                    let text = format!("{source}: {value} cannot be read: {error}");
                    return Err(ConfigError::new(text));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn ignored(&self) -> Result<Vec<String>, ConfigError> {
        let mut ignored = Vec::new();
        for name in IGNORED_VARIABLES {
            ignored.extend(self.variable(name)?.map(|set| set.source.to_string()));
        }
        for name in IGNORED_PROPERTIES {
            ignored.extend(self.section.get(*name).map(ToString::to_string));
        }
        let s3 = self.section.get("s3");
        for name in IGNORED_OF_S3 {
            let located = s3.and_then(|s3| s3.nested(name));
            ignored.extend(located.map(|located| format!("s3 {located}")));
        }
        Ok(ignored)
    }
}

/// Variables of the AWS SDKs that could change a request but are ignored here; docs/SETTINGS.md says why.
pub(in crate::sdk) const IGNORED_VARIABLES: &[&str] = &[
    "AWS_ACCOUNT_ID_ENDPOINT_MODE",
    "AWS_AUTH_SCHEME_PREFERENCE",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_DEFAULTS_MODE",
    "AWS_DISABLE_CLOCK_SKEW_CORRECTION",
    "AWS_EC2_METADATA_V1_DISABLED",
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
    "AWS_METADATA_SERVICE_TIMEOUT",
    "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS",
    "AWS_S3_USE_ARN_REGION",
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT",
    "AWS_SDK_UA_APP_ID",
    "AWS_SIGV4A_SIGNING_REGION_SET",
    "AWS_STS_REGIONAL_ENDPOINTS",
];

/// Properties of a profile that are ignored, too.
pub(in crate::sdk) const IGNORED_PROPERTIES: &[&str] = &[
    "account_id_endpoint_mode",
    "auth_scheme_preference",
    "defaults_mode",
    "disable_clock_skew_correction",
    "duration_seconds",
    "ec2_metadata_v1_disabled",
    "metadata_service_num_attempts",
    "metadata_service_timeout",
    "mfa_serial",
    "s3_disable_multiregion_access_points",
    "s3_use_arn_region",
    "sdk_ua_app_id",
    "sigv4a_signing_region_set",
    "sts_regional_endpoints",
    "tcp_keepalive",
];

/// Properties of `s3 =` that are ignored, too.
pub(in crate::sdk) const IGNORED_OF_S3: &[&str] = &[
    "direct_io",
    "disk_throughput",
    "io_chunksize",
    "max_bandwidth",
    "max_concurrent_requests",
    "max_queue_size",
    "multipart_chunksize",
    "multipart_threshold",
    "payload_signing_enabled",
    "preferred_transfer_client",
    "should_stream",
    "signature_version",
    "target_bandwidth",
    "us_east_1_regional_endpoint",
    "use_arn_region",
];

/// Checks the URIs of a container's credentials, which aws-config uses without trimming.
fn check_container_uris(lookup: &Lookup<'_>) -> Result<(), ConfigError> {
    for name in [
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ] {
        let raw = lookup(name).and_then(|value| value.into_string().ok());
        let Some(raw) = raw.filter(|raw| raw.is_empty() || raw.trim() != raw) else {
            continue;
        };
        let (text, hint) = match raw.trim().is_empty() {
            true => (format!("{name} is set and empty"), "unset it"),
            false => (
                format!("{name} begins or ends with a space or a line break"),
                "set it without",
            ),
        };
        return Err(ConfigError::new(text).with_hint(hint));
    }
    Ok(())
}

fn check_region(region: &Setting, is_host_label: bool) -> Result<(), ConfigError> {
    // The region is part of the signature's scope, and without an endpoint of the host name.
    let valid = |byte: u8| match is_host_label {
        true => byte.is_ascii_alphanumeric() || byte == b'-',
        false => byte.is_ascii_graphic() && byte != b'/',
    };
    let Setting { value, source } = region;
    if value.is_empty() || !value.bytes().all(valid) {
        let text = format!("{value:?} ({source}) is not a valid region");
        return Err(ConfigError::new(text).with_hint("write it as in eu-west-1"));
    }
    Ok(())
}

/// Parses a value; the error lists the valid values.
type Parse<T> = fn(&str) -> Result<T, &'static str>;

fn parse_setting<T>(set: &Setting, parse: Parse<T>) -> Result<T, ConfigError> {
    parse(&set.value.to_ascii_lowercase()).map_err(|expected| {
        let Setting { value, source } = set;
        ConfigError::new(format!("{source}: {value:?} is not {expected}"))
    })
}

fn truth(text: &str) -> Result<bool, &'static str> {
    match text {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("true or false"),
    }
}

fn addressing(text: &str) -> Result<Addressing, &'static str> {
    match text {
        "auto" => Ok(Addressing::Auto),
        "path" => Ok(Addressing::Path),
        "virtual" => Ok(Addressing::VirtualHost),
        _ => Err("auto, path or virtual"),
    }
}

/// Returns `true` for `when_supported`.
fn checksum_mode(text: &str) -> Result<bool, &'static str> {
    match text {
        "when_supported" => Ok(true),
        "when_required" => Ok(false),
        _ => Err("when_supported or when_required"),
    }
}

/// Returns whether a retry mode is `adaptive`.
fn is_adaptive(text: &str) -> Result<bool, &'static str> {
    match text {
        // Our retries are at least as strict as the standard mode.
        "legacy" | "standard" => Ok(false),
        "adaptive" => Ok(true),
        _ => Err("legacy, standard or adaptive"),
    }
}

/// Returns whether the metadata service is reached by its IPv6 address.
fn is_ipv6(text: &str) -> Result<bool, &'static str> {
    match text {
        "ipv4" => Ok(false),
        "ipv6" => Ok(true),
        _ => Err("ipv4 or ipv6"),
    }
}

fn attempts(text: &str) -> Result<u32, &'static str> {
    match text.parse() {
        Ok(count @ 1..) => Ok(count),
        _ => Err("a number of attempts of at least 1"),
    }
}

#[cfg(test)]
mod tests;

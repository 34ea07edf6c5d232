//! Loads region, credentials and endpoint from the environment, the profiles and the instance metadata service.

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::retry::RetryConfig;

use super::builder::Settings;
use super::client::{
    DEFAULT_REGION, LoadedSettings, check_anonymous, config_error, parse_endpoint,
};
use super::clock::SigningClock;
use super::credential_process::CredentialProcess;
use super::profile::{ConfigError, Configuration, Given, ProviderFiles, Setting, Source};
use super::transport::Transport;
use crate::{Error, ErrorKind, Operation, Result, Retryability};

/// Reads the environment variables and files; fails if a value is invalid.
pub(super) fn configuration(
    settings: &Settings,
) -> std::result::Result<Configuration, ConfigError> {
    let given = Given {
        endpoint: settings.endpoint.as_deref(),
        region: settings.region.as_deref(),
        profile: settings.profile.as_deref(),
        has_credentials: settings.credentials.is_some(),
        proxy: settings.proxy.as_deref(),
    };
    Configuration::load(given, &|name| std::env::var_os(name), &|path| {
        std::fs::read(path)
    })
}

/// Checks the settings as far as possible without a connection.
pub(super) fn check(settings: &Settings) -> Result<()> {
    let operation = Operation::Get;
    check_anonymous(settings, operation)?;
    let configuration = configuration(settings).map_err(|error| unusable(operation, error))?;
    if let Some(Setting { value, source }) = &configuration.endpoint {
        parse_endpoint(value, &source.to_string(), operation)?;
    }
    transport_of(settings, &configuration).ca_certificates(operation)?;
    Ok(())
}

fn unusable(operation: Operation, error: ConfigError) -> Error {
    if error.lacks_descriptors {
        return Error::new(ErrorKind::LocalIo, operation)
            .with_message(error.text)
            .with_retryability(Retryability::Throttled { after: None });
    }
    let ConfigError { text, hint, .. } = error;
    let error = config_error(operation, &text);
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// Loads the settings that were not given to the builder. The builder takes precedence over the environment, and the
/// environment over the profile. If the builder names a profile, its keys take precedence over those of the
/// environment.
pub(super) async fn load(settings: &Settings, operation: Operation) -> Result<LoadedSettings> {
    let configuration = configuration(settings).map_err(|error| unusable(operation, error))?;
    load_settings(settings, configuration, operation).await
}

async fn load_settings(
    settings: &Settings,
    configuration: Configuration,
    operation: Operation,
) -> Result<LoadedSettings> {
    for setting in &configuration.ignored {
        tracing::warn!(setting, "the setting has no effect; see docs/SETTINGS.md");
    }
    let clock = SigningClock::default();
    let transport = transport_of(settings, &configuration);
    let endpoint = configuration.endpoint.as_ref();
    let region = configuration.region.as_ref().map(|set| set.value.clone());
    let (builder, credentials, region) = match (&settings.credentials, &region, endpoint) {
        (Some(credentials), Some(_), Some(_)) => {
            let mut builder = Builder::new();
            // A credentials provider cannot be removed from the builder again.
            if !settings.anonymous {
                builder.set_credentials_provider(Some(credentials.clone()));
            }
            (builder, credentials.clone(), region)
        }
        _ => of_aws_config(settings, &configuration, &clock, &transport, operation).await?,
    };
    Ok(LoadedSettings {
        builder,
        endpoint: endpoint.map(|set| set.value.clone()),
        endpoint_source: endpoint.map(|set| set.source.to_string()),
        region,
        credentials: Some(credentials),
        clock,
        transport,
        configured: configuration.configured,
    })
}

fn transport_of(settings: &Settings, configuration: &Configuration) -> Transport {
    let given = settings.ca_bundle.as_ref();
    let given = given.map(|path| (path.clone(), Source::Builder.to_string()));
    let configured = configuration.ca_bundle.as_ref();
    let configured = configured.map(|Setting { value, source }| (value.into(), source.to_string()));
    Transport {
        ca_bundle: given.or(configured),
        proxies: configuration.proxies.clone(),
    }
}

/// Loads the missing settings with aws-config, from the profile that was parsed here.
async fn of_aws_config(
    settings: &Settings,
    configuration: &Configuration,
    clock: &SigningClock,
    transport: &Transport,
    operation: Operation,
) -> Result<(Builder, SharedCredentialsProvider, Option<String>)> {
    let mut conf = ProviderConfig::without_region().with_time_source(clock.clone());
    // aws-config panics if retry settings are set to an empty value.
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .retry_config(RetryConfig::standard())
        .time_source(clock.clone());
    let client = match &settings.http_client {
        Some(client) => client.clone(),
        None => {
            let mut transport = transport.clone();
            transport.proxies = configuration.credential_proxies.clone();
            transport.https_client(operation)?
        }
    };
    loader = loader.http_client(client.clone());
    conf = conf.with_http_client(client);
    let region = match (&configuration.region, &configuration.endpoint) {
        (Some(region), _) => Some(Region::new(region.value.clone())),
        // The region of the instance does not apply to another endpoint, and the metadata service takes seconds to time
        // out where it does not run.
        (None, Some(_)) => Some(Region::new(DEFAULT_REGION)),
        (None, None) => {
            let instance = ImdsRegionProvider::builder()
                .configure(&conf)
                .imds_client(metadata_service(configuration, &conf, operation)?);
            instance.build().region().await
        }
    };
    conf = conf
        .with_region(region.clone())
        .with_use_fips(Some(configuration.configured.fips))
        .with_use_dual_stack(Some(configuration.configured.dual_stack));
    let ProviderFiles { text, profile } = &configuration.provider_files;
    let files = EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Config, text)
        .build();
    let credentials = match &settings.credentials {
        Some(given) => given.clone(),
        None => {
            let instance = metadata_service(configuration, &conf, operation)?;
            let chain = providers(configuration, &conf, &files, (profile, instance), clock);
            SharedCredentialsProvider::new(chain)
        }
    };
    loader = match settings.anonymous {
        true => loader.no_credentials(),
        false => loader.credentials_provider(credentials.clone()),
    };
    let config = loader
        .profile_files(files)
        .profile_name(profile)
        .region(region.clone())
        .load()
        .await;
    let region = region.map(|region| region.to_string());
    Ok((Builder::from(&config), credentials, region))
}

/// Returns a client of the instance metadata service. Without it, aws-config would read the files again, with its own
/// parser.
fn metadata_service(
    configuration: &Configuration,
    conf: &ProviderConfig,
    operation: Operation,
) -> Result<imds::Client> {
    let client = imds::Client::builder().configure(conf);
    let client = client.endpoint(&configuration.metadata_endpoint);
    let client = client.map_err(|error| config_error(operation, &error.to_string()))?;
    Ok(client.build())
}

/// Returns the providers in aws-config's order, without those that the builder or an empty variable excludes.
fn providers(
    configuration: &Configuration,
    conf: &ProviderConfig,
    files: &EnvConfigFiles,
    (profile, instance): (&str, imds::Client),
    clock: &SigningClock,
) -> CredentialsProviderChain {
    if let Some(keys) = &configuration.keys {
        let keys = keys.clone();
        let fixed = Credentials::new(
            keys.access_key,
            keys.secret_key,
            keys.session_token,
            None,
            "Environment",
        );
        return CredentialsProviderChain::first_try("Environment", fixed);
    }
    let mut chain = match &configuration.credential_process {
        Some(command) => {
            let process = CredentialProcess::new(command.clone(), clock.clone());
            CredentialsProviderChain::first_try("CredentialProcess", process)
        }
        None => {
            let of_profile = ProfileFileCredentialsProvider::builder()
                .configure(conf)
                .profile_files(files.clone())
                .profile_name(profile);
            CredentialsProviderChain::first_try("Profile", of_profile.build())
        }
    };
    if configuration.has_web_identity {
        let web = WebIdentityTokenCredentialsProvider::builder().configure(conf);
        chain = chain.or_else("WebIdentityToken", web.build());
    }
    if configuration.has_container {
        let container = EcsCredentialsProvider::builder().configure(conf);
        chain = chain.or_else("EcsContainer", container.build());
    }
    let instance = ImdsCredentialsProvider::builder()
        .configure(conf)
        .imds_client(instance);
    chain.or_else("Ec2InstanceMetadata", instance.build())
}

#[cfg(test)]
mod tests;

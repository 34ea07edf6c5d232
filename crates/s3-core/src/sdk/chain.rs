//! Region, credentials and endpoint from the environment, the profiles and the instance.

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::Builder;
use aws_types::service_config::ServiceConfigKey;

use super::builder::Settings;
use super::client::{Sources, https_client};
use super::clock::Clock;
use crate::Operation;

/// Loads what was not given. Explicit settings win over the environment, the environment over the profile.
pub(super) async fn load(settings: &Settings) -> Sources {
    if let (Some(_), Some(credentials), Some(_)) =
        (&settings.endpoint, &settings.credentials, &settings.region)
    {
        return Sources::explicit(settings, credentials.clone());
    }
    let clock = Clock::default();
    let config = load_config(settings, clock.clone()).await;
    Sources {
        builder: Builder::from(&config),
        endpoint: settings.endpoint.clone().or_else(|| endpoint_of(&config)),
        region: config.region().map(|region| region.as_ref().to_owned()),
        credentials: config.credentials_provider(),
        clock,
        fips: config.use_fips().unwrap_or_default(),
        dual_stack: config.use_dual_stack().unwrap_or_default(),
    }
}

async fn load_config(settings: &Settings, clock: Clock) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).time_source(clock);
    if let Some(client) = &settings.http_client {
        loader = loader.http_client(client.clone());
    } else if let Ok(client) = https_client(Operation::Get) {
        loader = loader.http_client(client);
    }
    if let Some(name) = &settings.profile {
        loader = loader.profile_name(name);
    }
    if let Some(credentials) = &settings.credentials {
        loader = loader.credentials_provider(credentials.clone());
    }
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    } else if settings.endpoint.is_some() || environment_names_an_endpoint() {
        // The instance's metadata service says nothing about somebody else's endpoint, and takes seconds to
        // time out where there is none.
        loader = loader.region(region_without_instance(settings.profile.as_deref()));
    }
    loader.load().await
}

fn region_without_instance(profile: Option<&str>) -> RegionProviderChain {
    let mut from_profile = ProfileFileRegionProvider::builder();
    if let Some(name) = profile {
        from_profile = from_profile.profile_name(name);
    }
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(from_profile.build())
}

fn environment_names_an_endpoint() -> bool {
    ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Returns the endpoint that the SDK itself would take: S3's own before the one for all services.
fn endpoint_of(config: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id("S3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .expect("all three parts of the key are set");
    let own = config
        .service_config()
        .and_then(|services| services.load_config(key));
    own.or_else(|| config.endpoint_url().map(str::to_owned))
        .filter(|url| !url.is_empty())
}

//! Tests of settings from variables and profiles, with both transports.

use aws_sdk_s3::config::retry::RetryMode;

use super::super::client::{Resolved, assemble};
use super::super::profile::Source;
use super::super::replay::{Replay, response};
use super::super::target::Targets;
use super::*;
use crate::SdkStore;

/// Resolves the settings of a store without an endpoint under this configuration.
async fn resolved(
    mut configuration: Configuration,
    replay: &Replay,
    sdk_retries: bool,
) -> Resolved {
    configuration.region = Some(Setting {
        value: "us-east-1".to_owned(),
        source: Source::Builder,
    });
    let builder = SdkStore::builder()
        .http_client(replay.clone())
        .region("us-east-1");
    let builder = builder
        .credentials("access", "secret", None)
        .sdk_retries(sdk_retries);
    let settings = builder.settings;
    let loaded = load_settings(&settings, configuration, Operation::Get)
        .await
        .unwrap();
    assemble(&settings, loaded, Operation::Get).unwrap()
}

#[tokio::test]
async fn fips_dual_stack_and_accelerate_reach_both_request_paths() {
    for (fips, dual_stack, accelerate, host) in [
        (false, false, false, "bkt.s3.us-east-1.amazonaws.com"),
        (true, false, false, "bkt.s3-fips.us-east-1.amazonaws.com"),
        (
            false,
            true,
            false,
            "bkt.s3.dualstack.us-east-1.amazonaws.com",
        ),
        (
            true,
            true,
            false,
            "bkt.s3-fips.dualstack.us-east-1.amazonaws.com",
        ),
        (false, false, true, "bkt.s3-accelerate.amazonaws.com"),
        (
            false,
            true,
            true,
            "bkt.s3-accelerate.dualstack.amazonaws.com",
        ),
    ] {
        let mut configuration = Configuration::default();
        let configured = &mut configuration.configured;
        (configured.fips, configured.dual_stack) = (fips, dual_stack);
        configured.accelerate = accelerate;
        let replay = Replay::new([response(200, &[("content-length", "0")], "")]);
        let resolved = resolved(configuration, &replay, false).await;
        let head = resolved.client("bkt").head_object().bucket("bkt").key("k");
        head.send().await.unwrap();
        let sent = replay.only();
        assert_eq!(sent.uri, format!("https://{host}/k"), "generated");
        let direct = Targets::new(
            resolved.rules.clone(),
            std::sync::Arc::default(),
            super::super::proxies::Proxies::default(),
        );
        assert_eq!(&*direct.get("bkt").unwrap().host_header, host, "direct");
    }
}

#[tokio::test]
async fn retry_mode_and_attempts_are_those_of_the_sdk_with_sdk_retries_only() {
    for (adaptive, mode) in [(true, RetryMode::Adaptive), (false, RetryMode::Standard)] {
        for (sdk_retries, attempts) in [(true, 5), (false, 1)] {
            let mut configuration = Configuration::default();
            configuration.configured.max_attempts = Some(5);
            configuration.configured.adaptive_retries = adaptive;
            let resolved = resolved(configuration, &Replay::new([]), sdk_retries).await;
            let retries = resolved.client.config().retry_config().unwrap().clone();
            assert_eq!(retries.max_attempts(), attempts, "{mode:?}");
            if sdk_retries {
                assert_eq!(retries.mode(), mode);
            }
        }
    }
}

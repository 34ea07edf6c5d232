//! Builds a client from the keyword arguments of Metaflow's constructor.

use std::path::{Path, PathBuf};
use std::time::Duration;

use s3_client::{Config, RunPath, S3, SharedStore, TransferConfig};
use serde_json::Value;

use super::argument::Argument;
use super::names::Names;
use super::python::is_truthy;
use super::show::show_error;
use super::untypable;
use super::vector::Scenario;

/// Builds the client that a scenario describes, or returns the exception of the constructor.
///
/// Ignores the keyword arguments that Metaflow's constructor ignores. Values that Python treats as absent are not
/// passed on.
pub(crate) fn build(
    scenario: &Scenario,
    store: SharedStore,
    names: &Names,
    cwd: &Path,
) -> Result<S3, Value> {
    let lookup = |name: &str| {
        let setting = scenario.setting(name.strip_prefix("METAFLOW_")?)?;
        Some(names.fill(&setting))
    };
    let mut config = Config::from_lookup(lookup).map_err(|error| show_error(&error))?;
    match scenario.constructor.get("encryption") {
        None => {}
        Some(Argument::Text(encryption)) if !encryption.is_empty() => {
            config.encryption = Some(encryption.clone());
        }
        Some(_) => config.encryption = None,
    }
    let transfer = transfer(&config);
    let mut builder = S3::builder()
        .config(config.clone())
        .transfer(transfer)
        .store(store);
    builder = builder.tmproot(tmproot(scenario, &config, names, cwd));
    let given = |name: &str| {
        scenario
            .constructor
            .get(name)
            .filter(|value| is_truthy(value))
    };
    if let Some(Argument::Text(bucket)) = given("bucket") {
        builder = builder.bucket(names.fill(bucket));
    }
    if let Some(Argument::Text(prefix)) = given("prefix") {
        builder = builder.prefix(names.fill(prefix));
    }
    match (given("run"), given("s3root")) {
        (Some(run), _) => builder = builder.run(run_path(run, scenario)?),
        (None, Some(Argument::Text(root))) => builder = builder.s3root(names.fill(root)),
        (None, Some(other)) => return Err(untypable::s3root(other).show()),
        (None, None) => {}
    }
    builder.build().map_err(|error| show_error(&error))
}

/// Returns the engine settings of the configuration, with short waits and constant jitter.
///
/// Two inputs may share two faults and have one retry each: the first input must not retry before the second was sent,
/// so the waits are long compared with the time to send a request on a busy machine.
fn transfer(config: &Config) -> TransferConfig {
    let mut transfer = TransferConfig::default();
    transfer.max_attempts = config.retries().saturating_add(1);
    transfer.backoff_base = Duration::from_millis(100);
    transfer.backoff_cap = Duration::from_millis(200);
    transfer.seed = Some(1);
    transfer
}

/// Returns the directory for temporary files. A relative path is resolved against the working directory of the vector,
/// because that of the process is shared.
fn tmproot(scenario: &Scenario, config: &Config, names: &Names, cwd: &Path) -> PathBuf {
    match scenario.constructor.get("tmproot") {
        Some(Argument::Text(path)) => cwd.join(names.fill(path)),
        Some(_) => std::env::temp_dir(),
        None => cwd.join(&config.tempdir),
    }
}

/// Returns the run that an argument denotes. A flow denotes the current run, whatever its own name.
fn run_path(run: &Argument, scenario: &Scenario) -> Result<RunPath, Value> {
    let (flow, id) = match run {
        Argument::Run(flow, id) => (flow, id),
        Argument::Flow(_) => match &scenario.current {
            Some((flow, id)) => (flow, id),
            None => return Err(untypable::no_flow().show()),
        },
        other => return Err(untypable::run(other).show()),
    };
    RunPath::new(flow, id).map_err(|_| untypable::no_flow().show())
}

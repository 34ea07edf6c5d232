//! Runs a scenario through the client on a backend and returns its outcome.

use std::path::Path;

use std::time::Duration;

use s3_testkit::{Delivered, FaultPlan};

use super::backend::{Backend, PATIENCE, Stage, StageResult};
use super::build::build;
use super::names::Names;
use super::outcome::{Outcome, show_stored};
use super::player::Player;
use super::seed::LocalFile;
use super::vector::{Scenario, fails_many};
use crate::orphans::no_orphans;

/// Conditions of a run that the scenario does not set.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// Faults, for scenarios without faults of their own.
    pub faults: FaultPlan,
    /// Maximum number of entries in a page of a listing.
    pub page: u32,
    /// Time limit of the client.
    pub patience: Duration,
}

impl Default for Circumstances {
    /// No faults, pages of the size of S3, and a time limit of a minute.
    fn default() -> Self {
        Self {
            faults: FaultPlan::none(),
            page: 1000,
            patience: PATIENCE,
        }
    }
}

/// Runs a scenario on a backend, in its own directory.
///
/// # Errors
///
/// A failure of the runner or the test kit. Failures of the client are outcomes.
pub async fn run(scenario: &Scenario, backend: Backend) -> Result<Outcome, String> {
    let run = run_with(scenario, backend, Circumstances::default());
    run.await.map(|(outcome, _)| outcome)
}

/// Runs a scenario under the given circumstances and returns which of their faults were delivered.
///
/// # Errors
///
/// As [`run`], and if the client exceeds its time limit.
pub async fn run_with(
    scenario: &Scenario,
    backend: Backend,
    circumstances: Circumstances,
) -> Result<(Outcome, Delivered), String> {
    let patience = circumstances.patience;
    match tokio::time::timeout(patience, run_staged(scenario, backend, circumstances)).await {
        Ok(outcome) => outcome.map_err(|error| format!("the runner failed: {error}")),
        Err(_) => Err(format!(
            "the client was still busy after {} s",
            patience.as_secs()
        )),
    }
}

async fn run_staged(
    scenario: &Scenario,
    backend: Backend,
    circumstances: Circumstances,
) -> StageResult<(Outcome, Delivered)> {
    let Circumstances { faults, page, .. } = circumstances;
    let directory = tempfile::tempdir()?;
    let cwd = directory.path().canonicalize()?;
    make_files(scenario, &cwd)?;
    let names = Names::new(&cwd);
    let stage = Stage::set(backend, scenario, page, &names).await?;
    if faults != FaultPlan::none() {
        stage.faults.set(faults);
    }
    let s3 = match build(scenario, stage.store.clone(), &names, &cwd) {
        Ok(s3) => s3,
        Err(raised) => return Ok((Outcome::rejected(raised), Delivered::default())),
    };
    let mut player = Player::new(s3, names.clone(), &cwd);
    let mut results = Vec::new();
    for step in &scenario.steps {
        let fails = fails_many(scenario) && step.call.is_many();
        if fails {
            stage.fail_objects(true);
        }
        results.push(player.perform(step).await);
        if fails {
            stage.fail_objects(false);
        }
    }
    let mut final_state = None;
    if scenario.final_state {
        let objects = stage.objects(&names).await?;
        let shown = objects
            .iter()
            .map(|(key, stored)| names.mask(&show_stored(key, stored)));
        final_state = Some(shown.collect());
    }
    drop(player);
    if !keeps_files(scenario) {
        no_orphans(stage.unfinished_uploads(), &[&cwd])?;
    }
    let outcome = Outcome {
        constructor_error: None,
        results,
        final_state,
    };
    Ok((outcome, stage.faults.delivered()))
}

/// Returns whether Metaflow's debug setting is on, which keeps temporary files.
fn keeps_files(scenario: &Scenario) -> bool {
    scenario.config.keys().any(|name| name == "DEBUG_S3CLIENT")
}

fn make_files(scenario: &Scenario, cwd: &Path) -> std::io::Result<()> {
    if scenario.local_files.is_empty() {
        return Ok(());
    }
    let local = cwd.join("local");
    std::fs::create_dir(&local)?;
    for (name, file) in &scenario.local_files {
        let path = local.join(name);
        match file {
            LocalFile::File(body) => std::fs::write(path, body)?,
            LocalFile::Symlink(target) => std::os::unix::fs::symlink(target, path)?,
            LocalFile::Directory => std::fs::create_dir(path)?,
        }
    }
    Ok(())
}

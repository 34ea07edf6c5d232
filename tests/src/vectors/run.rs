//! Runs a scenario through the client.

use std::path::Path;

use std::time::Duration;

use s3_testkit::FaultPlan;

use super::backend::{Backend, PATIENCE, Stage, StageResult};
use super::build::build;
use super::names::Names;
use super::outcome::{Outcome, show_stored};
use super::player::Player;
use super::seed::LocalFile;
use super::vector::{Scenario, fails_many};
use crate::leftovers::none_left;

/// Runs a scenario on a backend, in a directory of its own.
///
/// # Errors
///
/// What the runner or the test kit could not do; whatever the client does is an outcome.
pub async fn run(scenario: &Scenario, backend: Backend) -> Result<Outcome, String> {
    let run = run_with(scenario, backend, FaultPlan::none(), PATIENCE);
    run.await.map(|(outcome, _)| outcome)
}

/// Runs a scenario that has no faults with those of a plan, and returns how many of them were delivered.
///
/// # Errors
///
/// As [`run`], and if the client is still busy when `patience` is at its end.
pub async fn run_with(
    scenario: &Scenario,
    backend: Backend,
    faults: FaultPlan,
    patience: Duration,
) -> Result<(Outcome, u64), String> {
    match tokio::time::timeout(patience, run_staged(scenario, backend, faults)).await {
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
    faults: FaultPlan,
) -> StageResult<(Outcome, u64)> {
    let directory = tempfile::tempdir()?;
    let cwd = directory.path().canonicalize()?;
    make_files(scenario, &cwd)?;
    let names = Names::new(&cwd);
    let stage = Stage::set(backend, scenario, &names).await?;
    if faults != FaultPlan::none() {
        stage.faults.set(faults);
    }
    let s3 = match build(scenario, stage.store.clone(), &names, &cwd) {
        Ok(s3) => s3,
        Err(raised) => return Ok((Outcome::refused(raised), 0)),
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
        none_left(stage.unfinished_uploads(), &[&cwd])?;
    }
    let outcome = Outcome {
        constructor_error: None,
        results,
        final_state,
    };
    Ok((outcome, stage.faults.delivered().total()))
}

/// Metaflow's switch for debugging: temporary files stay.
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

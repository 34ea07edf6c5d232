//! Sequences of up to 50 operations with faults: the client and the model agree on every result and on what is there in
//! the end, as if there had been no fault.
//!
//! The faults are those that pass, drawn for each request from the seed: refusals, broken connections before and
//! after the request was carried out, bodies that end early or break, and, in memory, requests and bodies that stand
//! still. One sequence in 100 goes over HTTP, on a runtime whose time is real, and without what stands still.

use std::cell::RefCell;
use std::sync::OnceLock;
use std::time::Duration;

use fastrand::Rng;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use s3_testkit::{FaultAction, FaultPlan, Position};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::model::Model;
use crate::prove::Figures;
use crate::sequences::scenario;
use crate::vectors::{Backend, Scenario, differences, run_with};

/// The most operations of a sequence.
const MOST: usize = 50;

/// One sequence in so many goes over HTTP.
const OVER_HTTP: u64 = 100;

/// How likely a request is hit, one of these for each sequence.
const HIT: [f64; 4] = [0.0, 0.1, 0.2, 0.3];

/// How long a sequence may take in memory, where time costs nothing: fifty operations of a few stalls each.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// How long a sequence may take over HTTP.
const REAL_PATIENCE: Duration = Duration::from_secs(120);

/// Runs the case of a seed.
pub(super) fn case(runtime: &Runtime, seed: u64) -> Result<Figures, String> {
    let figures = RefCell::new(Figures::default());
    let config = Config {
        cases: 1,
        failure_persistence: None,
        max_shrink_iters: 500,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, random);
    let outcome = runner.run(&scenario(MOST), |scenario| {
        let counted = agree(runtime, &scenario, seed).map_err(TestCaseError::fail)?;
        figures.borrow_mut().add(&counted);
        Ok(())
    });
    match outcome {
        Ok(()) => Ok(figures.into_inner()),
        Err(TestError::Fail(reason, smallest)) => Err(format!("{reason}\n{smallest}")),
        Err(other) => Err(other.to_string()),
    }
}

fn agree(runtime: &Runtime, scenario: &Value, seed: u64) -> Result<Figures, String> {
    let scenario = Scenario::parse(scenario).map_err(|malformed| malformed.to_string())?;
    let promised = Model::promise().play(&scenario).to_json();
    let (backend, actual) = if seed % OVER_HTTP == OVER_HTTP - 1 {
        let run = run_with(&scenario, Backend::Http, faults(seed, false), REAL_PATIENCE);
        ("over HTTP", real().block_on(run)?)
    } else {
        let run = run_with(&scenario, Backend::Memory, faults(seed, true), PATIENCE);
        ("in memory", runtime.block_on(run)?)
    };
    let (actual, delivered) = actual;
    let found = differences(&promised, &actual.to_json());
    if let Some(first) = found.first() {
        return Err(format!("{backend}, {} differences: {first}", found.len()));
    }
    let mut figures = Figures::default();
    figures.count(backend, 1);
    figures.count("operations", scenario.steps.len() as u64);
    figures.count("faults", delivered);
    Ok(figures)
}

fn faults(seed: u64, may_stand_still: bool) -> FaultPlan {
    let mut actions = vec![
        FaultAction::status(503, "SlowDown"),
        FaultAction::slow_down(Duration::ZERO),
        FaultAction::status(500, "InternalError"),
        FaultAction::Drop,
        FaultAction::LoseReply,
        FaultAction::truncate_half(),
        FaultAction::body_error_after(1),
    ];
    if may_stand_still {
        actions.push(FaultAction::stall(Duration::from_secs(3600)));
        actions.push(FaultAction::stall_after(1));
        actions.push(FaultAction::Stall {
            at: Some(Position::Half),
            wait: None,
        });
    }
    // Waits over HTTP are real.
    let hit = if may_stand_still {
        HIT[Rng::with_seed(seed).usize(0..HIT.len())]
    } else {
        HIT[1]
    };
    FaultPlan::random(seed, hit, actions)
}

fn real() -> &'static Runtime {
    static REAL: OnceLock<Runtime> = OnceLock::new();
    REAL.get_or_init(|| Runtime::new().expect("threads and sockets are to be had"))
}

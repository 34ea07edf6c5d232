//! Property `sequence`: under transient faults, up to 50 operations have the results of the model.
//!
//! The client and the model also agree on the final objects, as if there had been no fault.
//!
//! The faults are all transient ones, drawn for each request from the seed (see `transient_faults.rs`); in memory these
//! include stalls. One sequence in 40 runs over HTTP, on a runtime with real time and short waits.

use std::cell::RefCell;
use std::sync::OnceLock;
use std::time::Duration;

use fastrand::Rng;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::model::Model;
use crate::prove::{Figures, transient_faults};
use crate::sequences::scenario;
use crate::vectors::{Backend, Circumstances, Scenario, differences, run_with};

/// Maximum number of operations of a sequence.
const MOST: usize = 50;

/// One in this number of sequences runs over HTTP.
const OVER_HTTP: u64 = 40;

/// Probabilities that a request gets a fault; each sequence uses one of them.
const HIT: [f64; 4] = [0.0, 0.1, 0.2, 0.3];

/// Page sizes of listings; each sequence uses one of them: that of S3, or so few entries that most listings have
/// several pages.
const PAGES: [u32; 3] = [1000, 1000, 3];

/// Time limit of a sequence in memory, where virtual time is free: fifty operations with a few stalls each.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// Time limit of a sequence over HTTP.
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
    let mut random = Rng::with_seed(seed);
    let hit = HIT[random.usize(0..HIT.len())];
    let page = PAGES[random.usize(0..PAGES.len())];
    let model = Model::promise().with_page(page as usize);
    let promised = model.play(&scenario).to_json();
    let circumstances = |faults, patience| Circumstances {
        faults,
        page,
        patience,
    };
    let (backend, actual) = if seed % OVER_HTTP == OVER_HTTP - 1 {
        // Waits over HTTP take real time.
        let faults = transient_faults::over_http(seed, HIT[2]);
        let met = circumstances(faults, REAL_PATIENCE);
        let run = run_with(&scenario, Backend::Http, met);
        ("over HTTP", real().block_on(run)?)
    } else {
        let met = circumstances(transient_faults::in_memory(seed, hit), PATIENCE);
        let run = run_with(&scenario, Backend::Memory, met);
        ("in memory", runtime.block_on(run)?)
    };
    let (actual, delivered) = actual;
    let found = differences(&promised, &actual.to_json());
    if let Some(first) = found.first() {
        let kinds: Vec<_> = delivered.actions.keys().collect();
        let count = found.len();
        return Err(format!(
            "{backend}, {count} differences: {first}, after {kinds:?}"
        ));
    }
    let mut figures = Figures::default();
    figures.count(backend, 1);
    figures.count("operations", scenario.steps.len() as u64);
    figures.count("faults", delivered.total());
    for (name, count) in delivered.actions {
        figures.count(name, count);
    }
    Ok(figures)
}

fn real() -> &'static Runtime {
    static REAL: OnceLock<Runtime> = OnceLock::new();
    REAL.get_or_init(|| Runtime::new().expect("threads and sockets are to be had"))
}

//! Sequences of operations: the client and the model agree on every result, in memory and over HTTP.
//!
//! Without faults, and with new seeds on every run. The property `sequence` has faults, and the same sequences every time.

use std::sync::OnceLock;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use s3_tests::model::Model;
use s3_tests::sequences::scenario;
use s3_tests::vectors::{Backend, Scenario, differences, run};
use serde_json::Value;
use tokio::runtime::Runtime;

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

fn agree(scenario: &Value, backend: Backend) -> Result<(), TestCaseError> {
    let scenario = Scenario::parse(scenario).unwrap();
    let promised = Model::promise().play(&scenario).to_json();
    let actual = runtime()
        .block_on(run(&scenario, backend))
        .map_err(TestCaseError::fail)?;
    let found: Vec<_> = differences(&promised, &actual.to_json())
        .iter()
        .map(ToString::to_string)
        .collect();
    prop_assert!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

fn check(backend: Backend, cases: u32) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&scenario(20), |scenario| agree(&scenario, backend));
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn client_and_model_agree_on_sequences_in_memory() {
    check(Backend::Memory, 64);
}

#[test]
fn client_and_model_agree_on_sequences_over_http() {
    check(Backend::Http, 16);
}

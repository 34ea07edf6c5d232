//! Scenarios for deviations that no recorded vector covers: one or more per row that needs them.
//!
//! The outcome of the reference is known from its source alone, so the model stands for it; the promise of the client
//! is played on both backends.

use std::collections::BTreeSet;
use std::path::Path;

use s3_tests::model::{Model, Quirk, Quirks};
use s3_tests::vectors::{Backend, Deviations, Scenario, Vector, differences, run};
use serde_json::Value;

struct Own {
    id: String,
    row: u64,
    scenario: Scenario,
}

fn text(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("vectors")
        .join(file);
    std::fs::read_to_string(path).unwrap()
}

fn own() -> Vec<Own> {
    let read = |line: &str| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        let members = value.as_object_mut().unwrap();
        let id = members.remove("id").unwrap().as_str().unwrap().to_owned();
        let row = members.remove("row").unwrap().as_u64().unwrap();
        members.remove("title").unwrap();
        Own {
            id,
            row,
            scenario: Scenario::parse(&value).unwrap(),
        }
    };
    text("promises.jsonl").lines().map(read).collect()
}

fn differs(scenario: &Scenario, left: Quirks, right: Quirks) -> bool {
    let play = |quirks| Model::with(quirks).play(scenario).to_json();
    !differences(&play(left), &play(right)).is_empty()
}

/// Whether a quirk changes the outcome of the client, or the reference without it has another outcome.
fn shows(scenario: &Scenario, quirk: Quirk) -> bool {
    differs(scenario, Quirks::none(), [quirk].into_iter().collect())
        || differs(scenario, Quirks::all(), Quirks::all_but(quirk))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_keeps_its_promises_on_both_backends() {
    for own in own() {
        let promised = Model::promise().play(&own.scenario).to_json();
        for backend in Backend::ALL {
            let actual = run(&own.scenario, backend).await.unwrap();
            let found = differences(&promised, &actual.to_json());
            assert!(found.is_empty(), "{} on {backend}: {found:#?}", own.id);
        }
    }
}

#[test]
fn each_scenario_shows_the_row_that_it_names() {
    let deviations = Deviations::declared().unwrap();
    for own in own() {
        let rows: Vec<_> = Quirk::ALL
            .iter()
            .filter(|quirk| shows(&own.scenario, **quirk))
            .filter_map(|quirk| deviations.of_quirk(*quirk))
            .map(|(row, _)| row)
            .collect();
        assert!(
            rows.contains(&own.row),
            "{}: row {} is not among {rows:?}",
            own.id,
            own.row
        );
    }
}

#[test]
fn every_declared_quirk_is_shown_by_a_vector_or_a_scenario() {
    let recorded = ["metaflow.jsonl", "quirks.jsonl"].map(text).concat();
    let recorded = recorded
        .lines()
        .map(|line| Vector::read(line).unwrap().scenario);
    // Where promise and reference agree, no quirk has an effect.
    let deviates = |scenario: &Scenario| differs(scenario, Quirks::none(), Quirks::all());
    let scenarios: Vec<_> = recorded
        .chain(own().into_iter().map(|own| own.scenario))
        .filter(deviates)
        .collect();
    let shown: BTreeSet<_> = Quirk::ALL
        .iter()
        .filter(|quirk| scenarios.iter().any(|scenario| shows(scenario, **quirk)))
        .collect();
    let hidden: Vec<_> = Quirk::ALL
        .iter()
        .filter(|quirk| !shown.contains(quirk))
        .collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

#[test]
fn every_row_of_the_table_is_declared_and_every_declared_row_is_in_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/SEMANTICS.md");
    let document = std::fs::read_to_string(path).unwrap();
    let in_table: Vec<u64> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" |")?.0.parse().ok())
        .collect();
    let declared: BTreeSet<u64> = Deviations::declared()
        .unwrap()
        .all()
        .iter()
        .map(|deviation| deviation.row)
        .collect();
    assert_eq!(in_table, declared.into_iter().collect::<Vec<_>>());
}

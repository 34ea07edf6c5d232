//! The recorded vectors: they pass, the model knows them, and falsified ones do not pass.

use std::path::Path;

use futures_util::StreamExt;
use s3_tests::model::{Model, Quirk};
use s3_tests::vectors::{Backend, Demand, Deviations, Replayed, Vector, differences, replay, run};
use serde_json::{Value, json};

/// Vectors larger than this in their expectation or their objects are falsified in few places only.
const MANY_PLACES: usize = 24;
const FEW_PLACES: usize = 3;

fn lines(file: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("vectors")
        .join(file);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn recorded() -> Vec<String> {
    [lines("metaflow.jsonl"), lines("quirks.jsonl")].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_vector_passes_on_both_backends() {
    let deviations = Deviations::declared().unwrap();
    let verdicts: Vec<_> = replay(recorded(), &deviations).collect().await;
    assert_eq!(verdicts.len(), 257);
    let failed: Vec<_> = verdicts
        .iter()
        .filter(|verdict| verdict.result != Replayed::Passed)
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn the_model_agrees_with_every_recorded_vector() {
    let reference = Model::reference();
    for line in recorded() {
        let vector = Vector::read(&line).unwrap();
        let played = reference.play(&vector.scenario);
        let found = differences(&vector.recorded.outcome.to_json(), &played.to_json());
        assert!(found.is_empty(), "{}: {found:#?}", vector.id);
    }
}

#[test]
fn what_we_match_is_what_we_promise_but_for_one_row() {
    let promise = Model::promise();
    let deviations = Deviations::declared().unwrap();
    let mut deviating = Vec::new();
    for line in lines("metaflow.jsonl") {
        let vector = Vector::read(&line).unwrap();
        let played = promise.play(&vector.scenario);
        if !differences(&vector.recorded.outcome.to_json(), &played.to_json()).is_empty() {
            deviating.push((
                vector.id.clone(),
                Demand::of(&vector, &deviations).unwrap().rows,
            ));
        }
    }
    assert_eq!(deviating, [("fault-012".to_owned(), vec![19])]);
}

#[test]
fn every_quirk_of_the_model_is_a_declared_deviation() {
    let deviations = Deviations::declared().unwrap();
    for quirk in Quirk::ALL {
        assert!(deviations.of_quirk(*quirk).is_some(), "{quirk}");
    }
}

/// Falsifies every vector in many places, one at a time: none of the copies may pass.
#[tokio::test(flavor = "multi_thread")]
async fn a_falsified_vector_fails() {
    let deviations = Deviations::declared().unwrap();
    let mut checked = 0;
    for line in recorded() {
        let vector = Vector::read(&line).unwrap();
        let actual = run(&vector.scenario, Backend::Memory).await.unwrap();
        let genuine: Value = serde_json::from_str(&line).unwrap();
        assert!(passes(&genuine, &actual, &deviations), "{}", vector.id);
        let is_large = line.contains("repeat") || line.contains("objects_generate");
        let most = if is_large { FEW_PLACES } else { MANY_PLACES };
        for (place, falsified) in falsified(&genuine, most) {
            checked += 1;
            assert!(
                !passes(&falsified, &actual, &deviations),
                "{} passes, falsified at {place}",
                vector.id
            );
        }
    }
    assert!(checked > 2_000, "{checked}");
}

fn passes(vector: &Value, actual: &s3_tests::vectors::Outcome, deviations: &Deviations) -> bool {
    let Ok(vector) = Vector::read(&vector.to_string()) else {
        return false;
    };
    Demand::of(&vector, deviations).is_ok_and(|demand| demand.differences(actual).is_empty())
}

/// Copies of a vector with one expected value changed, or one result or object left out.
fn falsified(genuine: &Value, most: usize) -> Vec<(String, Value)> {
    let mut places = Vec::new();
    leaves("/expected", &genuine["expected"], &mut places);
    let step = places.len().div_ceil(most).max(1);
    let mut copies: Vec<_> = places
        .iter()
        .step_by(step)
        .map(|place| {
            let mut copy = genuine.clone();
            let value = copy.pointer_mut(place).unwrap();
            *value = other_value(place, value);
            (place.clone(), copy)
        })
        .collect();
    for list in ["/expected/results", "/expected/final_state"] {
        let mut copy = genuine.clone();
        if copy
            .pointer_mut(list)
            .and_then(Value::as_array_mut)
            .is_some_and(|items| items.pop().is_some())
        {
            copies.push((format!("{list}, last left out"), copy));
        }
    }
    copies
}

/// The places of all values that are compared.
fn leaves(path: &str, value: &Value, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let is_empty = members.get("exists") == Some(&json!(true))
                && members.get("size") == Some(&json!(0));
            for (name, value) in members {
                let is_exempt = matches!(
                    name.as_str(),
                    "message" | "headline" | "path_is_absolute" | "wire"
                );
                let is_unprinted = name == "str" && is_empty;
                if !is_exempt && !is_unprinted {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    leaves(&format!("{path}/{name}"), value, places);
                }
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                leaves(&format!("{path}/{index}"), value, places);
            }
        }
        _ => places.push(path.to_owned()),
    }
}

fn other_value(place: &str, value: &Value) -> Value {
    match value {
        // The type's name is not compared, only whether there is a value.
        Value::String(_) if place.ends_with("/last_modified") => Value::Null,
        Value::String(text) if place.ends_with("/hex") => json!(format!("{text}00")),
        Value::String(text) => json!(format!("{text}x")),
        Value::Number(number) => json!(number.as_i64().unwrap() + 1),
        Value::Bool(value) => json!(!value),
        _ => json!("x"),
    }
}

#[test]
fn a_vector_that_cannot_be_understood_is_malformed() {
    let genuine: Value = serde_json::from_str(&lines("metaflow.jsonl")[0]).unwrap();
    assert!(Vector::read(&genuine.to_string()).is_ok());
    for (place, value) in [
        ("/unknown", json!(1)),
        ("/steps/0/call", json!("gte")),
        ("/steps/0/kwarg", json!({})),
        ("/steps/0/args/0", json!({"$unknown": 1})),
        ("/expected/results/0/ok/colour", json!("red")),
        ("/expected/results", json!([])),
        ("/expected/final_state", json!([])),
        ("/expected/result", json!([])),
        ("/objects", json!({"k": {"body": "x", "colour": "red"}})),
        ("/faults", json!([{"action": "explode"}])),
        ("/constructor", json!([])),
        ("/id", json!(7)),
    ] {
        let mut copy = genuine.clone();
        set(&mut copy, place, value);
        assert!(Vector::read(&copy.to_string()).is_err(), "{place}");
    }
    for line in ["", "{", "[]", "{}", "null"] {
        assert!(Vector::read(line).is_err(), "{line}");
    }
}

fn set(vector: &mut Value, place: &str, value: Value) {
    let (parent, name) = place.rsplit_once('/').unwrap();
    match vector.pointer_mut(parent).unwrap() {
        Value::Object(members) => _ = members.insert(name.to_owned(), value),
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        _ => unreachable!("{place}"),
    }
}

#[test]
fn a_quirk_that_nobody_declared_fails() {
    let deviations = Deviations::declared().unwrap();
    let mut vector = Vector::read(&lines("metaflow.jsonl")[0]).unwrap();
    vector.quirk = Some("something new".to_owned());
    assert_eq!(
        Demand::of(&vector, &deviations).unwrap_err(),
        ["no deviation covers this quirk: something new"]
    );
    let known = lines("quirks.jsonl");
    let dropped = known
        .iter()
        .find(|line| line.contains("\"url1-021\""))
        .unwrap();
    let problems = Demand::of(&Vector::read(dropped).unwrap(), &Deviations::default()).unwrap_err();
    assert_eq!(problems, ["no deviation covers this quirk: query-part"]);
}

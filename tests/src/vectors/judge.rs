//! [`Demand`]: the required outcome of a vector: the recording, or the promise where a deviation is declared.
//!
//! Without a deviation, the recording is required. Where the client promises another behaviour than the reference has,
//! the promise is required, under three conditions:
//!
//! 1. every quirk of the reference that has an effect here is declared, with a row of `docs/SEMANTICS.md`;
//! 2. the recording is exactly the outcome of the model with the reference's quirk;
//! 3. recording and promise differ in no field that the declared deviations do not name.
//!
//! The promise comes from the model without quirks, never from the outcome of the client. Where both models agree the
//! demand stays the recording, so that a model that knows too little cannot excuse a client.

use serde_json::{Value, json};

use super::deviation::{Change, Deviations};
use super::difference::{Difference, differences};
use super::outcome::Outcome;
use super::vector::Vector;
use crate::model::{Model, Quirk, Quirks};

/// The required outcome of a vector.
#[derive(Clone, Debug)]
pub struct Demand {
    /// The outcome that the client has to show.
    pub outcome: Outcome,
    /// The rows of the deviations that apply.
    pub rows: Vec<u64>,
}

impl Demand {
    /// Returns the demand of a vector.
    ///
    /// # Errors
    ///
    /// The reason why the vector has no consistent required outcome: a deviation that is not declared, or a recording
    /// that differs from the model of the reference.
    pub fn of(vector: &Vector, deviations: &Deviations) -> Result<Self, Vec<String>> {
        let quirks = quirks_with_effect(vector);
        if let Some((row, changes)) = deviations.of_vector(&vector.id) {
            let outcome =
                changed(&vector.recorded.outcome, changes).map_err(|problem| vec![problem])?;
            return Ok(Self {
                outcome,
                rows: vec![row],
            });
        }
        if quirks.is_empty() {
            return Self::of_plain(vector, deviations);
        }
        let mut rows = Vec::new();
        let mut effects = Vec::new();
        for quirk in &quirks {
            let Some((row, effect)) = deviations.of_quirk(*quirk) else {
                return Err(vec![format!("no deviation covers this quirk: {quirk}")]);
            };
            rows.push(row);
            effects.extend(effect.iter().map(String::as_str));
        }
        Self::promised(vector, &effects).map(|outcome| Self { outcome, rows })
    }

    /// Returns the demand of a vector in which the reference behaves as the client promises.
    fn of_plain(vector: &Vector, deviations: &Deviations) -> Result<Self, Vec<String>> {
        let mut rows = Vec::new();
        if let Some(reason) = &vector.quirk {
            let row = deviations.of_reason(reason);
            rows.push(
                row.ok_or_else(|| vec![format!("no deviation covers this quirk: {reason}")])?,
            );
        }
        Ok(Self {
            outcome: vector.recorded.outcome.clone(),
            rows,
        })
    }

    fn promised(vector: &Vector, effects: &[&str]) -> Result<Outcome, Vec<String>> {
        let recorded = &vector.recorded.outcome;
        let reference = Model::reference().play(&vector.scenario);
        let promise = Model::promise().play(&vector.scenario);
        let mut problems = Vec::new();
        let merged = if is_whole(recorded, &reference, &promise) {
            problems.extend(unlike_reference(
                "",
                &recorded.to_json(),
                &reference.to_json(),
            ));
            promise
        } else {
            merge(recorded, &reference, promise, &mut problems)
        };
        for difference in differences(&recorded.to_json(), &merged.to_json()) {
            if !effects.iter().any(|effect| names(effect, &difference.path)) {
                problems.push(format!("no deviation changes this: {difference}"));
            }
        }
        if problems.is_empty() {
            Ok(merged)
        } else {
            Err(problems)
        }
    }

    /// Returns the differences of an outcome from the demand.
    #[must_use]
    pub fn differences(&self, actual: &Outcome) -> Vec<Difference> {
        differences(&self.outcome.to_json(), &actual.to_json())
    }
}

/// Returns the quirks of the reference that have an effect on the outcome.
fn quirks_with_effect(vector: &Vector) -> Vec<Quirk> {
    let play = |quirks| Model::with(quirks).play(&vector.scenario).to_json();
    let differs = |left: &Value, right: &Value| !differences(left, right).is_empty();
    let reference = play(Quirks::all());
    let promise = play(Quirks::none());
    if !differs(&promise, &reference) {
        return Vec::new();
    }
    let matters = |quirk: &Quirk| {
        differs(&reference, &play(Quirks::all_but(*quirk)))
            || differs(&promise, &play([*quirk].into_iter().collect()))
    };
    Quirk::ALL.iter().copied().filter(matters).collect()
}

/// Returns whether one of the outcomes has no client, so that they cannot be compared step by step.
fn is_whole(recorded: &Outcome, reference: &Outcome, promise: &Outcome) -> bool {
    [recorded, reference, promise]
        .iter()
        .any(|outcome| outcome.constructor_error.is_some())
}

/// Takes the promise where the quirk has an effect, and the recording everywhere else.
fn merge(
    recorded: &Outcome,
    reference: &Outcome,
    promise: Outcome,
    problems: &mut Vec<String>,
) -> Outcome {
    let mut merged = recorded.clone();
    let steps = merged
        .results
        .iter_mut()
        .zip(&reference.results)
        .zip(promise.results);
    for (index, ((result, reference), promise)) in steps.enumerate() {
        if !differences(reference, &promise).is_empty() {
            problems.extend(unlike_reference(
                &format!("/results/{index}"),
                result,
                reference,
            ));
            *result = promise;
        }
    }
    if let (Some(state), Some(promise)) = (&mut merged.final_state, promise.final_state) {
        let reference = json!(reference.final_state);
        if !differences(&reference, &json!(promise)).is_empty() {
            problems.extend(unlike_reference("/final_state", &json!(state), &reference));
            *state = promise;
        }
    }
    merged
}

fn unlike_reference(place: &str, recorded: &Value, reference: &Value) -> Vec<String> {
    let say = |difference: Difference| {
        let show =
            |value: Option<Value>| value.map_or("nothing".to_owned(), |value| value.to_string());
        format!(
            "the recording is not what the reference does: {place}{}: recorded {}, should be {}",
            difference.path,
            show(difference.expected),
            show(difference.actual)
        )
    };
    differences(recorded, reference)
        .into_iter()
        .map(say)
        .collect()
}

/// Returns whether an effect applies to a path: it is one of the names in the path.
fn names(effect: &str, path: &str) -> bool {
    path.split('/').any(|name| name == effect)
}

/// Replaces recorded values with promised ones.
fn changed(recorded: &Outcome, changes: &[Change]) -> Result<Outcome, String> {
    let mut outcome = recorded.clone();
    for change in changes {
        let place = place_in(&mut outcome, &change.path)
            .ok_or_else(|| format!("a deviation changes {}, which is not there", change.path))?;
        if *place != change.recorded {
            return Err(format!(
                "{}: recorded {place}, but the deviation says {}",
                change.path, change.recorded
            ));
        }
        *place = change.promised.clone();
    }
    Ok(outcome)
}

fn place_in<'outcome>(outcome: &'outcome mut Outcome, path: &str) -> Option<&'outcome mut Value> {
    let (part, rest) = path.strip_prefix('/')?.split_once('/')?;
    let (index, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let items = match part {
        "results" => &mut outcome.results,
        "final_state" => outcome.final_state.as_mut()?,
        _ => return None,
    };
    let value = items.get_mut(index.parse::<usize>().ok()?)?;
    if rest.is_empty() {
        Some(value)
    } else {
        value.pointer_mut(&format!("/{rest}"))
    }
}

//! Replays all vectors of a file, eight concurrently, and reports which pass.

use futures_util::{Stream, StreamExt, stream};

use super::backend::Backend;
use super::deviation::Deviations;
use super::difference::Difference;
use super::judge::Demand;
use super::run::run;
use super::untypable::skip;
use super::vector::Vector;

/// Maximum number of vectors that run concurrently.
const AT_ONCE: usize = 8;

/// The outcome of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The name of the vector, or the number of a line without one.
    pub id: String,
    /// Whether it passed.
    pub result: Replayed,
}

/// The outcome of a vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// The client behaved as required on both backends.
    Passed,
    /// It did not, or no outcome can be required: the reasons.
    Failed(Vec<String>),
    /// Rust cannot express the vector: the reason.
    Skipped(String),
}

/// Replays all lines, several concurrently, and returns their outcomes in order.
pub fn replay<'file>(
    lines: impl IntoIterator<Item = String> + 'file,
    deviations: &'file Deviations,
) -> impl Stream<Item = Verdict> + 'file {
    let deviations = deviations.clone();
    let jobs = lines.into_iter().enumerate().map(move |(index, line)| {
        let deviations = deviations.clone();
        let id = id_of(&line).unwrap_or_else(|| format!("line {}", index + 1));
        async move {
            let job = tokio::spawn(async move { replay_line(index + 1, &line, &deviations).await });
            job.await.unwrap_or_else(|error| Verdict {
                id,
                result: Replayed::Failed(vec![format!(
                    "the client or the runner panicked: {error}"
                )]),
            })
        }
    });
    stream::iter(jobs).buffered(AT_ONCE)
}

async fn replay_line(number: usize, line: &str, deviations: &Deviations) -> Verdict {
    let vector = match Vector::read(line) {
        Ok(vector) => vector,
        Err(malformed) => {
            let id = id_of(line).unwrap_or_else(|| format!("line {number}"));
            return Verdict {
                id,
                result: Replayed::Failed(vec![malformed.to_string()]),
            };
        }
    };
    let result = match skip(&vector.scenario) {
        Some(reason) => Replayed::Skipped(reason.to_owned()),
        None => replay_vector(&vector, deviations).await,
    };
    Verdict {
        id: vector.id,
        result,
    }
}

async fn replay_vector(vector: &Vector, deviations: &Deviations) -> Replayed {
    let demand = match Demand::of(vector, deviations) {
        Ok(demand) => demand,
        Err(problems) => return Replayed::Failed(problems),
    };
    let mut failures = Vec::new();
    for backend in Backend::ALL {
        match run(&vector.scenario, backend).await {
            Err(problem) => failures.push(format!("{backend}: {problem}")),
            Ok(actual) => {
                let differences = demand.differences(&actual);
                let say = |difference| describe(vector, backend, difference);
                failures.extend(differences.iter().map(say));
            }
        }
    }
    if failures.is_empty() {
        Replayed::Passed
    } else {
        Replayed::Failed(failures)
    }
}

/// Formats a difference with its backend and step.
fn describe(vector: &Vector, backend: Backend, difference: &Difference) -> String {
    let mut names = difference.path.split('/').skip(1);
    let step = match (
        names.next(),
        names.next().and_then(|index| index.parse::<usize>().ok()),
    ) {
        (Some("results"), Some(index)) => vector.scenario.steps.get(index),
        _ => None,
    };
    match step {
        Some(step) => format!("{backend}, {}: {difference}", step.call.name()),
        None => format!("{backend}: {difference}"),
    }
}

fn id_of(line: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    Some(value.get("id")?.as_str()?.to_owned())
}

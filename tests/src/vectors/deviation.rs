//! [`Deviations`]: parses `deviations.jsonl`, the declared deviations from the recordings, one per row of
//! `docs/SEMANTICS.md`.

use serde_json::Value;

use super::fields::{Fields, list, text};
use super::malformed::{Malformed, Read};
use crate::model::Quirk;

/// The declared deviations.
#[derive(Clone, Debug, Default)]
pub struct Deviations(Vec<Deviation>);

/// One declared deviation.
#[derive(Clone, Debug)]
pub struct Deviation {
    /// The row of the table.
    pub row: u64,
    applies: Applies,
}

/// The vectors that a deviation applies to, and the fields that it changes there.
#[derive(Clone, Debug)]
enum Applies {
    /// Vectors where the model has this quirk with an effect; only these fields may differ from the recording.
    Quirk { quirk: Quirk, effect: Vec<String> },
    /// Vectors with this reason, in which no compared value changes.
    Reason(String),
    /// One vector, in which these places change.
    Vector { id: String, changes: Vec<Change> },
}

/// A place whose promised value differs from the recorded one.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The place in the outcome, such as `/results/0/ok/url`.
    pub path: String,
    /// The value of the reference.
    pub recorded: Value,
    /// The value that this client promises.
    pub promised: Value,
}

impl Deviations {
    /// Parses a file of deviations, one JSON object per line.
    ///
    /// # Errors
    ///
    /// The first line that cannot be read.
    pub fn read(file: &str) -> Result<Self, Malformed> {
        let lines = file
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty());
        lines
            .map(|(index, line)| Deviation::read(index + 1, line))
            .collect::<Read<_>>()
            .map(Self)
    }

    /// Returns the deviations of this checkout.
    ///
    /// # Errors
    ///
    /// A file that cannot be read.
    pub fn declared() -> Result<Self, Malformed> {
        Self::read(include_str!("../../vectors/deviations.jsonl"))
    }

    /// Returns all deviations.
    #[must_use]
    pub fn all(&self) -> &[Deviation] {
        &self.0
    }

    /// Returns the row and the effect of a quirk.
    #[must_use]
    pub fn of_quirk(&self, wanted: Quirk) -> Option<(u64, &[String])> {
        self.0
            .iter()
            .find_map(|deviation| match &deviation.applies {
                Applies::Quirk { quirk, effect } if *quirk == wanted => {
                    Some((deviation.row, effect.as_slice()))
                }
                _ => None,
            })
    }

    /// Returns the row of a reason that changes no value.
    #[must_use]
    pub fn of_reason(&self, wanted: &str) -> Option<u64> {
        let is_it = |deviation: &&Deviation| matches!(&deviation.applies, Applies::Reason(reason) if reason == wanted);
        self.0.iter().find(is_it).map(|deviation| deviation.row)
    }

    /// Returns the changes of one vector.
    #[must_use]
    pub fn of_vector(&self, wanted: &str) -> Option<(u64, &[Change])> {
        self.0
            .iter()
            .find_map(|deviation| match &deviation.applies {
                Applies::Vector { id, changes } if id == wanted => {
                    Some((deviation.row, changes.as_slice()))
                }
                _ => None,
            })
    }
}

impl Deviation {
    fn read(line: usize, json: &str) -> Read<Self> {
        let place = format!("deviations, line {line}");
        let value: Value =
            serde_json::from_str(json).map_err(|error| Malformed::new(&place, error))?;
        let mut fields = Fields::of(place.as_str(), &value)?;
        let row = fields
            .optional_count("row")?
            .ok_or_else(|| Malformed::new(&place, "`row` is missing"))?;
        fields.text("why")?;
        fields.text("promise")?;
        let applies = match fields.optional_text("id")? {
            Some(id) => Applies::Vector {
                id,
                changes: changes(&place, &fields.required("changes")?)?,
            },
            None => rule(&place, &fields.required("rule")?)?,
        };
        fields.done()?;
        Ok(Self { row, applies })
    }

    /// Returns the quirk of the deviation, if it has one.
    #[must_use]
    pub fn quirk(&self) -> Option<Quirk> {
        match &self.applies {
            Applies::Quirk { quirk, .. } => Some(*quirk),
            _ => None,
        }
    }
}

fn rule(place: &str, value: &Value) -> Read<Applies> {
    let mut fields = Fields::of(place, value)?;
    if let Some(reason) = fields.optional_text("reason")? {
        fields.done()?;
        return Ok(Applies::Reason(reason));
    }
    let name = fields.text("quirk")?;
    let quirk = Quirk::ALL
        .iter()
        .copied()
        .find(|quirk| quirk.name() == name)
        .ok_or_else(|| Malformed::new(place, format!("the model knows no quirk `{name}`")))?;
    let effect = fields.required("effect")?;
    let effect = list(place, &effect)?
        .iter()
        .map(|field| text(place, field))
        .collect::<Read<_>>()?;
    fields.done()?;
    Ok(Applies::Quirk { quirk, effect })
}

fn changes(place: &str, value: &Value) -> Read<Vec<Change>> {
    let read = |value: &Value| {
        let mut fields = Fields::of(place, value)?;
        let change = Change {
            path: fields.text("path")?,
            recorded: fields.required("recorded")?,
            promised: fields.required("promised")?,
        };
        fields.done()?;
        Ok(change)
    };
    list(place, value)?.iter().map(read).collect()
}

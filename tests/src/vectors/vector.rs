//! [`Vector`]: parses a vector, one line of a `.jsonl` file: scenario and recorded outcome.

use std::collections::BTreeMap;

use serde_json::Value;

use super::argument::Argument;
use super::call::Step;
use super::fields::{Fields, list};
use super::malformed::{Malformed, Read};
use super::recorded::Recorded;
use super::seed::{self, Fault, LocalFile, Stored};

/// A scenario and the recorded outcome of the reference.
#[derive(Clone, Debug)]
pub struct Vector {
    /// The name of the vector.
    pub id: String,
    /// The actions of the client.
    pub scenario: Scenario,
    /// The reason why the behaviour of the reference should not be copied, if there is one.
    pub quirk: Option<String>,
    /// The outcome of the reference.
    pub recorded: Recorded,
}

/// The calls of a client and their environment.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// Objects of `{B}`.
    pub objects: BTreeMap<String, Stored>,
    /// Objects of `{B2}`.
    pub objects_b2: BTreeMap<String, Stored>,
    /// Files of `local/`.
    pub local_files: BTreeMap<String, LocalFile>,
    /// `METAFLOW_*` settings, without the prefix; null unsets.
    pub config: BTreeMap<String, Value>,
    /// Flow name and run id of the running flow.
    pub current: Option<(String, String)>,
    /// Faults of the server.
    pub faults: Vec<Fault>,
    /// Keyword arguments of the constructor.
    pub constructor: BTreeMap<String, Argument>,
    /// The calls.
    pub steps: Vec<Step>,
    /// Whether the objects of `{B}` are compared at the end.
    pub final_state: bool,
}

impl Vector {
    /// Reads one line.
    ///
    /// # Errors
    ///
    /// Malformed JSON, unknown keys, calls or encodings, missing members, and a number of results that differs from the
    /// number of steps.
    pub fn read(line: &str) -> Result<Self, Malformed> {
        let value: Value =
            serde_json::from_str(line).map_err(|error| Malformed::new("malformed JSON", error))?;
        let mut fields = Fields::of("vector", &value)?;
        let id = fields.text("id")?;
        fields.text("group")?;
        fields.text("title")?;
        let quirk = fields.optional_text("quirk")?;
        fields.optional_bool("server_sensitive")?;
        fields.take("second_server");
        let expected = fields.required("expected")?;
        let scenario = Scenario::read(&mut fields)?;
        fields.done()?;
        let recorded = Recorded::read(&expected, &scenario)?;
        Ok(Self {
            id,
            scenario,
            quirk,
            recorded,
        })
    }
}

impl Scenario {
    /// Parses a scenario that was not recorded.
    ///
    /// # Errors
    ///
    /// As [`Vector::read`].
    pub fn parse(value: &Value) -> Result<Self, Malformed> {
        let mut fields = Fields::of("scenario", value)?;
        let scenario = Self::read(&mut fields)?;
        fields.done()?;
        Ok(scenario)
    }

    fn read(fields: &mut Fields) -> Read<Self> {
        let mut objects = seed::objects("objects", fields.take("objects"))?;
        objects.extend(seed::generated(
            "objects_generate",
            fields.take("objects_generate"),
        )?);
        let constructor = Fields::of("constructor", &fields.required("constructor")?)?
            .rest()
            .iter()
            .map(|(name, value)| {
                Ok((
                    name.clone(),
                    Argument::read(&format!("constructor.{name}"), value)?,
                ))
            })
            .collect::<Read<_>>()?;
        let steps = fields.required("steps")?;
        let steps = list("steps", &steps)?
            .iter()
            .enumerate()
            .map(|(index, step)| Step::read(&format!("steps[{index}]"), step))
            .collect::<Read<_>>()?;
        let config = match fields.take("config") {
            None => BTreeMap::new(),
            Some(value) => Fields::of("config", &value)?.rest().into_iter().collect(),
        };
        Ok(Self {
            objects,
            objects_b2: seed::objects("objects_b2", fields.take("objects_b2"))?,
            local_files: seed::local_files("local_files", fields.take("local_files"))?,
            config,
            current: current(fields)?,
            faults: seed::faults("faults", fields.take("faults"))?,
            constructor,
            steps,
            final_state: fields.optional_bool("final_state")?.unwrap_or(false),
        })
    }

    /// Returns a setting as a count, such as `S3_RETRY_COUNT`.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<u32> {
        u32::try_from(self.config.get(name)?.as_u64()?).ok()
    }

    /// Returns a setting as an environment variable would hold it.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<String> {
        match self.config.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Bool(value) => Some(u8::from(*value).to_string()),
            other => Some(other.to_string()),
        }
    }
}

fn current(fields: &mut Fields) -> Read<Option<(String, String)>> {
    let Some(value) = fields.take("current") else {
        return Ok(None);
    };
    if value.is_null() {
        return Ok(None);
    }
    let mut current = Fields::of("current", &value)?;
    let names = (current.text("flow_name")?, current.text("run_id")?);
    current.done()?;
    Ok(Some(names))
}

/// Returns whether every request of a call on many objects fails on purpose: `inject_failure_rate` of 100 or more.
///
/// Lower rates only cost attempts; their failures are random and do not affect the outcome.
#[must_use]
pub(crate) fn fails_many(scenario: &Scenario) -> bool {
    match scenario.constructor.get("inject_failure_rate") {
        Some(Argument::Number(rate)) => rate.as_f64().is_some_and(|rate| rate >= 100.0),
        _ => false,
    }
}

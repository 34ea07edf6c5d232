//! [`Model`]: runs a scenario through the reference model, step by step, and returns its outcome.

use serde_json::{Value, json};

use super::client::Client;
use super::exception::{ANY_CLASS, Exception};
use super::quirk::Quirks;
use crate::vectors::outcome::show_stored;
use crate::vectors::{Bound, Call, Outcome, Scenario, Step, record, untypable};

/// Maximum number of entries in a page of a listing.
const PAGE: usize = 1000;

/// Predicts the outcome of a scenario, with all, some or none of the quirks.
#[derive(Clone, Debug)]
pub struct Model {
    quirks: Quirks,
    page: usize,
}

impl Model {
    /// Returns the model of the client as documented.
    #[must_use]
    pub fn promise() -> Self {
        Self::with(Quirks::none())
    }

    /// Returns the model of the reference, Metaflow's client.
    #[must_use]
    pub fn reference() -> Self {
        Self::with(Quirks::all())
    }

    /// Returns the model with these quirks.
    #[must_use]
    pub fn with(quirks: Quirks) -> Self {
        Self { quirks, page: PAGE }
    }

    /// Sets the maximum number of entries in a page of a listing; 1,000 by default, as in S3.
    #[must_use]
    pub fn with_page(mut self, page: usize) -> Self {
        self.page = page;
        self
    }

    /// Plays a scenario and returns its outcome.
    #[must_use]
    pub fn play(&self, scenario: &Scenario) -> Outcome {
        let mut client = match Client::construct(&self.quirks, scenario) {
            Ok(client) => client.with_page(self.page),
            Err(exception) => return Outcome::rejected(exception.show()),
        };
        let results = scenario
            .steps
            .iter()
            .map(|step| client.step(step))
            .collect();
        let objects = client.server.buckets.get("{B}");
        let final_state = objects.filter(|_| scenario.final_state).map(|objects| {
            objects
                .iter()
                .map(|(key, stored)| show_stored(key, stored))
                .collect()
        });
        Outcome {
            constructor_error: None,
            results,
            final_state,
        }
    }
}

impl Client<'_> {
    fn step(&mut self, step: &Step) -> Value {
        if step.call == Call::Construct {
            return self.plain(record::construct(step).map_err(Into::into));
        }
        match step.bind() {
            Some(bound) => self.call(step.call, &bound),
            None => self.plain(Err(untypable::arguments().into())),
        }
    }

    fn call(&mut self, call: Call, bound: &Bound) -> Value {
        match call {
            Call::Get => {
                let result = self.get(bound);
                self.one(result)
            }
            Call::Info => {
                let result = self.info(bound);
                self.one(result)
            }
            Call::GetMany
            | Call::GetRecursive
            | Call::GetAll
            | Call::InfoMany
            | Call::ListPaths
            | Call::ListRecursive => {
                let result = match call {
                    Call::GetMany => self.get_many(bound),
                    Call::GetRecursive => self.get_recursive(bound),
                    Call::GetAll => self.get_all(bound),
                    Call::InfoMany => self.info_many(bound),
                    Call::ListPaths => self.list_paths(bound),
                    _ => self.list_recursive(bound),
                };
                self.many(result)
            }
            _ => self.other_call(call, bound),
        }
    }

    fn other_call(&mut self, call: Call, bound: &Bound) -> Value {
        let result = match call {
            Call::Put => self.put(bound).map(|url| json!(url)),
            Call::PutMany => self.put_many(bound),
            Call::PutFiles => self.put_files(bound),
            Call::Delete => self.delete(bound).map(|()| Value::Null),
            Call::Copy => self.copy(bound).map(|()| Value::Null),
            Call::TemporaryDirs => Ok(self.temporary_dirs(bound)),
            Call::Reread => self.reread(bound),
            Call::PathExists => self.path_exists(bound),
            Call::SamePath => self.same_path(bound),
            Call::FileClosed => self.file_closed(bound),
            Call::ChangeDir => {
                self.change_dir();
                Ok(Value::Null)
            }
            Call::RemoveTemporary => {
                self.remove_temporary();
                Ok(Value::Null)
            }
            Call::WithRaise => {
                self.close();
                Err(Exception::Python(ANY_CLASS))
            }
            _ => {
                self.close();
                Ok(Value::Null)
            }
        };
        self.plain(result)
    }
}

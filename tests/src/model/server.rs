//! The S3 server of the reference model: buckets as maps, with injected faults.

use std::collections::BTreeMap;

use super::place::Place;
use crate::vectors::{Effect, Fault, Scenario, Stored};

/// Buckets by name, objects by key, and the faults that are still to be injected.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) buckets: BTreeMap<String, BTreeMap<String, Stored>>,
    faults: Vec<Fault>,
}

/// The failure of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// An error with this status and code.
    ErrorResponse { status: u16, code: String },
    /// The body ends early, after `moved` new bytes.
    Truncated { moved: u64 },
    /// The connection is closed.
    Dropped,
}

impl Failure {
    fn error_response(status: u16, code: &str) -> Self {
        Self::ErrorResponse {
            status,
            code: code.to_owned(),
        }
    }
}

impl Server {
    pub(crate) fn of(scenario: &Scenario) -> Self {
        let buckets = [("{B}", &scenario.objects), ("{B2}", &scenario.objects_b2)];
        Self {
            buckets: buckets
                .map(|(name, objects)| (name.to_owned(), objects.clone()))
                .into(),
            faults: scenario.faults.clone(),
        }
    }

    /// Fails with the first fault that matches this request, and decrements its count.
    pub(crate) fn fault(&mut self, method: &str, key: &str, query: &str) -> Result<(), Failure> {
        let is_meant = |fault: &&mut Fault| {
            fault.times > 0
                && fault.method.as_ref().is_none_or(|wanted| wanted == method)
                && fault.key.as_ref().is_none_or(|wanted| wanted == key)
                && fault.query.as_ref().is_none_or(|part| query.contains(part))
        };
        let Some(fault) = self.faults.iter_mut().find(is_meant) else {
            return Ok(());
        };
        fault.times -= 1;
        Err(match &fault.effect {
            Effect::Drop => Failure::Dropped,
            Effect::Truncate => Failure::Truncated { moved: 0 },
            // The response to a HEAD has no body, and so no code.
            Effect::ErrorResponse { status, .. } if method == "HEAD" => {
                Failure::error_response(*status, "")
            }
            Effect::ErrorResponse { status, code } => Failure::error_response(*status, code),
        })
    }

    /// Handles GET and HEAD.
    pub(crate) fn read(&mut self, method: &str, place: &Place) -> Result<Stored, Failure> {
        self.fault(method, &place.key, "")?;
        let bucket = self.buckets.get(&place.bucket).ok_or_else(no_such_bucket)?;
        bucket
            .get(&place.key)
            .cloned()
            .ok_or_else(|| Failure::error_response(404, "NoSuchKey"))
    }

    /// Handles PUT; with `if_absent`, returns whether it wrote.
    pub(crate) fn write(
        &mut self,
        place: &Place,
        stored: Stored,
        if_absent: bool,
    ) -> Result<bool, Failure> {
        self.fault("PUT", &place.key, "")?;
        let bucket = self
            .buckets
            .get_mut(&place.bucket)
            .ok_or_else(no_such_bucket)?;
        if if_absent && bucket.contains_key(&place.key) {
            return Ok(false);
        }
        bucket.insert(place.key.clone(), stored);
        Ok(true)
    }

    /// Returns all keys that begin with `prefix`, and their sizes, in byte order.
    pub(crate) fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<(String, u64)>, Failure> {
        let bucket = self.buckets.get(bucket).ok_or_else(no_such_bucket)?;
        let found = bucket.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(found
            .map(|(key, stored)| (key.clone(), stored.body.len() as u64))
            .collect())
    }
}

fn no_such_bucket() -> Failure {
    Failure::error_response(404, "NoSuchBucket")
}

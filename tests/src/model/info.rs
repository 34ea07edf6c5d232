//! The metadata calls of the reference model: `info` and `info_many`.

use super::attempt::Verdict;
use super::client::Client;
use super::exception::{CallResult, Exception};
use super::object::Object;
use super::place::Place;
use super::quirk::Quirk;
use super::server::Failure;
use crate::vectors::python::iterate;
use crate::vectors::{Bound, Stored, untypable};

impl Client<'_> {
    pub(crate) fn info(&mut self, bound: &Bound) -> CallResult<Object> {
        let url = self.resolve(bound.get("key"))?;
        let mut place = self.place(&url)?;
        if self.quirks.has(Quirk::QuoteStripped) {
            place.key = place.key.trim_start_matches('"').to_owned();
        }
        self.use_one();
        let found = self.attempts(Self::verdict, |client| client.read("HEAD", &place));
        self.described(&url, found, bound)
    }

    pub(crate) fn info_many(&mut self, bound: &Bound) -> CallResult<Vec<Object>> {
        let keys = iterate(bound.get("keys")).ok_or_else(untypable::not_iterable)?;
        let places = keys
            .iter()
            .map(|key| {
                let url = self.resolve(key)?;
                let place = self.place(&url)?;
                Ok((url, place))
            })
            .collect::<CallResult<Vec<_>>>()?;
        if !places.is_empty() {
            self.need_temporary_for_many()?;
        }
        let once = |client: &mut Self, (_, place): &(String, Place)| client.read("HEAD", place);
        let found = self.attempts_of_many(&places, Self::verdict_of_info_many, once);
        let results = places.iter().zip(found);
        self.gather(
            results
                .map(|((url, _), found)| self.described(url, found, bound))
                .collect(),
        )
    }

    fn verdict_of_info_many(&self, failure: &Failure) -> Verdict {
        match failure {
            Failure::Dropped if self.quirks.has(Quirk::InfoManyFatal) => {
                Verdict::Fatal(Exception::Other)
            }
            Failure::ErrorResponse {
                status: 400..500, ..
            } if self.quirks.has(Quirk::PermanentErrors) => match self.verdict(failure) {
                Verdict::Again => Verdict::Fatal(Exception::Other),
                other => other,
            },
            _ => self.verdict(failure),
        }
    }

    fn described(&self, url: &str, found: CallResult<Stored>, bound: &Bound) -> CallResult<Object> {
        let mut object = Object::missing(self.quirks, self.root.text(), url);
        let stored = match found {
            Err(Exception::NotFound) if bound.flag("return_missing", false) => return Ok(object),
            found => found?,
        };
        object.size = Some(stored.body.len() as u64);
        object.info = Some(self.info_of(&stored, None)?);
        Ok(object)
    }
}

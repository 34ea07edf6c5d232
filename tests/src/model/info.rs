//! `info` and `info_many`.

use super::attempt::Verdict;
use super::client::Client;
use super::object::Object;
use super::place::Place;
use super::quirk::Quirk;
use super::refusal::{Answer, Refusal};
use super::server::Failure;
use crate::vectors::python::iterate;
use crate::vectors::{Bound, Stored, untypable};

impl Client<'_> {
    pub(crate) fn info(&mut self, bound: &Bound) -> Answer<Object> {
        let url = self.resolve(bound.get("key"))?;
        let mut place = self.place(&url)?;
        if self.quirks.has(Quirk::QuoteStripped) {
            place.key = place.key.trim_start_matches('"').to_owned();
        }
        self.use_one();
        let found = self.attempts(Self::verdict, |client| client.read("HEAD", &place));
        self.described(&url, found, bound)
    }

    pub(crate) fn info_many(&mut self, bound: &Bound) -> Answer<Vec<Object>> {
        let keys = iterate(bound.get("keys")).ok_or_else(untypable::not_iterable)?;
        let places = keys
            .iter()
            .map(|key| {
                let url = self.resolve(key)?;
                let place = self.place(&url)?;
                Ok((url, place))
            })
            .collect::<Answer<Vec<_>>>()?;
        if !places.is_empty() {
            self.need_temporary_for_many()?;
        }
        let once = |client: &mut Self, (_, place): &(String, Place)| client.read("HEAD", place);
        let found = self.attempts_of_many(&places, Self::verdict_of_info_many, once);
        let answers = places.iter().zip(found);
        self.gather(
            answers
                .map(|((url, _), found)| self.described(url, found, bound))
                .collect(),
        )
    }

    fn verdict_of_info_many(&self, failure: &Failure) -> Verdict {
        match failure {
            Failure::Dropped if self.quirks.has(Quirk::InfoManyFatal) => {
                Verdict::Fatal(Refusal::Other)
            }
            Failure::Answer {
                status: 400..500, ..
            } if self.quirks.has(Quirk::PermanentErrors) => match self.verdict(failure) {
                Verdict::Again => Verdict::Fatal(Refusal::Other),
                other => other,
            },
            _ => self.verdict(failure),
        }
    }

    fn described(&self, url: &str, found: Answer<Stored>, bound: &Bound) -> Answer<Object> {
        let mut object = Object::missing(self.quirks, self.root.text(), url);
        let stored = match found {
            Err(Refusal::NotFound) if bound.flag("return_missing", false) => return Ok(object),
            found => found?,
        };
        object.size = Some(stored.body.len() as u64);
        object.info = Some(self.info_of(&stored, None)?);
        Ok(object)
    }
}

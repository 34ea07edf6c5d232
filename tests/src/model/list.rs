//! Listings of the reference model: `list_paths`, `list_recursive`, and the listing of `get_recursive`.

use super::client::Client;
use super::exception::{CallResult, Exception};
use super::object::Object;
use super::place::{Place, Problem, is_bucket};
use super::quirk::Quirk;
use super::server::Failure;
use crate::vectors::python::iterate;
use crate::vectors::{Argument, Bound, untypable};

/// A key or a common prefix.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    key: String,
    /// `None` for a common prefix.
    size: Option<u64>,
}

impl Entry {
    pub(crate) fn place(self, bucket: &str) -> Place {
        Place {
            bucket: bucket.to_owned(),
            key: self.key,
        }
    }
}

impl Place {
    /// Appends a slash to the key, unless it has one or the place is the whole bucket.
    pub(crate) fn into_directory(mut self) -> Self {
        if !self.key.is_empty() && !self.key.ends_with('/') {
            self.key.push('/');
        }
        self
    }
}

impl Client<'_> {
    pub(crate) fn list_paths(&mut self, bound: &Bound) -> CallResult<Vec<Object>> {
        let urls = self.prefixes(bound.get("keys"))?;
        let urls: Vec<_> = urls
            .iter()
            .map(|url| format!("{}/", url.trim_end_matches('/')))
            .collect();
        self.listed(&urls, true)
    }

    pub(crate) fn list_recursive(&mut self, bound: &Bound) -> CallResult<Vec<Object>> {
        let urls = self.prefixes(bound.get("keys"))?;
        self.listed(&urls, false)
    }

    fn prefixes(&self, keys: &Argument) -> CallResult<Vec<String>> {
        let keys = match keys {
            Argument::Null => vec![Argument::Null],
            keys => iterate(keys).ok_or_else(untypable::not_iterable)?,
        };
        keys.iter().map(|key| self.prefix(key)).collect()
    }

    /// Returns the URL of a prefix. Its key may be too long, like that of an object.
    pub(crate) fn prefix(&self, key: &Argument) -> CallResult<String> {
        let url = self.resolve(key)?;
        match Place::of(self.quirks, &url).problem() {
            Some(Problem::LongKey) if !self.quirks.has(Quirk::LongKey) => Err(Exception::Url),
            _ => Ok(url),
        }
    }

    fn listed(&mut self, urls: &[String], is_delimited: bool) -> CallResult<Vec<Object>> {
        if !urls.is_empty() {
            self.use_many()?;
        }
        let mut objects = Vec::new();
        for url in urls {
            let place = Place::of(self.quirks, url).into_directory();
            for entry in self.list(&place, is_delimited)? {
                let found = format!("s3://{}/{}", place.bucket, entry.key);
                let mut object = Object::missing(self.quirks, Some(url), &found);
                object.size = entry.size;
                objects.push(object);
            }
        }
        Ok(objects)
    }

    /// Lists all keys and common prefixes that begin with the key of a place. In each page, objects come before
    /// prefixes.
    pub(crate) fn list(&mut self, place: &Place, is_delimited: bool) -> CallResult<Vec<Entry>> {
        let retries = std::mem::replace(&mut self.retries, self.list_retries);
        let result = self.list_with_retries(place, is_delimited);
        self.retries = retries;
        result
    }

    fn list_with_retries(&mut self, place: &Place, is_delimited: bool) -> CallResult<Vec<Entry>> {
        // After a failure the reference restarts the listing; the client retries the page.
        if self.quirks.has(Quirk::ListRetries) {
            return self.attempts(Self::verdict, |client| {
                let mut entries = Vec::new();
                let mut page = 0;
                while let Some(more) = client.page(place, is_delimited, page)? {
                    entries.extend(more);
                    page += 1;
                }
                Ok(entries)
            });
        }
        let mut entries = Vec::new();
        let mut page = 0;
        while let Some(more) = self.attempts(Self::verdict, |client| {
            client.page(place, is_delimited, page)
        })? {
            entries.extend(more);
            page += 1;
        }
        Ok(entries)
    }

    /// Returns a page; `None` after the last one.
    fn page(
        &mut self,
        place: &Place,
        is_delimited: bool,
        page: usize,
    ) -> Result<Option<Vec<Entry>>, Failure> {
        if !is_bucket(&place.bucket) {
            return Err(Failure::Dropped);
        }
        let mut entries: Vec<Entry> = Vec::new();
        for (key, size) in self
            .server
            .list(&place.bucket, &place.key)
            .or_else(|failure| {
                self.server
                    .fault("GET", "", &query(place, is_delimited, page))?;
                Err(failure)
            })?
        {
            let below = &key[place.key.len()..];
            match below.find('/').filter(|_| is_delimited) {
                None => entries.push(Entry {
                    key,
                    size: Some(size),
                }),
                Some(slash) => {
                    let prefix = &key[..=place.key.len() + slash];
                    if entries
                        .last()
                        .is_none_or(|last| last.key != prefix || last.size.is_some())
                    {
                        entries.push(Entry {
                            key: prefix.to_owned(),
                            size: None,
                        });
                    }
                }
            }
        }
        let size = self.page;
        if page > 0 && page * size >= entries.len() {
            return Ok(None);
        }
        self.server
            .fault("GET", "", &query(place, is_delimited, page))?;
        let mut entries: Vec<_> = entries.into_iter().skip(page * size).take(size).collect();
        entries.sort_by_key(|entry| entry.size.is_none());
        if self.quirks.has(Quirk::ListingKeys) {
            for entry in &mut entries {
                entry.key = entry.key.trim_start_matches('/').to_owned();
            }
        }
        Ok(Some(entries))
    }
}

fn query(place: &Place, is_delimited: bool, page: usize) -> String {
    let delimiter = if is_delimited { "/" } else { "" };
    let token = if page > 0 {
        "&continuation-token=next"
    } else {
        ""
    };
    format!(
        "list-type=2&prefix={}&delimiter={delimiter}&encoding-type=url{token}",
        place.key
    )
}

//! The downloads of the reference model: `get`, `get_many`, `get_recursive` and `get_all`.

use super::attempt::Verdict;
use super::client::{Client, Temporary};
use super::exception::{ANY_CLASS, CallResult, Exception};
use super::object::Object;
use super::place::{Place, Problem};
use super::quirk::Quirk;
use super::server::Failure;
use crate::vectors::Argument;
use crate::vectors::python::iterate;
use crate::vectors::{Bound, Stored, untypable};

/// The requested bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    /// From an offset, at most this number of bytes.
    From(u64, u64),
    Last(u64),
    /// A `Range` header that the server does not understand and therefore ignores.
    Senseless,
}

/// An object to download. Equal ones are downloaded once per call.
#[derive(PartialEq)]
struct Item {
    url: String,
    place: Place,
    wanted: Wanted,
    /// Whether the size is known from a listing.
    is_listed: bool,
}

impl Item {
    /// Returns the name of the local file.
    fn file(&self, serial: usize) -> String {
        format!("{} {:?} {serial}", self.url, self.wanted)
    }
}

impl Client<'_> {
    pub(crate) fn get(&mut self, bound: &Bound) -> CallResult<Object> {
        let item = self.item(bound.get("key"))?;
        self.need_temporary()?;
        self.use_one();
        let found = self.attempts(Self::verdict, |client| client.download(&item));
        self.downloaded(&item, found, bound, false)
    }

    pub(crate) fn get_many(&mut self, bound: &Bound) -> CallResult<Vec<Object>> {
        let keys = iterate(bound.get("keys")).ok_or_else(untypable::not_iterable)?;
        let items = keys
            .iter()
            .map(|key| self.item(key))
            .collect::<CallResult<Vec<_>>>()?;
        if !items.is_empty() {
            self.need_temporary_for_many()?;
        }
        let found = self.attempts_of_many(&items, Self::verdict_of_many, Self::download);
        let results = items.iter().zip(found);
        self.gather(
            results
                .map(|(item, found)| self.downloaded(item, found, bound, true))
                .collect(),
        )
    }

    /// Returns the effect of a failure on a download among many.
    pub(crate) fn verdict_of_many(&self, failure: &Failure) -> Verdict {
        match self.verdict(failure) {
            Verdict::Fatal(Exception::InvalidRange)
                if self.quirks.has(Quirk::UnsatisfiableMany) =>
            {
                Verdict::Again
            }
            other => other,
        }
    }

    fn item(&self, key: &Argument) -> CallResult<Item> {
        let url = self.resolve(key)?;
        let place = self.place(&url)?;
        let wanted = self.wanted(number(key, "offset"), number(key, "length"))?;
        Ok(Item {
            url,
            place,
            wanted,
            is_listed: false,
        })
    }

    /// Returns the place of an object's URL. An invalid one is rejected immediately, or sent anyway.
    pub(crate) fn place(&self, url: &str) -> CallResult<Place> {
        let place = Place::of(self.quirks, url);
        match place.problem() {
            Some(problem) if !self.quirks.has(problem.quirk()) => Err(Exception::Url),
            _ => Ok(place),
        }
    }

    fn wanted(&self, offset: Option<i64>, length: Option<i64>) -> CallResult<Wanted> {
        let (offset, length) = match (offset, length) {
            (None, None) => return Ok(Wanted::Whole),
            (_, Some(length)) if length < 0 && self.quirks.has(Quirk::NegativeLength) => {
                return Ok(Wanted::Last(length.unsigned_abs()));
            }
            (offset, length) => (offset.unwrap_or(0), length.filter(|length| *length >= 0)),
        };
        match (
            u64::try_from(offset),
            length.map_or(u64::MAX, i64::unsigned_abs),
        ) {
            (Ok(offset), length) if length > 0 => Ok(Wanted::From(offset, length)),
            _ if self.quirks.has(Quirk::SenselessRange) => Ok(Wanted::Senseless),
            _ => Err(Exception::InvalidRange),
        }
    }

    /// Simulates one GET: returns the stored object, the bytes, and their offset.
    fn download(&mut self, item: &Item) -> Result<(Stored, u64, Vec<u8>), Failure> {
        let stored = match self.read("GET", &item.place) {
            // If the size is unknown, the first part is requested as a range, which the server rejects for an empty
            // object.
            Err(Failure::ErrorResponse { status: 416, .. })
                if item.wanted == Wanted::Whole
                    && !item.is_listed
                    && !self.quirks.has(Quirk::WholeRefused) =>
            {
                self.read("GET", &item.place)?
            }
            Err(Failure::Truncated { .. }) => return Err(self.truncated(item)),
            other => other?,
        };
        let size = stored.body.len() as u64;
        let (start, count) = match item.wanted {
            Wanted::Whole => (0, size),
            Wanted::From(start, count) => (start, count.min(size.saturating_sub(start))),
            Wanted::Last(count) => (size.saturating_sub(count), count.min(size)),
            // The response has no Content-Range, so the reference treats it as broken.
            Wanted::Senseless => return Err(Failure::Dropped),
        };
        if item.wanted != Wanted::Whole && count == 0 {
            return Err(Failure::ErrorResponse {
                status: 416,
                code: "InvalidRange".to_owned(),
            });
        }
        let (first, last) = (cut(start), cut(start + count));
        let bytes = stored.body[first..last].to_vec();
        Ok((stored, start, bytes))
    }

    /// Simulates a GET that receives half of the remaining bytes.
    fn truncated(&mut self, item: &Item) -> Failure {
        let bucket = self.server.buckets.get(&item.place.bucket);
        let size = bucket
            .and_then(|bucket| bucket.get(&item.place.key))
            .map_or(0, |stored| stored.body.len() as u64);
        let total = match item.wanted {
            Wanted::Whole | Wanted::Senseless => size,
            Wanted::From(start, count) => count.min(size.saturating_sub(start)),
            Wanted::Last(count) => count.min(size),
        };
        let before = self.moved.entry(item.file(0)).or_default();
        let moved = (total - (*before).min(total)) / 2;
        *before += moved;
        Failure::Truncated { moved }
    }

    /// Simulates one GET or HEAD. An invalid place fails like in the SDK, before the request is sent.
    pub(crate) fn read(&mut self, method: &str, place: &Place) -> Result<Stored, Failure> {
        match place.problem() {
            Some(Problem::Bucket | Problem::EmptyKey) => Err(Failure::Dropped),
            Some(Problem::LongKey) | None => self.server.read(method, place),
        }
    }

    fn downloaded(
        &self,
        item: &Item,
        found: CallResult<(Stored, u64, Vec<u8>)>,
        bound: &Bound,
        is_many: bool,
    ) -> CallResult<Object> {
        let mut object = Object::missing(self.quirks, self.root.text(), &item.url);
        let (stored, start, bytes) = match found {
            Err(Exception::NotFound) if bound.flag("return_missing", false) => return Ok(object),
            found => found?,
        };
        let count = bytes.len() as u64;
        if bound.flag("return_info", true) {
            let range = (stored.body.len() as u64, start, count);
            object.info = Some(self.info_of(&stored, Some(range))?);
        }
        object.size = Some(count);
        object.body = Some(bytes);
        let serial = if is_many { 0 } else { self.returned.len() + 1 };
        object.file = Some(item.file(serial));
        Ok(object)
    }

    pub(crate) fn get_all(&mut self, bound: &Bound) -> CallResult<Vec<Object>> {
        let root = self.root.text().ok_or(Exception::Url)?.to_owned();
        let is_bounded = !self.quirks.has(Quirk::RecursivePrefix);
        self.recursive(&[(root, is_bounded)], bound)
    }

    pub(crate) fn get_recursive(&mut self, bound: &Bound) -> CallResult<Vec<Object>> {
        let keys = iterate(bound.get("keys")).ok_or_else(untypable::not_iterable)?;
        let urls = keys
            .iter()
            .map(|key| Ok((self.prefix(key)?, false)))
            .collect::<CallResult<Vec<_>>>()?;
        self.recursive(&urls, bound)
    }

    /// Lists below each URL and downloads the listed objects. With a bound, stays inside of each directory.
    fn recursive(&mut self, urls: &[(String, bool)], bound: &Bound) -> CallResult<Vec<Object>> {
        if !urls.is_empty() {
            self.need_temporary_for_many()?;
        }
        let mut found = Vec::new();
        for (url, is_bounded) in urls {
            let mut place = Place::of(self.quirks, url);
            if *is_bounded {
                place = place.into_directory();
            }
            for entry in self.list(&place, false)? {
                found.push((url.clone(), entry.place(&place.bucket)));
            }
        }
        let items: Vec<_> = found
            .into_iter()
            .map(|(prefix, place)| {
                let url = format!("s3://{}/{}", place.bucket, place.key);
                (
                    prefix,
                    Item {
                        url,
                        place,
                        wanted: Wanted::Whole,
                        is_listed: true,
                    },
                )
            })
            .collect();
        let (prefixes, items): (Vec<_>, Vec<_>) = items.into_iter().unzip();
        let downloads = self.attempts_of_many(&items, Self::verdict_of_many, Self::download);
        let with_info = bound.flag("return_info", false);
        let results =
            prefixes
                .iter()
                .zip(items)
                .zip(downloads)
                .map(|((prefix, item), download)| {
                    let (stored, _, bytes) = download?;
                    let prefix = if with_info {
                        self.root.text()
                    } else {
                        Some(prefix.as_str())
                    };
                    let mut object = Object::missing(self.quirks, prefix, &item.url);
                    let size = bytes.len() as u64;
                    if with_info {
                        object.info = Some(self.info_of(&stored, Some((size, 0, size)))?);
                    }
                    object.size = Some(size);
                    object.body = Some(bytes);
                    object.file = Some(item.file(0));
                    Ok(object)
                });
        self.gather(results.collect())
    }

    /// In the reference, downloads of one object fail if their file cannot be created.
    fn need_temporary(&self) -> CallResult<()> {
        match self.state {
            Temporary::Elsewhere if self.quirks.has(Quirk::RelativeTemporary) => {
                Err(Exception::Python("FileNotFoundError"))
            }
            Temporary::Removed if self.quirks.has(Quirk::TemporaryGone) => {
                Err(Exception::Python(ANY_CLASS))
            }
            _ => Ok(()),
        }
    }

    /// Calls on many objects pass their inputs through files, too.
    pub(crate) fn need_temporary_for_many(&self) -> CallResult<()> {
        self.use_many()?;
        match self.state {
            Temporary::Closed if self.quirks.has(Quirk::AfterClose) && !self.keeps_files => {
                Err(Exception::Python(ANY_CLASS))
            }
            _ => self.need_temporary(),
        }
    }
}

/// Returns an offset or length argument; floats are truncated.
fn number(argument: &Argument, name: &str) -> Option<i64> {
    match argument.attribute(name)? {
        Argument::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().map(|float| float as i64)),
        _ => None,
    }
}

fn cut(position: u64) -> usize {
    usize::try_from(position).expect("a position in a body that is in memory")
}

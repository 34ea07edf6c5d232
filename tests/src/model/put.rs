//! The writes of the reference model: `put`, `put_many`, `put_files`, `delete` and `copy`.

use serde_json::{Value, json};

use super::attempt::Verdict;
use super::client::Client;
use super::exception::{CallResult, Exception};
use super::local::AtPath;
use super::place::{Place, Problem};
use super::quirk::Quirk;
use super::server::Failure;
use crate::vectors::outcome::show_list;
use crate::vectors::pair::{Pair, metadata, text};
use crate::vectors::{Argument, Bound, Stored, untypable};

/// An object to upload; without a body, its source cannot be read.
struct Upload {
    key: Argument,
    url: String,
    place: Place,
    stored: Option<Stored>,
}

/// The outcome of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Uploaded {
    Written,
    AlreadyThere,
    /// Nothing was written, and no error is reported.
    Lost,
}

impl Client<'_> {
    pub(crate) fn put(&mut self, bound: &Bound) -> CallResult<String> {
        let body = self.value(bound.get("obj"), false)?;
        let url = self.resolve(bound.get("key"))?;
        let place = self.place(&url)?;
        let mut stored = Stored {
            body,
            content_type: self.header(text(bound.get("content_type")))?,
            encryption: self.encryption.clone(),
            ..Stored::default()
        };
        if let Some(metadata) = metadata(bound.get("metadata"))? {
            stored.set_metadata(&metadata);
        }
        let overwrite = bound.flag("overwrite", true);
        self.use_one();
        self.attempts(Self::verdict, |client| {
            if !overwrite && client.quirks.has(Quirk::CheckFirst) {
                match client.read("HEAD", &place) {
                    Ok(_) => return Ok(true),
                    Err(Failure::ErrorResponse { status: 404, .. }) => {}
                    Err(failure) => return Err(failure),
                }
            }
            client.write(&place, stored.clone(), !overwrite)
        })?;
        Ok(url)
    }

    pub(crate) fn put_many(&mut self, bound: &Bound) -> CallResult<Value> {
        let uploads = Pair::all(bound.get("key_objs"))?
            .into_iter()
            .map(|pair| {
                let body = self.value(&pair.value, true)?;
                self.upload(pair, Some(body))
            })
            .collect::<CallResult<Vec<_>>>()?;
        self.upload_all(&uploads, bound.flag("overwrite", true))
    }

    pub(crate) fn put_files(&mut self, bound: &Bound) -> CallResult<Value> {
        let uploads = Pair::all(bound.get("key_paths"))?
            .into_iter()
            .map(|pair| {
                let path_first = self.quirks.has(Quirk::PathFirst);
                if !path_first {
                    self.place(&self.resolve(&pair.key)?)?;
                }
                let body = match self.files.at(&pair.path) {
                    None => return Err(untypable::path().into()),
                    Some(AtPath::Nothing) => return Err(Exception::NotFound),
                    Some(AtPath::Directory) if self.quirks.has(Quirk::DirectoryValue) => None,
                    Some(AtPath::Directory) => return Err(Exception::Other),
                    Some(AtPath::File(body)) => Some(body),
                };
                self.upload(pair, body)
            })
            .collect::<CallResult<Vec<_>>>()?;
        self.upload_all(&uploads, bound.flag("overwrite", true))
    }

    fn upload(&self, pair: Pair, body: Option<Vec<u8>>) -> CallResult<Upload> {
        let url = self.resolve(&pair.key)?;
        let place = self.place(&url)?;
        let own = self.header(
            pair.encryption
                .filter(|_| !self.quirks.has(Quirk::FieldIgnored)),
        )?;
        let content_type = self.header(pair.content_type)?;
        let stored = body.map(|body| {
            let mut stored = Stored {
                body,
                content_type,
                encryption: own.or_else(|| self.encryption.clone()),
                ..Stored::default()
            };
            if let Some(metadata) = &pair.metadata {
                stored.set_metadata(metadata);
            }
            stored
        });
        Ok(Upload {
            key: pair.key,
            url,
            place,
            stored,
        })
    }

    /// Checks a value that is sent in a header.
    fn header(&self, value: Option<String>) -> CallResult<Option<String>> {
        let fits = value
            .iter()
            .flat_map(|value| value.chars())
            .all(|c| matches!(c, ' '..='~'));
        if fits || self.quirks.has(Quirk::HeaderCharacters) {
            Ok(value)
        } else {
            Err(Exception::Other)
        }
    }

    fn upload_all(&mut self, uploads: &[Upload], overwrite: bool) -> CallResult<Value> {
        if !uploads.is_empty() {
            self.use_many()?;
        }
        let results: Vec<_> = uploads
            .iter()
            .map(|upload| self.upload_one(upload, overwrite))
            .collect();
        let outcomes = self.gather(results)?;
        let last_written = outcomes
            .iter()
            .rposition(|outcome| *outcome == Uploaded::Written);
        let first_lost = outcomes
            .iter()
            .position(|outcome| *outcome == Uploaded::Lost);
        if first_lost.is_some_and(|lost| last_written.is_some_and(|written| lost < written)) {
            return Err(Exception::Python("IndexError"));
        }
        let written = uploads
            .iter()
            .zip(outcomes)
            .filter(|(_, outcome)| *outcome == Uploaded::Written);
        let pairs = written.map(|(upload, _)| {
            let key = match &upload.key {
                Argument::Text(text) => json!(text),
                _ => Value::Null,
            };
            json!({"$tuple": [key, upload.url]})
        });
        Ok(show_list(pairs.collect()))
    }

    fn upload_one(&mut self, upload: &Upload, overwrite: bool) -> CallResult<Uploaded> {
        let Some(stored) = upload.stored.as_ref().filter(|_| !self.fails_many) else {
            return Err(Exception::Other);
        };
        if !overwrite && self.quirks.has(Quirk::CheckFirst) {
            match self.read("HEAD", &upload.place) {
                Ok(_) => return Ok(Uploaded::AlreadyThere),
                Err(Failure::ErrorResponse { status: 404, .. }) => {}
                Err(Failure::ErrorResponse { .. } | Failure::Truncated { .. }) => {
                    return Ok(Uploaded::AlreadyThere);
                }
                Err(Failure::Dropped) => return Err(Exception::Other),
            }
        }
        let result = self.attempts(Self::verdict, |client| {
            client.write(&upload.place, stored.clone(), !overwrite)
        });
        match result {
            Ok(true) => Ok(Uploaded::Written),
            Ok(false) => Ok(Uploaded::AlreadyThere),
            Err(Exception::NotFound) if self.quirks.has(Quirk::SilentLoss) => Ok(Uploaded::Lost),
            Err(exception) => Err(exception),
        }
    }

    /// Simulates one PUT.
    fn write(&mut self, place: &Place, stored: Stored, if_absent: bool) -> Result<bool, Failure> {
        match place.problem() {
            Some(Problem::Bucket | Problem::EmptyKey) => Err(Failure::Dropped),
            Some(Problem::LongKey) => Err(Failure::ErrorResponse {
                status: 400,
                code: "KeyTooLongError".to_owned(),
            }),
            None => self.server.write(place, stored, if_absent),
        }
    }

    /// Returns the bytes of a value.
    fn value(&mut self, value: &Argument, is_many: bool) -> CallResult<Vec<u8>> {
        let from = |body: Vec<u8>, seek: u64| {
            let start = usize::try_from(seek).unwrap_or(usize::MAX).min(body.len());
            body[start..].to_vec()
        };
        let rewinds = self.quirks.has(Quirk::Rewind);
        match value {
            Argument::Text(text) => Ok(text.clone().into_bytes()),
            Argument::Bytes(bytes) => Ok(bytes.clone()),
            Argument::BytesIo { body, seek } => {
                self.streams.push(is_many);
                let seek = if rewinds && is_many { *seek } else { 0 };
                Ok(from(body.clone(), seek))
            }
            Argument::Open { file, mode, seek } if is_binary(mode) => {
                self.streams.push(is_many);
                match self.files.named(file) {
                    AtPath::File(body) if rewinds && is_many => Ok(from(body, *seek)),
                    AtPath::File(body) => Ok(body),
                    _ => Err(Exception::Python("FileNotFoundError")),
                }
            }
            Argument::NonSeekable if !self.quirks.has(Quirk::NonSeekable) => {
                self.streams.push(is_many);
                Ok(NON_SEEKABLE.as_bytes().to_vec())
            }
            _ => Err(untypable::value().into()),
        }
    }

    pub(crate) fn delete(&mut self, bound: &Bound) -> CallResult<()> {
        let place = self.place(&self.resolve(bound.get("key"))?)?;
        let bucket = self
            .server
            .buckets
            .get_mut(&place.bucket)
            .ok_or(Exception::NotFound)?;
        bucket.remove(&place.key);
        Ok(())
    }

    pub(crate) fn copy(&mut self, bound: &Bound) -> CallResult<()> {
        let from = self.place(&self.resolve(bound.get("from"))?)?;
        let to = self.place(&self.resolve(bound.get("to"))?)?;
        let stored = self.attempts(verdict_of_copy, |client| client.server.read("COPY", &from))?;
        self.attempts(verdict_of_copy, |client| {
            client.server.write(&to, stored.clone(), false)
        })?;
        Ok(())
    }
}

/// The content of a stream that cannot seek.
pub(crate) const NON_SEEKABLE: &str = "not seekable";

fn verdict_of_copy(client: &Client<'_>, failure: &Failure) -> Verdict {
    client.verdict(failure)
}

/// Returns whether a Python file mode is binary.
pub(crate) fn is_binary(mode: &str) -> bool {
    mode.contains('b') && (mode.contains('r') || mode.contains('+'))
}

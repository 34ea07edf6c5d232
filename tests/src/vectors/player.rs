//! [`Player`]: state of the client during a vector: results of earlier steps, and arguments that refer to them.

use std::path::{Path, PathBuf};

use s3_client::{Error, GetObject, Key, MetaflowObject, PutValue, S3, S3GetObject};
use serde_json::{Value, json};

use super::argument::Argument;
use super::call::Bound;
use super::names::Names;
use super::outcome::show_list;
use super::python::{is_truthy, iterate};
use super::show::{show_error, show_object};
use super::stream::Streams;
use super::untypable::{self, Untypable};

/// A client in the middle of a scenario.
pub(crate) struct Player {
    pub(crate) s3: S3,
    pub(crate) names: Names,
    /// The vector's working directory.
    pub(crate) cwd: PathBuf,
    /// The directory that `$tmpdirs` lists: the working directory at the start.
    pub(crate) start: PathBuf,
    pub(crate) returned: Vec<Returned>,
    pub(crate) streams: Streams,
}

/// The result of a step, if later steps can use it.
#[derive(Clone, Debug)]
pub(crate) enum Returned {
    Nothing,
    One(MetaflowObject),
    Many(Vec<MetaflowObject>),
}

/// The reason why a step returned no result.
#[derive(Debug)]
pub(crate) enum Raised {
    /// The client's error.
    Client(Error),
    /// Rust cannot express the step.
    Untypable(Untypable),
    /// An error of the runner.
    Runner(String),
    /// An exception that ends a `with` block.
    Block,
}

impl From<Error> for Raised {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

impl From<Untypable> for Raised {
    fn from(untypable: Untypable) -> Self {
        Self::Untypable(untypable)
    }
}

impl Raised {
    pub(crate) fn show(&self) -> Value {
        match self {
            Self::Client(error) => show_error(error),
            Self::Untypable(untypable) => untypable.show(),
            Self::Runner(problem) => json!({ "the runner failed": problem }),
            Self::Block => json!({"exception": super::record::RAISED, "kind": "python"}),
        }
    }
}

impl Player {
    pub(crate) fn new(s3: S3, mut names: Names, cwd: &Path) -> Self {
        if let Some(scratch) = s3.scratch_path() {
            names.set_scratch(&scratch);
        }
        Self {
            s3,
            names,
            cwd: cwd.to_owned(),
            start: cwd.to_owned(),
            returned: Vec::new(),
            streams: Streams::default(),
        }
    }

    /// Stores the result of a step and returns it as JSON.
    pub(crate) fn one(&mut self, result: Result<MetaflowObject, Raised>) -> Value {
        let (returned, shown) = match result {
            Err(raised) => (Returned::Nothing, raised.show()),
            Ok(object) => match show_object(&object) {
                Err(error) => (Returned::Nothing, show_error(&error)),
                Ok(shown) => (
                    Returned::One(object),
                    json!({"ok": self.names.mask(&shown)}),
                ),
            },
        };
        self.returned.push(returned);
        shown
    }

    /// Stores the results of a step and returns them as JSON.
    pub(crate) fn many(&mut self, result: Result<Vec<MetaflowObject>, Raised>) -> Value {
        let shown = result.and_then(|objects| {
            let shown = objects
                .iter()
                .map(show_object)
                .collect::<Result<Vec<_>, _>>()?;
            let shown = shown.iter().map(|object| self.names.mask(object)).collect();
            Ok((objects, show_list(shown)))
        });
        let (returned, shown) = match shown {
            Err(raised) => (Returned::Nothing, raised.show()),
            Ok((objects, shown)) => (Returned::Many(objects), json!({ "ok": shown })),
        };
        self.returned.push(returned);
        shown
    }

    /// Records that a step returned nothing that later steps can use, and returns it as JSON.
    pub(crate) fn plain(&mut self, result: Result<Value, Raised>) -> Value {
        self.returned.push(Returned::Nothing);
        match result {
            Ok(value) => json!({"ok": self.names.mask(&value)}),
            Err(raised) => raised.show(),
        }
    }

    pub(crate) fn earlier(
        &self,
        step: usize,
        item: Option<usize>,
    ) -> Result<&MetaflowObject, Raised> {
        let object = match (self.returned.get(step), item) {
            (Some(Returned::One(object)), None) => Some(object),
            (Some(Returned::Many(objects)), Some(item)) => objects.get(item),
            _ => None,
        };
        object.ok_or_else(|| Raised::Runner(format!("step {step} has no result {item:?}")))
    }

    /// Returns the key that an argument denotes.
    pub(crate) fn key(&self, argument: &Argument) -> Result<Key, Raised> {
        let has_root = self.s3.root().prefix().is_some();
        match argument {
            Argument::Null => Ok(Key::root()),
            Argument::Text(text) => Ok(self.names.fill(text).into()),
            Argument::Earlier { step, item } => Ok(self.earlier(*step, *item)?.into()),
            other => match other.attribute("key") {
                Some(key) => self.key(key),
                None if has_root && !is_truthy(other) => Ok(Key::root()),
                None => Err(untypable::key(other, has_root).into()),
            },
        }
    }

    /// Returns the key and range that an argument denotes.
    pub(crate) fn get_object(&self, argument: &Argument) -> Result<GetObject, Raised> {
        let key = self.key(argument)?;
        let number = |name| argument.attribute(name).and_then(integer);
        Ok(match (number("offset"), number("length")) {
            (None, None) => key.into(),
            (offset, length) => S3GetObject::new(key, offset, length).into(),
        })
    }

    pub(crate) fn keys(&self, argument: &Argument) -> Result<Vec<Key>, Raised> {
        let keys = iterate(argument).ok_or_else(untypable::not_iterable)?;
        keys.iter().map(|key| self.key(key)).collect()
    }

    /// Returns the keys of a listing; the root if none are given.
    pub(crate) fn list_keys(&self, bound: &Bound) -> Result<Vec<Key>, Raised> {
        match bound.get("keys") {
            Argument::Null => Ok(vec![Key::root()]),
            keys => self.keys(keys),
        }
    }

    pub(crate) fn get_objects(&self, argument: &Argument) -> Result<Vec<GetObject>, Raised> {
        let keys = iterate(argument).ok_or_else(untypable::not_iterable)?;
        keys.iter().map(|key| self.get_object(key)).collect()
    }

    /// Returns the value that an argument denotes; `None` if Rust cannot express it.
    pub(crate) fn value(&mut self, argument: &Argument) -> Result<Option<PutValue>, Raised> {
        match argument {
            Argument::Text(text) => Ok(Some(self.names.fill(text).into())),
            Argument::Bytes(bytes) => Ok(Some(bytes.clone().into())),
            other => {
                let local = self.cwd.join("local");
                let stream = self.streams.value(other, &local);
                stream.map_err(|error| Raised::Runner(format!("open a stream: {error}")))
            }
        }
    }

    /// Returns the path that an argument denotes, resolved against the working directory of the vector.
    pub(crate) fn path(&self, argument: &Argument) -> Result<PathBuf, Raised> {
        match argument {
            Argument::Local(name) => Ok(self.start.join("local").join(name)),
            Argument::Text(path) => Ok(self.cwd.join(self.names.fill(path))),
            _ => Err(untypable::path().into()),
        }
    }
}

/// Returns an integer; floats are truncated.
fn integer(argument: &Argument) -> Option<i64> {
    match argument {
        Argument::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().map(|float| float as i64)),
        _ => None,
    }
}

//! Records of a history: calls with begin, end and result, and the writes that the store saw.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3_core::{Attributes, S3Url};

/// A value; every write of a case has its own.
pub(super) type Value = u32;

/// A call on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Write(Value),
    Create(Value),
    Read,
    Delete,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallOutcome {
    /// A write, create or delete took effect.
    Done,
    /// A create did not take effect: there was an object.
    AlreadyThere,
    /// The result of a read.
    Found(Option<Value>),
    /// The call failed, so its effect is unknown.
    Failed,
}

/// A call with its begin and end, in ticks of a clock that advances with each event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) key: usize,
    pub(super) action: Action,
    pub(super) begun: u64,
    pub(super) ended: u64,
    pub(super) outcome: CallOutcome,
}

/// A change of a key, as the store recorded it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) key: usize,
    /// `None` for a delete.
    pub(super) value: Option<Value>,
    pub(super) at: u64,
    /// Whether the request arrived after its caller had stopped waiting.
    pub(super) stray: bool,
}

/// The shared record of a case. Clone is a reference count.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes(Arc<Mutex<Record>>);

#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) calls: Vec<Call>,
    pub(super) changes: Vec<Change>,
    clock: u64,
}

impl Notes {
    pub(super) fn tick(&self) -> u64 {
        let mut record = self.record();
        record.clock += 1;
        record.clock
    }

    pub(super) fn called(&self, call: Call) {
        self.record().calls.push(call);
    }

    pub(super) fn changed(&self, url: &S3Url, value: Option<Value>, stray: bool) {
        let at = self.tick();
        let key = key_of(url);
        let change = Change {
            key,
            value,
            at,
            stray,
        };
        self.record().changes.push(change);
    }

    pub(super) fn read(&self) -> Record {
        self.record().clone()
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the URL of a key. The keys of a case are numbers.
pub(super) fn url_of(key: usize) -> S3Url {
    S3Url::from_parts("b", &key.to_string()).expect("a number is a key")
}

fn key_of(url: &S3Url) -> usize {
    url.key().parse().expect("every key of a case is a number")
}

/// The user metadata entry with the value. It distinguishes writers of equal bytes. The client does not read it.
const VALUE: &str = "value";

/// Returns the attributes that are stored with a value.
pub(super) fn attributes_of(value: Value) -> Attributes {
    let mut attributes = Attributes::default();
    attributes.user.insert(VALUE.to_owned(), value.to_string());
    attributes
}

/// Returns the value that was stored with an object.
pub(super) fn value_in(attributes: &Attributes) -> Option<Value> {
    attributes.user.get(VALUE)?.parse().ok()
}

/// Returns the bytes of a value: its number repeated, so that parts of different values differ.
pub(super) fn bytes_of(value: Value, len: usize) -> Vec<u8> {
    value.to_be_bytes().into_iter().cycle().take(len).collect()
}

/// Returns the value that the bytes encode; `None` if they mix several values.
pub(super) fn value_of(bytes: &[u8]) -> Option<Value> {
    let value = Value::from_be_bytes(*bytes.first_chunk()?);
    (bytes == bytes_of(value, bytes.len())).then_some(value)
}

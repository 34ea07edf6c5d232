//! [`Fields`]: strict JSON parsing: an unknown member of an object is an error.

use serde_json::{Map, Value};

use super::malformed::{Malformed, Read};

/// The members of one JSON object that were not yet taken.
#[derive(Debug)]
pub(crate) struct Fields {
    place: String,
    members: Map<String, Value>,
}

impl Fields {
    pub(crate) fn of(place: impl Into<String>, value: &Value) -> Read<Self> {
        let place = place.into();
        match value {
            Value::Object(members) => Ok(Self {
                place,
                members: members.clone(),
            }),
            other => Err(Malformed::new(
                &place,
                format!("expected an object, found {other}"),
            )),
        }
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.members.shift_remove(name)
    }

    pub(crate) fn required(&mut self, name: &str) -> Read<Value> {
        self.take(name)
            .ok_or_else(|| Malformed::new(&self.place, format!("`{name}` is missing")))
    }

    pub(crate) fn text(&mut self, name: &str) -> Read<String> {
        let value = self.required(name)?;
        text(&format!("{}.{name}", self.place), &value)
    }

    pub(crate) fn optional_text(&mut self, name: &str) -> Read<Option<String>> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => text(&format!("{}.{name}", self.place), &value).map(Some),
        }
    }

    pub(crate) fn optional_bool(&mut self, name: &str) -> Read<Option<bool>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(other) => Err(Malformed::new(
                &self.place,
                format!("`{name}` has to be true or false, not {other}"),
            )),
        }
    }

    pub(crate) fn optional_count(&mut self, name: &str) -> Read<Option<u64>> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or_else(|| {
                Malformed::new(
                    &self.place,
                    format!("`{name}` has to be a count, not {value}"),
                )
            }),
        }
    }

    /// Returns all remaining members, for objects whose names are data.
    pub(crate) fn rest(self) -> Map<String, Value> {
        self.members
    }

    /// Fails if a member was not taken.
    pub(crate) fn done(self) -> Read<()> {
        match self.members.keys().next() {
            None => Ok(()),
            Some(name) => Err(Malformed::new(&self.place, format!("unknown key `{name}`"))),
        }
    }
}

pub(crate) fn text(place: &str, value: &Value) -> Read<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        other => Err(Malformed::new(
            place,
            format!("expected a string, found {other}"),
        )),
    }
}

pub(crate) fn list<'value>(place: &str, value: &'value Value) -> Read<&'value [Value]> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(Malformed::new(
            place,
            format!("expected a list, found {other}"),
        )),
    }
}

/// Returns the members of a list of exactly `N`.
pub(crate) fn exactly<'value, const N: usize>(
    place: &str,
    value: &'value Value,
) -> Read<&'value [Value; N]> {
    list(place, value)?
        .try_into()
        .map_err(|_| Malformed::new(place, format!("expected a list of {N}, found {value}")))
}

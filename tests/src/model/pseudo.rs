//! Steps of the reference model that are not client calls: temporary files, streams, record types.

use serde_json::{Value, json};

use super::client::{Client, Returned, Temporary, plain_path};
use super::exception::{CallResult, Exception};
use super::quirk::Quirk;
use crate::vectors::content::show_bytes;
use crate::vectors::{Argument, Bound};

impl Client<'_> {
    /// Returns the names in the directory for temporary files, as seen from the directory of the scenario.
    pub(crate) fn temporary_dirs(&self, bound: &Bound) -> Value {
        let asked = match bound.get("dir") {
            Argument::Text(path) => plain_path(path),
            _ => String::new(),
        };
        let is_there = match self.state {
            Temporary::Closed => self.keeps_files,
            Temporary::Removed => false,
            Temporary::There | Temporary::Elsewhere => true,
        };
        if asked == self.tmproot && is_there {
            json!(["metaflow.s3.XXXXXXXX"])
        } else {
            json!([])
        }
    }

    pub(crate) fn close(&mut self) {
        self.state = Temporary::Closed;
    }

    pub(crate) fn change_dir(&mut self) {
        if self.state == Temporary::There {
            self.state = Temporary::Elsewhere;
        }
    }

    pub(crate) fn remove_temporary(&mut self) {
        self.state = Temporary::Removed;
    }

    /// Returns an earlier result, read again.
    pub(crate) fn reread(&self, bound: &Bound) -> CallResult<Value> {
        let step = bound.index("step").ok_or(Exception::Other)?;
        let object = self
            .earlier(step, bound.index("item"))
            .ok_or(Exception::Other)?;
        if !self.has_files() && self.quirks.has(Quirk::AfterClose) && object.body.is_some() {
            return Err(Exception::Python("FileNotFoundError"));
        }
        let mut body = object.body.clone();
        if self.quirks.has(Quirk::SharedFile) && object.file.is_some() {
            body = self.latest(object.file.as_deref()).or(body);
        }
        Ok(json!({
            "path_exists": object.body.is_some() && self.has_files(),
            "blob": body.map(|body| show_bytes(&body)),
            "size": object.size,
        }))
    }

    /// Returns the content of a file after the last download to it.
    fn latest(&self, file: Option<&str>) -> Option<Vec<u8>> {
        let mut objects = self.returned.iter().flat_map(|returned| match returned {
            Returned::Nothing => [].as_slice(),
            Returned::One(object) => std::slice::from_ref(object.as_ref()),
            Returned::Many(objects) => objects.as_slice(),
        });
        let latest = objects.rfind(|object| object.file.as_deref() == file)?;
        latest.body.clone()
    }

    pub(crate) fn path_exists(&self, bound: &Bound) -> CallResult<Value> {
        let step = bound.index("step").ok_or(Exception::Other)?;
        let object = self
            .earlier(step, bound.index("item"))
            .ok_or(Exception::Other)?;
        Ok(json!(object.body.is_some() && self.has_files()))
    }

    fn has_files(&self) -> bool {
        match self.state {
            Temporary::Closed => self.keeps_files && self.quirks.has(Quirk::AfterClose),
            Temporary::Removed => false,
            Temporary::There | Temporary::Elsewhere => true,
        }
    }

    pub(crate) fn same_path(&self, bound: &Bound) -> CallResult<Value> {
        let step = bound.index("step").ok_or(Exception::Other)?;
        let file = |name| {
            self.earlier(step, bound.index(name))
                .map(|object| object.file.clone())
        };
        let (first, second) = (
            file("first").ok_or(Exception::Other)?,
            file("second").ok_or(Exception::Other)?,
        );
        Ok(json!(first == second))
    }

    /// Returns whether a stream that was passed is closed. In Rust it was moved, and is dropped with the call.
    pub(crate) fn file_closed(&self, bound: &Bound) -> CallResult<Value> {
        let index = bound.index("stream").ok_or(Exception::Other)?;
        let is_many = *self.streams.get(index).ok_or(Exception::Other)?;
        Ok(json!(!(is_many && self.quirks.has(Quirk::StreamStaysOpen))))
    }
}

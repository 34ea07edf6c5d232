//! Converts the results of the reference model to the JSON form of recorded vectors.

use serde_json::{Value, json};

use super::client::{Client, Returned, Temporary};
use super::exception::CallResult;
use super::object::Object;
use super::quirk::Quirk;
use crate::vectors::outcome::show_list;

impl Client<'_> {
    pub(crate) fn one(&mut self, result: CallResult<Object>) -> Value {
        let (returned, shown) = match result {
            Ok(object) => {
                let shown = json!({"ok": object.show(self.can_have_files())});
                (Returned::One(Box::new(object)), shown)
            }
            Err(exception) => (Returned::Nothing, exception.show()),
        };
        self.returned.push(returned);
        shown
    }

    pub(crate) fn many(&mut self, result: CallResult<Vec<Object>>) -> Value {
        let (returned, shown) = match result {
            Ok(objects) => {
                let shown = json!({"ok": show_list(self.show_all(&objects))});
                (Returned::Many(objects), shown)
            }
            Err(exception) => (Returned::Nothing, exception.show()),
        };
        self.returned.push(returned);
        shown
    }

    pub(crate) fn plain(&mut self, result: CallResult<Value>) -> Value {
        self.returned.push(Returned::Nothing);
        match result {
            Ok(value) => json!({ "ok": value }),
            Err(exception) => exception.show(),
        }
    }

    fn show_all(&self, objects: &[Object]) -> Vec<Value> {
        objects
            .iter()
            .map(|object| object.show(self.can_have_files()))
            .collect()
    }

    /// Returns whether a result that was just returned can have a local file. After the client is closed, the reference
    /// creates files elsewhere.
    fn can_have_files(&self) -> bool {
        match self.state {
            Temporary::There | Temporary::Elsewhere => true,
            Temporary::Closed => self.quirks.has(Quirk::AfterClose),
            Temporary::Removed => false,
        }
    }
}

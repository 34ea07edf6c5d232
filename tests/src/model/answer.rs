//! Answers of the calls of the client, as results show them.

use serde_json::{Value, json};

use super::client::{Client, Returned, Temporary};
use super::object::Object;
use super::quirk::Quirk;
use super::refusal::Answer;
use crate::vectors::outcome::show_list;

impl Client<'_> {
    pub(crate) fn one(&mut self, answer: Answer<Object>) -> Value {
        let (returned, shown) = match answer {
            Ok(object) => {
                let shown = json!({"ok": object.show(self.can_have_files())});
                (Returned::One(Box::new(object)), shown)
            }
            Err(refusal) => (Returned::Nothing, refusal.show()),
        };
        self.returned.push(returned);
        shown
    }

    pub(crate) fn many(&mut self, answer: Answer<Vec<Object>>) -> Value {
        let (returned, shown) = match answer {
            Ok(objects) => {
                let shown = json!({"ok": show_list(self.show_all(&objects))});
                (Returned::Many(objects), shown)
            }
            Err(refusal) => (Returned::Nothing, refusal.show()),
        };
        self.returned.push(returned);
        shown
    }

    pub(crate) fn plain(&mut self, answer: Answer<Value>) -> Value {
        self.returned.push(Returned::Nothing);
        match answer {
            Ok(value) => json!({ "ok": value }),
            Err(refusal) => refusal.show(),
        }
    }

    fn show_all(&self, objects: &[Object]) -> Vec<Value> {
        objects
            .iter()
            .map(|object| object.show(self.can_have_files()))
            .collect()
    }

    /// Whether a result that was just returned can have a local file. The reference makes files elsewhere when the
    /// client is closed.
    fn can_have_files(&self) -> bool {
        match self.state {
            Temporary::There | Temporary::Elsewhere => true,
            Temporary::Closed => self.quirks.has(Quirk::AfterClose),
            Temporary::Removed => false,
        }
    }
}

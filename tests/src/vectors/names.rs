//! Replaces the placeholders `{B}`, `{B2}`, `{NOBUCKET}`, `{CWD}` and `{TMP}` in vectors with values, and back.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Map, Value};

/// Values of the placeholders of one run.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pairs: Vec<(&'static str, String)>,
}

/// A number that makes the names of each run unique in this process.
static SERIAL: AtomicU32 = AtomicU32::new(0);

impl Names {
    /// Generates unique bucket names.
    pub(crate) fn new(cwd: &Path) -> Self {
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        let bucket = |letter| format!("vector-{letter}-{process:x}-{serial:x}");
        Self {
            pairs: vec![
                ("{B}", bucket('b')),
                ("{B2}", bucket('c')),
                ("{NOBUCKET}", bucket('n')),
                ("{CWD}", cwd.display().to_string()),
            ],
        }
    }

    /// Sets the value of `{TMP}`.
    pub(crate) fn set_scratch(&mut self, scratch: &Path) {
        self.pairs
            .insert(0, ("{TMP}", scratch.display().to_string()));
    }

    pub(crate) fn bucket(&self) -> &str {
        self.of("{B}")
    }

    pub(crate) fn bucket_b2(&self) -> &str {
        self.of("{B2}")
    }

    fn of(&self, placeholder: &str) -> &str {
        self.pairs
            .iter()
            .find(|(known, _)| *known == placeholder)
            .map_or("", |(_, name)| name)
    }

    /// Replaces placeholders with values.
    pub(crate) fn fill(&self, text: &str) -> String {
        self.pairs
            .iter()
            .fold(text.to_owned(), |text, (placeholder, name)| {
                text.replace(placeholder, name)
            })
    }

    /// Replaces placeholders with values everywhere in a JSON value.
    pub(crate) fn fill_json(&self, value: &Value) -> Value {
        map_texts(value, &|text| self.fill(text))
    }

    /// Replaces values with placeholders everywhere in a JSON value.
    pub(crate) fn mask(&self, value: &Value) -> Value {
        map_texts(value, &|text| self.mask_text(text))
    }

    pub(crate) fn mask_text(&self, text: &str) -> String {
        self.pairs
            .iter()
            .fold(text.to_owned(), |text, (placeholder, name)| {
                text.replace(name, placeholder)
            })
    }
}

fn map_texts(value: &Value, change: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => items.iter().map(|item| map_texts(item, change)).collect(),
        Value::Object(members) => {
            let member =
                |(name, value): (&String, &Value)| (change(name), map_texts(value, change));
            Value::Object(members.iter().map(member).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filled_values_are_masked_again() {
        let names = Names::new(Path::new("/nowhere"));
        let masked = json!({"{B}": ["s3://{B}/a", "s3://{B2}/{B}", "s3://{NOBUCKET}", "{CWD}/f"]});
        let filled = names.fill_json(&masked);
        assert!(
            !filled.to_string().contains('{') || !filled.to_string().contains("{B"),
            "{filled}"
        );
        assert_eq!(names.mask(&filled), masked);
    }
}

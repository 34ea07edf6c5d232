//! Records the client's warnings in a child process: writes them to standard error with timestamps, and parses them.

use std::fmt::{self, Write as _};
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// The beginning of each line.
const MARK: &str = "warning after ";

/// Writes the warnings of this process to standard error.
pub(super) fn report() {
    let since = Instant::now();
    tracing::subscriber::set_global_default(Reporter { since }).expect("this is the first one");
}

/// Returns the warnings among the lines: milliseconds since the start of the process, and text.
pub(super) fn read(lines: &str) -> Vec<(u64, &str)> {
    let lines = lines.lines().filter_map(|line| {
        let (millis, text) = line.strip_prefix(MARK)?.split_once(" ms: ")?;
        Some((millis.parse().ok()?, text))
    });
    lines.collect()
}

struct Reporter {
    since: Instant,
}

impl Subscriber for Reporter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    #[expect(clippy::print_stderr, reason = "the runner reads it")]
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        let millis = self.since.elapsed().as_millis();
        eprintln!("{MARK}{millis} ms: {}", fields.0.replace('\n', " "));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, "{}={value:?} ", field.name());
    }
}

//! [`Report`]: prints results and failures of a command as text or JSON lines, counts them, chooses the exit code.

use std::collections::BTreeMap;
use std::future::pending;
use std::io::{self, BufWriter, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use s3_client::Kept;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::exit_code::{FailureClass, INTERRUPTED, OUTPUT_CLOSED, SUCCESS, TERMINATED};
use crate::failure::Failure;
use crate::global::GlobalArgs;
use crate::printable::printable;
use crate::progress::{Progress, rate};
use crate::size::human_size;
use crate::stop::Stop;

/// Maximum number of failures that are printed as text.
const SHOWN_FAILURES: u64 = 20;

/// Output, counters and exit code of a command. Clone is a reference count.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    shared: Arc<ReportInner>,
    /// Line number in the file of commands, for a command of `run`.
    line: Option<u64>,
}

#[derive(Debug)]
struct ReportInner {
    json: bool,
    quiet: bool,
    dry_run: bool,
    started: Instant,
    progress: Progress,
    stop: Stop,
    /// Whether the command works on inputs, so that it ends with a summary.
    has_inputs: AtomicBool,
    /// Whether an unfinished upload or partial file remains that no journal names.
    has_orphans: AtomicBool,
    state: Mutex<ReportState>,
    in_flight: watch::Sender<usize>,
}

#[derive(Debug)]
struct ReportState {
    out: BufWriter<Stdout>,
    done: u64,
    skipped: u64,
    failed: BTreeMap<FailureClass, u64>,
    shown_failures: u64,
    bytes: u64,
}

/// One input of a command: an operation, its source and its destination.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// `upload`, `download`, `copy`, `move`, `delete`, …
    pub(crate) op: &'static str,
    pub(crate) source: String,
    pub(crate) destination: Option<String>,
    pub(crate) size: Option<u64>,
}

impl Input {
    /// Describes an operation with a source only.
    pub(crate) fn new(op: &'static str, source: impl Into<String>) -> Self {
        Self {
            op,
            source: source.into(),
            destination: None,
            size: None,
        }
    }

    fn text(&self) -> String {
        let source = printable(&self.source);
        match &self.destination {
            Some(destination) => format!("{}: {source} to {}", self.op, printable(destination)),
            None => format!("{}: {source}", self.op),
        }
    }

    fn to_json(&self, status: &str) -> Map<String, Value> {
        let fields = json!({
            "op": self.op,
            "source": self.source,
            "destination": self.destination,
            "size": self.size,
            "status": status,
        });
        match fields {
            Value::Object(fields) => fields,
            _ => unreachable!("the literal is an object"),
        }
    }
}

impl Report {
    /// Returns an empty report.
    pub(crate) fn new(global: &GlobalArgs, progress: Progress, stop: Stop) -> Self {
        let state = ReportState {
            out: BufWriter::with_capacity(64 << 10, io::stdout()),
            done: 0,
            skipped: 0,
            failed: BTreeMap::new(),
            shown_failures: 0,
            bytes: 0,
        };
        let shared = ReportInner {
            json: global.json,
            quiet: global.quiet,
            dry_run: global.dry_run,
            started: Instant::now(),
            progress,
            stop,
            has_inputs: AtomicBool::new(false),
            has_orphans: AtomicBool::new(false),
            state: Mutex::new(state),
            in_flight: watch::Sender::new(0),
        };
        Self {
            shared: Arc::new(shared),
            line: None,
        }
    }

    /// Returns the same report for a line of a file of commands.
    pub(crate) fn for_line(&self, line: u64) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            line: Some(line),
        }
    }

    /// Returns whether output is JSON lines.
    pub(crate) fn is_json(&self) -> bool {
        self.shared.json
    }

    /// Returns whether this is a dry run, which changes nothing.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.shared.dry_run
    }

    /// Returns the progress of transfers.
    pub(crate) fn progress(&self) -> &Progress {
        &self.shared.progress
    }

    /// Ends the command early with an exit code.
    pub(crate) fn stop(&self, code: u8) {
        self.shared.stop.trigger(code);
    }

    /// Marks the command as one that works on inputs, so that it ends with a summary.
    pub(crate) fn expect_inputs(&self) {
        self.shared.has_inputs.store(true, Ordering::Relaxed);
    }

    /// Marks that an unfinished upload or partial file remains that no journal names.
    pub(crate) fn something_is_left(&self) {
        self.shared.has_orphans.store(true, Ordering::Relaxed);
    }

    /// Returns whether the command is ending early.
    pub(crate) fn is_stopped(&self) -> bool {
        self.shared.stop.code().is_some()
    }

    /// Returns at once unless the command is ending early; then it waits until it is dropped, so that nothing more
    /// starts.
    pub(crate) async fn unless_stopped(&self) {
        if self.is_stopped() {
            pending::<()>().await;
        }
    }

    /// Counts an input as in flight; it is reported as cancelled unless it is finished.
    pub(crate) fn begin(&self, input: Input) -> RunningInput {
        self.shared.in_flight.send_modify(|count| *count += 1);
        RunningInput {
            report: self.clone(),
            input: Some(input),
        }
    }

    /// Waits until no input is in flight, because inputs of a cancelled command end in other threads.
    pub(crate) async fn all_ended(&self) {
        let mut in_flight = self.shared.in_flight.subscribe();
        let _ = in_flight.wait_for(|count| *count == 0).await;
    }

    /// Reports an input that a run without `--dry-run` would process.
    pub(crate) fn planned(&self, input: &Input) {
        self.print_input(input, "(dryrun) ", "planned", None);
        self.state().done += 1;
    }

    fn done(&self, input: &Input, verified: Option<Value>) {
        self.print_input(
            input,
            "",
            "done",
            verified.map(|verified| ("verified", verified)),
        );
        let mut state = self.state();
        state.done += 1;
        state.bytes += input.size.unwrap_or(0);
    }

    /// Reports an input that was skipped, with the reason.
    pub(crate) fn skipped(&self, input: &Input, reason: &str) {
        self.state().skipped += 1;
        if self.shared.json {
            let mut fields = input.to_json("skipped");
            fields.insert("reason".to_owned(), reason.into());
            self.print_json(fields);
        }
    }

    /// Reports an input that has failed.
    pub(crate) fn failed(&self, input: &Input, failure: &Failure) {
        self.print_failure(&input.text().replacen(": ", " ", 1), failure);
        self.cancelled(input, failure);
    }

    fn cancelled(&self, input: &Input, failure: &Failure) {
        *self.state().failed.entry(failure.class).or_default() += 1;
        if self.shared.json {
            let mut fields = input.to_json("failed");
            fields.insert("error".to_owned(), failure.to_json());
            self.print_json(fields);
        }
    }

    /// Reports a failure of the command itself.
    pub(crate) fn command_failed(&self, command: &str, failure: &Failure) {
        self.print_failure(command, failure);
        *self.state().failed.entry(failure.class).or_default() += 1;
        if self.shared.json {
            let fields = json!({"op": command, "status": "failed", "error": failure.to_json()});
            if let Value::Object(fields) = fields {
                self.print_json(fields);
            }
        }
    }

    /// Counts a success that has no line of its own.
    pub(crate) fn count_done(&self) {
        self.state().done += 1;
    }

    /// Counts skipped inputs that have no line of their own.
    pub(crate) fn count_skipped(&self, count: u64) {
        self.state().skipped += count;
    }

    /// Prints a warning.
    pub(crate) fn warn(&self, text: &str) {
        // Errors of the library have their hints on a second line.
        let text = text.replacen("\nhint: ", "; ", 1);
        self.print_error(&format!("warning: {text}"));
    }

    /// Prints a note on standard error, after the buffered output.
    pub(crate) fn note(&self, text: &str) {
        self.flush();
        self.print_error(text);
    }

    /// Adds a line of data, including its line break, to the output buffer.
    pub(crate) fn data(&self, text: &[u8]) {
        let written = self.state().out.write_all(text);
        self.check_output(written);
    }

    /// Adds a line of JSON data to the output buffer.
    pub(crate) fn json_data(&self, value: Value) {
        if let Value::Object(fields) = value {
            self.buffer_json(fields);
        }
    }

    /// Writes the buffered output.
    pub(crate) fn flush(&self) {
        let flushed = self.shared.progress.around(|| self.state().out.flush());
        self.check_output(flushed);
    }

    /// Prints the summary and returns the exit code.
    pub(crate) fn end(&self, kept: &[Kept]) -> u8 {
        let shared = &self.shared;
        let (done, skipped, failed, hidden, bytes, code) = {
            let state = self.state();
            let failed: u64 = state.failed.values().sum();
            let hidden = state.shown_failures.saturating_sub(SHOWN_FAILURES);
            (
                state.done,
                state.skipped,
                failed,
                hidden,
                state.bytes,
                state.exit_code(),
            )
        };
        if hidden > 0 {
            self.print_error(&format!("… and {hidden} more (see --json)"));
        }
        let code = shared.stop.code().unwrap_or(code);
        let is_interrupted = shared.stop.code().is_some();
        if shared.has_inputs.load(Ordering::Relaxed) {
            let time = shared.started.elapsed();
            if shared.json {
                let mut fields = Map::new();
                fields.insert("op".to_owned(), "summary".into());
                for (name, count) in [
                    ("done", done),
                    ("skipped", skipped),
                    ("failed", failed),
                    ("bytes", bytes),
                ] {
                    fields.insert(name.to_owned(), count.into());
                }
                fields.insert(
                    "seconds".to_owned(),
                    json!(time.as_millis() as f64 / 1000.0),
                );
                if is_interrupted {
                    fields.insert("interrupted".to_owned(), true.into());
                }
                self.buffer_json(fields);
            }
            if shared.progress.was_shown() && code != OUTPUT_CLOSED {
                let seconds = time.as_secs_f64();
                let counts = format!("{done} done, {skipped} skipped, {failed} failed");
                let (size, rate) = (human_size(bytes), rate(bytes, time));
                self.print_error(&match shared.progress.moves_bytes() {
                    true => format!("{counts}; {size} in {seconds:.1} s ({rate})"),
                    false => format!("{counts} in {seconds:.1} s"),
                });
            }
            for Kept { url, bytes, .. } in kept {
                let bytes = human_size(*bytes);
                self.print_error(&format!(
                    "kept {bytes} of {url}; run the command again to resume, or mfs3 sweep to discard"
                ));
            }
            let is_clean = kept.is_empty() && !shared.has_orphans.load(Ordering::Relaxed);
            if matches!(code, INTERRUPTED | TERMINATED) && is_clean {
                self.print_error(
                    "interrupted: no partial files are left; run the command again to do the rest",
                );
            }
        }
        self.flush();
        // Writing the summary may have found the output closed.
        shared.stop.code().unwrap_or(code)
    }

    fn print_input(&self, input: &Input, before: &str, status: &str, extra: Option<(&str, Value)>) {
        if self.shared.json {
            let mut fields = input.to_json(status);
            if let Some((name, value)) = extra {
                fields.insert(name.to_owned(), value);
            }
            self.print_json(fields);
        } else if !self.shared.quiet {
            self.print_line(&format!("{before}{}\n", input.text()));
        }
    }

    fn print_json(&self, fields: Map<String, Value>) {
        self.print_line(&self.json_line(fields));
    }

    /// Writes the buffered output and a line, with the bar cleared. A failure is reported after the bar is unlocked.
    fn print_line(&self, line: &str) {
        let written = self.shared.progress.around(|| {
            let out = &mut self.state().out;
            out.write_all(line.as_bytes())?;
            out.flush()
        });
        self.check_output(written);
    }

    fn buffer_json(&self, fields: Map<String, Value>) {
        self.data(self.json_line(fields).as_bytes());
    }

    fn json_line(&self, mut fields: Map<String, Value>) -> String {
        if let Some(line) = self.line {
            fields.insert("line".to_owned(), line.into());
        }
        format!("{}\n", Value::Object(fields))
    }

    fn print_failure(&self, what: &str, failure: &Failure) {
        let number = {
            let mut state = self.state();
            state.shown_failures += 1;
            state.shown_failures
        };
        if number > SHOWN_FAILURES {
            return;
        }
        let line = self
            .line
            .map_or_else(String::new, |line| format!("line {line}: "));
        self.print_error(&format!("error: {line}{what}: {}", failure.sentence()));
    }

    /// Prints a line on standard error. Control characters in names are escaped.
    fn print_error(&self, text: &str) {
        let text = printable(text);
        self.shared.progress.around(|| {
            // If standard error is closed, there is nowhere to report it.
            let _ = writeln!(io::stderr(), "{text}");
        });
    }

    fn check_output(&self, written: io::Result<()>) {
        match written {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.shared.stop.trigger(OUTPUT_CLOSED);
            }
            Err(error) => {
                if self.shared.stop.code().is_none() {
                    self.print_error(&format!("error: write to standard output: {error}"));
                }
                self.shared.stop.trigger(FailureClass::Other.exit_code());
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, ReportState> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReportState {
    /// Returns the code of the failures if all have one class and no input succeeded or was skipped; 1 for other
    /// failures.
    fn exit_code(&self) -> u8 {
        let mut classes = self.failed.keys();
        match (classes.next(), classes.next()) {
            (None, _) => SUCCESS,
            (Some(class), None) if self.done + self.skipped == 0 => class.exit_code(),
            _ => FailureClass::Other.exit_code(),
        }
    }
}

/// An input in flight. Dropping it reports the input as cancelled.
#[derive(Debug)]
pub(crate) struct RunningInput {
    report: Report,
    input: Option<Input>,
}

impl RunningInput {
    /// Returns the same input with another description.
    pub(crate) fn described_as(mut self, input: Input) -> Self {
        self.input = Some(input);
        self
    }

    /// Reports success, with the number of bytes if it was not known before.
    pub(crate) fn done(mut self, size: Option<u64>, verified: Option<Value>) {
        if let Some(mut input) = self.input.take() {
            input.size = size.or(input.size);
            self.report.done(&input, verified);
        }
    }

    /// Counts success without printing a line, because the bytes are on standard output.
    pub(crate) fn done_without_line(mut self) {
        if self.input.take().is_some() {
            self.report.count_done();
        }
    }

    /// Reports that a run without `--dry-run` would process the input.
    pub(crate) fn planned(mut self) {
        if let Some(input) = self.input.take() {
            self.report.planned(&input);
        }
    }

    /// Reports that the input was skipped.
    pub(crate) fn skipped(mut self, reason: &str) {
        if let Some(input) = self.input.take() {
            self.report.skipped(&input, reason);
        }
    }

    /// Reports a failure.
    pub(crate) fn failed(mut self, failure: &Failure) {
        if let Some(input) = self.input.take() {
            self.report.failed(&input, failure);
        }
    }
}

impl Drop for RunningInput {
    fn drop(&mut self) {
        if let Some(input) = self.input.take() {
            self.report.cancelled(&input, &Failure::cancelled());
        }
        self.report.progress().finish_object();
        self.report
            .shared
            .in_flight
            .send_modify(|count| *count -= 1);
    }
}

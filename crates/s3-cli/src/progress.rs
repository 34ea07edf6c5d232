//! [`Progress`]: shows the progress of transfers, as a bar on a terminal or as plain lines, and notices about retries.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use s3_client::{Event, Observer};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::failure::Failure;
use crate::global::{GlobalArgs, ProgressKind};
use crate::printable::printable;
use crate::retry_notice::RetryNotice;
use crate::size::human_size;

/// Interval between plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(10);
/// Interval between redraws of the bar.
const TICK: Duration = Duration::from_millis(100);

/// Template of the bar of transfers.
const BYTES: &str = "{spinner} {bytes}/{total_bytes} {bytes_per_sec} {wide_bar} {msg} {eta}";
/// Template of the bar of commands that transfer no bytes.
const OBJECTS: &str = "{spinner} {wide_bar} {msg} {eta}";

/// Counts and shows completed objects and transferred bytes. Clone is a reference count.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Arc<Shown>);

#[derive(Debug)]
struct Shown {
    kind: ProgressKind,
    was_started: AtomicBool,
    /// Whether bytes are shown in addition to objects.
    moves_bytes: AtomicBool,
    handles: Mutex<Handles>,
    /// Whether the bar is on the screen: a cleared one must not be cleared again.
    is_drawn: AtomicBool,
    bar: ProgressBar,
    bytes: AtomicU64,
    total_bytes: AtomicU64,
    objects: AtomicU64,
    total_objects: AtomicU64,
    is_quiet: bool,
    retries: RetryNotice,
}

/// Handles of the commands that show progress, which can be several: lines of a file of commands run in parallel.
#[derive(Debug, Default)]
struct Handles {
    count: usize,
    /// The task that prints plain lines.
    printing: Option<JoinHandle<()>>,
}

impl Progress {
    /// Returns the progress display that the options and the terminal call for; nothing is shown before
    /// [`start`](Self::start).
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        let automatic = || match std::io::stderr().is_terminal() {
            true => ProgressKind::Bar,
            false => ProgressKind::None,
        };
        let kind = match (global.quiet || global.no_progress, global.progress) {
            (true, _) => ProgressKind::None,
            (false, Some(kind)) => kind,
            (false, None) => automatic(),
        };
        Self(Arc::new(Shown {
            kind,
            was_started: AtomicBool::new(false),
            moves_bytes: AtomicBool::new(false),
            handles: Mutex::default(),
            is_drawn: AtomicBool::new(false),
            bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()),
            bytes: AtomicU64::new(0),
            total_bytes: AtomicU64::new(0),
            objects: AtomicU64::new(0),
            total_objects: AtomicU64::new(0),
            is_quiet: global.quiet,
            retries: RetryNotice::default(),
        }))
    }

    /// Shows bytes and objects until the handle is dropped.
    pub(crate) fn start(&self) -> ShownProgress {
        self.0.moves_bytes.store(true, Ordering::Relaxed);
        self.show()
    }

    /// Shows objects until the handle is dropped, for a command that transfers no bytes.
    pub(crate) fn start_objects(&self) -> ShownProgress {
        self.show()
    }

    fn show(&self) -> ShownProgress {
        self.0.was_started.store(true, Ordering::Relaxed);
        let mut handles = self.handles();
        handles.count += 1;
        let is_first = handles.count == 1;
        match self.0.kind {
            ProgressKind::None => {}
            ProgressKind::Bar => self.show_bar(is_first),
            ProgressKind::Plain if is_first => {
                let print = |line: String| {
                    // A closed standard error must not end a transfer.
                    let _ = writeln!(std::io::stderr(), "{line}");
                };
                let lines = self.clone().print_lines(PLAIN_EVERY, print);
                handles.printing = Some(tokio::spawn(lines));
            }
            ProgressKind::Plain => {}
        }
        drop(handles);
        ShownProgress(self.clone())
    }

    fn show_bar(&self, is_first: bool) {
        let template = if self.moves_bytes() { BYTES } else { OBJECTS };
        let style = ProgressStyle::with_template(template).expect("the template is valid");
        let bar = &self.0.bar;
        bar.set_style(style);
        if is_first {
            // Restart the bar, which may have been cleared before.
            bar.reset();
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(TICK);
            self.0.is_drawn.store(true, Ordering::Release);
        }
    }

    fn hide(&self) {
        let mut handles = self.handles();
        handles.count -= 1;
        if handles.count > 0 {
            return;
        }
        if self.0.is_drawn.swap(false, Ordering::AcqRel) {
            self.0.bar.finish_and_clear();
        }
        if let Some(printing) = handles.printing.take() {
            printing.abort();
        }
    }

    fn handles(&self) -> MutexGuard<'_, Handles> {
        self.0
            .handles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether a summary line ends the progress.
    pub(crate) fn was_shown(&self) -> bool {
        self.0.kind != ProgressKind::None && self.0.was_started.load(Ordering::Relaxed)
    }

    /// Returns whether bytes are shown in addition to objects.
    pub(crate) fn moves_bytes(&self) -> bool {
        self.0.moves_bytes.load(Ordering::Relaxed)
    }

    /// Adds an input and its bytes to the total.
    pub(crate) fn plan(&self, bytes: u64) {
        self.0.total_objects.fetch_add(1, Ordering::Relaxed);
        self.0.total_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.draw();
    }

    /// Adds bytes to the total, for an input whose size was not known before.
    pub(crate) fn expect_bytes(&self, bytes: u64) {
        self.0.total_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.draw();
    }

    /// Counts an input as completed.
    pub(crate) fn finish_object(&self) {
        self.0.objects.fetch_add(1, Ordering::Relaxed);
        self.draw();
    }

    /// Counts bytes that were copied by the server.
    pub(crate) fn add_bytes(&self, bytes: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.draw();
    }

    /// Runs `print` with the bar cleared.
    pub(crate) fn around<T>(&self, print: impl FnOnce() -> T) -> T {
        match self.0.is_drawn.load(Ordering::Acquire) {
            true => self.0.bar.suspend(print),
            false => print(),
        }
    }

    fn draw(&self) {
        if self.0.is_drawn.load(Ordering::Acquire) {
            let (position, total) = match self.moves_bytes() {
                true => self.bytes(),
                false => self.objects(),
            };
            // Without a total, the length is not set: a bar of length 0 is shown as full.
            if total > 0 {
                self.0.bar.set_length(total);
            }
            self.0.bar.set_position(position);
            self.0.bar.set_message(self.objects_text());
        }
    }

    fn bytes(&self) -> (u64, u64) {
        let bytes = self.0.bytes.load(Ordering::Relaxed);
        // The total does not include streams, whose size is unknown.
        (bytes, self.0.total_bytes.load(Ordering::Relaxed).max(bytes))
    }

    fn objects(&self) -> (u64, u64) {
        let done = self.0.objects.load(Ordering::Relaxed);
        let total = self.0.total_objects.load(Ordering::Relaxed).max(done);
        (done, total)
    }

    fn objects_text(&self) -> String {
        let (done, total) = self.objects();
        format!("{done}/{total} objects")
    }

    async fn print_lines(self, every: Duration, mut print: impl FnMut(String)) {
        let started = Instant::now();
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            print(self.plain_line(started.elapsed()));
        }
    }

    /// Returns a line such as `1.0 MiB of 4.0 MiB, 1/2 objects, 512.0 KiB/s`.
    fn plain_line(&self, time: Duration) -> String {
        let objects = self.objects_text();
        if !self.moves_bytes() {
            return objects;
        }
        let (bytes, total) = self.bytes();
        let rate = rate(bytes, time);
        let (bytes, total) = (human_size(bytes), human_size(total));
        format!("{bytes} of {total}, {objects}, {rate}")
    }
}

/// Returns a rate as `1.5 MiB/s`.
pub(crate) fn rate(bytes: u64, time: Duration) -> String {
    let per_second = (u128::from(bytes) * 1000)
        .checked_div(time.as_millis())
        .unwrap_or(0);
    format!(
        "{}/s",
        human_size(u64::try_from(per_second).unwrap_or(u64::MAX))
    )
}

impl Observer for Progress {
    fn on_event(&self, event: &Event<'_>) {
        match event {
            Event::BytesMoved { bytes, .. } => self.add_bytes(*bytes),
            Event::Retrying { error, wait }
                if !self.0.is_quiet && self.0.retries.is_due(Instant::now(), *wait) =>
            {
                let failure = printable(&Failure::from(*error).sentence());
                self.around(|| {
                    // If standard error is closed, there is nowhere to report it.
                    let _ = writeln!(
                        std::io::stderr(),
                        "warning: {failure}; retrying; stop with Ctrl-C or --deadline"
                    );
                });
            }
            _ => {}
        }
    }
}

/// A handle that keeps progress on the screen. It is cleared when the last handle is dropped.
#[derive(Debug)]
pub(crate) struct ShownProgress(Progress);

impl Drop for ShownProgress {
    fn drop(&mut self) {
        self.0.hide();
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    fn plain() -> Progress {
        let global = GlobalArgs {
            progress: Some(ProgressKind::Plain),
            ..GlobalArgs::default()
        };
        Progress::new(&global)
    }

    #[tokio::test]
    async fn plain_lines_are_printed_every_ten_seconds() {
        assert_eq!(PLAIN_EVERY, Duration::from_secs(10));
        let progress = plain();
        let (send, mut lines) = mpsc::unbounded_channel();
        let print = move |line| send.send(line).unwrap();
        let every = Duration::from_millis(10);
        let began = Instant::now();
        let printing = tokio::spawn(progress.clone().print_lines(every, print));
        for objects in ["0/1 objects", "1/2 objects"] {
            progress.plan(0);
            let line = lines.recv().await.unwrap();
            assert!(line.ends_with(objects), "{line}");
            progress.finish_object();
        }
        assert!(began.elapsed() >= 2 * every);
        printing.abort();
    }

    #[test]
    fn a_plain_line_has_bytes_objects_and_the_rate() {
        let progress = plain();
        progress.plan(3 << 20);
        progress.plan(1 << 20);
        progress.finish_object();
        let time = Duration::from_secs(2);
        assert_eq!(progress.plain_line(time), "1/2 objects");
        progress.add_bytes(1 << 20);
        progress.0.moves_bytes.store(true, Ordering::Relaxed);
        assert_eq!(
            progress.plain_line(time),
            "1.0 MiB of 4.0 MiB, 1/2 objects, 512.0 KiB/s"
        );
    }

    #[tokio::test]
    async fn progress_is_shown_until_the_last_handle_is_dropped() {
        let progress = plain();
        assert!(!progress.was_shown());
        let (first, second) = (progress.start(), progress.start_objects());
        drop(first);
        assert!(progress.handles().printing.is_some());
        drop(second);
        assert!(progress.handles().printing.is_none() && progress.was_shown());
    }
}

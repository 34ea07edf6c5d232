//! Progress of transfers: a bar on a terminal, or plain lines; and the reason if neither is shown.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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

/// How often a plain line is printed.
const PLAIN_EVERY: Duration = Duration::from_secs(10);
/// How often the bar is drawn again.
const TICK: Duration = Duration::from_millis(100);

/// Counts what moves and shows it. Clone is a reference count.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Arc<Shown>);

#[derive(Debug)]
struct Shown {
    kind: ProgressKind,
    was_started: AtomicBool,
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

impl Progress {
    /// Returns progress of the kind that the arguments and the terminal ask for; nothing is shown before
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

    /// Shows progress until the handle is dropped.
    pub(crate) fn start(&self) -> ShownProgress {
        self.0.was_started.store(true, Ordering::Relaxed);
        let printing = match self.0.kind {
            ProgressKind::None => None,
            ProgressKind::Bar => {
                let template =
                    "{spinner} {bytes}/{total_bytes} {bytes_per_sec} {wide_bar} {msg} {eta}";
                let style = ProgressStyle::with_template(template).expect("the template is valid");
                self.0.bar.set_style(style);
                self.0.bar.set_draw_target(ProgressDrawTarget::stderr());
                self.0.bar.enable_steady_tick(TICK);
                self.0.is_drawn.store(true, Ordering::Release);
                None
            }
            ProgressKind::Plain => {
                let lines = self.clone().print_lines();
                Some(tokio::spawn(lines))
            }
        };
        ShownProgress {
            progress: self.clone(),
            printing,
        }
    }

    /// Returns whether a summary line ends the progress.
    pub(crate) fn was_shown(&self) -> bool {
        self.0.kind != ProgressKind::None && self.0.was_started.load(Ordering::Relaxed)
    }

    /// Adds an input to what is to be done.
    pub(crate) fn plan(&self, bytes: u64) {
        self.0.total_objects.fetch_add(1, Ordering::Relaxed);
        self.0.total_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.draw();
    }

    /// Adds the bytes of an input whose size was not known.
    pub(crate) fn expect_bytes(&self, bytes: u64) {
        self.0.total_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.draw();
    }

    /// Counts an input that has ended.
    pub(crate) fn finish_object(&self) {
        self.0.objects.fetch_add(1, Ordering::Relaxed);
        self.draw();
    }

    /// Counts bytes that did not pass through this machine.
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
            let (bytes, total) = self.bytes();
            // A bar of length 0 is full.
            if total > 0 {
                self.0.bar.set_length(total);
            }
            self.0.bar.set_position(bytes);
            self.0.bar.set_message(self.objects());
        }
    }

    fn bytes(&self) -> (u64, u64) {
        let bytes = self.0.bytes.load(Ordering::Relaxed);
        // Sizes of streams are not planned.
        (bytes, self.0.total_bytes.load(Ordering::Relaxed).max(bytes))
    }

    fn objects(&self) -> String {
        let done = self.0.objects.load(Ordering::Relaxed);
        let total = self.0.total_objects.load(Ordering::Relaxed).max(done);
        format!("{done}/{total} objects")
    }

    async fn print_lines(self) {
        let started = Instant::now();
        let mut ticks = interval(PLAIN_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let (bytes, total) = self.bytes();
            let rate = rate(bytes, started.elapsed());
            let (bytes, total) = (human_size(bytes), human_size(total));
            let line = format!("{bytes} of {total}, {}, {rate}", self.objects());
            // A closed standard error does not end a transfer.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
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
                    // There is nowhere to report that standard error is closed.
                    let _ = writeln!(
                        std::io::stderr(),
                        "warning: {failure}; it is tried again, until Ctrl-C or --deadline at most"
                    );
                });
            }
            _ => {}
        }
    }
}

/// Progress on the screen; cleared when it is dropped.
#[derive(Debug)]
pub(crate) struct ShownProgress {
    progress: Progress,
    printing: Option<JoinHandle<()>>,
}

impl Drop for ShownProgress {
    fn drop(&mut self) {
        if self.progress.0.is_drawn.swap(false, Ordering::AcqRel) {
            self.progress.0.bar.finish_and_clear();
        }
        if let Some(printing) = &self.printing {
            printing.abort();
        }
    }
}

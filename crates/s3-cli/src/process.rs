//! Runs the process: tokio runtime, signals, one command, cleanup and exit code.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use s3_client::Resume;
use s3_transfer::WorkerPool;
use tokio::time::timeout;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::Cli;
use crate::exit_code::FailureClass;
use crate::progress::Progress;
use crate::report::Report;
use crate::session::Session;
use crate::stop::Stop;

/// Maximum number of threads that run transfers. 8, as in the engine's fan-out.
const MAX_THREADS: usize = 8;

/// Maximum time that an interrupted command waits for its parts in flight.
const PARTS_LIMIT: Duration = Duration::from_secs(2);

/// Runs the tool with the arguments of this process, and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    run(Cli::from_process())
}

/// Runs a command and returns its exit code.
fn run(cli: Cli) -> ExitCode {
    let progress = Progress::new(&cli.global);
    trace(cli.global.verbose, &progress);
    let threads = thread::available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .min(MAX_THREADS);
    let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
    let pool = match WorkerPool::start(threads, "mfs3") {
        Ok(pool) => pool,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: start threads: {error}");
            return FailureClass::Other.exit_code().into();
        }
    };
    let code = pool.run(command(cli, progress));
    // Dropping the runtime would wait for blocked reads of standard input.
    std::process::exit(code.into())
}

async fn command(cli: Cli, progress: Progress) -> u8 {
    let stop = Stop::default();
    let report = Report::new(&cli.global, progress, stop.clone());
    let name = cli.command.name();
    if let Err(error) = stop.listen() {
        report.warn(&format!("signals are not handled: {error}"));
    }
    let session = match Session::open(cli.global, report.clone()) {
        Ok(session) => session,
        Err(failure) => {
            report.command_failed(name, &failure);
            return report.end(&[]);
        }
    };
    let mut run = Box::pin(cli.command.run(session.clone()));
    let outcome = tokio::select! {
        outcome = &mut run => outcome,
        () = stop.triggered() => tokio::select! {
            outcome = &mut run => outcome,
            () = end_parts(&session.resume) => Ok(()),
        },
    };
    drop(run);
    if let Err(failure) = outcome {
        report.command_failed(name, &failure);
    }
    // Uploads that were cancelled in other threads must have ended, so that `close` waits for their aborts.
    report.all_ended().await;
    let closed = session.s3.close().await;
    let left = session.transfer().failed_aborts();
    match closed {
        // These failed aborts are reported below.
        Err(s3_client::Error::UploadsRemain { uploads }) if uploads <= left => {}
        Err(error) => {
            report.warn(&error.to_string());
            report.something_is_left();
        }
        Ok(()) => {}
    }
    if left > 0 {
        report.warn(&format!(
            "{left} unfinished uploads could not be aborted; their parts are billed until mfs3 sweep URL removes them"
        ));
        report.something_is_left();
    }
    for warning in session.resume.warnings() {
        report.warn(&warning);
    }
    report.end(&session.resume.kept())
}

/// Waits until resumable transfers have completed their parts in flight, so that these are kept.
async fn end_parts(resume: &Resume) {
    resume.stop();
    // Parts that take longer are sent again by the next run.
    let _ = timeout(PARTS_LIMIT, resume.idle()).await;
}

/// Prints tracing events of the client's crates, with the progress bar cleared: attempts with `-v`, all with `-vv`.
fn trace(verbose: u8, progress: &Progress) {
    let level = match verbose {
        0 => return,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let crates = ["s3_client", "s3_transfer", "s3_core", "s3_wire"];
    let targets = Targets::new().with_targets(crates.map(|name| (name, level)));
    let progress = progress.clone();
    let printed = tracing_subscriber::fmt::layer()
        .with_writer(move || ClearedError(progress.clone()))
        .with_ansi(false);
    tracing_subscriber::registry()
        .with(printed)
        .with(targets)
        .init();
}

/// Writes to standard error with the progress bar cleared. An event is one write.
struct ClearedError(Progress);

impl Write for ClearedError {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.around(|| io::stderr().write_all(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

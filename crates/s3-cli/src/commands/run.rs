//! `run`: runs the commands of a file in parallel.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::pin::pin;

use clap::Args;
use futures_util::{StreamExt, stream};

use super::Command;
use crate::cli::Cli;
use crate::failure::Failure;
use crate::global::GlobalArgs;
use crate::session::Session;

/// How many commands run at once without `--jobs`.
const AT_ONCE: usize = 32;

/// Run the commands of a file, one a line, in parallel
///
/// Words are quoted as in a shell, # starts a comment.
#[derive(Args, Debug)]
#[command(
    long_about = None,
    after_help = "Example:\n  printf 'cp a s3://b/a\\nrm s3://b/old\\n' | mfs3 run"
)]
pub(crate) struct RunArgs {
    /// The file; standard input without one, or for -
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

type Lines = Box<dyn BufRead + Send>;

pub(crate) async fn run(arguments: RunArgs, session: Session) -> Result<(), Failure> {
    session.report.expect_inputs();
    let file = arguments.file.filter(|file| file.as_os_str() != "-");
    let from_stdin = file.is_none();
    let lines = open(file)?;
    let at_once = session
        .global
        .jobs
        .map_or(AT_ONCE, std::num::NonZeroUsize::get);
    let lines = stream::unfold(Some(lines), |lines| async { next(lines?).await }).boxed();
    let commands = lines.enumerate().map(move |(index, line)| {
        let session = session.for_line(index as u64 + 1);
        run_line(line, session, from_stdin)
    });
    let mut commands = pin!(commands.buffer_unordered(at_once));
    while commands.next().await.is_some() {}
    Ok(())
}

fn open(file: Option<PathBuf>) -> Result<Lines, Failure> {
    match file {
        None => Ok(Box::new(BufReader::new(io::stdin()))),
        Some(path) => {
            let file =
                File::open(&path).map_err(|error| Failure::of_file("read", &path, &error))?;
            Ok(Box::new(BufReader::new(file)))
        }
    }
}

/// Returns the next line, and the reader unless it has failed. Reads on a thread that may block.
async fn next(mut lines: Lines) -> Option<(Result<String, Failure>, Option<Lines>)> {
    let read = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        let read = lines.read_line(&mut line);
        (read.map(|count| (count > 0).then_some(line)), lines)
    });
    match read.await {
        Ok((Ok(line), lines)) => line.map(|line| (Ok(line), Some(lines))),
        Ok((Err(error), _)) => Some((
            Err(Failure::local(format!("read the commands: {error}"))),
            None,
        )),
        Err(error) => Some((Err(Failure::local(error.to_string())), None)),
    }
}

async fn run_line(line: Result<String, Failure>, session: Session, from_stdin: bool) {
    let report = session.report.clone();
    if let Err(failure) = try_line(line, session, from_stdin).await {
        report.command_failed("run", &failure);
    }
}

async fn try_line(
    line: Result<String, Failure>,
    session: Session,
    from_stdin: bool,
) -> Result<(), Failure> {
    let line = line?;
    let line = line.trim();
    let words =
        shell_words::split(line).map_err(|error| Failure::usage(format!("{line}: {error}")))?;
    if words.is_empty() {
        return Ok(());
    }
    let cli = Cli::from_words(words).map_err(|error| {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or_default();
        Failure::usage(format!("{line}: {}", first.trim_start_matches("error: ")))
    })?;
    if cli.global != GlobalArgs::default() {
        let hint = "write them before run; they hold for all lines";
        return Err(Failure::usage(format!("{line}: global options")).with_hint(hint));
    }
    if matches!(cli.command, Command::Run(_)) {
        return Err(Failure::usage("a file of commands cannot run another one"));
    }
    if from_stdin && cli.command.reads_stdin() {
        let message = format!("{line}: it reads standard input, as the commands do");
        return Err(Failure::usage(message).with_hint("write the commands to a file"));
    }
    cli.command.run(session).await
}

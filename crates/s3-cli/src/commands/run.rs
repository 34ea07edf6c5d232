//! `run`: runs the commands of a file, one per line, in parallel.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::pin::pin;

use clap::Args;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc::{self, Receiver};

use super::Command;
use crate::cli::LineParser;
use crate::failure::Failure;
use crate::global::GlobalArgs;
use crate::session::Session;

/// Maximum number of commands in flight without `--jobs`.
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

pub(crate) async fn run(arguments: RunArgs, session: Session) -> Result<(), Failure> {
    session.report.expect_inputs();
    let file = arguments.file.filter(|file| file.as_os_str() != "-");
    let from_stdin = file.is_none();
    let mut lines = read_lines(open(file)?);
    let at_once = session
        .global
        .jobs
        .map_or(AT_ONCE, std::num::NonZeroUsize::get);
    let mut parser = LineParser::new();
    let lines = stream::poll_fn(move |cx| lines.poll_recv(cx));
    let commands = lines.enumerate().map(move |(index, line)| {
        let session = session.for_line(index as u64 + 1);
        let command = line.and_then(|line| parse(&line, &mut parser, from_stdin));
        run_line(command, session)
    });
    let mut commands = pin!(commands.buffer_unordered(at_once));
    while commands.next().await.is_some() {}
    Ok(())
}

fn open(file: Option<PathBuf>) -> Result<Box<dyn BufRead + Send>, Failure> {
    match file {
        None => Ok(Box::new(BufReader::new(io::stdin()))),
        Some(path) => {
            let file =
                File::open(&path).map_err(|error| Failure::of_file("read", &path, &error))?;
            Ok(Box::new(BufReader::new(file)))
        }
    }
}

/// Reads the lines on a blocking thread, at most [`AT_ONCE`] ahead.
fn read_lines(mut file: Box<dyn BufRead + Send>) -> Receiver<Result<String, Failure>> {
    let (send, lines) = mpsc::channel(AT_ONCE);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut line = String::new();
            let line = match file.read_line(&mut line) {
                Ok(0) => return,
                Ok(_) => Ok(line),
                Err(error) => Err(Failure::local(format!("read the commands: {error}"))),
            };
            let has_failed = line.is_err();
            if send.blocking_send(line).is_err() || has_failed {
                return;
            }
        }
    });
    lines
}

async fn run_line(command: Result<Option<Command>, Failure>, session: Session) {
    let report = session.report.clone();
    let outcome = match command {
        Ok(Some(command)) => command.run(session).await,
        Ok(None) => Ok(()),
        Err(failure) => Err(failure),
    };
    if let Err(failure) = outcome {
        report.command_failed("run", &failure);
    }
}

/// Parses a line into a command; `None` for a line without words.
fn parse(
    line: &str,
    parser: &mut LineParser,
    from_stdin: bool,
) -> Result<Option<Command>, Failure> {
    let line = line.trim();
    let words =
        shell_words::split(line).map_err(|error| Failure::usage(format!("{line}: {error}")))?;
    if words.is_empty() {
        return Ok(None);
    }
    let cli = parser.parse(words).map_err(|error| {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or_default();
        Failure::usage(format!("{line}: {}", first.trim_start_matches("error: ")))
    })?;
    if cli.global != GlobalArgs::default() {
        let hint = "write them before run; they hold for all lines";
        return Err(Failure::usage(format!("{line}: global options")).with_hint(hint));
    }
    if matches!(cli.command, Command::Run(_)) {
        return Err(Failure::usage(
            "`run` cannot be nested in a file of commands",
        ));
    }
    if from_stdin && cli.command.reads_stdin() {
        let message = format!("{line}: it reads standard input, as the commands do");
        return Err(Failure::usage(message).with_hint("write the commands to a file"));
    }
    Ok(Some(cli.command))
}

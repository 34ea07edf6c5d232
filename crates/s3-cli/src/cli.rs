//! [`Cli`]: the clap definition of the command line, and its parser for the process's arguments and lines of `run`.

use std::ffi::OsString;

use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser};

use crate::commands::Command;
use crate::global::GlobalArgs;

/// Copies, lists and removes objects in S3, in parallel.
#[derive(Debug, Parser)]
#[command(
    name = "mfs3",
    version,
    term_width = 80,
    after_help = "Exit codes: 0 done, 1 some failed, 2 usage, 3 not found, 4 denied, 5 a condition\ndid not hold, 6 no connection or out of time; 130 Ctrl-C, 141 SIGPIPE,\n143 SIGTERM.\n\nExample:\n  mfs3 cp -r photos/ s3://bucket/photos/"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Returns the clap definition. Only `mfs3 --help` shows the global options.
    pub(crate) fn definition() -> clap::Command {
        let mut root = Self::command();
        let globals: Vec<_> = root
            .get_arguments()
            .filter(|argument| argument.is_global_set())
            .map(|argument| argument.get_id().clone())
            .collect();
        root.build();
        root.mut_subcommands(|command| {
            let is_help = command.get_name() == "help";
            command.mut_args(|argument| {
                if argument.get_id() == "help" {
                    return argument.help("Print help; global options are in mfs3 --help");
                }
                let is_global = !is_help && globals.contains(argument.get_id());
                let hide = is_global || argument.is_hide_set();
                argument.hide(hide)
            })
        })
    }

    /// Parses the arguments of the process. Prints help or a usage error and exits if there is no command to run.
    pub(crate) fn from_process() -> Self {
        let arguments: Vec<OsString> = std::env::args_os().collect();
        let mut definition = Self::definition();
        if arguments.iter().any(|argument| argument == "--no-color") {
            definition = definition.color(ColorChoice::Never);
        }
        let matches = definition.get_matches_from(arguments);
        Self::from_arg_matches(&matches)
            .unwrap_or_else(|error| error.format(&mut Self::command()).exit())
    }
}

/// Parses the lines of a file of commands. Keeps the clap definition, which takes longer to build than many commands.
#[derive(Debug)]
pub(crate) struct LineParser(clap::Command);

impl LineParser {
    pub(crate) fn new() -> Self {
        Self(Cli::definition().no_binary_name(true))
    }

    /// Parses the words of one line.
    pub(crate) fn parse(&mut self, words: Vec<String>) -> Result<Cli, clap::Error> {
        let matches = self.0.try_get_matches_from_mut(words)?;
        Cli::from_arg_matches(&matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_help_page_fits_60_lines_and_ends_with_an_example() {
        let mut root = Cli::definition();
        let mut pages = vec![("mfs3".to_owned(), root.render_help().to_string())];
        for command in root
            .get_subcommands_mut()
            .filter(|command| command.get_name() != "help")
        {
            pages.push((
                command.get_name().to_owned(),
                command.render_help().to_string(),
            ));
        }
        assert!(pages.len() > 10);
        for (name, page) in pages {
            assert!(
                page.lines().count() <= 60,
                "{name}: {} lines",
                page.lines().count()
            );
            assert!(
                page.lines().all(|line| line.chars().count() <= 80),
                "{name}: {page}"
            );
            let (_, last) = page.trim_end().rsplit_once("\n\n").unwrap();
            assert!(last.starts_with("Example:\n  "), "{name}: {page}");
        }
    }

    /// Returns docs/guide/commands.md.
    fn reference() -> String {
        let mut text = "# Commands\n\nThis page is made of the help of `mfs3` by a test; `UPDATE_GUIDE=1` writes it.\n".to_owned();
        let mut root = Cli::definition();
        let mut page = |name: &str, help: String| {
            let lines: Vec<_> = help.lines().map(str::trim_end).collect();
            let help = lines.join("\n");
            text.push_str(&format!(
                "\n## {name}\n\n```text\n{}\n```\n",
                help.trim_end()
            ));
        };
        page("mfs3", root.render_help().to_string());
        for command in root.get_subcommands_mut() {
            if command.get_name() != "help" {
                page(
                    &format!("mfs3 {}", command.get_name()),
                    command.render_help().to_string(),
                );
            }
        }
        text
    }

    #[test]
    fn the_command_reference_in_the_guide_equals_the_help() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/commands.md");
        if std::env::var_os("UPDATE_GUIDE").is_some() {
            std::fs::write(path, reference()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap();
        assert!(written == reference(), "run the test with UPDATE_GUIDE=1");
    }

    #[test]
    fn global_options_stand_before_or_after_the_command() {
        let parse = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            LineParser::new().parse(words).unwrap().global
        };
        let before = parse(&["--json", "-j", "4", "--run", "Flow/7", "ls"]);
        assert_eq!(
            before,
            parse(&["ls", "--run", "Flow/7", "--numworkers", "4", "--json"])
        );
        assert!(before.json && before.jobs.is_some());
    }
}

//! [`Filter`]: rules of `--include`, `--exclude` and `--exclude-from`, of which the last match decides.

use std::fs;
use std::sync::Arc;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

use s3_client::PathFilter;

use crate::wildcard::Wildcard;

/// Rules in the order given, of which the last match decides. A path without a match is excluded if the first rule
/// includes, and included otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    includes: bool,
    pattern: Wildcard,
}

impl Filter {
    /// Returns whether the path below the source is included.
    pub(crate) fn admits(&self, path: &str) -> bool {
        let matching = self
            .rules
            .iter()
            .rev()
            .find(|rule| rule.pattern.matches(path));
        matching.map_or(self.admits_by_default(), |rule| rule.includes)
    }

    /// Returns whether nothing below a directory, given with its slash, can be included.
    pub(crate) fn prunes(&self, directory: &str) -> bool {
        for rule in self.rules.iter().rev() {
            if rule.includes && rule.pattern.may_match_below(directory) {
                return false;
            }
            if !rule.includes && rule.pattern.covers(directory) {
                return true;
            }
        }
        !self.admits_by_default()
    }

    /// Returns the filter as a function for the libraries, where a path with a slash at its end is a directory.
    pub(crate) fn into_path_filter(self) -> PathFilter {
        Arc::new(move |path: &str| match path.ends_with('/') {
            true => !self.prunes(path),
            false => self.admits(path),
        })
    }

    fn admits_by_default(&self) -> bool {
        self.rules.first().is_none_or(|first| !first.includes)
    }
}

const INCLUDE: &str = "include";
const EXCLUDE: &str = "exclude";
const EXCLUDE_FROM: &str = "exclude-from";

impl Args for Filter {
    fn augment_args(command: Command) -> Command {
        let option = |name: &'static str, value: &'static str, help: &'static str| {
            Arg::new(name)
                .long(name)
                .value_name(value)
                .action(ArgAction::Append)
                .help(help)
        };
        command
            .arg(option(
                INCLUDE,
                "GLOB",
                "Take what matches; the last match decides",
            ))
            .arg(option(EXCLUDE, "GLOB", "Leave out what matches"))
            .arg(option(
                EXCLUDE_FROM,
                "FILE",
                "Leave out what matches a line of FILE",
            ))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Filter {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut given: Vec<(usize, &str, &String)> = Vec::new();
        for name in [INCLUDE, EXCLUDE, EXCLUDE_FROM] {
            if matches.value_source(name) != Some(ValueSource::CommandLine) {
                continue;
            }
            let indices = matches.indices_of(name).into_iter().flatten();
            let values = matches.get_many::<String>(name).into_iter().flatten();
            given.extend(
                indices
                    .zip(values)
                    .map(|(index, value)| (index, name, value)),
            );
        }
        given.sort_unstable_by_key(|(index, ..)| *index);
        let mut rules = Vec::new();
        for (_, name, value) in given {
            match name {
                EXCLUDE_FROM => {
                    let text = fs::read_to_string(value)
                        .map_err(|error| invalid(format!("read {value}: {error}")))?;
                    for line in text.lines().filter(|line| !line.is_empty()) {
                        rules.push(rule(false, line)?);
                    }
                }
                name => rules.push(rule(name == INCLUDE, value)?),
            }
        }
        Ok(Self { rules })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn rule(includes: bool, pattern: &str) -> Result<Rule, Error> {
    let pattern = Wildcard::parse(pattern).map_err(invalid)?;
    Ok(Rule { includes, pattern })
}

fn invalid(message: String) -> Error {
    Error::raw(clap::error::ErrorKind::ValueValidation, message + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(arguments: &[&str]) -> Filter {
        let command = Filter::augment_args(Command::new("test").no_binary_name(true));
        Filter::from_arg_matches(&command.get_matches_from(arguments)).unwrap()
    }

    #[test]
    fn the_last_match_decides_in_the_order_given() {
        let later_include = filter(&["--exclude", "*.log", "--include", "keep*"]);
        assert!(later_include.admits("keep.log") && !later_include.admits("a/x.log"));
        assert!(later_include.admits("other"));
        let later_exclude = filter(&["--include", "keep*", "--exclude", "*.log"]);
        assert!(!later_exclude.admits("keep.log") && later_exclude.admits("keep/x"));
    }

    #[test]
    fn a_first_include_means_only_these() {
        let only = filter(&["--include", "*.txt"]);
        assert!(only.admits("a/b.txt") && !only.admits("a/b.log"));
        assert!(filter(&[]).admits("anything"));
    }

    #[test]
    fn a_directory_that_no_later_include_can_reach_is_pruned() {
        let reached = filter(&["--exclude", "data/*", "--include", "data/keep/*"]);
        assert!(reached.prunes("data/other/") && !reached.prunes("data/"));
        assert!(!reached.prunes("data/keep/") && !reached.prunes("else/"));
        let by_name = filter(&["--exclude", "data/*", "--include", "*.txt"]);
        assert!(!by_name.prunes("data/"));
        let only = filter(&["--include", "a/*"]);
        assert!(only.prunes("b/") && !only.prunes("a/b/"));
        assert!(!filter(&["--exclude", "*.log"]).prunes("a/"));
    }

    #[test]
    fn patterns_of_a_file_are_excluded() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "*.log\n\ntmp/*\n").unwrap();
        let from = filter(&["--exclude-from", file.path().to_str().unwrap()]);
        assert!(!from.admits("a.log") && !from.admits("tmp/x") && from.admits("x"));
    }
}

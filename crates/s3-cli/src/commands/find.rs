//! `find`: lists the objects below a prefix and prints those that match by name, size and age.

use std::time::{Duration, SystemTime};

use clap::Args;
use futures_util::StreamExt;
use regex::Regex;

use super::ls::object_json;
use crate::address::Remote;
use crate::failure::Failure;
use crate::filter::Filter;
use crate::listing::{Named, Selection};
use crate::printable::printable;
use crate::report::Input;
use crate::session::Session;
use crate::size::{parse_duration, parse_size};
use crate::wildcard::Wildcard;

/// Find objects below a bucket, a directory or a wildcard
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  mfs3 find s3://bucket/logs/ --name '*.gz' --larger 1M --older-than 7d"
)]
pub(crate) struct FindArgs {
    /// A bucket, a directory or a wildcard
    #[arg(value_name = "URL")]
    url: String,
    /// Match what follows the last slash
    #[arg(long, value_name = "GLOB", value_parser = Wildcard::parse)]
    name: Option<Wildcard>,
    /// Match the whole path below the directory
    #[arg(long, value_name = "GLOB", value_parser = Wildcard::parse)]
    path: Option<Wildcard>,
    /// Search the path below the directory
    #[arg(long, value_name = "REGEX")]
    regex: Option<Regex>,
    /// Only objects of more bytes
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    larger: Option<u64>,
    /// Only objects of fewer bytes
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    smaller: Option<u64>,
    /// Only objects written since this time ago
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    newer_than: Option<Duration>,
    /// Only objects written before this time ago
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    older_than: Option<Duration>,
    /// End each address with a NUL byte
    #[arg(short = '0', long, conflicts_with = "json")]
    print0: bool,
    /// Take *, ? and [ literally
    #[arg(long)]
    raw: bool,
}

pub(crate) async fn run(arguments: FindArgs, session: Session) -> Result<(), Failure> {
    if let Err(failure) = find(&arguments, &session).await {
        let input = Input::new("find", &arguments.url);
        session.report.failed(&input, &failure);
    }
    Ok(())
}

async fn find(arguments: &FindArgs, session: &Session) -> Result<(), Failure> {
    let remote = Remote::parse(&arguments.url, session.root())?;
    let Selection::Many(listed) = Selection::parse(&remote, arguments.raw, true)? else {
        unreachable!("a recursive selection is a listing");
    };
    let mut pages = listed.pages(session, Filter::default());
    let now = SystemTime::now();
    while let Some(page) = pages.next().await {
        for named in page? {
            if arguments.matches(&named, now) {
                print(arguments, session, &named);
            }
        }
        session.report.flush();
    }
    Ok(())
}

impl FindArgs {
    fn matches(&self, named: &Named, now: SystemTime) -> bool {
        let object = &named.object;
        let path = named.below();
        let name = path.rsplit('/').next().unwrap_or(path);
        let age = object
            .last_modified
            .map(|time| now.duration_since(time).unwrap_or_default());
        self.name.as_ref().is_none_or(|glob| glob.matches(name))
            && self.path.as_ref().is_none_or(|glob| glob.matches(path))
            && self.regex.as_ref().is_none_or(|regex| regex.is_match(path))
            && self.larger.is_none_or(|size| object.size > size)
            && self.smaller.is_none_or(|size| object.size < size)
            && self
                .newer_than
                .is_none_or(|limit| age.is_some_and(|age| age < limit))
            && self
                .older_than
                .is_none_or(|limit| age.is_some_and(|age| age >= limit))
    }
}

fn print(arguments: &FindArgs, session: &Session, named: &Named) {
    let report = &session.report;
    let url = named.object.url.as_str();
    if report.is_json() {
        report.json_data(object_json(&named.object));
    } else if arguments.print0 {
        report.data(format!("{url}\0").as_bytes());
    } else {
        report.data(format!("{}\n", printable(url)).as_bytes());
    }
}

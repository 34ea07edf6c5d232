//! `cat`: prints objects, or a byte range of them, to standard output.

use std::io::{self, Write};

use clap::Args;
use futures_util::StreamExt;
use s3_core::{ByteRange, S3Url, VersionId};
use s3_transfer::GetItem;

use crate::address::Remote;
use crate::exit_code::OUTPUT_CLOSED;
use crate::failure::Failure;
use crate::filter::Filter;
use crate::listing::Selection;
use crate::report::Input;
use crate::session::Session;

/// Print objects, or a range of them, to standard output
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  mfs3 cat --range -100 s3://bucket/log.txt")]
pub(crate) struct CatArgs {
    /// Objects or wildcards
    #[arg(value_name = "URL", required = true)]
    urls: Vec<String>,
    /// Bytes as in HTTP: 0-99, 100- or -100
    #[arg(long, value_parser = parse_range, allow_hyphen_values = true)]
    range: Option<ByteRange>,
    /// Take *, ? and [ literally
    #[arg(long)]
    raw: bool,
    /// This version of the object
    #[arg(long, value_name = "ID")]
    version_id: Option<String>,
}

pub(crate) async fn run(arguments: CatArgs, session: Session) -> Result<(), Failure> {
    if session.report.is_json() {
        return Err(Failure::usage(
            "cat does not support --json: it prints the bytes of objects",
        ));
    }
    let mut items = Vec::new();
    for url in &arguments.urls {
        let remote = Remote::parse(url, session.root())?;
        items.push((
            remote.clone(),
            Selection::parse(&remote, arguments.raw, false)?,
        ));
    }
    let wildcard = |(_, selection): &(_, Selection)| matches!(selection, Selection::Many(_));
    if arguments.version_id.is_some() && (items.len() > 1 || items.iter().any(wildcard)) {
        return Err(Failure::usage("--version-id needs exactly one object"));
    }
    for (remote, selection) in items {
        match selection {
            Selection::One(plain) => {
                let url = plain.url()?;
                report(
                    &session,
                    &url,
                    print(&session, item(&arguments, url.clone())).await,
                );
            }
            Selection::Many(listed) => {
                let mut pages = listed.pages(&session, Filter::default());
                while let Some(page) = pages.next().await {
                    let page = match page {
                        Ok(page) => page,
                        Err(failure) => {
                            let input = Input::new("cat", remote.to_string());
                            session.report.failed(&input, &failure);
                            continue;
                        }
                    };
                    for named in page {
                        let url = named.object.url;
                        report(
                            &session,
                            &url,
                            print(&session, item(&arguments, url.clone())).await,
                        );
                    }
                }
            }
        }
    }
    Ok(())
}

fn item(arguments: &CatArgs, url: S3Url) -> GetItem {
    let mut item = GetItem::new(url);
    item.range.clone_from(&arguments.range);
    item.version = arguments.version_id.as_deref().map(VersionId::new);
    item
}

fn report(session: &Session, url: &S3Url, printed: Result<(), Failure>) {
    match printed {
        Ok(()) => session.report.count_done(),
        Err(failure) => {
            let input = Input::new("cat", url.as_str());
            session.report.failed(&input, &failure);
        }
    }
}

/// Writes an object to standard output as it arrives.
pub(super) async fn print(session: &Session, item: GetItem) -> Result<(), Failure> {
    let mut reader = session.transfer().open(item, &session.options).await?;
    while let Some(frame) = reader.next().await {
        let frame = frame?;
        // On a blocking thread: the reader of standard output may be slow, and Ctrl-C must work meanwhile.
        let written = tokio::task::spawn_blocking(move || {
            let mut output = io::stdout().lock();
            output.write_all(&frame)?;
            output.flush()
        });
        let written = written
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        match written {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                session.report.stop(OUTPUT_CLOSED);
                return Ok(());
            }
            Err(error) => {
                return Err(Failure::local(format!("write to standard output: {error}")));
            }
        }
    }
    Ok(())
}

/// Parses `A-B`, `A-` and `-N`; B is the last byte, as in HTTP.
pub(super) fn parse_range(text: &str) -> Result<ByteRange, String> {
    let problem = || format!("{text:?} is not a range: write 0-99, 100- or -100");
    let (first, last) = text.split_once('-').ok_or_else(problem)?;
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits
            .parse::<u64>()
            .ok()
            .filter(|_| is_number)
            .ok_or_else(problem)
    };
    let range = match (first, last) {
        ("", last) => ByteRange::Last(number(last)?),
        (first, "") => ByteRange::From(number(first)?),
        (first, last) => {
            let end = number(last)?.checked_add(1).ok_or_else(problem)?;
            ByteRange::Bounded(number(first)?..end)
        }
    };
    match range.is_satisfiable() {
        true => Ok(range),
        false => Err(format!("range {text} is empty")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_http() {
        assert_eq!(parse_range("0-99").unwrap(), ByteRange::Bounded(0..100));
        assert_eq!(parse_range("5-").unwrap(), ByteRange::From(5));
        assert_eq!(parse_range("-7").unwrap(), ByteRange::Last(7));
        for text in [
            "",
            "5",
            "-",
            "9-3",
            "-0",
            "a-b",
            "+1-2",
            "0-18446744073709551615",
        ] {
            assert!(parse_range(text).is_err(), "{text}");
        }
    }
}

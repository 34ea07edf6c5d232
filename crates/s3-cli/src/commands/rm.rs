//! `rm`: deletes objects, a thousand per request.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::Args;
use futures_util::{Stream, StreamExt, stream};
use s3_core::S3Url;
use s3_transfer::{AfterFailure, FanOutOptions, Transfer};

use super::copy::name_list::NameList;
use crate::address::Remote;
use crate::failure::Failure;
use crate::filter::Filter;
use crate::listing::{Named, Selection};
use crate::report::{Input, Report};
use crate::session::Session;

/// Maximum number of objects that one request deletes.
const BATCH: usize = 1000;

/// Delete objects
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  mfs3 rm -r s3://bucket/tmp/ --exclude 'keep/*'")]
pub(crate) struct RmArgs {
    /// Objects, wildcards, or directories with -r
    #[arg(value_name = "URL", required = true)]
    urls: Vec<String>,
    /// Delete everything below the directories
    #[arg(short, long)]
    recursive: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Take *, ? and [ literally
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    names: NameList,
}

impl RmArgs {
    pub(super) fn reads_stdin(&self) -> bool {
        self.names.is_stdin()
    }
}

pub(crate) async fn run(arguments: RmArgs, session: Session) -> Result<(), Failure> {
    session.report.expect_inputs();
    if arguments.names.is_given() {
        return listed_names(arguments, &session).await;
    }
    let (raw, recursive) = (arguments.raw, arguments.recursive);
    let selections = Selection::parse_all(&arguments.urls, session.root(), raw, recursive)?;
    let trees = trees(&selections);
    if !trees.is_empty() {
        let what = format!("all objects of {}", trees.join(", "));
        may_delete(&session, arguments.yes, &what)?;
    }
    let mut plain = Vec::new();
    for (remote, selection) in selections {
        match selection {
            Selection::One(one) => {
                let url = one.url()?;
                if arguments.filter.admits(url.file_name()) {
                    plain.push(url);
                }
            }
            Selection::Many(listed) => {
                let pages = listed.pages(&session, arguments.filter.clone());
                if let Err(failure) = delete_all(&session, pages).await {
                    let input = Input::new("delete", remote.to_string());
                    session.report.failed(&input, &failure);
                }
            }
        }
    }
    delete_urls(&session, stream::iter([Ok(plain)])).await
}

/// Returns the arguments that name several objects: directories and wildcards.
fn trees(selections: &[(Remote, Selection)]) -> Vec<String> {
    let is_tree = |(_, selection): &&(_, Selection)| matches!(selection, Selection::Many(_));
    let trees = selections.iter().filter(is_tree);
    trees.map(|(remote, _)| remote.to_string()).collect()
}

/// Deletes the objects of `--files-from`, whose names are below the only argument.
async fn listed_names(arguments: RmArgs, session: &Session) -> Result<(), Failure> {
    let [url] = &arguments.urls[..] else {
        return Err(Failure::usage(
            "--files-from needs exactly one address, which the names are below",
        ));
    };
    let directory = Remote::parse(url, session.root())?;
    let base = directory.directory_key();
    let filter = arguments.filter;
    let names = arguments.names.pages()?;
    let report = session.report.clone();
    let pages = names.map(move |page| {
        let urls = page?.into_iter().filter_map(|name| {
            let (name, url) = match name {
                Ok(name) if !filter.admits(&name) => return None,
                Ok(name) => {
                    let url = directory.with_key(&format!("{base}{name}"));
                    (name, url)
                }
                Err(bad) => (bad.name, Err(bad.failure)),
            };
            let failed = |failure| report.failed(&Input::new("delete", name), &failure);
            url.map_err(failed).ok()
        });
        Ok(urls.collect())
    });
    delete_urls(session, pages).await
}

/// Deletes the objects of a listing.
pub(super) async fn delete_all(
    session: &Session,
    pages: impl Stream<Item = Result<Vec<Named>, Failure>> + Send + 'static,
) -> Result<(), Failure> {
    let urls = pages.map(|page| Ok(page?.into_iter().map(|named| named.object.url).collect()));
    delete_urls(session, urls).await
}

async fn delete_urls(
    session: &Session,
    pages: impl Stream<Item = Result<Vec<S3Url>, Failure>> + Send + 'static,
) -> Result<(), Failure> {
    let progress = session.report.progress().clone();
    let _shown = (!session.report.is_dry_run()).then(|| progress.start_objects());
    let batches = pages.map(move |page| {
        let page = page?;
        page.iter().for_each(|_| progress.plan(0));
        let batches: Vec<Vec<S3Url>> = page.chunks(BATCH).map(<[_]>::to_vec).collect();
        Ok::<_, Failure>(batches)
    });
    let (report, options) = (session.report.clone(), session.options.clone());
    let job = move |transfer: Transfer, urls: Vec<S3Url>| {
        let (report, options) = (report.clone(), options.clone());
        async move {
            if report.is_dry_run() {
                urls.iter().for_each(|url| report.planned(&input(url)));
                return Ok(());
            }
            let running: Vec<_> = urls.iter().map(|url| report.begin(input(url))).collect();
            let outcomes = transfer
                .delete_outcomes(urls, AfterFailure::Continue, &options)
                .await;
            for (running, outcome) in running.into_iter().zip(outcomes) {
                match outcome {
                    Some(Ok(())) => running.done(None, None),
                    Some(Err(error)) => running.failed(&error.into()),
                    None => running.failed(&Failure::cancelled()),
                }
            }
            Ok(())
        }
    };
    let mut deletions = session
        .transfer()
        .fan_out_pages(batches, FanOutOptions::default(), job);
    let mut outcome = Ok(());
    // Objects that were listed before a failure are deleted.
    while let Some((_, batch)) = deletions.next().await {
        outcome = outcome.and(batch);
    }
    outcome
}

fn input(url: &S3Url) -> Input {
    Input::new("delete", url.as_str())
}

/// Asks for confirmation before many objects are deleted, if input and output are a terminal.
pub(super) fn may_delete(session: &Session, yes: bool, what: &str) -> Result<(), Failure> {
    let (input, output) = (io::stdin(), io::stderr());
    let report: &Report = &session.report;
    if yes || report.is_dry_run() || !input.is_terminal() || !output.is_terminal() {
        return Ok(());
    }
    let asked = write!(output.lock(), "delete {what}? [y/N] ").and_then(|()| output.lock().flush());
    let mut reply = String::new();
    let read = asked.and_then(|()| input.lock().read_line(&mut reply));
    match read {
        Ok(_) if matches!(reply.trim(), "y" | "Y" | "yes") => Ok(()),
        Ok(_) => Err(Failure::local("nothing was deleted")),
        Err(error) => Err(Failure::local(format!("read the reply: {error}"))),
    }
}

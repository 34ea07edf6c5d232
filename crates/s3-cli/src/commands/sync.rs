//! `sync`: makes one directory, local or in S3, equal to another.

mod running_transfers;

use std::fs;
use std::sync::Arc;

use clap::Args;
use futures_util::StreamExt;
use s3_client::{
    Error, NotDeletedReason, SyncAction, SyncCompare, SyncEvent, SyncOutcome, SyncPlace,
    keep_modification_time,
};

use self::running_transfers::{EndedTransfers, RunningTransfers};
use super::copy::{AttributeArgs, shown};
use super::resume_args::ResumeArgs;
use crate::address::Address;
use crate::failure::Failure;
use crate::filter::Filter;
use crate::report::{Input, Report};
use crate::session::Session;

/// Make a directory equal to another; at least one is in S3
///
/// Transfers what is new, of another size, or newer.
#[derive(Args, Debug)]
#[command(
    long_about = None,
    after_help = "Example:\n  mfs3 sync --delete photos/ s3://bucket/photos/"
)]
pub(crate) struct SyncArgs {
    /// The directory to read
    source: std::ffi::OsString,
    /// The directory to change
    destination: std::ffi::OsString,
    /// Delete what the source does not have
    #[arg(long)]
    delete: bool,
    /// Delete also what the filters leave out
    #[arg(long, requires = "delete")]
    delete_excluded: bool,
    /// Delete nothing if it would be more than N
    #[arg(long, value_name = "N", requires = "delete")]
    max_delete: Option<u64>,
    /// Delete everything if the source is empty
    #[arg(long, requires = "delete")]
    force: bool,
    /// Ignore times: another size is a difference
    #[arg(long, group = "comparison")]
    size_only: bool,
    /// Any other time is a difference, for downloads
    #[arg(long, group = "comparison")]
    exact_times: bool,
    /// Compare content: ETags and checksums with files
    #[arg(long, group = "comparison")]
    checksum: bool,
    /// Leave existing destinations alone
    #[arg(short = 'n', long, alias = "no-clobber", group = "comparison")]
    ignore_existing: bool,
    /// Keep modification times, in S3 as metadata
    #[arg(long)]
    preserve: bool,
    /// Keep empty directories, in S3 as empty keys DIR/
    #[arg(long)]
    empty_dirs: bool,
    #[command(flatten)]
    resume: ResumeArgs,
    /// Skip symbolic links
    #[arg(long)]
    no_follow_symlinks: bool,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    attributes: AttributeArgs,
}

impl SyncArgs {
    fn compare(&self) -> SyncCompare {
        if self.size_only {
            SyncCompare::SizeOnly
        } else if self.exact_times {
            SyncCompare::ExactTimes
        } else if self.checksum {
            SyncCompare::Content
        } else if self.ignore_existing {
            SyncCompare::Exists
        } else {
            SyncCompare::Newer
        }
    }
}

pub(crate) async fn run(arguments: SyncArgs, session: Session) -> Result<(), Failure> {
    let parse = |argument| place(Address::parse(argument, session.root())?);
    let (from, to) = (parse(&arguments.source)?, parse(&arguments.destination)?);
    let is_local = |place: &SyncPlace| matches!(place, SyncPlace::Local(_));
    if is_local(&from) && is_local(&to) {
        return Err(Failure::usage(
            "both sides are local: one of them has to be s3://…",
        ));
    }
    if arguments.attributes.is_given() && (is_local(&to) || !is_local(&from)) {
        return Err(Failure::usage("attribute options apply only to uploads"));
    }
    if arguments.exact_times && !is_local(&to) {
        return Err(Failure::usage(
            "--exact-times is for downloads: an object has the time at which it was written",
        ));
    }
    if arguments.preserve && !is_local(&from) && !is_local(&to) {
        return Err(Failure::usage(
            "--preserve is for files: copies keep their metadata",
        ));
    }
    let kept_times = match &from {
        SyncPlace::Local(directory) if arguments.preserve => Some(directory.clone()),
        _ => None,
    };
    session.report.expect_inputs();
    let running = RunningTransfers::new(session.report.clone(), from.clone(), to.clone());
    let running = Arc::new(running);
    let _ended = EndedTransfers(Arc::clone(&running));
    let sync = session.s3.sync(from, to).compare(arguments.compare());
    let observer = Arc::clone(&running);
    let mut sync = sync.observer(observer);
    if let Some(left) = session.time_left() {
        sync = sync.deadline(left);
    }
    if arguments.delete {
        sync = sync.delete();
    }
    if arguments.delete_excluded {
        sync = sync.delete_excluded();
    }
    if arguments.force {
        sync = sync.from_empty();
    }
    if let Some(most) = arguments.max_delete {
        sync = sync.max_deletions(most);
    }
    if session.report.is_dry_run() {
        sync = sync.dry_run();
    }
    if let Some(resume) = arguments.resume.resume(&session) {
        sync = sync.resume(&resume);
    }
    if let Some(size) = session.global.part_size {
        sync = sync.copy_part_size(size);
    }
    if arguments.no_follow_symlinks {
        sync = sync.skip_links();
    }
    if arguments.preserve {
        sync = sync.keep_times();
    }
    if arguments.empty_dirs {
        sync = sync.empty_directories();
    }
    let (filter, attributes) = (arguments.filter, arguments.attributes);
    let sync = sync.filter(filter.into_path_filter());
    let mut events = sync
        .attributes(move |path| {
            let mut attributes = attributes.for_upload(path);
            let found = kept_times
                .as_ref()
                .map(|below| fs::metadata(below.join(path)));
            if let Some(time) = found.and_then(|found| found.ok()?.modified().ok()) {
                keep_modification_time(&mut attributes, time);
            }
            attributes
        })
        .stream();
    let _shown = (!session.report.is_dry_run()).then(|| session.report.progress().start());
    let mut incomparable = 0_u64;
    while let Some(event) = events.next().await {
        incomparable += u64::from(event.is_incomparable);
        report(&session.report, &running, event);
    }
    if incomparable > 0 {
        session.report.warn(&format!(
            "the content of {incomparable} objects cannot be compared, so they count as different: neither ETag nor checksum tells"
        ));
    }
    session.report.count_skipped(events.unchanged());
    Ok(())
}

fn place(address: Address) -> Result<SyncPlace, Failure> {
    match address {
        Address::Stdio => Err(Failure::usage("- is no directory")),
        Address::Local(path) => Ok(path.into()),
        Address::Remote(remote) => Ok(remote.prefix(&remote.directory_key())?.into()),
    }
}

fn report(report: &Report, running: &RunningTransfers, event: SyncEvent) {
    let running = running.take(&event);
    let op = match event.action {
        SyncAction::Upload => "upload",
        SyncAction::Download => "download",
        SyncAction::Copy => "copy",
        SyncAction::Delete => "delete",
        _ => "read",
    };
    let mut input = Input::new(op, event.source);
    input.destination = event.destination;
    let has_size = !matches!(event.action, SyncAction::Delete | SyncAction::Read)
        && !matches!(event.outcome, SyncOutcome::Special);
    input.size = has_size.then_some(event.size);
    match event.outcome {
        SyncOutcome::Planned => report.planned(&input),
        SyncOutcome::Special => {
            report.warn(&format!("{} is no regular file; skipped", input.source));
            report.skipped(&input, "no regular file");
        }
        SyncOutcome::Failed(error) => match running {
            Some(running) => running.described_as(input).failed(&failure(error)),
            None => report.failed(&input, &failure(error)),
        },
        _ => {
            let running = match running {
                Some(running) => running.described_as(input),
                None => report.begin(input),
            };
            running.done(None, event.verified.map(shown));
        }
    }
}

fn failure(error: Error) -> Failure {
    let hint = match &error {
        Error::NotDeleted { reason, .. } => match reason {
            NotDeletedReason::EmptySource => "is the source mounted? use --force to delete anyway",
            NotDeletedReason::TooMany(_) => "set the number with --max-delete",
            _ => "run it again after the cause is fixed",
        },
        _ => return error.into(),
    };
    Failure::from(error).with_hint(hint)
}

//! `sweep`: aborts unfinished uploads and removes partial files of interrupted transfers.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use s3_client::Orphan;
use s3_core::{AbortUpload, UploadId};

use super::rm::may_delete;
use crate::address::{Address, path_text};
use crate::failure::Failure;
use crate::report::Input;
use crate::session::Session;
use crate::size::parse_duration;

/// Remove what interrupted transfers left behind
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  mfs3 sweep --dry-run s3://bucket/ downloads/")]
pub(crate) struct SweepArgs {
    /// Directories with unfinished uploads or with partial files
    #[arg(value_name = "URL|DIR")]
    places: Vec<std::ffi::OsString>,
    /// Only what is at least this old
    #[arg(long, value_name = "DURATION", default_value = "1d", value_parser = parse_duration)]
    older_than: Duration,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(crate) async fn run(arguments: SweepArgs, session: Session) -> Result<(), Failure> {
    session.report.expect_inputs();
    let (mut directories, mut prefixes) = (Vec::new(), Vec::new());
    for place in &arguments.places {
        match Address::parse(place, session.root())? {
            Address::Local(path) => directories.push(path),
            Address::Remote(remote) => {
                prefixes.push(format!("s3://{}/{}", remote.bucket, remote.directory_key()))
            }
            Address::Stdio => {
                return Err(Failure::usage("- is neither an address nor a directory"));
            }
        }
    }
    let mut found = orphans(&session, arguments.older_than, (&directories, &prefixes)).await?;
    if !prefixes.is_empty() && !found.is_empty() {
        let what = format!(
            "{} orphans; uploads of others may be among them",
            found.len()
        );
        may_delete(&session, arguments.yes, &what)?;
    }
    let discarded = discard_kept(&session, arguments.older_than).await?;
    found.retain(|orphan| !is_upload_of(orphan, &discarded));
    let inputs: Vec<_> = found.iter().map(input).collect();
    if session.report.is_dry_run() {
        inputs
            .iter()
            .for_each(|input| session.report.planned(input));
        return Ok(());
    }
    for (orphan, input) in found.into_iter().zip(inputs) {
        let running = session.report.begin(input);
        match remove(&session, orphan).await {
            Ok(true) => running.done(None, None),
            Ok(false) => running.skipped("in use or gone"),
            Err(failure) => running.failed(&failure),
        }
    }
    Ok(())
}

/// Discards the kept parts of this user's interrupted transfers, to and from any place. Returns the IDs of their
/// uploads.
async fn discard_kept(session: &Session, older_than: Duration) -> Result<Vec<UploadId>, Failure> {
    let mut uploads = Vec::new();
    for kept in session.resume.interrupted(older_than)? {
        let input = match (kept.upload_id(), kept.partial_file()) {
            (Some(id), _) => Input::new("abort", format!("{} {id}", kept.url())),
            (None, Some(path)) => Input::new("remove", path_text(path)),
            (None, None) => Input::new("remove", path_text(kept.journal())),
        };
        let upload = kept.upload_id().map(UploadId::new);
        if session.report.is_dry_run() {
            session.report.planned(&input);
            uploads.extend(upload);
            continue;
        }
        let running = session.report.begin(input);
        let mut discard = session.s3.discard(kept);
        if let Some(left) = session.time_left() {
            discard = discard.deadline(left);
        }
        match discard.await {
            Ok(true) => {
                uploads.extend(upload);
                running.done(None, None);
            }
            Ok(false) => running.skipped("in use, or belongs to another server"),
            Err(error) => running.failed(&error.into()),
        }
    }
    Ok(uploads)
}

fn is_upload_of(orphan: &Orphan, uploads: &[UploadId]) -> bool {
    matches!(orphan, Orphan::Upload { upload, .. } if uploads.contains(upload))
}

async fn remove(session: &Session, orphan: Orphan) -> Result<bool, Failure> {
    if let Orphan::Upload { url, upload } = orphan {
        let abort = AbortUpload::new(url, upload);
        session
            .transfer()
            .abort_upload(abort, &session.options)
            .await?;
        return Ok(true);
    }
    let text = orphan.to_string();
    let removed = tokio::task::spawn_blocking(move || orphan.remove_local()).await;
    match removed {
        Ok(Ok(removed)) => Ok(removed),
        Ok(Err(error)) => Err(Failure::local(format!("remove {text}: {error}"))),
        Err(error) => Err(Failure::local(error.to_string())),
    }
}

async fn orphans(
    session: &Session,
    older_than: Duration,
    (directories, prefixes): (&[PathBuf], &[String]),
) -> Result<Vec<Orphan>, Failure> {
    let mut search = session.s3.orphans(older_than);
    for directory in directories {
        search = search.in_directory(directory);
    }
    for prefix in prefixes {
        search = search.uploads_below(prefix);
    }
    if let Some(left) = session.time_left() {
        search = search.deadline(left);
    }
    let mut found = search.await?;
    let in_use = session.resume.uploads(older_than)?;
    found.retain(|orphan| !is_upload_of(orphan, &in_use));
    Ok(found)
}

fn input(orphan: &Orphan) -> Input {
    match orphan {
        Orphan::Upload { url, upload } => Input::new("abort", format!("{url} {upload}")),
        Orphan::Directory { path } | Orphan::File { path } => Input::new("remove", path_text(path)),
        other => Input::new("remove", other.to_string()),
    }
}

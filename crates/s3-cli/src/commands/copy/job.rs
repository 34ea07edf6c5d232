//! Runs the copy of `cp`, `mv` or `pipe`: executes uploads, downloads and server-side copies in parallel, reports each.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use s3_client::{Event, Observer, keep_modification_time};
use s3_core::{Attributes, CopyRequest, ETag, ErrorKind, PutMode, S3Url, VersionId};
use s3_transfer::{COPY_PART, Destination, FanOutOptions, GetItem, PutItem, PutOutcome, Verified};
use serde_json::Value;
use tokio::sync::Mutex;

use super::CopyArgs;
use super::modified::set_modified;
use super::plan::{Plan, Target};
use super::removal::{remove_source, replaced, sync_to_disk};
use super::stream_size::StreamSize;
use super::task::{LocalSource, LocalTarget, RemoteSource, Task, Work};
use super::upload_body::body;
use super::verify::{verify_copy, verify_file, verify_object};
use crate::commands::cat;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::report::{Report, RunningInput};
use crate::session::Session;

/// Copies all inputs of the arguments; with `moves`, removes each source after it was copied.
pub(crate) async fn copy_all(
    arguments: CopyArgs,
    session: Session,
    moves: bool,
) -> Result<(), Failure> {
    let (plan, sources) = Plan::new(arguments, &session, moves)?;
    let copy = Arc::new(CopyCommand {
        plan: Arc::new(plan),
        session: session.clone(),
        missing_buckets: Mutex::default(),
    });
    let to_stdout = matches!(copy.plan.target, Target::Stdout);
    if to_stdout && session.report.is_json() {
        return Err(Failure::usage(
            "copying to standard output does not support --json: it prints the bytes of the object",
        ));
    }
    session.report.expect_inputs();
    // A progress bar would overwrite an object printed to the same terminal.
    let shows = !session.report.is_dry_run() && !to_stdout;
    let _shown = shows.then(|| session.report.progress().start());
    let report = session.report.clone();
    let (plan, listing) = (Arc::clone(&copy.plan), session.clone());
    let pages = stream::iter(sources)
        .map(move |source| source.pages(&plan, &listing))
        .flatten()
        .map(move |page| {
            let tasks = page.into_iter().map(|task| BegunTask::new(task, &report));
            Ok::<_, Failure>(tasks.collect::<Vec<_>>())
        });
    let job = move |_, task| {
        let copy = Arc::clone(&copy);
        async move {
            copy.run(task).await;
            Ok(())
        }
    };
    let mut running = session
        .transfer()
        .fan_out_pages(pages, FanOutOptions::default(), job);
    while let Some((_, ended)) = running.next().await {
        ended?;
    }
    Ok(())
}

/// A task with its entry in the report. If the command is interrupted before the task runs, it is reported as
/// cancelled.
struct BegunTask {
    running: RunningInput,
    work: Work,
    size: Option<u64>,
}

impl BegunTask {
    fn new(task: Task, report: &Report) -> Self {
        let Task { input, work } = task;
        let size = input.size;
        report.progress().plan(size.unwrap_or(0));
        Self {
            running: report.begin(input),
            work,
            size,
        }
    }
}

/// A running copy command.
struct CopyCommand {
    plan: Arc<Plan>,
    session: Session,
    /// The failure of each bucket in which a source was not found, if the bucket does not exist.
    missing_buckets: Mutex<HashMap<String, Option<Failure>>>,
}

/// The outcome of a task.
enum Ended {
    /// The input was copied.
    Done {
        size: Option<u64>,
        verified: Option<Value>,
    },
    /// The destination existed and was kept.
    Kept,
}

impl Ended {
    const COPIED: Self = Self::Done {
        size: None,
        verified: None,
    };
}

impl CopyCommand {
    async fn run(&self, task: BegunTask) {
        let report = &self.session.report;
        report.unless_stopped().await;
        let BegunTask {
            running,
            work,
            size,
        } = task;
        if report.is_dry_run() {
            return match self.dry_run(&work).await {
                Ok(true) => running.planned(),
                Ok(false) => running.skipped("exists"),
                Err(failure) => running.failed(&failure),
            };
        }
        if let Work::Download {
            from,
            to: LocalTarget::Stdout,
        } = &work
        {
            // Standard output has the bytes, so there is no line about the object.
            match Box::pin(cat::print(&self.session, self.get_item(from, size))).await {
                Ok(()) => running.done_without_line(),
                Err(failure) => running.failed(&failure),
            }
            return;
        }
        let source = work.remote_source().map(|from| from.url.clone());
        match Box::pin(self.work(work, size)).await {
            Ok(Ended::Done { size, verified }) => running.done(size, verified),
            Ok(Ended::Kept) => running.skipped("exists"),
            Err(failure) => match source.filter(|_| size.is_none()) {
                Some(source) => {
                    let failure = self.explained(failure, &source).await;
                    let hint = "check bucket and key; -r takes a directory";
                    running.failed(&failure.or_hint_if_not_found(hint));
                }
                None => running.failed(&failure),
            },
        }
    }

    /// Returns the failure to read a source; if its bucket does not exist, that is the failure. Each bucket is checked
    /// once.
    async fn explained(&self, failure: Failure, source: &S3Url) -> Failure {
        if !failure.is_vague() {
            return failure;
        }
        let mut known = self.missing_buckets.lock().await;
        let missing = match known.get(source.bucket()) {
            Some(missing) => missing.clone(),
            None => {
                let missing = self.session.missing_bucket(source.bucket()).await;
                known.insert(source.bucket().to_owned(), missing.clone());
                missing
            }
        };
        missing.unwrap_or(failure)
    }

    /// Returns whether a run would copy the input.
    async fn dry_run(&self, work: &Work) -> Result<bool, Failure> {
        match work {
            Work::Fail(failure) => Err(failure.clone()),
            _ if !self.plan.arguments.no_clobber => Ok(true),
            Work::Upload { to, .. } | Work::Copy { to, .. } => Ok(!self.exists(to).await?),
            Work::Download {
                to: LocalTarget::File(path),
                ..
            } => Ok(!path.exists()),
            Work::Download { .. } => Ok(true),
        }
    }

    async fn work(&self, work: Work, size: Option<u64>) -> Result<Ended, Failure> {
        match work {
            Work::Upload { from, to } => self.upload(from, to, size).await,
            Work::Download { from, to } => self.download(from, to, size).await,
            Work::Copy { from, to } => self.copy(from, to, size).await,
            Work::Fail(failure) => Err(failure),
        }
    }

    async fn upload(
        &self,
        from: LocalSource,
        to: S3Url,
        size: Option<u64>,
    ) -> Result<Ended, Failure> {
        let no_clobber = self.plan.arguments.no_clobber;
        let is_large =
            size.is_none_or(|size| size > self.session.transfer().config().single_put_up_to);
        // The conditional write of a large upload would fail only after its last byte.
        if no_clobber && is_large && self.exists(&to).await? {
            return Ok(Ended::Kept);
        }
        let name = match &from {
            LocalSource::Stdin | LocalSource::Directory { .. } => to.key().to_owned(),
            LocalSource::File { path, .. } => path.to_string_lossy().into_owned(),
        };
        let mut attributes = self.plan.arguments.attributes.for_upload(&name);
        self.encrypt(&mut attributes);
        if let (
            true,
            LocalSource::File {
                modified: Some(time),
                ..
            },
        ) = (self.plan.arguments.preserve, &from)
        {
            keep_modification_time(&mut attributes, *time);
        }
        if let (LocalSource::File { path, .. }, Some(_), true) = (&from, size, is_large)
            && let Some(resume) = self.plan.arguments.resume.resume(&self.session)
        {
            let s3 = &self.session.s3;
            let upload = s3.resume_upload(path, to.as_str(), &resume);
            let mut upload = upload.attributes(attributes);
            if no_clobber {
                upload = upload.if_absent();
            }
            if let Some(left) = self.session.time_left() {
                upload = upload.deadline(left);
            }
            let PutOutcome::Written(_) = upload.await? else {
                return Ok(Ended::Kept);
            };
            let verified = self.verify(path, &to).await?;
            if self.plan.moves {
                remove_source(&from, size)?;
            }
            return Ok(Ended::Done {
                size: None,
                verified,
            });
        }
        let mode = match no_clobber {
            true => PutMode::IfAbsent,
            false => PutMode::Overwrite,
        };
        let (body, opened) = body(&from)?;
        let item = PutItem::new(to.clone(), body)
            .with_mode(mode)
            .with_attributes(attributes);
        let mut options = self.session.options.clone();
        let stream = match size {
            Some(_) => None,
            None => Some(Arc::new(StreamSize::new(
                self.session.report.progress().clone(),
            ))),
        };
        if let Some(stream) = &stream {
            let stream = Arc::clone(stream);
            options = options.with_observer(stream);
        }
        let transfer = self.session.transfer();
        match (transfer.put(item, &options).await, &opened) {
            (Ok(PutOutcome::Written(_)), Some(opened)) => opened.check()?,
            (Ok(PutOutcome::Written(_)), None) => {}
            (Ok(_), _) => return Ok(Ended::Kept),
            (Err(error), opened) => {
                if let (ErrorKind::LocalIo, Some(opened)) = (error.kind(), opened) {
                    opened.check()?;
                }
                return Err(error.into());
            }
        }
        let verified = match &from {
            LocalSource::File { path, .. } => self.verify(path, &to).await?,
            LocalSource::Stdin | LocalSource::Directory { .. } => None,
        };
        if self.plan.moves {
            remove_source(&from, size)?;
        }
        Ok(Ended::Done {
            size: stream.map(|stream| stream.bytes()),
            verified,
        })
    }

    /// With `--verify`, compares a file with the object that was written from it.
    async fn verify(&self, path: &Path, url: &S3Url) -> Result<Option<Value>, Failure> {
        match self.plan.arguments.verify {
            true => verify_object(&self.session, path, url).await.map(Some),
            false => Ok(None),
        }
    }

    async fn download(
        &self,
        from: RemoteSource,
        to: LocalTarget,
        size: Option<u64>,
    ) -> Result<Ended, Failure> {
        let path = match to {
            LocalTarget::File(path) => path,
            LocalTarget::Directory(path) => {
                make_directory(&path)?;
                self.remove_downloaded(path, from.url, from.etag).await?;
                return Ok(Ended::COPIED);
            }
            LocalTarget::Stdout => unreachable!("`cat::print` writes to standard output"),
        };
        match fs::metadata(&path) {
            Ok(_) if self.plan.arguments.no_clobber => return Ok(Ended::Kept),
            Ok(found) if found.is_dir() => {
                let message = format!("{} is a directory", path.display());
                return Err(Failure::local(message).with_hint("another key may need it as one"));
            }
            Ok(found) if !found.is_file() => {
                let message = format!(
                    "{} is a device or a pipe, which a file would replace",
                    path.display()
                );
                return Err(Failure::local(message).with_hint("write - for standard output"));
            }
            Ok(_) => self.plan.check_case(&path)?,
            _ => {}
        }
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            make_directory(parent)?;
        }
        let arguments = &self.plan.arguments;
        let is_part = arguments.range.is_some() || arguments.version_id.is_some();
        if let Some(resume) = arguments.resume.resume(&self.session).filter(|_| !is_part) {
            let s3 = &self.session.s3;
            let mut download = s3.resume_download(from.url.as_str(), &path, &resume);
            download = match size {
                Some(size) => download.known(size, from.etag.clone()),
                None => {
                    download.observer(Arc::new(AddsSize(self.session.report.progress().clone())))
                }
            };
            if arguments.no_clobber {
                download = download.if_absent();
            }
            if let Some(left) = self.session.time_left() {
                download = download.deadline(left);
            }
            let done = match download.await {
                Err(error) if error.as_request().is_some_and(is_there) => return Ok(Ended::Kept),
                done => done?,
            };
            let mut verified = shown(done.verified);
            if arguments.verify && verified == false {
                verified = verify_file(&self.session, &path, &done.meta).await?;
            }
            if arguments.preserve {
                set_modified(&path, &done.meta)?;
            }
            self.remove_downloaded(path, from.url, done.meta.etag)
                .await?;
            return Ok(Ended::Done {
                size: Some(done.meta.size),
                verified: Some(verified),
            });
        }
        let item = self.get_item(&from, size);
        let target = match arguments.no_clobber {
            true => Destination::NewFile(absolute(&path)?),
            false => Destination::File(absolute(&path)?),
        };
        let transfer = self.session.transfer();
        let fetched = match transfer.get(item, target, &self.session.options).await {
            Err(error) if is_there(&error) => return Ok(Ended::Kept),
            fetched => fetched?,
        };
        let mut verified = shown(fetched.verified);
        if arguments.verify && verified == false {
            verified = verify_file(&self.session, &path, &fetched.meta).await?;
        }
        if arguments.preserve {
            set_modified(&path, &fetched.meta)?;
        }
        self.remove_downloaded(path, from.url, fetched.meta.etag)
            .await?;
        Ok(Ended::Done {
            size: Some(fetched.range.end - fetched.range.start),
            verified: Some(verified),
        })
    }

    fn get_item(&self, from: &RemoteSource, size: Option<u64>) -> GetItem {
        let mut item = GetItem::new(from.url.clone());
        if let Some(size) = size {
            item = item.with_known(size, from.etag.clone());
        }
        item.range.clone_from(&self.plan.arguments.range);
        item.version = self
            .plan
            .arguments
            .version_id
            .as_deref()
            .map(VersionId::new);
        item
    }

    async fn copy(
        &self,
        from: RemoteSource,
        to: S3Url,
        size: Option<u64>,
    ) -> Result<Ended, Failure> {
        let no_clobber = self.plan.arguments.no_clobber;
        if no_clobber && self.exists(&to).await? {
            return Ok(Ended::Kept);
        }
        let arguments = &self.plan.arguments.attributes;
        let RemoteSource {
            url: source,
            mut etag,
        } = from;
        let target = to.clone();
        let mut request = CopyRequest::new(source.clone(), to);
        if arguments.replace() || (self.plan.moves && etag.is_none()) {
            let meta = self
                .session
                .transfer()
                .head(source.clone(), &self.session.options)
                .await?;
            etag = etag.or(meta.etag);
            if arguments.replace() {
                let mut attributes = meta.attributes;
                // The copy does not inherit the encryption of its source.
                attributes.encryption = None;
                arguments.apply(&mut attributes);
                request.attributes = Some(attributes);
            }
        }
        request.source_conditions.if_match.clone_from(&etag);
        request.encryption = arguments
            .encryption()
            .or_else(|| self.session.encryption.clone());
        if no_clobber {
            request.mode = PutMode::IfAbsent;
        }
        let copied = self.send_copy(request.clone(), size).await;
        let rejected = copied.as_ref().err().filter(|_| no_clobber);
        match rejected.and_then(|error| Some(error.as_request()?.kind())) {
            // The failed condition may be that of the source.
            Some(ErrorKind::PreconditionFailed) if self.exists(&target).await? => {
                return Ok(Ended::Kept);
            }
            // Without conditional copies, the check before the copy has to do.
            Some(ErrorKind::Unsupported) => {
                request.mode = PutMode::Overwrite;
                self.send_copy(request, size).await?;
            }
            _ => {
                let PutOutcome::Written(_) = copied? else {
                    return Ok(Ended::Kept);
                };
            }
        }
        if let Some(size) = size {
            self.session.report.progress().add_bytes(size);
        }
        let verified = match self.plan.arguments.verify {
            true => Some(verify_copy(&self.session, source.clone(), target).await?),
            false => None,
        };
        self.remove_object(source, etag).await?;
        Ok(Ended::Done {
            size: None,
            verified,
        })
    }

    /// Copies in one request, or resumably in parts, which are kept if the copy is interrupted.
    async fn send_copy(
        &self,
        request: CopyRequest,
        size: Option<u64>,
    ) -> Result<PutOutcome, s3_client::Error> {
        let session = &self.session;
        let part_size = session.global.part_size;
        let is_large = size.is_none_or(|size| size > part_size.unwrap_or(COPY_PART));
        let resume = self.plan.arguments.resume.resume(session);
        let Some(resume) = resume.filter(|_| is_large) else {
            let copied = session.transfer().copy(request, &session.options).await;
            return Ok(PutOutcome::Written(copied?));
        };
        let mut copy = session.s3.resume_copy(request, &resume);
        if let Some(size) = part_size {
            copy = copy.part_size(size);
        }
        if let Some(left) = session.time_left() {
            copy = copy.deadline(left);
        }
        copy.await
    }

    fn encrypt(&self, attributes: &mut Attributes) {
        if attributes.encryption.is_none() {
            attributes.encryption.clone_from(&self.session.encryption);
        }
    }

    async fn exists(&self, url: &S3Url) -> Result<bool, Failure> {
        match self
            .session
            .transfer()
            .head(url.clone(), &self.session.options)
            .await
        {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// For a move, removes a source that was downloaded, after the file is on disk.
    async fn remove_downloaded(
        &self,
        path: PathBuf,
        url: S3Url,
        etag: Option<ETag>,
    ) -> Result<(), Failure> {
        if self.plan.moves {
            let synced = tokio::task::spawn_blocking(move || sync_to_disk(&path)).await;
            synced.map_err(|error| Failure::local(error.to_string()))??;
        }
        self.remove_object(url, etag).await
    }

    /// For a move, removes a source that was copied if it still has the ETag.
    async fn remove_object(&self, url: S3Url, etag: Option<ETag>) -> Result<(), Failure> {
        if !self.plan.moves {
            return Ok(());
        }
        let (transfer, options) = (self.session.transfer(), &self.session.options);
        let removed = transfer.delete_one(url.clone(), None, etag.clone(), options);
        let removed = match removed.await {
            Err(error) if error.kind() == ErrorKind::Unsupported && etag.is_some() => {
                let now = transfer.head(url.clone(), options).await;
                match now {
                    Ok(now) if now.etag != etag => return Err(replaced()),
                    Ok(_) => transfer.delete_one(url, None, None, options).await,
                    Err(error) => Err(error),
                }
            }
            removed => removed,
        };
        match removed {
            Ok(_) => Ok(()),
            // Another process has removed it.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) if error.kind() == ErrorKind::PreconditionFailed => Err(replaced()),
            Err(error) => {
                Err(Failure::from(error)
                    .with_hint("the copy is complete; the source is still there"))
            }
        }
    }
}

/// Adds the size of an object to the total of the progress when it is known.
struct AddsSize(Progress);

impl Observer for AddsSize {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::Started {
            bytes: Some(bytes), ..
        }
        | Event::SizeKnown { bytes, .. } = event
        {
            self.0.expect_bytes(*bytes);
        }
        self.0.on_event(event);
    }
}

/// Returns whether a download failed because its target file exists.
fn is_there(error: &s3_core::Error) -> bool {
    let source = std::error::Error::source(error);
    let source = source.and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|error| error.kind() == io::ErrorKind::AlreadyExists)
}

/// Returns the name of the checksum that the bytes were compared with, for JSON output.
pub(in crate::commands) fn shown(verified: Verified) -> Value {
    match verified {
        Verified::Checksum(algorithm) => algorithm.as_str().into(),
        _ => false.into(),
    }
}

fn make_directory(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| {
        let failure = Failure::of_file("create the directory", path, &error);
        match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                failure.with_hint("a file with this name exists, and may belong to another key")
            }
            _ => failure,
        }
    })
}

pub(super) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::of_file("write", path, &error))
}

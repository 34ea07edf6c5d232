//! [`Session`]: client, report and options of a command.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use s3_client::{Config, Resume, Root, RunPath, S3, S3Builder};
use s3_core::{Encryption, ErrorKind, ListRequest, S3Prefix};
use s3_transfer::{CallOptions, Transfer};
use tokio::time::Instant;

use crate::failure::Failure;
use crate::global::GlobalArgs;
use crate::report::Report;

/// The client of a command, its report and its options. Clones share the client.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The client without root, for the full URLs that arguments were resolved to.
    pub(crate) s3: S3,
    /// The root that relative keys are resolved against.
    root: Root,
    /// The directory of the journals of interrupted transfers.
    pub(crate) resume: Resume,
    pub(crate) report: Report,
    /// The options of every call, with the deadline of the whole command.
    pub(crate) options: CallOptions,
    pub(crate) global: Arc<GlobalArgs>,
    /// The encryption of written objects, if the environment sets one.
    pub(crate) encryption: Option<Encryption>,
}

impl Session {
    /// Builds the client from the options and the environment. Sends nothing.
    pub(crate) fn open(global: GlobalArgs, report: Report) -> Result<Self, Failure> {
        let config = Config::from_env()?;
        let encryption = config.encryption.as_deref().map(Encryption::new);
        let rooted = client(config, &global, &report)?;
        let mut rootless = S3::builder()
            .engine_of(&rooted)
            .tmproot(std::env::temp_dir());
        if let Some(encryption) = &encryption {
            rootless = rootless.encryption(encryption.as_str());
        }
        let mut options = CallOptions::default();
        let began = Instant::now();
        options.began = Some(began);
        options.deadline = global
            .deadline
            .and_then(|deadline| began.checked_add(deadline));
        Ok(Self {
            s3: rootless.build()?,
            root: rooted.root().clone(),
            resume: resume(),
            report,
            options,
            global: Arc::new(global),
            encryption,
        })
    }

    /// Returns the engine.
    pub(crate) fn transfer(&self) -> &Transfer {
        self.s3.transfer()
    }

    /// Returns the root that relative keys are resolved against.
    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// Returns the failure that a bucket does not exist, if so. Sends one listing request.
    pub(crate) async fn missing_bucket(&self, bucket: &str) -> Option<Failure> {
        let mut request = ListRequest::new(S3Prefix::from_parts(bucket, "").ok()?);
        request.max_keys = Some(1);
        let listed = self.transfer().list_page(request, &self.options).await;
        let error = listed.err()?;
        (error.kind() == ErrorKind::NoSuchBucket).then(|| Failure::from(error))
    }

    /// Returns the time until the deadline.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        let deadline = self.options.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// Returns the same session for a line of a file of commands.
    pub(crate) fn for_line(&self, line: u64) -> Self {
        Self {
            report: self.report.for_line(line),
            ..self.clone()
        }
    }
}

/// Returns the journals in `$XDG_STATE_HOME/mfs3/transfers`, or below `~/.local/state`.
fn resume() -> Resume {
    let set = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")));
    match state {
        Some(state) => Resume::in_dir(state.join("mfs3/transfers")),
        None => Resume::unavailable("neither HOME nor XDG_STATE_HOME is set to an absolute path"),
    }
}

fn client(mut config: Config, global: &GlobalArgs, report: &Report) -> Result<S3, Failure> {
    if let Some(jobs) = global.jobs {
        config.worker_count = Some(jobs.get());
    }
    // The library's default is the working directory, in which a command-line tool should not create files.
    let tmproot = match config.tempdir == Path::new(".") {
        true => std::env::temp_dir(),
        false => config.tempdir.clone(),
    };
    let observer = Arc::new(report.progress().clone());
    let mut builder: S3Builder<_> = S3::builder()
        .config(config)
        .tmproot(tmproot)
        .observer(observer);
    if let Some(url) = &global.endpoint_url {
        builder = builder.endpoint(url);
    }
    if let Some(region) = &global.region {
        builder = builder.region(region);
    }
    if let Some(profile) = &global.profile {
        builder = builder.profile(profile);
    }
    if global.no_sign_request {
        builder = builder.anonymous();
    }
    if global.request_payer.is_some() {
        builder = builder.requester_pays();
    }
    if let Some(size) = global.part_size {
        builder = builder.part_size(size);
    }
    if let Some(rate) = global.limit_rate {
        builder = builder.max_rate(rate);
    }
    if let Some(s3root) = &global.s3root {
        builder = builder.s3root(s3root);
    }
    if let Some(run) = &global.run {
        let path = run.split_once('/').ok_or_else(|| {
            Failure::usage(format!("--run {run:?} is not a run")).with_hint("write FLOW/ID")
        });
        let (flow, id) = path?;
        let path = RunPath::new(flow, id).map_err(|error| Failure::usage(error.to_string()))?;
        builder = builder.run(path);
    }
    Ok(builder.build()?)
}

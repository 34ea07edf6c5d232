//! [`Session`]: the client of a command, its report and its options.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use s3_client::{Config, Root, RunPath, S3, S3Builder};
use s3_core::Encryption;
use s3_transfer::{CallOptions, Transfer};
use tokio::time::Instant;

use crate::failure::Failure;
use crate::global::GlobalArgs;
use crate::report::Report;

/// The client of a command, its report and its options. Clones share the client.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) s3: S3,
    pub(crate) report: Report,
    /// The options of every call, with the deadline of the whole command.
    pub(crate) options: CallOptions,
    pub(crate) global: Arc<GlobalArgs>,
    /// The encryption of written objects that the environment sets.
    pub(crate) encryption: Option<Encryption>,
}

impl Session {
    /// Builds the client that the options and the environment describe. Sends nothing.
    pub(crate) fn open(global: GlobalArgs, report: Report) -> Result<Self, Failure> {
        let config = Config::from_env()?;
        let encryption = config.encryption.as_deref().map(Encryption::new);
        let s3 = client(config, &global, &report)?;
        let mut options = CallOptions::default();
        let began = Instant::now();
        options.began = Some(began);
        options.deadline = global
            .deadline
            .and_then(|deadline| began.checked_add(deadline));
        Ok(Self {
            s3,
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

    /// Returns what relative keys are resolved against.
    pub(crate) fn root(&self) -> &Root {
        self.s3.root()
    }

    /// Returns how much time the deadline leaves.
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

fn client(mut config: Config, global: &GlobalArgs, report: &Report) -> Result<S3, Failure> {
    if let Some(jobs) = global.jobs {
        config.worker_count = Some(jobs.get());
    }
    // The default of the library is the working directory, where a tool leaves nothing.
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
    if let Some(size) = global.part_size {
        builder = builder.part_size(size);
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

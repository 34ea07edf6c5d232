//! `cp` and `mv`: copy files and objects; `mv` removes each source after it is copied.

use clap::Args;

use super::copy::{CopyArgs, copy_all};
use crate::failure::Failure;
use crate::session::Session;

/// Copy files to S3, objects to files, or objects within S3
#[derive(Args, Debug)]
#[command(
    override_usage = "mfs3 cp [OPTIONS] <SOURCE>... <DESTINATION>",
    after_help = "Example:\n  mfs3 cp -r photos/ s3://bucket/photos/ --exclude '*.tmp'"
)]
pub(crate) struct CpArgs {
    #[command(flatten)]
    copy: CopyArgs,
}

/// Move files and objects: each source is removed after it is copied
#[derive(Args, Debug)]
#[command(
    override_usage = "mfs3 mv [OPTIONS] <SOURCE>... <DESTINATION>",
    after_help = "Example:\n  mfs3 mv s3://bucket/new/report.html s3://bucket/done/"
)]
pub(crate) struct MvArgs {
    #[command(flatten)]
    copy: CopyArgs,
}

impl CpArgs {
    pub(super) fn reads_stdin(&self) -> bool {
        self.copy.reads_stdin()
    }
}

impl MvArgs {
    pub(super) fn reads_stdin(&self) -> bool {
        self.copy.reads_stdin()
    }
}

pub(crate) async fn run(arguments: CpArgs, session: Session) -> Result<(), Failure> {
    copy_all(arguments.copy, session, false).await
}

pub(crate) async fn run_mv(arguments: MvArgs, session: Session) -> Result<(), Failure> {
    copy_all(arguments.copy, session, true).await
}

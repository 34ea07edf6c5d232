//! `mv`: copies, and removes each source after its own success.

use clap::Args;

use super::copy::{CopyArgs, copy_all};
use crate::failure::Failure;
use crate::session::Session;

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

pub(crate) async fn run(arguments: MvArgs, session: Session) -> Result<(), Failure> {
    copy_all(arguments.copy, session, true).await
}

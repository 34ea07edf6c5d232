//! `pipe`: uploads standard input to an object.

use clap::Args;

use super::copy::{AttributeArgs, CopyArgs, copy_all};
use crate::address::Remote;
use crate::failure::Failure;
use crate::session::Session;

/// Write standard input to an object
#[derive(Args, Debug)]
#[command(
    after_help = "Parts grow with their number: there is room for 293 GiB, and with\n--part-size 140M for 5 TiB, the largest object.\n\nExample:\n  tar cz photos/ | mfs3 pipe s3://bucket/photos.tar.gz"
)]
pub(crate) struct PipeArgs {
    /// The object
    #[arg(value_name = "URL")]
    url: String,
    /// Leave an existing object alone
    #[arg(short, long)]
    no_clobber: bool,
    #[command(flatten)]
    attributes: AttributeArgs,
}

pub(crate) async fn run(arguments: PipeArgs, session: Session) -> Result<(), Failure> {
    let url = Remote::parse(&arguments.url, session.root())?.url()?;
    let copy = CopyArgs::from_stdin(
        url.as_str().to_owned(),
        arguments.no_clobber,
        arguments.attributes,
    );
    copy_all(copy, session, false).await
}

//! `rb`: deletes an empty bucket; with `--force`, deletes its objects first.

use clap::Args;
use s3_core::BucketRequest;

use super::mb::bucket;
use super::rm::{delete_all, may_delete};
use crate::address::Remote;
use crate::failure::Failure;
use crate::filter::Filter;
use crate::listing::Selection;
use crate::report::Input;
use crate::session::Session;

/// Delete an empty bucket
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  mfs3 rb --force s3://old-bucket")]
pub(crate) struct RbArgs {
    /// The bucket
    #[arg(value_name = "URL")]
    url: String,
    /// Delete all of its objects first
    #[arg(long)]
    force: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(crate) async fn run(arguments: RbArgs, session: Session) -> Result<(), Failure> {
    let name = bucket(&arguments.url, &session)?;
    session.report.expect_inputs();
    if arguments.force {
        may_delete(
            &session,
            arguments.yes,
            &format!("s3://{name} and all of its objects"),
        )?;
        let all = Remote {
            bucket: name.clone(),
            key: String::new(),
        };
        let pages = Selection::directory(&all)?.pages(&session, Filter::default());
        delete_all(&session, pages).await?;
    }
    let input = Input::new("remove_bucket", &*name);
    if session.report.is_dry_run() {
        session.report.planned(&input);
        return Ok(());
    }
    let running = session.report.begin(input);
    let request = BucketRequest::new(name);
    match session
        .transfer()
        .delete_bucket(request, &session.options)
        .await
    {
        Ok(()) => running.done(None, None),
        Err(error) => {
            let is_full = error.code() == Some("BucketNotEmpty");
            let failure = Failure::from(error);
            running.failed(&match is_full && !arguments.force {
                true => failure.with_hint("use --force to empty it first"),
                false => failure,
            });
        }
    }
    Ok(())
}

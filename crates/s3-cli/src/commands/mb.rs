//! `mb`: creates buckets.

use clap::Args;
use s3_core::BucketRequest;

use crate::address::Remote;
use crate::failure::Failure;
use crate::report::Input;
use crate::session::Session;

/// Create buckets
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  mfs3 mb s3://new-bucket")]
pub(crate) struct MbArgs {
    /// Buckets
    #[arg(value_name = "URL", required = true)]
    urls: Vec<String>,
}

pub(crate) async fn run(arguments: MbArgs, session: Session) -> Result<(), Failure> {
    let buckets = arguments.urls.iter().map(|url| bucket(url, &session));
    let buckets = buckets.collect::<Result<Vec<_>, _>>()?;
    session.report.expect_inputs();
    for name in buckets {
        let input = Input::new("make_bucket", &*name);
        if session.report.is_dry_run() {
            session.report.planned(&input);
            continue;
        }
        let running = session.report.begin(input);
        let request = BucketRequest::new(name);
        match session
            .transfer()
            .create_bucket(request, &session.options)
            .await
        {
            Ok(()) => running.done(None, None),
            Err(error) => running.failed(&error.into()),
        }
    }
    Ok(())
}

/// Returns the bucket of an argument; a key in it is an error.
pub(super) fn bucket(url: &str, session: &Session) -> Result<String, Failure> {
    let remote = Remote::parse(url, session.root())?;
    match remote.key.is_empty() {
        true => Ok(remote.bucket),
        false => {
            Err(Failure::usage(format!("{remote} is not a bucket")).with_hint("write s3://bucket"))
        }
    }
}

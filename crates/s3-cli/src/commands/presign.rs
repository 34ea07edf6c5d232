//! `presign`: prints presigned URLs, which work without credentials.

use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum};
use s3_core::{PresignMethod, PresignRequest};
use serde_json::json;

use crate::address::Remote;
use crate::failure::Failure;
use crate::listing::Selection;
use crate::printable::{printable, rfc3339};
use crate::session::Session;
use crate::size::parse_duration;

/// Print an address that works without credentials
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  mfs3 presign --expires-in 10m s3://bucket/report.html")]
pub(crate) struct PresignArgs {
    /// The object
    #[arg(value_name = "URL")]
    url: String,
    /// How long it works, at most 7d
    #[arg(
        long,
        aliases = ["expire", "expires"],
        value_name = "DURATION",
        default_value = "1h",
        value_parser = parse_expiry
    )]
    expires_in: Duration,
    /// get, head, put or delete
    #[arg(long, value_enum, default_value = "get", hide_possible_values = true)]
    method: Method,
    /// Take *, ? and [ literally
    #[arg(long)]
    raw: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Method {
    Get,
    Head,
    Put,
    Delete,
}

pub(crate) async fn run(arguments: PresignArgs, session: Session) -> Result<(), Failure> {
    let remote = Remote::parse(&arguments.url, session.root())?;
    let Selection::One(plain) = Selection::parse(&remote, arguments.raw, false)? else {
        return Err(Failure::usage("presign takes no wildcards"));
    };
    let method = match arguments.method {
        Method::Get => PresignMethod::Get,
        Method::Head => PresignMethod::Head,
        Method::Put => PresignMethod::Put,
        Method::Delete => PresignMethod::Delete,
    };
    let url = plain.url()?;
    let request = PresignRequest::new(url.clone(), method, arguments.expires_in);
    let presigned = session
        .transfer()
        .presign(request, &session.options)
        .await?;
    if session.report.is_json() {
        session.report.json_data(json!({
            "url": url.as_str(),
            "presigned": presigned,
            "expires": rfc3339(SystemTime::now().checked_add(arguments.expires_in)),
        }));
    } else {
        session
            .report
            .data(format!("{}\n", printable(&presigned)).as_bytes());
    }
    Ok(())
}

fn parse_expiry(text: &str) -> Result<Duration, String> {
    let expiry = parse_duration(text)?;
    if expiry.is_zero() || expiry > PresignRequest::MAX_EXPIRES {
        return Err(format!("{text} is not between 1s and 7d"));
    }
    Ok(expiry)
}

//! [`GlobalArgs`]: the options of every command, before or after its name.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::size::{parse_duration, parse_size};

/// Options that every command takes.
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Use this server instead of AWS
    #[arg(long, alias = "endpoint", global = true, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// Use this region
    #[arg(long, global = true)]
    pub(crate) region: Option<String>,
    /// Use this profile of the AWS configuration
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Send requests without a signature
    #[arg(long, global = true, conflicts_with = "profile")]
    pub(crate) no_sign_request: bool,
    /// Agree to pay for requests: requester
    #[arg(long, global = true, value_name = "PAYER", value_parser = ["requester"], hide_possible_values = true)]
    pub(crate) request_payer: Option<String>,
    /// Resolve s3:KEY below this address
    #[arg(long, global = true, value_name = "URL", conflicts_with = "run_path")]
    pub(crate) s3root: Option<String>,
    /// Resolve s3:KEY below this run's directory
    #[arg(id = "run_path", long = "run", global = true, value_name = "FLOW/ID")]
    pub(crate) run: Option<String>,
    /// Most requests in flight [default: adaptive]
    #[arg(short, long, alias = "numworkers", global = true, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Size of parts, from 5M to 5G [default: 8M]
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_part_size)]
    pub(crate) part_size: Option<u64>,
    /// Move at most this much per second, such as 2M
    #[arg(long, global = true, value_name = "RATE", value_parser = parse_rate)]
    pub(crate) limit_rate: Option<NonZeroU64>,
    /// Give up after this time, such as 30s or 10m
    #[arg(long, global = true, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) deadline: Option<Duration>,
    /// Print JSON lines
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print neither operations nor progress
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Print what is retried and why; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Show no progress
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
    /// Show progress as bar, plain lines, or none
    #[arg(
        long,
        global = true,
        value_name = "KIND",
        value_enum,
        conflicts_with = "no_progress",
        hide_possible_values = true
    )]
    pub(crate) progress: Option<ProgressKind>,
    /// Print what would be done, and do nothing
    #[arg(long, alias = "dryrun", global = true)]
    pub(crate) dry_run: bool,
    /// Print without colors, as with NO_COLOR
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
}

/// How progress is shown on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressKind {
    Plain,
    Bar,
    None,
}

fn parse_rate(text: &str) -> Result<NonZeroU64, String> {
    let text = text.strip_suffix("/s").unwrap_or(text);
    NonZeroU64::new(parse_size(text)?)
        .ok_or_else(|| "the rate must be at least 1 byte per second".to_owned())
}

/// Minimum and maximum size of parts in S3.
const PART_SIZES: std::ops::RangeInclusive<u64> = 5 << 20..=5 << 30;

fn parse_part_size(text: &str) -> Result<u64, String> {
    let size = parse_size(text)?;
    if PART_SIZES.contains(&size) {
        return Ok(size);
    }
    Err(format!("{size} bytes: S3 takes parts from 5M to 5G"))
}

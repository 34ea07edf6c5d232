//! `restore`: makes archived objects readable.

use std::num::NonZeroU32;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use futures_util::{Stream, StreamExt, stream};
use s3_core::{RestoreRequest, S3Url, VersionId};
use s3_transfer::{FanOutOptions, Transfer};

use crate::failure::Failure;
use crate::filter::Filter;
use crate::listing::{Named, Selection};
use crate::report::Input;
use crate::session::Session;

/// The storage classes whose objects are restored before they can be read.
const ARCHIVES: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];

/// S3's code for an object that is being restored.
const RESTORING: &str = "RestoreAlreadyInProgress";

/// Make archived objects readable for some days
#[derive(Args, Debug)]
#[command(
    long_about = None,
    after_help = "Example:\n  mfs3 restore -r --days 7 --tier Bulk s3://bucket/2019/\n\nInfo shows when an object can be read. Bulk is cheaper and slower, Expedited\ndearer and faster. What a listing has in no archive is skipped."
)]
pub(crate) struct RestoreArgs {
    /// Objects, wildcards, or directories with -r
    #[arg(value_name = "URL", required = true)]
    urls: Vec<String>,
    /// Restore everything below the directories
    #[arg(short, long)]
    recursive: bool,
    /// How many days they are readable
    #[arg(long, value_name = "N")]
    days: NonZeroU32,
    /// Standard, Bulk or Expedited
    #[arg(
        long,
        value_enum,
        default_value = "Standard",
        ignore_case = true,
        hide_possible_values = true
    )]
    tier: Tier,
    /// This version of the object
    #[arg(long, value_name = "ID")]
    version_id: Option<String>,
    /// Take *, ? and [ literally
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    filter: Filter,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "PascalCase")]
enum Tier {
    Standard,
    Bulk,
    Expedited,
}

impl Tier {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Bulk => "Bulk",
            Self::Expedited => "Expedited",
        }
    }
}

/// An object to restore.
struct Wanted {
    url: S3Url,
    /// The storage class, if a listing has told it.
    class: Option<Arc<str>>,
}

impl Wanted {
    fn listed(named: Named) -> Self {
        let standard = || "STANDARD".into();
        Self {
            class: Some(named.object.storage_class.unwrap_or_else(standard)),
            url: named.object.url,
        }
    }

    /// Returns whether the object may be in an archive.
    fn may_be_archived(&self) -> bool {
        let class = self.class.as_deref();
        class.is_none_or(|class| ARCHIVES.contains(&class))
    }
}

pub(crate) async fn run(arguments: RestoreArgs, session: Session) -> Result<(), Failure> {
    session.report.expect_inputs();
    let (raw, recursive) = (arguments.raw, arguments.recursive);
    let selections = Selection::parse_all(&arguments.urls, session.root(), raw, recursive)?;
    if arguments.version_id.is_some() && !matches!(selections[..], [(_, Selection::One(_))]) {
        return Err(Failure::usage("--version-id needs exactly one object"));
    }
    let mut plain = Vec::new();
    for (remote, selection) in selections {
        match selection {
            Selection::One(one) => plain.push(Wanted {
                url: one.url()?,
                class: None,
            }),
            Selection::Many(listed) => {
                let nothing = listed.nothing(&remote, &arguments.filter);
                let pages = listed.pages(&session, arguments.filter.clone());
                let pages = pages.map(|page| Ok(page?.into_iter().map(Wanted::listed).collect()));
                let count = restore_all(&session, &arguments, pages).await?;
                if let Some(nothing) = nothing.filter(|_| count == 0) {
                    session.report.command_failed("restore", &nothing);
                }
            }
        }
    }
    restore_all(&session, &arguments, stream::iter([Ok(plain)])).await?;
    Ok(())
}

/// Begins the restoration of the objects of all pages, and returns how many there were.
async fn restore_all(
    session: &Session,
    arguments: &RestoreArgs,
    pages: impl Stream<Item = Result<Vec<Wanted>, Failure>> + Send + 'static,
) -> Result<u64, Failure> {
    let (report, options) = (session.report.clone(), session.options.clone());
    let (days, tier) = (arguments.days.get(), arguments.tier);
    let version = arguments.version_id.as_deref().map(VersionId::new);
    let job = move |transfer: Transfer, wanted: Wanted| {
        let (report, options) = (report.clone(), options.clone());
        let input = Input::new("restore", wanted.url.as_str());
        let may_be_archived = wanted.may_be_archived();
        let mut request = RestoreRequest::new(wanted.url, days).with_tier(tier.as_str());
        request.version.clone_from(&version);
        async move {
            if !may_be_archived {
                report.skipped(&input, "in no archive");
            } else if report.is_dry_run() {
                report.planned(&input);
            } else {
                let running = report.begin(input);
                match transfer.restore(request, &options).await {
                    Ok(()) => running.done(None, None),
                    Err(error) if error.code() == Some(RESTORING) => {
                        running.skipped("is being restored");
                    }
                    Err(error) => running.failed(&error.into()),
                }
            }
            Ok(())
        }
    };
    let transfer = session.transfer();
    let mut restorations = transfer.fan_out_pages(pages, FanOutOptions::default(), job);
    let mut count = 0;
    while let Some((_, begun)) = restorations.next().await {
        begun?;
        count += 1;
    }
    Ok(count)
}

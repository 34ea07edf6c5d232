//! `restore`: makes archived objects readable (RestoreObject).

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

/// Storage classes whose objects are restored for a number of days.
const ARCHIVES: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];

/// Storage class whose archived objects are restored permanently.
const TIERING: &str = "INTELLIGENT_TIERING";

/// Error code of S3 for an object that is being restored already.
const RESTORING: &str = "RestoreAlreadyInProgress";

/// Error code of S3 for an object that is not archived.
const NOT_ARCHIVED: &str = "InvalidObjectState";

/// Error code of S3 for a request without days, for an object that needs them.
const NO_DAYS: &str = "MalformedXML";

/// The hint for [`NO_DAYS`].
const ADD_DAYS: &str = "add --days N, which only objects of INTELLIGENT_TIERING go without";

/// Make archived objects readable
#[derive(Args, Debug)]
#[command(
    long_about = None,
    after_help = "Objects of GLACIER and DEEP_ARCHIVE need --days. Those of INTELLIGENT_TIERING\nleave the archive permanently, without --days. `mfs3 info` shows when an object\ncan be read. Bulk is cheaper and slower, Expedited dearer and faster. Objects\nthat are in no archive are skipped.\n\nExample:\n  mfs3 restore -r --days 7 --tier Bulk s3://bucket/2019/"
)]
pub(crate) struct RestoreArgs {
    /// Objects, wildcards, or directories with -r
    #[arg(value_name = "URL", required = true)]
    urls: Vec<String>,
    /// Restore everything below the directories
    #[arg(short, long)]
    recursive: bool,
    /// How many days they are readable; see below
    #[arg(long, value_name = "N")]
    days: Option<NonZeroU32>,
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
    /// The storage class, if it is from a listing.
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

    /// Returns whether the object has to be restored for a number of days.
    fn needs_days(&self) -> bool {
        let class = self.class.as_deref();
        class.is_some_and(|class| ARCHIVES.contains(&class))
    }

    /// Returns why the object is skipped, if it is, for a restoration for some days or a permanent one.
    fn skipped(&self, for_days: bool) -> Option<&'static str> {
        match self.class.as_deref() {
            None => None,
            Some(_) if self.needs_days() => None,
            Some(TIERING) if for_days => Some("takes no --days"),
            Some(TIERING) => None,
            Some(_) => Some("in no archive"),
        }
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
            Selection::One(one) => {
                let (url, class) = (one.url()?, None);
                if arguments.filter.admits(url.file_name()) {
                    plain.push(Wanted { url, class });
                }
            }
            Selection::Many(listed) => {
                let pages = listed.pages(&session, arguments.filter.clone());
                let pages = pages.map(|page| Ok(page?.into_iter().map(Wanted::listed).collect()));
                if let Err(failure) = restore_all(&session, &arguments, pages).await {
                    let input = Input::new("restore", remote.to_string());
                    session.report.failed(&input, &failure);
                }
            }
        }
    }
    restore_all(&session, &arguments, stream::iter([Ok(plain)])).await
}

/// Restores the objects of all pages.
async fn restore_all(
    session: &Session,
    arguments: &RestoreArgs,
    pages: impl Stream<Item = Result<Vec<Wanted>, Failure>> + Send + 'static,
) -> Result<(), Failure> {
    let (report, options) = (session.report.clone(), session.options.clone());
    let (days, tier) = (arguments.days.map(NonZeroU32::get), arguments.tier);
    let version = arguments.version_id.as_deref().map(VersionId::new);
    let job = move |transfer: Transfer, wanted: Wanted| {
        let (report, options) = (report.clone(), options.clone());
        let input = Input::new("restore", wanted.url.as_str());
        let (skipped, is_listed) = (wanted.skipped(days.is_some()), wanted.class.is_some());
        let lacks_days = days.is_none() && wanted.needs_days();
        let mut request = RestoreRequest::new(wanted.url, days).with_tier(tier.as_str());
        request.version.clone_from(&version);
        async move {
            if let Some(reason) = skipped {
                report.begin(input).skipped(reason);
            } else if lacks_days {
                let failure = Failure::local("the object is restored for some days only");
                report.begin(input).failed(&failure.with_hint(ADD_DAYS));
            } else if report.is_dry_run() {
                report.planned(&input);
            } else {
                let running = report.begin(input);
                match transfer.restore(request, &options).await {
                    Ok(()) => running.done(None, None),
                    Err(error) if error.code() == Some(RESTORING) => {
                        running.skipped("is being restored");
                    }
                    // A listing does not say which objects of the class are archived.
                    Err(error) if is_listed && error.code() == Some(NOT_ARCHIVED) => {
                        running.skipped("in no archive");
                    }
                    Err(error) if days.is_none() && error.code() == Some(NO_DAYS) => {
                        running.failed(&Failure::from(error).with_hint(ADD_DAYS));
                    }
                    Err(error) => running.failed(&error.into()),
                }
            }
            Ok(())
        }
    };
    let progress = session.report.progress().clone();
    let _shown = (!session.report.is_dry_run()).then(|| progress.start_objects());
    let pages = pages.inspect(move |page| {
        let wanted = page.iter().flatten();
        wanted.for_each(|_| progress.plan(0));
    });
    let transfer = session.transfer();
    let mut restorations = transfer.fan_out_pages(pages, FanOutOptions::default(), job);
    let mut outcome = Ok(());
    while let Some((_, begun)) = restorations.next().await {
        outcome = outcome.and(begun);
    }
    outcome
}

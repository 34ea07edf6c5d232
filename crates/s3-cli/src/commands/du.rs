//! `du`: prints the number of objects below a prefix or wildcard and their total size.

use std::collections::BTreeMap;

use clap::Args;
use futures_util::StreamExt;
use serde_json::json;

use crate::address::Remote;
use crate::failure::Failure;
use crate::filter::Filter;
use crate::listing::Selection;
use crate::printable::printable;
use crate::report::Input;
use crate::session::Session;
use crate::size::human_size;

/// Count the objects of a directory or wildcard, and their bytes
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  mfs3 du -H s3://bucket/photos/")]
pub(crate) struct DuArgs {
    /// Buckets, directories or wildcards
    #[arg(value_name = "URL", required = true)]
    urls: Vec<String>,
    /// Print sizes as 1.5 MiB
    #[arg(short = 'H', long)]
    human_readable: bool,
    /// Count each storage class by itself
    #[arg(long)]
    group: bool,
    /// Take *, ? and [ literally
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    filter: Filter,
}

#[derive(Clone, Copy, Default)]
struct Total {
    objects: u64,
    bytes: u64,
}

pub(crate) async fn run(arguments: DuArgs, session: Session) -> Result<(), Failure> {
    for url in &arguments.urls {
        match count(&arguments, &session, url).await {
            Ok(()) => session.report.count_done(),
            Err(failure) => session.report.failed(&Input::new("du", url), &failure),
        }
        session.report.flush();
    }
    Ok(())
}

async fn count(arguments: &DuArgs, session: &Session, url: &str) -> Result<(), Failure> {
    let remote = Remote::parse(url, session.root())?;
    let Selection::Many(listed) = Selection::parse(&remote, arguments.raw, true)? else {
        unreachable!("a recursive selection is a listing");
    };
    let mut pages = listed.pages(session, arguments.filter.clone());
    // The key is the storage class; without `--group` there is a single one.
    let mut totals: BTreeMap<String, Total> = BTreeMap::new();
    while let Some(page) = pages.next().await {
        for named in page? {
            let class = named.object.storage_class.as_deref();
            let group = match arguments.group {
                true => class.unwrap_or("STANDARD").to_owned(),
                false => String::new(),
            };
            let total = totals.entry(group).or_default();
            total.objects += 1;
            total.bytes += named.object.size;
        }
    }
    if totals.is_empty() {
        totals.insert(String::new(), Total::default());
    }
    for (class, total) in totals {
        print(arguments, session, url, (&class, total));
    }
    Ok(())
}

fn print(arguments: &DuArgs, session: &Session, url: &str, (class, total): (&str, Total)) {
    let Total { objects, bytes } = total;
    if session.report.is_json() {
        let mut fields = json!({"url": url, "size": bytes, "count": objects});
        if !class.is_empty() {
            fields["storage_class"] = class.into();
        }
        return session.report.json_data(fields);
    }
    let size = match arguments.human_readable {
        true => human_size(bytes),
        false => format!("{bytes} bytes"),
    };
    let class = match class {
        "" => String::new(),
        class => format!(" [{class}]"),
    };
    let line = format!("{size} in {objects} objects: {}{class}\n", printable(url));
    session.report.data(line.as_bytes());
}

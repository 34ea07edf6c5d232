//! `ls`: lists buckets, objects and common prefixes, or versions, in key order.

use clap::Args;
use futures_util::StreamExt;
use jiff::tz::TimeZone;
use s3_core::{BucketInfo, ListVersions, ListedObject, ListedVersion, S3Prefix};
use s3_transfer::ListOptions;
use serde_json::{Value, json};

use crate::address::Remote;
use crate::failure::Failure;
use crate::filter::Filter;
use crate::listing::{Listed, Selection};
use crate::printable::{local_time, printable, rfc3339};
use crate::report::Input;
use crate::session::Session;
use crate::size::human_size;

/// List buckets, or the objects of a directory or wildcard
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  mfs3 ls -r s3://bucket/logs/ --include '*.gz'")]
pub(crate) struct LsArgs {
    /// Buckets, prefixes or wildcards; without one, all buckets
    #[arg(value_name = "URL")]
    urls: Vec<String>,
    /// List the whole tree, with whole keys
    #[arg(short, long)]
    recursive: bool,
    /// Print sizes as 1.5 MiB
    #[arg(short = 'H', long)]
    human_readable: bool,
    /// Print the number and size of all objects at the end
    #[arg(long)]
    summarize: bool,
    /// Print comma-separated values
    #[arg(long, conflicts_with_all = ["json", "summarize"])]
    csv: bool,
    /// List versions and delete markers, with their ids
    #[arg(long, conflicts_with = "csv")]
    all_versions: bool,
    /// Take *, ? and [ literally
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    filter: Filter,
}

pub(crate) async fn run(arguments: LsArgs, session: Session) -> Result<(), Failure> {
    let mut printer = Printer {
        session: &session,
        arguments: &arguments,
        zone: TimeZone::system(),
        objects: 0,
        bytes: 0,
    };
    if arguments.urls.is_empty() {
        printer.buckets().await?;
    }
    if arguments.csv && !arguments.urls.is_empty() {
        session
            .report
            .data(b"type,key,size,etag,last_modified,storage_class\n");
    }
    for url in &arguments.urls {
        if let Err(failure) = printer.list(url).await {
            session.report.failed(&Input::new("ls", url), &failure);
        }
        session.report.flush();
    }
    if arguments.summarize {
        printer.summary();
    }
    session.report.flush();
    Ok(())
}

struct Printer<'a> {
    session: &'a Session,
    arguments: &'a LsArgs,
    zone: TimeZone,
    objects: u64,
    bytes: u64,
}

impl Printer<'_> {
    async fn buckets(&self) -> Result<(), Failure> {
        let session = self.session;
        let buckets = session.transfer().list_buckets(&session.options).await?;
        for bucket in buckets
            .into_iter()
            .filter(|bucket| self.arguments.filter.admits(&bucket.name))
        {
            self.bucket(&bucket);
        }
        Ok(())
    }

    fn bucket(&self, bucket: &BucketInfo) {
        let report = &self.session.report;
        if report.is_json() {
            report.json_data(json!({
                "type": "bucket",
                "bucket": &*bucket.name,
                "created": rfc3339(bucket.created),
            }));
        } else if self.arguments.csv {
            let created = rfc3339(bucket.created).unwrap_or_default();
            report.data(format!("bucket,{},,,{created},\n", csv_field(&bucket.name)).as_bytes());
        } else {
            let created = local_time(bucket.created, &self.zone);
            report.data(format!("{created} {}\n", printable(&bucket.name)).as_bytes());
        }
    }

    async fn list(&mut self, url: &str) -> Result<(), Failure> {
        let remote = Remote::parse(url, self.session.root())?;
        let selection = Selection::parse(&remote, self.arguments.raw, self.arguments.recursive)?;
        let found = match selection {
            selection if self.arguments.all_versions => self.versions(selection).await?,
            Selection::Many(listed) => {
                self.tree(listed).await?;
                true
            }
            Selection::One(plain) => self.level(&plain).await?,
        };
        if !found && !remote.key.is_empty() {
            return Err(Failure::not_found("there is no such object or prefix"));
        }
        self.session.report.count_done();
        Ok(())
    }

    async fn tree(&mut self, listed: Listed) -> Result<(), Failure> {
        let mut pages = listed.pages(self.session, self.arguments.filter.clone());
        while let Some(page) = pages.next().await {
            for named in page? {
                self.object(&named.object, named.object.url.key());
            }
            self.session.report.flush();
        }
        Ok(())
    }

    /// Lists the keys that start with the argument, up to the next slash. Printed names begin after the argument's last
    /// slash.
    async fn level(&mut self, remote: &Remote) -> Result<bool, Failure> {
        let session = self.session;
        let base = remote.key.rfind('/').map_or(0, |slash| slash + 1);
        let prefix = remote.prefix(&remote.key)?;
        let mut pages = session
            .transfer()
            .list(prefix, ListOptions::one_level(), &session.options);
        let mut found = false;
        while let Some(page) = pages.next().await {
            let page = page?;
            let mut objects = page.objects.iter().peekable();
            let mut prefixes = page.prefixes.iter().peekable();
            loop {
                let object_is_next = match (objects.peek(), prefixes.peek()) {
                    (Some(object), Some(prefix)) => object.url.key() < prefix.prefix(),
                    (object, _) => object.is_some(),
                };
                let name = if object_is_next {
                    let Some(object) = objects.next() else { break };
                    let name = &object.url.key()[base..];
                    if self.arguments.filter.admits(name) {
                        self.object(object, name);
                    }
                    name
                } else {
                    let Some(prefix) = prefixes.next() else { break };
                    let name = &prefix.prefix()[base..];
                    if self.arguments.filter.admits(name) {
                        self.prefix(prefix, name);
                    }
                    name
                };
                found |= !name.is_empty() || remote.key.ends_with('/');
            }
            session.report.flush();
        }
        Ok(found)
    }

    /// Lists versions and delete markers, for each key from the newest to the oldest.
    async fn versions(&mut self, selection: Selection) -> Result<bool, Failure> {
        let session = self.session;
        let filter = &self.arguments.filter;
        let (mut request, base) = match &selection {
            Selection::Many(listed) => (ListVersions::new(listed.prefix.clone()), 0),
            Selection::One(remote) => {
                let base = remote.key.rfind('/').map_or(0, |slash| slash + 1);
                let all = ListVersions::new(remote.prefix(&remote.key)?);
                (all.with_delimiter("/"), base)
            }
        };
        let matches = |key: &str| match &selection {
            Selection::Many(listed) => listed.matches(key),
            Selection::One(_) => true,
        };
        let below = match &selection {
            Selection::Many(listed) => listed.base,
            Selection::One(_) => base,
        };
        let mut found = false;
        loop {
            let transfer = session.transfer();
            let page = transfer
                .list_versions(request.clone(), &session.options)
                .await?;
            let mut prefixes = page.prefixes.iter().peekable();
            for version in &page.versions {
                let key = version.object.url.key();
                while let Some(prefix) = prefixes.next_if(|prefix| prefix.prefix() < key) {
                    found = true;
                    self.prefix(prefix, &prefix.prefix()[base..]);
                }
                if !matches(key) {
                    continue;
                }
                found = true;
                if filter.admits(&key[below..]) {
                    self.version(version, &key[base..]);
                }
            }
            for prefix in prefixes {
                found = true;
                self.prefix(prefix, &prefix.prefix()[base..]);
            }
            session.report.flush();
            let Some(next) = page.next else {
                return Ok(found);
            };
            request.after = Some(next);
        }
    }

    fn version(&mut self, version: &ListedVersion, name: &str) {
        let (object, report) = (&version.object, &self.session.report);
        if !version.is_delete_marker {
            self.objects += 1;
            self.bytes += object.size;
        }
        if report.is_json() {
            let mut fields = object_json(object);
            if version.is_delete_marker {
                fields["type"] = "delete_marker".into();
            }
            fields["version"] = version.version.as_str().into();
            fields["is_latest"] = version.is_latest.into();
            return report.json_data(fields);
        }
        let size = match (version.is_delete_marker, self.arguments.human_readable) {
            (true, _) => "deleted".to_owned(),
            (false, true) => human_size(object.size),
            (false, false) => object.size.to_string(),
        };
        let time = local_time(object.last_modified, &self.zone);
        let (id, name) = (printable(version.version.as_str()), printable(name));
        report.data(format!("{time} {size:>10} {id} {name}\n").as_bytes());
    }

    fn object(&mut self, object: &ListedObject, name: &str) {
        self.objects += 1;
        self.bytes += object.size;
        let report = &self.session.report;
        if report.is_json() {
            return report.json_data(object_json(object));
        }
        if self.arguments.csv {
            let etag = object.etag.as_ref().map_or("", |etag| etag.as_str());
            let time = rfc3339(object.last_modified).unwrap_or_default();
            let class = object.storage_class.as_deref().unwrap_or_default();
            let key = csv_field(object.url.key());
            return report
                .data(format!("file,{key},{},{etag},{time},{class}\n", object.size).as_bytes());
        }
        let size = match self.arguments.human_readable {
            true => human_size(object.size),
            false => object.size.to_string(),
        };
        let time = local_time(object.last_modified, &self.zone);
        report.data(format!("{time} {size:>10} {}\n", printable(name)).as_bytes());
    }

    fn prefix(&self, prefix: &S3Prefix, name: &str) {
        let report = &self.session.report;
        if report.is_json() {
            report.json_data(json!({
                "type": "directory",
                "url": prefix.as_str(),
                "key": prefix.prefix(),
            }));
        } else if self.arguments.csv {
            report.data(format!("directory,{},,,,\n", csv_field(prefix.prefix())).as_bytes());
        } else {
            report.data(format!("{:27}PRE {}\n", "", printable(name)).as_bytes());
        }
    }

    fn summary(&self) {
        let report = &self.session.report;
        if report.is_json() {
            report.json_data(json!({"type": "total", "count": self.objects, "size": self.bytes}));
            return;
        }
        let size = match self.arguments.human_readable {
            true => human_size(self.bytes),
            false => self.bytes.to_string(),
        };
        report
            .data(format!("\nTotal Objects: {}\n   Total Size: {size}\n", self.objects).as_bytes());
    }
}

/// Returns the JSON fields of a listed object.
pub(super) fn object_json(object: &ListedObject) -> Value {
    json!({
        "type": "file",
        "url": object.url.as_str(),
        "key": object.url.key(),
        "size": object.size,
        "etag": object.etag.as_ref().map(|etag| etag.as_str()),
        "last_modified": rfc3339(object.last_modified),
        "storage_class": object.storage_class.as_deref(),
    })
}

/// Quotes a CSV field that contains a comma, a quote or a line break.
fn csv_field(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

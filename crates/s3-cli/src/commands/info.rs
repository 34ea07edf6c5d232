//! `info`: prints size, time, type and metadata of objects (HeadObject).

use std::time::SystemTime;

use clap::Args;
use jiff::tz::TimeZone;
use s3_core::{ErrorKind, HeadRequest, ObjectMeta, RestoreStatus, VersionId};
use serde_json::json;

use crate::address::Remote;
use crate::failure::Failure;
use crate::listing::Selection;
use crate::printable::{local_time, printable, rfc3339};
use crate::report::Input;
use crate::session::Session;

/// Show size, time, type and metadata
#[derive(Args, Debug)]
#[command(
    visible_aliases = ["head", "stat"],
    after_help = "Example:\n  mfs3 info s3://bucket/report.html"
)]
pub(crate) struct InfoArgs {
    /// Objects
    #[arg(value_name = "URL", required = true)]
    urls: Vec<String>,
    /// Take *, ? and [ literally
    #[arg(long)]
    raw: bool,
    /// This version of the object
    #[arg(long, value_name = "ID")]
    version_id: Option<String>,
}

pub(crate) async fn run(arguments: InfoArgs, session: Session) -> Result<(), Failure> {
    if arguments.version_id.is_some() && arguments.urls.len() > 1 {
        return Err(Failure::usage("--version-id needs exactly one object"));
    }
    for (number, url) in arguments.urls.iter().enumerate() {
        match describe(&arguments, &session, url).await {
            Ok(meta) => {
                if number > 0 && !session.report.is_json() {
                    session.report.data(b"\n");
                }
                print(&session, &meta);
                session.report.count_done();
            }
            Err(failure) => session.report.failed(&Input::new("info", url), &failure),
        }
        session.report.flush();
    }
    Ok(())
}

async fn describe(
    arguments: &InfoArgs,
    session: &Session,
    url: &str,
) -> Result<ObjectMeta, Failure> {
    let remote = Remote::parse(url, session.root())?;
    let Selection::One(plain) = Selection::parse(&remote, arguments.raw, false)? else {
        let hint = "list them with find, or use --raw if the key has these characters";
        return Err(Failure::usage("info takes no wildcards").with_hint(hint));
    };
    let mut request = HeadRequest::new(plain.url()?).with_checksum();
    request.version = arguments.version_id.as_deref().map(VersionId::new);
    let (transfer, options) = (session.transfer(), &session.options);
    let described = match transfer.head_with(request.clone(), options).await {
        // The checksum may need a permission that the rest does not: to decrypt an object under a KMS key.
        Err(error) if error.kind() == ErrorKind::AccessDenied => {
            request.checksum = false;
            transfer.head_with(request, options).await
        }
        described => described,
    };
    match described.map_err(Failure::from) {
        Err(failure) if failure.is_vague() => {
            let missing = session.missing_bucket(&plain.bucket).await;
            Err(missing.unwrap_or(failure))
        }
        described => described,
    }
}

fn print(session: &Session, meta: &ObjectMeta) {
    let attributes = &meta.attributes;
    let checksum = meta.checksum.as_ref();
    let version = meta.version.as_ref().map(VersionId::as_str);
    let etag = meta.etag.as_ref().map(|etag| etag.as_str());
    if session.report.is_json() {
        session.report.json_data(json!({
            "url": meta.url.as_str(),
            "key": meta.url.key(),
            "size": meta.size,
            "etag": etag,
            "last_modified": rfc3339(meta.last_modified),
            "content_type": attributes.content_type.as_deref(),
            "metadata": attributes.user,
            "storage_class": attributes.storage_class.as_deref(),
            "encryption": attributes.encryption.as_ref().map(|encryption| encryption.as_str()),
            "version": version,
            "restore": meta.restore.map(|status| json!({
                "in_progress": status == RestoreStatus::InProgress,
                "until": rfc3339(until(status)),
            })),
            "checksum": checksum.map(|checksum| json!({
                "alg": checksum.algorithm.as_str(),
                "value": &*checksum.value,
                "type": checksum.checksum_type.as_str(),
            })),
        }));
        return;
    }
    let mut text = String::new();
    let mut line = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            text.push_str(&format!("{name}: {}\n", printable(value)));
        }
    };
    line("URL", Some(meta.url.as_str()));
    line("Size", Some(&meta.size.to_string()));
    line("ETag", etag);
    let local = |time| local_time(Some(time), &TimeZone::system());
    let time = meta.last_modified.map(local);
    line("Last-Modified", time.as_deref());
    line("Content-Type", attributes.content_type.as_deref());
    line("Content-Encoding", attributes.content_encoding.as_deref());
    line(
        "Content-Disposition",
        attributes.content_disposition.as_deref(),
    );
    line("Content-Language", attributes.content_language.as_deref());
    line("Cache-Control", attributes.cache_control.as_deref());
    line("Storage-Class", attributes.storage_class.as_deref());
    let restore = meta.restore.map(|status| match until(status).map(local) {
        _ if status == RestoreStatus::InProgress => "in progress".to_owned(),
        None => "readable".to_owned(),
        Some(time) => format!("readable until {time}"),
    });
    line("Restore", restore.as_deref());
    line(
        "Encryption",
        attributes
            .encryption
            .as_ref()
            .map(|encryption| encryption.as_str()),
    );
    line("Version", version);
    let checksum =
        checksum.map(|checksum| format!("{} {}", checksum.algorithm.as_str(), checksum.value));
    line("Checksum", checksum.as_deref());
    for (name, value) in &attributes.user {
        line(&format!("Metadata {name}"), Some(value));
    }
    session.report.data(text.as_bytes());
}

/// Returns the time until which a restored object can be read.
const fn until(status: RestoreStatus) -> Option<SystemTime> {
    match status {
        RestoreStatus::Restored { until } => until,
        _ => None,
    }
}

//! `doctor`: prints the effective settings, and sends a request to check that the server responds.

use std::time::Instant;

use clap::Args;
use s3_core::{ListRequest, Store};
use serde_json::{Map, Value};

use crate::address::Remote;
use crate::failure::Failure;
use crate::printable::printable;
use crate::session::Session;
use crate::size::human_size;

/// Show the settings, and try a request
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  mfs3 doctor s3://bucket")]
pub(crate) struct DoctorArgs {
    /// A bucket or prefix to list; without one, the buckets are listed
    #[arg(value_name = "URL")]
    url: Option<String>,
}

pub(crate) async fn run(arguments: DoctorArgs, session: Session) -> Result<(), Failure> {
    let mut rows: Vec<(&str, Value)> = settings(&session);
    let began = Instant::now();
    let tried = request(arguments.url.as_deref(), &session).await;
    let time = format!("{} ms", began.elapsed().as_millis());
    rows.push((
        "request",
        match &tried {
            Ok(what) => format!("{what}, in {time}").into(),
            Err(failure) => format!("failed: {}", failure.sentence()).into(),
        },
    ));
    if session.report.is_json() {
        let fields: Map<_, _> = rows
            .into_iter()
            .map(|(name, value)| (name.replace(' ', "_"), value))
            .collect();
        session.report.json_data(Value::Object(fields));
    } else {
        for (name, value) in rows {
            let text = match &value {
                Value::Null => "none".to_owned(),
                Value::String(text) => printable(text),
                other => other.to_string(),
            };
            session
                .report
                .data(format!("{name:<22} {text}\n").as_bytes());
        }
    }
    session.report.flush();
    tried.map(drop)
}

fn settings(session: &Session) -> Vec<(&'static str, Value)> {
    let global = &session.global;
    let engine = session.transfer().config();
    let set = |name: &str| match std::env::var_os(name) {
        Some(_) => format!("set by {name}"),
        None => "default".to_owned(),
    };
    let endpoint = || match std::env::var_os("AWS_ENDPOINT_URL_S3") {
        Some(_) => set("AWS_ENDPOINT_URL_S3"),
        None => set("AWS_ENDPOINT_URL"),
    };
    let given = |option: &Option<String>, otherwise: String| option.clone().unwrap_or(otherwise);
    let credentials = match std::env::var_os("AWS_ACCESS_KEY_ID") {
        Some(_) if global.profile.is_none() => "AWS_ACCESS_KEY_ID",
        _ => "profile or role",
    };
    let root = session.root().prefix().map(|root| root.as_str().to_owned());
    let mut rows: Vec<(_, Value)> = vec![
        ("version", env!("CARGO_PKG_VERSION").into()),
        // Passwords in the URL need not be hidden here: building the client rejects them.
        ("endpoint", given(&global.endpoint_url, endpoint()).into()),
        ("region", given(&global.region, set("AWS_REGION")).into()),
        ("profile", given(&global.profile, set("AWS_PROFILE")).into()),
        ("credentials", credentials.into()),
        ("root", root.into()),
        ("part size", human_size(engine.part_size).into()),
        ("most in flight", engine.concurrency.max().into()),
        ("attempts", engine.max_attempts.into()),
    ];
    let server = session.transfer().store().capabilities();
    let capabilities = [
        ("put if absent", server.put_if_absent),
        ("put if match", server.put_if_match),
        ("conditional completion", server.complete_conditions),
        ("get if match", server.get_if_match),
        ("ordered listing", server.ordered_listing),
        ("start after", server.start_after),
        ("list uploads", server.list_uploads),
        ("presign", server.presign),
    ];
    rows.extend(capabilities.map(|(name, is_assumed)| (name, is_assumed.into())));
    rows
}

async fn request(url: Option<&str>, session: &Session) -> Result<String, Failure> {
    let transfer = session.transfer();
    let Some(url) = url else {
        let buckets = transfer.list_buckets(&session.options).await?;
        return Ok(format!("{} buckets", buckets.len()));
    };
    let remote = Remote::parse(url, session.root())?;
    let mut request = ListRequest::new(remote.prefix(&remote.key)?);
    request.max_keys = Some(1);
    let page = transfer.list_page(request, &session.options).await?;
    Ok(match page.objects.is_empty() {
        true => format!("{remote} can be listed and is empty"),
        false => format!("{remote} can be listed"),
    })
}

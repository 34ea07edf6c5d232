//! A tour of the client over HTTP: makes the main calls and checks their results.
//!
//! Without arguments it starts a server on loopback. With `--endpoint` it uses that server. It works in a bucket that
//! it creates and removes.
//!
//! ```text
//! cargo run --example tour
//! cargo run --example tour -- --endpoint http://127.0.0.1:8333 --access-key KEY --secret-key SECRET
//! ```

#![expect(clippy::print_stdout, reason = "the tour prints its steps")]
#![expect(clippy::print_stderr, reason = "a failed tour prints its error")]

mod chapter;
mod fixture;
mod managing;
mod reading;
mod writing;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use s3_client::{MemoryStore, SdkStore};
use s3_testkit::S3Server;

use crate::chapter::Result;
use crate::fixture::Fixture;

#[derive(Debug, Parser)]
#[command(about = "Walks through every call of the S3 client and checks each.")]
struct Arguments {
    /// The server, such as http://127.0.0.1:8333. Default: a server on loopback.
    #[arg(long)]
    endpoint: Option<String>,
    /// The access key. Default: that of the AWS environment, or else `testkey`, which this workspace's test servers
    /// accept.
    #[arg(long, requires = "endpoint", requires = "secret_key")]
    access_key: Option<String>,
    /// The secret of the access key.
    #[arg(long, requires = "access_key")]
    secret_key: Option<String>,
    /// The region that requests are signed for.
    #[arg(long, default_value = "us-east-1")]
    region: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let began = Instant::now();
    match tour(Arguments::parse()).await {
        Ok(()) => {
            println!(
                "\nDone in {:.2?}: every step succeeded, and nothing remains.",
                began.elapsed()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("\nThe tour failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn tour(arguments: Arguments) -> Result {
    let Some(endpoint) = arguments.endpoint else {
        let server = S3Server::start(MemoryStore::new()).await?;
        println!("A server of our own listens on {}.", server.endpoint());
        walk(server.sdk_store()).await?;
        let requests = server.request_log().requests().len();
        println!("  the server saw {requests} requests over HTTP");
        server.stop().await;
        return Ok(());
    };
    println!("Using the server at {endpoint}.");
    let mut store = SdkStore::builder()
        .endpoint(&endpoint)
        .region(&arguments.region);
    if let (Some(access), Some(secret)) = (&arguments.access_key, &arguments.secret_key) {
        store = store.credentials(access, secret, None);
    } else if !environment_has_credentials() {
        store = store.credentials("testkey", "testsecret-testsecret", None);
    }
    walk(store.build()).await
}

/// Keeps the SDK from asking a cloud's metadata service for credentials of a server on loopback.
fn environment_has_credentials() -> bool {
    ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"]
        .iter()
        .any(|name| std::env::var_os(name).is_some())
}

/// Runs all steps, and removes bucket and directory also after a failure.
async fn walk(store: SdkStore) -> Result {
    let fixture = Fixture::new(store)?;
    if let Err(error) = fixture.make_bucket().await {
        std::fs::remove_dir_all(&fixture.local)?;
        return Err(error);
    }
    let walked = chapters(&fixture).await;
    let cleaned = fixture.clean_up(walked.is_ok()).await;
    walked.and(cleaned)
}

async fn chapters(fixture: &Fixture) -> Result {
    let s3 = fixture.client(Some("tour"))?;
    writing::put_values(&s3).await?;
    writing::put_large(fixture, &s3).await?;
    writing::put_directory(fixture, &s3).await?;
    writing::reject_overwriting(&s3).await?;
    reading::read_objects(&s3, &fixture.large).await?;
    reading::read_large(fixture, &s3).await?;
    reading::read_trees(&s3).await?;
    reading::meet_missing_objects(&s3).await?;
    managing::list(&s3).await?;
    managing::describe(&s3).await?;
    managing::copy_and_share(&s3).await?;
    managing::run_of_a_flow(fixture).await?;
    managing::delete(&s3).await?;
    managing::close(&s3).await
}

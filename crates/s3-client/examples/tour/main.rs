//! A tour of the client over HTTP: every call once, each checked, and nothing left behind at the end.
//!
//! Without arguments it starts a server of its own on loopback. With `--endpoint` it does the same on another server,
//! in a bucket of its own, which it removes at the end.
//!
//! ```text
//! cargo run --example tour
//! cargo run --example tour -- --endpoint http://127.0.0.1:8333 --access-key KEY --secret-key SECRET
//! ```

#![expect(clippy::print_stdout, reason = "the tour tells what it does")]
#![expect(clippy::print_stderr, reason = "a failed tour says why")]

mod chapter;
mod ground;
mod managing;
mod reading;
mod writing;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use s3_client::{MemoryStore, SdkStore};
use s3_testkit::S3Server;

use crate::chapter::Result;
use crate::ground::Ground;

#[derive(Debug, Parser)]
#[command(about = "Walks through every call of the S3 client and checks each.")]
struct Arguments {
    /// The server to use, such as http://127.0.0.1:8333; one of our own when absent.
    #[arg(long)]
    endpoint: Option<String>,
    /// The access key; when absent that of the AWS environment, or else `testkey`, which the test servers of this
    /// workspace take.
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
                "\nDone in {:.2?}: every step did what it should, and nothing is left behind.",
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

/// A server on loopback is no reason to ask a cloud's metadata service for credentials.
fn environment_has_credentials() -> bool {
    ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"]
        .iter()
        .any(|name| std::env::var_os(name).is_some())
}

/// Walks, and removes bucket and directory whatever happens.
async fn walk(store: SdkStore) -> Result {
    let ground = Ground::new(store)?;
    if let Err(error) = ground.make_bucket().await {
        std::fs::remove_dir_all(&ground.local)?;
        return Err(error);
    }
    let walked = chapters(&ground).await;
    let cleaned = ground.clean_up(walked.is_ok()).await;
    walked.and(cleaned)
}

async fn chapters(ground: &Ground) -> Result {
    let s3 = ground.client(Some("tour"))?;
    writing::put_values(&s3).await?;
    writing::put_large(ground, &s3).await?;
    writing::put_directory(ground, &s3).await?;
    writing::refuse_overwriting(&s3).await?;
    reading::read_objects(&s3, &ground.large).await?;
    reading::read_large(ground, &s3).await?;
    reading::read_trees(&s3).await?;
    reading::meet_missing_objects(&s3).await?;
    managing::list(&s3).await?;
    managing::describe(&s3).await?;
    managing::copy_and_share(&s3).await?;
    managing::run_of_a_flow(ground).await?;
    managing::delete(&s3).await?;
    managing::close(&s3)
}

//! The tutorial "Using Python to access AWS S3" in Rust: buckets, listings, data frames and files, step by step.
//!
//! [`s3_client::S3`] and [`s3_frame::Frames`] replace boto3, pandas and dask. The program starts a server on loopback.
//! Each step prints its result; the program fails if a result is unexpected.
//!
//! ```text
//! cargo run --example tutorial -p s3-frame
//! ```

#![expect(clippy::print_stdout, reason = "the tutorial prints its steps")]
#![expect(clippy::print_stderr, reason = "a failed tutorial prints its error")]

mod files;
mod frames;
mod listings;
mod step;

use std::process::ExitCode;
use std::time::Instant;

use s3_client::{MemoryStore, S3};
use s3_testkit::S3Server;

use crate::step::Result;

/// The bucket of the tutorial.
const BUCKET: &str = "fh-pi-doe-j";

#[tokio::main]
async fn main() -> ExitCode {
    let began = Instant::now();
    match tutorial().await {
        Ok(()) => {
            println!(
                "\nDone in {:.2?}: every step had the result that it should.",
                began.elapsed()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("\nThe tutorial failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn tutorial() -> Result {
    let server = S3Server::start(MemoryStore::new()).await?;
    println!("A server of our own listens on {}.", server.endpoint());
    let account = S3::builder().store(server.sdk_store()).build()?;
    for bucket in ["fh-pi-doe-j", "fh-pi-roe-k"] {
        account.create_bucket(bucket).await?;
    }
    // boto3 takes bucket and key at each call; here the bucket is the root that keys are relative to.
    let s3 = S3::builder()
        .store(server.sdk_store())
        .s3root(format!("s3://{BUCKET}"))
        .build()?;

    listings::list_buckets(&account).await?;
    listings::list_objects(&s3).await?;
    listings::listing_as_frame(&s3).await?;
    let frame = frames::random_frame()?;
    frames::save_one_object(&s3, &frame).await?;
    frames::save_parts(&s3, &frame).await?;
    frames::read_one_object(&s3, &frame).await?;
    frames::read_parts(&s3, &frame).await?;
    files::upload_and_download(&s3, &frame).await?;

    s3.close().await?;
    let requests = server.request_log().requests().len();
    println!("  the server saw {requests} requests over HTTP");
    server.stop().await;
    Ok(())
}

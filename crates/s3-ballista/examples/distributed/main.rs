//! Example: DataFusion queries on a Ballista cluster (one scheduler, two executors) on loopback, one of which is killed
//! during an aggregation or an upload.
//!
//! The program starts an S3 server and three more copies of itself. It writes CSV parts, aggregates them on the
//! cluster, writes the totals as a set of parts, and lets the executors write the rows as objects. Then it kills an
//! executor in the middle of an aggregation, and on another cluster the one that uploads. It shows how each query ends,
//! and removes the unfinished uploads. Each step fails if its result is not the expected one.
//!
//! ```text
//! cargo run --manifest-path crates/s3-ballista/Cargo.toml --example distributed
//! ```

#![expect(clippy::print_stdout, reason = "the example prints its steps")]

mod cluster;
mod data;
mod roles;
mod steps;

use std::env;
use std::error::Error;
use std::process::ExitCode;

use s3_client::{MemoryStore, S3};
use s3_testkit::S3Server;

use crate::cluster::Cluster;

/// The result of a step. Any failure ends the program.
type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        [] => all_steps().await,
        ["scheduler"] => roles::scheduler().await,
        ["executor", scheduler, directory] => roles::executor(scheduler, directory).await,
        _ => Err("the example takes no arguments".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nFailed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn all_steps() -> Result {
    let server = S3Server::start(MemoryStore::new()).await?;
    let s3 = S3::builder()
        .store(server.sdk_store())
        .s3root("s3://demo")
        .build()?;
    s3.create_bucket("demo").await?;
    println!("An S3 server listens on {}.", server.endpoint());
    let mut cluster = Cluster::start(&server, 2).await?;

    data::write_orders(&s3).await?;
    let session = cluster.session(&s3).await?;
    steps::register_orders(&session).await?;
    let totals = steps::aggregate(&session, &cluster).await?;
    steps::write_set(&s3, totals).await?;
    steps::aggregate_set(&session).await?;
    steps::copy(&session, &server).await?;
    steps::lose_an_executor_of_an_aggregation(&session, &server, &mut cluster).await?;
    cluster.stop().await;

    let mut cluster = Cluster::start(&server, 1).await?;
    let session = cluster.session(&s3).await?;
    steps::register_orders(&session).await?;
    steps::lose_an_executor_of_a_copy(&session, &server, &mut cluster).await?;
    // The other executor may continue.
    cluster.stop().await;
    steps::remove_what_is_left(&s3).await?;
    server.stop().await;
    println!("\nDone: every step had the result that it should.");
    Ok(())
}

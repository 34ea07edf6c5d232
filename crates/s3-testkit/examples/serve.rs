//! An S3 server to try things by hand: `cargo run -p s3-testkit --example serve -- --port 9000`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use s3_core::MemoryStore;
use s3_server::Files;
use s3_testkit::S3Server;
use s3s_fs::FileSystem;

/// Runs an S3 server on 127.0.0.1 until Ctrl-C.
///
/// Objects live in memory, in the bucket "demo", and end with the server. With --dir they live in files below
/// PATH, one folder for each bucket: keys are file names then, with the limits of the s3s-fs crate (no `a//b`,
/// no `./x`, no object `a` beside `a/b`, and at most about 160 bytes, otherwise 400; ETags of files that it did not
/// write are computed on each read).
#[derive(Debug, Parser)]
struct Arguments {
    /// Port on 127.0.0.1; 0 chooses a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Folder to keep objects in; every folder in it is a bucket
    #[arg(long, value_name = "PATH")]
    dir: Option<PathBuf>,
    /// Milliseconds to wait before each response
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
    /// Megabytes per second per body; 0 is no limit
    #[arg(long, value_name = "MBPS", default_value_t = 0)]
    rate: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let builder = match &arguments.dir {
        Some(dir) => {
            std::fs::create_dir_all(dir)?;
            let files = FileSystem::new(dir)
                .map_err(|error| format!("serve {}: {error:?}", dir.display()))?;
            S3Server::builder_for(Files::new(files, dir))
        }
        None => S3Server::builder(MemoryStore::with_buckets(["demo"]))
            .repeat_completions()
            .default_checksums(),
    };
    let builder = builder
        .latency(Duration::from_millis(arguments.latency))
        .rate(arguments.rate.saturating_mul(1_000_000));
    let server = builder.port(arguments.port).start().await?;
    announce(&server);
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(())
}

#[expect(
    clippy::print_stdout,
    reason = "the line is what the program is run for"
)]
fn announce(server: &S3Server) {
    println!(
        "export AWS_ENDPOINT_URL={} AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={} AWS_REGION={}",
        server.endpoint(),
        server.access_key(),
        server.secret_key(),
        server.region(),
    );
}

//! `serve`: runs an S3 server on 127.0.0.1, with objects in memory or in a directory.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use s3_core::{MemoryStore, SharedStore};
use s3_server::{Files, Service};
use s3s_fs::FileSystem;
use serde_json::json;
use tokio::net::TcpListener;

use crate::failure::Failure;
use crate::session::Session;

/// Credentials for clients, which are not secret.
const ACCESS_KEY: &str = "testkey";
const SECRET_KEY: &str = "testsecret-testsecret";
const REGION: &str = "us-east-1";

/// Serve S3 on 127.0.0.1, from memory or from a directory
///
/// In memory there is the bucket demo. In a directory each directory is a bucket.
#[derive(Args, Debug)]
#[command(
    long_about = None,
    after_help = "It prints the settings for clients and runs until Ctrl-C.\n\nExample:\n  mfs3 serve --port 9000 buckets/"
)]
pub(crate) struct ServeArgs {
    /// The directory of the buckets; without one, objects end with the server
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Port on 127.0.0.1; 0 chooses a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Milliseconds to wait before each response
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
    /// Megabytes per second per body; 0 is no limit
    #[arg(long, value_name = "MBPS", default_value_t = 0)]
    rate: u64,
}

pub(crate) async fn run(arguments: ServeArgs, session: Session) -> Result<(), Failure> {
    let port = arguments.port;
    let listen = |error| Failure::local(format!("listen on port {port}: {error}"));
    let service = match &arguments.directory {
        Some(path) => Service::builder_for(files(path)?),
        None => Service::builder(SharedStore::new(MemoryStore::with_buckets(["demo"]))),
    };
    let service = service
        .credentials(ACCESS_KEY, SECRET_KEY)
        .region(REGION)
        .latency(Duration::from_millis(arguments.latency))
        .rate(arguments.rate.saturating_mul(1_000_000));
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .map_err(listen)?;
    let endpoint = format!("http://{}", listener.local_addr().map_err(listen)?);
    let report = &session.report;
    match report.is_json() {
        true => report.json_data(json!({
            "endpoint": endpoint,
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
            "region": REGION,
        })),
        false => {
            let line = format!(
                "export AWS_ENDPOINT_URL={endpoint} AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY} AWS_REGION={REGION}\n"
            );
            report.data(line.as_bytes());
            if std::io::stderr().is_terminal() {
                report
                    .note("paste this line into the terminals of clients; Ctrl-C ends the server");
            }
        }
    }
    report.flush();
    s3_server::serve(listener, service.build(), std::future::pending()).await;
    Ok(())
}

fn files(path: &Path) -> Result<Files<FileSystem>, Failure> {
    std::fs::create_dir_all(path).map_err(|error| Failure::of_file("serve", path, &error))?;
    let files = FileSystem::new(path)
        .map_err(|error| Failure::local(format!("serve {}: {error:?}", path.display())))?;
    Ok(Files::new(files, path))
}

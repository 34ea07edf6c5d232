//! Makes a URL that reads one object without credentials until it expires.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::error::Error;
use std::time::Duration;

use s3_client::{MemoryStore, S3};
use s3_testkit::S3Server;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A server in this process. For AWS leave out `.store(…)`.
    let server = S3Server::start(MemoryStore::with_buckets(["reports"])).await?;
    let s3 = S3::builder()
        .store(server.sdk_store())
        .s3root("s3://reports")
        .build()?;
    s3.put("2026/summary.html", "<p>Profit</p>").await?;

    // No request is sent. Give the URL to a browser, curl or a customer.
    let url = s3
        .presign("2026/summary.html", Duration::from_secs(3600))
        .await?;
    println!("{url}");
    assert!(url.contains("X-Amz-Signature="));
    Ok(())
}

#[test]
fn the_example_runs() -> Result<(), Box<dyn Error>> {
    main()
}

//! Uploads a file in parts and prints its progress.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use s3_client::{Event, MemoryStore, S3};
use s3_testkit::S3Server;

const SIZE: u64 = 64 << 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A server in this process. For AWS leave out `.store(…)`.
    let server = S3Server::start(MemoryStore::with_buckets(["backup"])).await?;
    let s3 = S3::builder()
        .store(server.sdk_store())
        .s3root("s3://backup")
        .build()?;

    // Events arrive on the threads that upload. An interrupted part that is sent again counts once.
    let sent = Arc::new(AtomicU64::new(0));
    let total = Arc::clone(&sent);
    let observer = Arc::new(move |event: &Event<'_>| {
        if let Event::BytesMoved { bytes, .. } = event {
            let sent = total.fetch_add(*bytes, Ordering::Relaxed) + bytes;
            println!("{:3} %", sent * 100 / SIZE);
        }
    });
    let body = vec![0; usize::try_from(SIZE)?];
    let written = s3.put("disk.img", body).observer(observer).await?;
    println!("{written} has {} bytes", sent.load(Ordering::Relaxed));
    assert_eq!(sent.load(Ordering::Relaxed), SIZE);
    Ok(())
}

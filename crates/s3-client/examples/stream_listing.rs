//! Lists objects as a stream: pages are requested as they are read, and memory does not grow with the bucket.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use futures_util::TryStreamExt;
use s3_client::{MemoryStore, S3};

#[tokio::main]
async fn main() -> s3_client::Result<()> {
    let s3 = S3::builder()
        .store(MemoryStore::with_buckets(["data"]))
        .s3root("s3://data")
        .build()?;
    s3.put_many((0..2500).map(|i| (format!("logs/{i:05}.txt"), "line")))
        .await?;

    // Three pages of up to 1,000 keys.
    let mut listing = s3.list_recursive().at(["logs"]).stream();
    let (mut objects, mut bytes) = (0, 0);
    while let Some(object) = listing.try_next().await? {
        objects += 1;
        bytes += object.size();
    }
    println!("{objects} objects, {bytes} bytes");
    assert_eq!((objects, bytes), (2500, 10_000));
    Ok(())
}

#[test]
fn the_example_runs() -> s3_client::Result<()> {
    main()
}

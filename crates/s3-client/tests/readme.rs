//! The calls in the README's table compile, run and stand there as they are here.
#![cfg(feature = "sdk")]

use s3_client::{Config, MemoryStore, RunPath, S3, S3GetObject};

const README: &str = include_str!("../../../README.md");

fn without_blanks(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Asserts that the README shows the expression, and evaluates it.
macro_rules! shown {
    ($($expression:tt)*) => {{
        let text = without_blanks(stringify!($($expression)*));
        assert!(without_blanks(README).contains(&text), "{text}");
        $($expression)*
    }};
}

#[test]
fn the_ways_to_build_a_client() -> s3_client::Result<()> {
    let s3 = shown!(S3::builder().s3root("s3://b/p").build()?);
    assert_eq!(
        s3.root().prefix().map(|root| root.as_str()),
        Some("s3://b/p")
    );
    let config = Config::from_lookup(|name| {
        (name == "METAFLOW_DATATOOLS_S3ROOT").then(|| "s3://b/p".to_owned())
    })?;
    let s3 = shown!(
        S3::builder()
            .config(config)
            .run(RunPath::new("Flow", "1234")?)
            .build()?
    );
    assert_eq!(
        s3.root().prefix().map(|root| root.as_str()),
        Some("s3://b/p/Flow/1234")
    );
    Ok(())
}

#[tokio::test]
async fn the_calls() -> s3_client::Result<()> {
    let directory = tempfile::tempdir().unwrap();
    let s3 = S3::builder()
        .store(MemoryStore::with_buckets(["b"]))
        .s3root("s3://b/p")
        .tmproot(directory.path())
        .build()?;
    let blob = vec![b'x'; 10];
    shown!(s3.put("k", "text").await?);
    shown!(s3.put("k", blob).overwrite(false).await?);
    assert_eq!(shown!(s3.get("k").await?.text()?), "text");
    let range = shown!(s3.get(S3GetObject::new("k", 0, 1000)).await?);
    assert_eq!(range.size(), 4);
    let keys = ["k", "missing"];
    let objects = shown!(s3.get_many(keys).return_missing().await?);
    assert_eq!((objects[0].exists(), objects[1].exists()), (true, false));
    assert_eq!(shown!(s3.get_recursive(["logs/"]).await?).len(), 0);
    assert_eq!(
        shown!(s3.put_many([("a", "1"), ("b", "2")]).await?).len(),
        2
    );
    assert_eq!(shown!(s3.info("k").await?.size()), 4);
    assert_eq!(shown!(s3.list_paths().at(["logs"]).await?).len(), 0);
    assert_eq!(shown!(s3.list_recursive().await?).len(), 3);
    shown!(s3.close().await?);
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
    Ok(())
}

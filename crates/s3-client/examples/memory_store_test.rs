//! A unit test of code that uses S3, without a server: the store is in memory.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use s3_client::{MemoryStore, Result, S3};

/// The code under test: it takes a client and does not know which store is behind it.
async fn append_line(s3: &S3, key: &str, line: &str) -> Result<usize> {
    let before = s3.get(key).return_missing().await?.found();
    let mut text = before.map_or(Ok(String::new()), |object| object.text())?;
    text += &format!("{line}\n");
    let lines = text.lines().count();
    s3.put(key, text).await?;
    Ok(lines)
}

fn client_in_memory() -> Result<S3> {
    let store = MemoryStore::with_buckets(["bucket"]);
    S3::builder().store(store).s3root("s3://bucket").build()
}

#[tokio::test]
async fn lines_are_appended() -> Result<()> {
    let s3 = client_in_memory()?;
    assert_eq!(append_line(&s3, "log.txt", "first").await?, 1);
    assert_eq!(append_line(&s3, "log.txt", "second").await?, 2);
    assert_eq!(s3.get("log.txt").await?.text()?, "first\nsecond\n");
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let s3 = client_in_memory()?;
    println!("{} line", append_line(&s3, "log.txt", "hello").await?);
    Ok(())
}

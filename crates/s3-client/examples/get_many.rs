//! Downloads many objects in one call, in parallel, with one result per key.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use s3_client::{Lookup, MemoryStore, S3};

#[tokio::main]
async fn main() -> s3_client::Result<()> {
    // For a real bucket leave out `.store(…)`.
    let s3 = S3::builder()
        .store(MemoryStore::with_buckets(["photos"]))
        .s3root("s3://photos/2026")
        .build()?;
    s3.put_many([("cat.txt", "meow"), ("dog.txt", "woof")])
        .await?;

    // Results are in the order of the keys. Without `return_missing` a missing object is an error.
    let keys = ["cat.txt", "dog.txt", "unicorn.txt"];
    for (key, lookup) in keys.iter().zip(s3.get_many(keys).return_missing().await?) {
        match lookup {
            Lookup::Found(object) => {
                println!("{key}: {} bytes, {:?}", object.size(), object.text()?)
            }
            Lookup::Missing(missing) => println!("{key}: there is no {}", missing.url()),
        }
    }
    Ok(())
}

#[test]
fn the_example_runs() -> s3_client::Result<()> {
    main()
}

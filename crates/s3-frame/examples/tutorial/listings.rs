//! Buckets, objects, and a listing as a frame.

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use futures_util::TryStreamExt;
use s3_client::S3;
use s3_frame::ListingBatches;

use crate::BUCKET;
use crate::step::{Result, check, heading, say, show};

/// `s3.list_buckets()`
pub(crate) async fn list_buckets(account: &S3) -> Result {
    heading("List all buckets in our account");
    let buckets = account.list_buckets().await?;
    for bucket in &buckets {
        say(bucket.name.as_ref());
    }
    check!(buckets.len() == 2, "there are {} buckets", buckets.len());
    Ok(())
}

/// `s3.list_objects_v2(Bucket=bucket_name)`, and the paginator.
pub(crate) async fn list_objects(s3: &S3) -> Result {
    heading("List all objects in a bucket");
    let values =
        (0..2500).map(|number| (format!("samples/{number:04}.txt"), format!("{number}\n")));
    s3.put_many(values.collect::<Vec<_>>()).await?;
    let mut objects = s3.list_recursive().stream();
    let mut count = 0;
    while let Some(object) = objects.try_next().await? {
        if count < 3 {
            say(object.key());
        }
        count += 1;
    }
    check!(count == 2500, "the bucket has {count} objects");
    say(format!(
        "... {count} keys, from pages of 1,000: there is no IsTruncated to look at"
    ));
    Ok(())
}

/// `pd.DataFrame.from_dict(response['Contents'])`
pub(crate) async fn listing_as_frame(s3: &S3) -> Result {
    heading("Read the object listing into a data frame");
    let batches = s3.list_recursive().stream().record_batches(1000);
    let batches: Vec<_> = batches.try_collect().await?;
    let rows: Vec<_> = batches.iter().map(|batch| batch.num_rows()).collect();
    check!(rows == [1000, 1000, 500], "the batches have {rows:?} rows");
    show(&batches[0].project(&[1, 3, 4])?)?;
    let sizes = batches.iter().map(|batch| {
        let sizes = batch
            .column_by_name("size")
            .map(|column| column.as_primitive::<UInt64Type>());
        sizes.map_or(0, |sizes| sizes.values().iter().sum::<u64>())
    });
    let bytes: u64 = sizes.sum();
    check!(bytes == 11_390, "the objects have {bytes} bytes");
    say(format!(
        "{} objects of s3://{BUCKET} have {bytes} bytes",
        rows.iter().sum::<usize>()
    ));
    Ok(())
}

//! A frame as one CSV object, and in parts.

use std::num::NonZeroU64;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_select::concat::concat_batches;
use futures_util::{TryStreamExt, stream};
use s3_client::S3;
use s3_frame::{Frames, Index, Split};

use crate::step::{Result, check, heading, say, show};

/// `pd.DataFrame(np.random.randint(0, 100, size=(100, 4)), columns=list('ABCD'))`
pub(crate) fn random_frame() -> Result<RecordBatch> {
    heading("About frames");
    let column = || -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(
            (0..100).map(|_| fastrand::i64(0..100)),
        ))
    };
    let columns = ["A", "B", "C", "D"].map(|name| (name, column(), true));
    let frame = RecordBatch::try_from_iter_with_nullable(columns)?;
    say(
        "A frame is a record batch of Arrow, and one that is larger than memory is a stream of them.",
    );
    show(&frame)?;
    Ok(frame)
}

/// `df.to_csv(csv_buffer)`, and `put(Body=csv_buffer.getvalue())`
pub(crate) async fn save_one_object(s3: &S3, frame: &RecordBatch) -> Result {
    heading("Save a frame as one object");
    let rows = stream::iter([Ok(frame.clone())]);
    let write = Frames::new(s3).write_csv("df.csv").index(true);
    let url = write.send_single(frame.schema(), rows).await?;
    let text = s3.get("df.csv").await?.text()?;
    check!(
        text.starts_with(",A,B,C,D\n0,"),
        "the object begins with {:?}",
        text.get(..20)
    );
    say(format!(
        "{url}: {} bytes, with the index as pandas writes it",
        text.len()
    ));
    Ok(())
}

/// `dd.from_pandas(df, 3).to_csv("s3://bucket/dask_data_parts")`
pub(crate) async fn save_parts(s3: &S3, frame: &RecordBatch) -> Result {
    heading("Save a frame in parts");
    let parts = NonZeroU64::new(3).ok_or("3 is not 0")?;
    let split = Split::Even {
        rows: frame.num_rows() as u64,
        parts,
    };
    // Any stream of batches will do: none of it has to be in memory at once.
    let rows = stream::iter([Ok(frame.slice(0, 60)), Ok(frame.slice(60, 40))]);
    let write = Frames::new(s3).write_csv("dask_data_parts").index(true);
    let manifest = write.send_split(frame.schema(), rows, split).await?;
    for part in &manifest.parts {
        say(format!("{}: {} rows", part.key, part.rows));
    }
    let rows: Vec<_> = manifest.parts.iter().map(|part| part.rows).collect();
    check!(rows == [34, 33, 33], "the parts have {rows:?} rows");
    say("None of them was visible before all were uploaded.");
    Ok(())
}

/// `pd.read_csv(BytesIO(obj['Body'].read()))`
pub(crate) async fn read_one_object(s3: &S3, frame: &RecordBatch) -> Result {
    heading("Read one object into a frame");
    let read = Frames::new(s3).read_csv(["df.csv"]).open().await?;
    let names: Vec<_> = read
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    check!(
        names == ["Unnamed: 0", "A", "B", "C", "D"],
        "the columns are {names:?}"
    );
    say("The index is a column \"Unnamed: 0\" as in pandas; Index::Drop leaves it out.");
    let read = Frames::new(s3)
        .read_csv(["df.csv"])
        .index(Index::Drop)
        .open()
        .await?;
    let schema = read.schema();
    let batches: Vec<_> = read.try_collect().await?;
    let whole = concat_batches(&schema, &batches)?;
    check!(
        whole == *frame,
        "the frame that was read differs: {whole:?}"
    );
    say("The values and types are those that were written.");
    Ok(())
}

/// `dd.read_csv("s3://bucket/dask_data_parts/*")`
pub(crate) async fn read_parts(s3: &S3, frame: &RecordBatch) -> Result {
    heading("Read the parts");
    let mut read = Frames::new(s3)
        .read_csv(["dask_data_parts/*"])
        .index(Index::Drop)
        .batch_rows(20)
        .open()
        .await?;
    say(format!("{} parts, in order", read.parts().len()));
    let sum = |batch: &RecordBatch| {
        batch
            .column(0)
            .as_primitive::<Int64Type>()
            .values()
            .iter()
            .sum::<i64>()
    };
    let (mut rows, mut total) = (0, 0);
    while let Some(batch) = read.try_next().await? {
        rows += batch.num_rows();
        total += sum(&batch);
    }
    check!(
        rows == 100 && total == sum(frame),
        "{rows} rows with the sum {total} were read"
    );
    say(format!(
        "{rows} rows in batches of at most 20; the sum of A is {total}"
    ));
    Ok(())
}

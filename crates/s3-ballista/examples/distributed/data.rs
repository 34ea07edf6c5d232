//! The orders that the queries read.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::Schema;
use futures_util::stream;
use s3_client::S3;
use s3_frame::Frames;

use crate::Result;

pub(crate) const PARTS: i64 = 4;
pub(crate) const ROWS_PER_PART: i64 = 120_000;
pub(crate) const CITIES: [&str; 4] = ["Genf", "Lyon", "Oslo", "Riga"];

/// Writes `orders/0.part` to `orders/3.part`, of about 12 MB each.
pub(crate) async fn write_orders(s3: &S3) -> Result {
    let parts = (0..PARTS)
        .map(orders)
        .map(|batch| Ok(stream::iter([Ok(batch?)])))
        .collect::<Result<Vec<_>>>()?;
    let schema = orders(0)?.schema();
    let manifest = Frames::new(s3)
        .write_csv("orders")
        .send(schema, parts)
        .await?;
    let bytes: u64 = manifest.parts.iter().map(|part| part.bytes).sum();
    println!(
        "\n{} orders in {} CSV parts, {} MB",
        PARTS * ROWS_PER_PART,
        manifest.parts.len(),
        bytes / 1_000_000
    );
    Ok(())
}

pub(crate) fn schema() -> Result<Schema> {
    Ok(orders(0)?.schema().as_ref().clone())
}

/// Order `n` is of city `n % 4` and has the amount `n % 1000`.
fn orders(part: i64) -> Result<RecordBatch> {
    let numbers = part * ROWS_PER_PART..(part + 1) * ROWS_PER_PART;
    let city = |number: i64| CITIES[usize::try_from(number).unwrap_or(0) % CITIES.len()];
    let columns: [(&str, ArrayRef); 4] = [
        (
            "number",
            Arc::new(Int64Array::from_iter_values(numbers.clone())),
        ),
        (
            "city",
            Arc::new(StringArray::from_iter_values(numbers.clone().map(city))),
        ),
        (
            "amount",
            Arc::new(Int64Array::from_iter_values(
                numbers.clone().map(|number| number % 1000),
            )),
        ),
        (
            "remark",
            Arc::new(StringArray::from_iter_values(numbers.map(|number| {
                format!("{number:>40}\nwith a line break, and a comma, and \"quotes\"")
            }))),
        ),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}

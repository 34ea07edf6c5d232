//! The steps: an aggregation, a set of parts, a copy by the executors, and the death of one of them during each.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use datafusion::dataframe::DataFrameWriteOptions;
use datafusion::prelude::{CsvReadOptions, ParquetReadOptions, SessionContext};
use futures_util::stream;
use s3_client::S3;
use s3_frame::{Frames, Split};
use s3_testkit::{FaultAction, FaultMatch, S3Server};
use tokio::time::{interval, timeout};

use crate::Result;
use crate::cluster::Cluster;
use crate::data::{self, CITIES, PARTS, ROWS_PER_PART};

/// How long a query may take. After that, this program says that it had no end.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long the query of a dead executor may take. Executors that are silent for 5 s count as dead.
const PATIENCE_AFTER_A_LOSS: Duration = Duration::from_secs(30);

/// How long a request takes while an executor is killed: longer than the kill, on a busy machine too.
const SLOW: Duration = Duration::from_secs(10);

/// In how many parts the totals are written.
const TOTALS_PARTS: NonZeroU64 = NonZeroU64::new(2).expect("it is not 0");

/// Makes the orders a table of the session.
pub(crate) async fn register_orders(session: &SessionContext) -> Result {
    // Line breaks are in quotes: a part must not be cut at one, neither by a task nor where types are inferred.
    let schema = data::schema()?;
    let options = CsvReadOptions::new()
        .schema(&schema)
        .file_extension(".part")
        .newlines_in_values(true);
    session
        .register_csv("orders", "s3://demo/orders/", options)
        .await?;
    Ok(())
}

/// `GROUP BY` on the cluster, compared with totals computed from the numbers of the orders.
pub(crate) async fn aggregate(
    session: &SessionContext,
    cluster: &Cluster,
) -> Result<Vec<RecordBatch>> {
    println!("\nAggregate on the cluster");
    let rows = timeout(PATIENCE, totals(session)).await??;
    println!(
        "{}",
        datafusion::arrow::util::pretty::pretty_format_batches(&rows)?
    );
    check_totals(&rows)?;
    check(cluster.busy_executors() == 2, || {
        "one executor did all the work".to_owned()
    })?;
    Ok(rows)
}

/// The client writes the totals: a set of two parts with a manifest, visible as a whole.
pub(crate) async fn write_set(s3: &S3, totals: Vec<RecordBatch>) -> Result {
    println!("\nWrite the totals as a set of parts");
    let schema = totals.first().ok_or("no totals")?.schema();
    let split = Split::Even {
        rows: CITIES.len() as u64,
        parts: TOTALS_PARTS,
    };
    let rows = stream::iter(totals.into_iter().map(Ok));
    let write = Frames::new(s3).write_parquet("totals");
    let manifest = write.send_split(schema, rows, split).await?;
    let rows: Vec<u64> = manifest.parts.iter().map(|part| part.rows).collect();
    check(rows == [2, 2], || format!("{rows:?} rows were written"))?;
    let objects = s3.list_recursive().at(["totals/"]).await?;
    check(objects.len() as u64 == TOTALS_PARTS.get(), || {
        format!("{} objects are there", objects.len())
    })?;
    println!("  parts of {rows:?} rows, and totals.manifest.json");
    Ok(())
}

/// `GROUP BY` over the Parquet parts of the set, on the cluster.
pub(crate) async fn aggregate_set(session: &SessionContext) -> Result {
    println!("\nAggregate the Parquet parts on the cluster");
    session
        .register_parquet("totals", "s3://demo/totals/", ParquetReadOptions::new())
        .await?;
    let query = "SELECT city, sum(orders) AS orders, sum(amount) AS amount FROM totals GROUP BY city ORDER BY city";
    let rows = async { session.sql(query).await?.collect().await };
    check_totals(&timeout(PATIENCE, rows).await??)?;
    println!("  the same totals");
    Ok(())
}

/// The executors write all rows, each its own objects.
pub(crate) async fn copy(session: &SessionContext, server: &S3Server) -> Result {
    println!("\nLet the executors write");
    let rows = timeout(PATIENCE, write_copy(session, "s3://demo/copy/")).await??;
    check(rows == PARTS * ROWS_PER_PART, || {
        format!("{rows} rows were written")
    })?;
    let (copied, different) = counts(session, "s3://demo/copy/").await?;
    check(copied == rows && different == rows, || {
        format!("{copied} rows, {different} of them different, are there instead of {rows}")
    })?;
    let uploads = server.unfinished_uploads().await?;
    check(uploads == 0, || format!("{uploads} uploads are left"))?;
    println!("  {copied} rows, no unfinished upload");
    Ok(())
}

/// Kills an executor while both read for a `GROUP BY`. The query must not return other totals; whether it recovers is
/// Ballista's matter.
pub(crate) async fn lose_an_executor_of_an_aggregation(
    session: &SessionContext,
    server: &S3Server,
    cluster: &mut Cluster,
) -> Result {
    println!("\nLose an executor during an aggregation");
    let slow = FaultAction::stall(SLOW);
    server
        .faults()
        .set(FaultMatch::operation("GetObject").on(slow));
    let query = tokio::spawn({
        let session = session.clone();
        async move { totals(&session).await }
    });
    let parts = u64::try_from(PARTS)?;
    wait("no reads began", || async {
        Ok(server.faults().delivered().total() >= parts)
    })
    .await?;
    cluster.kill_the_first_executor().await?;
    server.faults().clear();
    let killed = Instant::now();
    let outcome = timeout(PATIENCE_AFTER_A_LOSS, query).await;
    let seconds = killed.elapsed().as_secs_f64();
    match outcome {
        Err(_) => println!(
            "  the query had no end within {} s",
            PATIENCE_AFTER_A_LOSS.as_secs()
        ),
        Ok(done) => match done? {
            Ok(rows) => {
                check_totals(&rows)?;
                println!("  {seconds:.1} s later the query ended with the right totals");
            }
            Err(error) => println!("  {seconds:.1} s later the query failed: {error}"),
        },
    }
    Ok(())
}

/// Kills the executor that uploads; another one starts before. With Ballista 55 the query has no end then; README.md says
/// so.
pub(crate) async fn lose_an_executor_of_a_copy(
    session: &SessionContext,
    server: &S3Server,
    cluster: &mut Cluster,
) -> Result {
    println!("\nLose an executor during a copy");
    let slow = FaultAction::stall(SLOW);
    server
        .faults()
        .set(FaultMatch::operation("UploadPart").on(slow));
    let mut query = tokio::spawn({
        let session = session.clone();
        async move { write_copy(&session, "s3://demo/lost/").await }
    });
    let parts = usize::try_from(PARTS)?;
    wait("no uploads began", || async {
        Ok(server.unfinished_uploads().await? >= parts)
    })
    .await?;
    cluster.start_executor(server)?;
    cluster.kill_the_first_executor().await?;
    server.faults().clear();
    match timeout(PATIENCE_AFTER_A_LOSS, &mut query).await {
        Err(_) => query.abort(),
        Ok(outcome) => {
            let outcome = outcome?;
            return Err(
                format!("the query ended with {outcome:?}: README.md is out of date").into(),
            );
        }
    }
    println!(
        "  the query had no end within {} s",
        PATIENCE_AFTER_A_LOSS.as_secs()
    );
    let left = server.unfinished_uploads().await?;
    check(left > 0, || {
        "no upload is left: the executor was killed too late".to_owned()
    })?;
    println!("  {left} unfinished uploads are left");
    Ok(())
}

/// Finds the uploads of the executors, which are gone, and aborts them.
pub(crate) async fn remove_what_is_left(s3: &S3) -> Result {
    println!("\nRemove what is left");
    let found = s3.orphans(Duration::ZERO).uploads_below("lost/").await?;
    let removed = s3.cleanup(Duration::ZERO).uploads_below("lost/").await?;
    check(!found.is_empty() && removed.len() == found.len(), || {
        format!(
            "{} uploads were found and {} removed",
            found.len(),
            removed.len()
        )
    })?;
    let left = s3.orphans(Duration::ZERO).uploads_below("lost/").await?;
    check(left.is_empty(), || {
        format!("{} uploads are left", left.len())
    })?;
    println!("  {} uploads were found and aborted", removed.len());
    Ok(())
}

/// Copies all orders as CSV. Returns how many rows the executors say that they have written.
async fn write_copy(session: &SessionContext, target: &str) -> Result<i64> {
    let orders = session.table("orders").await?;
    let written = orders
        .write_csv(target, DataFrameWriteOptions::new(), None)
        .await?;
    number(&written)
}

/// Returns the number of orders per city and the sum of their amounts.
async fn totals(session: &SessionContext) -> Result<Vec<RecordBatch>> {
    let totals = session
        .sql("SELECT city, count(*) AS orders, sum(amount) AS amount FROM orders GROUP BY city ORDER BY city")
        .await?;
    Ok(totals.collect().await?)
}

/// Compares totals with those computed from the numbers of the orders.
fn check_totals(rows: &[RecordBatch]) -> Result {
    let text = datafusion::arrow::util::pretty::pretty_format_batches(rows)?.to_string();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (index, city) in CITIES.iter().enumerate() {
        let numbers = (0..PARTS * ROWS_PER_PART).skip(index).step_by(CITIES.len());
        let (orders, amount) =
            numbers.fold((0, 0), |(n, sum), number| (n + 1, sum + number % 1000));
        let row = format!("| {city} | {orders} | {amount} |");
        check(text.contains(&row), || format!("no row {row:?}"))?;
    }
    Ok(())
}

/// Returns how many rows the objects have, and how many orders these are.
async fn counts(session: &SessionContext, url: &str) -> Result<(i64, i64)> {
    let schema = data::schema()?;
    let options = CsvReadOptions::new()
        .schema(&schema)
        .newlines_in_values(true);
    session.register_csv("copied", url, options).await?;
    let numbers = session.sql("SELECT number, count(*) AS times FROM copied GROUP BY number");
    let counted = async { numbers.await?.collect().await };
    let counted = timeout(PATIENCE, counted).await??;
    session.deregister_table("copied")?;
    let different: usize = counted.iter().map(RecordBatch::num_rows).sum();
    let times: Vec<_> = counted
        .iter()
        .map(|batch| batch.project(&[1]))
        .collect::<std::result::Result<_, _>>()?;
    Ok((number(&times)?, i64::try_from(different)?))
}

/// Waits until something holds, for as long as a query may take.
async fn wait<F>(otherwise: &str, holds: impl Fn() -> F) -> Result
where
    F: Future<Output = Result<bool>>,
{
    let (began, mut often) = (Instant::now(), interval(Duration::from_millis(20)));
    while !holds().await? {
        check(began.elapsed() < PATIENCE, || otherwise.to_owned())?;
        often.tick().await;
    }
    Ok(())
}

/// Returns the sum of the only column.
fn number(rows: &[RecordBatch]) -> Result<i64> {
    let mut sum = 0;
    for batch in rows {
        let column = datafusion::arrow::compute::cast(
            batch.column(0),
            &datafusion::arrow::datatypes::DataType::Int64,
        )?;
        let column = column
            .as_any()
            .downcast_ref::<arrow_array::Int64Array>()
            .ok_or("a count is no number")?;
        sum += column.values().iter().sum::<i64>();
    }
    Ok(sum)
}

fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Result {
    match holds {
        true => Ok(()),
        false => Err(otherwise().into()),
    }
}

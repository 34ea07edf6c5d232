//! Objects that are replaced while a query reads them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures_util::{StreamExt, TryStreamExt, stream};
use s3_client::{ErrorKind, S3};
use s3_core::MemoryStore;
use s3_frame::tables::S3Tables;
use s3_frame::{Existing, Frames, Manifests};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore, Faults};

use crate::setup::{column, texts};

const PARTS: usize = 24;
const ROWS_PER_PART: usize = 2000;

/// Writes parts whose rows are this number and ten times as much, as `csv` and as `parquet`.
async fn write(frames: &Frames, number: i64) {
    // Of a column with one value, DataFusion reads nothing but the footers.
    let numbers = [number, number * 10].repeat(ROWS_PER_PART / 2);
    let column: ArrayRef = Arc::new(Int64Array::from(numbers));
    let rows = RecordBatch::try_from_iter_with_nullable([("n", column, true)]).unwrap();
    let parts = || (0..PARTS).map(|_| stream::iter([Ok(rows.clone())]));
    let csv = frames.write_csv("s3://b/csv").existing(Existing::Replace);
    csv.send(rows.schema(), parts()).await.unwrap();
    let parquet = frames.write_parquet("s3://b/parquet");
    let parquet = parquet.existing(Existing::Replace);
    parquet.send(rows.schema(), parts()).await.unwrap();
}

/// Returns a session with the same stores that reads one part after the other.
fn one_by_one(session: &SessionContext) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(1);
    SessionContext::new_with_config_rt(config, session.runtime_env())
}

/// Adds DataFusion's own table.
async fn with_own_table(session: &SessionContext, format: &str) -> SessionContext {
    let session = one_by_one(session);
    let create = format!("CREATE EXTERNAL TABLE t STORED AS {format} LOCATION 's3://b/{format}/'");
    session.sql(&create).await.unwrap().collect().await.unwrap();
    session
}

/// Adds our table.
async fn with_table(set: &Set, format: &str, manifests: Manifests) -> SessionContext {
    let session = one_by_one(&set.tables.session().unwrap());
    let table = if format == "csv" {
        let read = set.reader.read_csv(["s3://b/csv/*"]);
        set.tables.csv(read.manifests(manifests)).await
    } else {
        let read = set.reader.read_parquet(["s3://b/parquet/*"]);
        set.tables.parquet(read.manifests(manifests)).await
    };
    session.register_table("t", table.unwrap()).unwrap();
    session
}

/// Begins a query, replaces all objects after its first rows, and returns the numbers that it then reads.
async fn numbers(session: &SessionContext, set: &Set) -> Result<BTreeSet<i64>> {
    // Our Parquet tables read all of these parts at once: footers first, then some of the columns.
    let late = FaultAction::stall(Duration::from_secs(2));
    let late = FaultMatch::operation("GetObject").on(late);
    set.faults.set(late.skip(PARTS as u32 + 6));
    let query = session.sql("SELECT n FROM t").await?;
    let mut rows: SendableRecordBatchStream = query.execute_stream().await?;
    let first = rows.next().await.unwrap()?;
    write(&set.writer, 2).await;
    let rest: Vec<RecordBatch> = rows.try_collect().await?;
    let all: Vec<&RecordBatch> = rest.iter().chain([&first]).collect();
    let count: usize = all.iter().map(|batch| batch.num_rows()).sum();
    assert_eq!(count, PARTS * ROWS_PER_PART);
    let values = all
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values());
    Ok(values.copied().collect())
}

/// Returns the kind of the request that failed.
fn kind(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    if let Some(request) = error.downcast_ref::<s3_core::Error>() {
        return Some(request.kind());
    }
    if let Some(s3_frame::Error::S3(error)) = error.downcast_ref() {
        return error.as_request().map(s3_core::Error::kind);
    }
    kind(error.source()?)
}

/// A set of 1 and 10, its writer and its readers.
struct Set {
    writer: Frames,
    reader: Frames,
    tables: S3Tables,
    faults: Faults,
}

async fn with_set() -> Set {
    let memory = MemoryStore::with_buckets(["b"]);
    let writer = S3::builder().store(memory.clone()).build().unwrap();
    let writer = Frames::new(&writer);
    write(&writer, 1).await;
    let store = FaultStore::new(memory, FaultPlan::none());
    let faults = store.faults().clone();
    let reader = S3::builder().store(store).build().unwrap();
    Set {
        writer,
        reader: Frames::new(&reader),
        tables: S3Tables::new(&reader).unwrap(),
        faults,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_during_which_objects_are_replaced_fails() {
    for format in ["csv", "parquet"] {
        let set = with_set().await;
        let own = with_own_table(&set.tables.pinned_session().unwrap(), format).await;
        let error = numbers(&own, &set).await.unwrap_err();
        assert_eq!(kind(&error), Some(ErrorKind::PreconditionFailed), "{error}");
        // Another session reads the new objects.
        set.faults.clear();
        let again = with_own_table(&set.tables.pinned_session().unwrap(), format).await;
        let query = again.sql("SELECT sum(n) AS n FROM t").await.unwrap();
        let sum = column(&query.collect().await.unwrap(), "n");
        let expected = (PARTS * ROWS_PER_PART * 11).to_string();
        assert_eq!(sum, texts(&[&expected]), "{format}");
        for manifests in [Manifests::Require, Manifests::Ignore] {
            let set = with_set().await;
            let ours = with_table(&set, format, manifests).await;
            let error = numbers(&ours, &set).await.unwrap_err();
            assert_eq!(kind(&error), Some(ErrorKind::PreconditionFailed), "{error}");
        }
    }
}

/// Shows the need for pinned sessions, and that the objects above are replaced in the middle of a query.
#[tokio::test(flavor = "multi_thread")]
async fn datafusions_own_tables_mix_versions_if_they_are_not_pinned() {
    for format in ["csv", "parquet"] {
        let set = with_set().await;
        let own = with_own_table(&set.tables.session().unwrap(), format).await;
        let found = numbers(&own, &set).await.unwrap();
        assert_eq!(found, [1, 2, 10, 20].into(), "{format}");
    }
}

//! A query whose threads are busy: requests run on threads of their own.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use datafusion::catalog::TableProvider;
use futures_util::{StreamExt, TryStreamExt, stream};
use s3_client::S3;
use s3_core::{MemoryStore, Operation};
use s3_frame::Frames;
use s3_frame::tables::S3Tables;
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore};
use s3_transfer::TransferConfig;
use tokio::time::timeout;

use crate::tables::frame;

const ROWS: i64 = 40_000;
/// In how many pieces a body comes.
const PIECES: u64 = 20;
/// The time between two of them: a body takes 1 s.
const PAUSE: Duration = Duration::from_millis(50);
/// How long the threads of the query are busy: ten times as long as a body may stall.
const BUSY: Duration = Duration::from_secs(2);

async fn table(s3: &S3, format: &str) -> (Arc<dyn TableProvider>, u64) {
    let (frames, tables) = (Frames::new(s3), S3Tables::new(s3).unwrap());
    let rows = frame(0..ROWS);
    let (schema, stream) = (rows.schema(), stream::iter([Ok(rows)]));
    let (manifest, table) = match format {
        "csv" => {
            let write = frames.write_csv("s3://b/csv");
            let manifest = write.send(schema, [stream]).await.unwrap();
            let read = frames.read_csv(["s3://b/csv/*"]);
            (manifest, tables.csv(read).await)
        }
        _ => {
            let write = frames.write_parquet("s3://b/parquet");
            let manifest = write.send(schema, [stream]).await.unwrap();
            let read = frames.read_parquet(["s3://b/parquet/*"]);
            (manifest, tables.parquet(read).await)
        }
    };
    (table.unwrap(), manifest.parts[0].bytes)
}

#[tokio::test]
async fn bodies_arrive_while_the_threads_of_a_query_are_busy() {
    for format in ["csv", "parquet"] {
        let memory = MemoryStore::with_buckets(["b"]);
        let store = FaultStore::new(memory.clone(), FaultPlan::none());
        let faults = store.faults().clone();
        let mut config = TransferConfig::default();
        config.stall_timeout = BUSY / 10;
        let s3 = S3::builder().store(store).transfer(config).build().unwrap();
        let session = S3Tables::new(&s3).unwrap().session().unwrap();
        let (table, bytes) = table(&s3, format).await;
        session.register_table("t", table).unwrap();
        faults.set(FaultMatch::operation("GetObject").on(FaultAction::Trickle {
            bytes: bytes.div_ceil(PIECES).try_into().unwrap(),
            every: PAUSE,
            at: None,
        }));

        let before = memory.operations().get(Operation::Get);
        let query = session.sql("SELECT n FROM t").await.unwrap();
        let mut rows = query.execute_stream().await.unwrap();
        // It begins.
        let first = timeout(PAUSE * 2, rows.next()).await.ok().flatten();
        thread::sleep(BUSY);
        let began = Instant::now();
        let rest: Vec<RecordBatch> = rows.try_collect().await.unwrap();
        let waited = began.elapsed();
        let first = first.transpose().unwrap();
        let count: usize = rest.iter().chain(&first).map(RecordBatch::num_rows).sum();
        assert_eq!(count, ROWS as usize, "{format}");
        // Most of the body was still to come when the threads were busy.
        assert!(waited < PAUSE * 10, "{format}: {waited:?}");
        let requests = memory.operations().get(Operation::Get) - before;
        assert_eq!(requests, 1, "{format}");
    }
}

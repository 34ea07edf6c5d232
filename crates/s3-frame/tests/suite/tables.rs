//! Queries of DataFusion over frames.

use std::num::NonZeroU64;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datafusion::physical_plan::ExecutionPlanProperties;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures_util::{TryStreamExt, stream};
use s3_client::S3;
use s3_frame::tables::{S3Tables, rows};
use s3_frame::{Error, Existing, Frames, Split};

use crate::setup::{column, texts, with_objects};

pub(crate) fn frame(numbers: std::ops::Range<i64>) -> RecordBatch {
    let texts = StringArray::from_iter_values(
        numbers
            .clone()
            .map(|number| format!("line\n{}", number % 5)),
    );
    let columns: [(&str, ArrayRef); 2] = [
        ("n", Arc::new(Int64Array::from_iter_values(numbers))),
        ("text", Arc::new(texts)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .unwrap()
}

/// Writes 1,000 rows as `csv` in 7 parts and as `parquet` in 7 parts.
async fn write_sets(frames: &Frames, first: i64, existing: Existing) {
    let rows = frame(first..first + 1000);
    let split = Split::Even {
        rows: 1000,
        parts: NonZeroU64::new(7).unwrap(),
    };
    let stream = || stream::iter([Ok(rows.clone())]);
    let csv = frames.write_csv("s3://b/csv").existing(existing);
    csv.send_split(rows.schema(), stream(), split)
        .await
        .unwrap();
    let parquet = frames.write_parquet("s3://b/parquet").existing(existing);
    parquet
        .send_split(rows.schema(), stream(), split)
        .await
        .unwrap();
}

/// Returns a session with the tables `csv` and `parquet`.
async fn session(s3: &S3) -> s3_frame::Result<SessionContext> {
    let (frames, tables) = (Frames::new(s3), S3Tables::new(s3).unwrap());
    let session = tables.session()?;
    let csv = tables
        .csv(frames.read_csv(["s3://b/csv/*"]).include_path("path"))
        .await?;
    session.register_table("csv", csv)?;
    let parquet = tables
        .parquet(frames.read_parquet(["s3://b/parquet/*"]))
        .await?;
    session.register_table("parquet", parquet)?;
    Ok(session)
}

async fn query(session: &SessionContext, sql: &str) -> s3_frame::Result<Vec<RecordBatch>> {
    Ok(session.sql(sql).await?.collect().await?)
}

#[tokio::test]
async fn queries_count_filter_group_join_and_sort() {
    let (s3, frames) = with_objects(&[]).await;
    write_sets(&frames, 0, Existing::Refuse).await;
    let session = session(&s3).await.unwrap();
    for table in ["csv", "parquet"] {
        let count = query(&session, &format!("SELECT count(*) AS n FROM {table}"))
            .await
            .unwrap();
        assert_eq!(column(&count, "n"), texts(&["1000"]), "{table}");
        let sql = format!(
            "SELECT text, sum(n) AS n FROM {table} WHERE n >= 500 GROUP BY text ORDER BY text"
        );
        let sums = query(&session, &sql).await.unwrap();
        assert_eq!(
            column(&sums, "n"),
            texts(&["74750", "74850", "74950", "75050", "75150"]),
            "{table}"
        );
        assert_eq!(column(&sums, "text")[0].as_deref(), Some("line\n0"));
        let last = query(
            &session,
            &format!("SELECT n FROM {table} ORDER BY n DESC LIMIT 2"),
        )
        .await
        .unwrap();
        assert_eq!(column(&last, "n"), texts(&["999", "998"]), "{table}");
        let none = query(&session, &format!("SELECT n FROM {table} WHERE n > 5000"))
            .await
            .unwrap();
        assert_eq!(column(&none, "n"), [], "{table}");
    }
    let joined = "SELECT count(*) AS n FROM csv JOIN parquet ON csv.n = parquet.n AND csv.text = parquet.text";
    assert_eq!(
        column(&query(&session, joined).await.unwrap(), "n"),
        texts(&["1000"])
    );
    let paths = "SELECT path, count(*) AS n FROM csv GROUP BY path ORDER BY path LIMIT 1";
    let paths = query(&session, paths).await.unwrap();
    assert_eq!(column(&paths, "path"), texts(&["s3://b/csv/0.part"]));
    assert_eq!(column(&paths, "n"), texts(&["143"]));
}

#[tokio::test]
async fn small_parquet_objects_are_read_at_once_also_with_one_partition() {
    let (s3, frames) = with_objects(&[]).await;
    write_sets(&frames, 0, Existing::Refuse).await;
    let runtime = session(&s3).await.unwrap().runtime_env();
    // DataFusion regroups files of more bytes than this.
    let config = SessionConfig::new()
        .with_target_partitions(1)
        .with_repartition_file_min_size(1);
    let session = SessionContext::new_with_config_rt(config, runtime);
    let read = frames.read_parquet(["s3://b/parquet/*"]);
    let table = S3Tables::new(&s3).unwrap().parquet(read).await.unwrap();
    session.register_table("parquet", table).unwrap();
    let filtered = session.sql("SELECT n FROM parquet WHERE n >= 500").await;
    let plan = filtered.unwrap().create_physical_plan().await.unwrap();
    assert_eq!(plan.output_partitioning().partition_count(), 7);
    let sum = query(&session, "SELECT sum(n) AS n FROM parquet WHERE n >= 500")
        .await
        .unwrap();
    assert_eq!(column(&sum, "n"), texts(&["374750"]));
}

#[tokio::test]
async fn a_query_is_written_as_a_set() {
    let (s3, frames) = with_objects(&[]).await;
    write_sets(&frames, 0, Existing::Refuse).await;
    let session = session(&s3).await.unwrap();
    let sorted = session
        .sql("SELECT n, text FROM csv ORDER BY n")
        .await
        .unwrap();
    let (schema, sorted) = rows(sorted).await.unwrap();
    let split = Split::Rows(NonZeroU64::new(300).unwrap());
    let write = frames
        .write_parquet("s3://b/sorted")
        .send_split(schema, sorted, split);
    let parts: Vec<_> = write
        .await
        .unwrap()
        .parts
        .iter()
        .map(|part| part.rows)
        .collect();
    assert_eq!(parts, [300, 300, 300, 100]);
    let failing = session
        .sql("SELECT 1 / (n - 500) AS n FROM csv")
        .await
        .unwrap();
    let (schema, failing) = rows(failing).await.unwrap();
    let error = frames
        .write_csv("s3://b/none")
        .send_split(schema, failing, split)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Query(_)), "{error}");
    assert!(
        s3.list_recursive()
            .at(["s3://b/none"])
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_query_over_objects_that_were_replaced_fails() {
    let (s3, frames) = with_objects(&[]).await;
    write_sets(&frames, 0, Existing::Refuse).await;
    let session = session(&s3).await.unwrap();
    write_sets(&frames, 7000, Existing::Replace).await;
    for table in ["csv", "parquet"] {
        let error = query(&session, &format!("SELECT sum(n) FROM {table}"))
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("precondition failed") && text.contains(&format!("s3://b/{table}/")),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_part_without_a_column_fails_a_query_as_it_fails_a_stream() {
    let (s3, frames) = with_objects(&[]).await;
    let rows = frame(0..10);
    let without_text = rows.project(&[0]).unwrap();
    for (key, rows) in [("two/a", &rows), ("two/b", &without_text)] {
        let write = frames.write_parquet(format!("s3://b/{key}"));
        let rows = stream::iter([Ok(rows.clone())]);
        let schema = if key == "two/a" {
            frame(0..1)
        } else {
            without_text.clone()
        };
        write.send_single(schema.schema(), rows).await.unwrap();
    }
    let (tables, read) = (
        S3Tables::new(&s3).unwrap(),
        frames.read_parquet(["s3://b/two/*"]),
    );
    let session = tables.session().unwrap();
    let table = tables.parquet(read.clone()).await.unwrap();
    session.register_table("two", table).unwrap();
    let streamed = read.open().await.unwrap().try_collect::<Vec<_>>().await;
    let streamed = streamed.unwrap_err().to_string();
    assert!(
        streamed.starts_with("s3://b/two/b has the columns"),
        "{streamed}"
    );
    for sql in [
        "SELECT n, text FROM two",
        "SELECT sum(n) FROM two",
        "SELECT count(*) FROM two WHERE text IS NULL",
    ] {
        let error = query(&session, sql).await.unwrap_err().to_string();
        assert!(error.contains(&streamed), "{sql}: {error}");
    }
}

#[tokio::test]
async fn stores_of_the_registry_serve_datafusions_own_tables() {
    let (s3, frames) = with_objects(&[
        ("in/1.csv", b"n\n1\n2\n"),
        ("in/2.csv", b"n\n3\n"),
        ("in/a//b", b"n\n"),
    ])
    .await;
    write_sets(&frames, 0, Existing::Refuse).await;
    let session = S3Tables::new(&s3).unwrap().session().unwrap();
    for create in [
        "CREATE EXTERNAL TABLE own STORED AS CSV LOCATION 's3://b/in/' OPTIONS ('format.has_header' 'true')",
        "CREATE EXTERNAL TABLE pq STORED AS PARQUET LOCATION 's3://b/parquet/'",
    ] {
        query(&session, create).await.unwrap();
    }
    let sum = query(&session, "SELECT sum(n) AS n FROM own")
        .await
        .unwrap();
    assert_eq!(column(&sum, "n"), texts(&["6"]));
    let sum = query(&session, "SELECT sum(n) AS n FROM pq").await.unwrap();
    assert_eq!(column(&sum, "n"), texts(&["499500"]));
    query(
        &session,
        "COPY (SELECT n FROM pq WHERE n < 3) TO 's3://b/copy.csv' STORED AS CSV",
    )
    .await
    .unwrap();
    assert_eq!(
        s3.get("s3://b/copy.csv").await.unwrap().text().unwrap(),
        "n\n0\n1\n2\n"
    );
    let error = session.sql("SELECT * FROM 's3://missing/x.csv'").await;
    assert!(error.is_err());
}

#[tokio::test]
async fn a_listing_is_a_table() {
    let (s3, frames) = with_objects(&[]).await;
    write_sets(&frames, 0, Existing::Refuse).await;
    let tables = S3Tables::new(&s3).unwrap();
    let session = tables.session().unwrap();
    session
        .register_table("objects", tables.listing(["s3://b/csv/"]))
        .unwrap();
    let sql = "SELECT count(*) AS n, min(key) AS key FROM objects WHERE size > 0 AND last_modified > '2020-01-01'";
    let found = query(&session, sql).await.unwrap();
    assert_eq!(column(&found, "n"), texts(&["7"]));
    assert_eq!(column(&found, "key"), texts(&["0.part"]));
}

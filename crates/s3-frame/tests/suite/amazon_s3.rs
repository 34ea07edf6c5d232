//! The same queries through our stores and through object_store's `AmazonS3`.

use std::sync::Arc;

use arrow_cast::pretty::pretty_format_batches;
use datafusion::prelude::{CsvReadOptions, ParquetReadOptions, SessionContext};
use futures_util::{TryStreamExt, stream};
use object_store_0_13::aws::{AmazonS3, AmazonS3Builder};
use object_store_0_13::{ObjectStore, ObjectStoreExt};
use s3_client::{MemoryStore, S3};
use s3_frame::Frames;
use s3_frame::tables::{S3Tables, UnlistableKeys};
use s3_testkit::S3Server;

use crate::tables::frame;

/// DataFusion's own tables, over whichever store the session has for the bucket.
async fn with_tables(session: SessionContext) -> SessionContext {
    let csv = CsvReadOptions::new()
        .file_extension(".part")
        .newlines_in_values(true);
    session
        .register_csv("csv", "s3://demo/csv/", csv)
        .await
        .unwrap();
    session
        .register_parquet("parquet", "s3://demo/parquet/", ParquetReadOptions::new())
        .await
        .unwrap();
    session
}

fn amazon(server: &S3Server) -> AmazonS3 {
    AmazonS3Builder::new()
        .with_endpoint(server.endpoint())
        .with_allow_http(true)
        .with_region(server.region())
        .with_access_key_id(server.access_key())
        .with_secret_access_key(server.secret_key())
        .with_bucket_name("demo")
        .build()
        .unwrap()
}

async fn rows(session: &SessionContext, sql: &str) -> String {
    let found = session.sql(sql).await.unwrap().collect().await.unwrap();
    pretty_format_batches(&found).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_are_equal_through_our_store_and_through_amazon_s3() {
    let server = S3Server::start(MemoryStore::new()).await.unwrap();
    let s3 = S3::builder().store(server.sdk_store()).build().unwrap();
    s3.create_bucket("demo").await.unwrap();
    let frames = Frames::new(&s3);
    let parts = || {
        (0..12)
            .map(|part| part * 100..part * 100 + if part == 5 { 0 } else { 100 })
            .map(|numbers| stream::iter([Ok(frame(numbers))]))
    };
    let schema = frame(0..1).schema();
    let csv = frames.write_csv("s3://demo/csv");
    csv.send(Arc::clone(&schema), parts()).await.unwrap();
    let parquet = frames.write_parquet("s3://demo/parquet");
    parquet.send(schema, parts()).await.unwrap();

    let amazon: Arc<dyn ObjectStore> = Arc::new(amazon(&server));
    let theirs = SessionContext::new();
    theirs.register_object_store(&"s3://demo".parse().unwrap(), Arc::clone(&amazon));
    let theirs = with_tables(theirs).await;
    let ours = with_tables(S3Tables::new(&s3).unwrap().session().unwrap()).await;

    for table in ["csv", "parquet"] {
        for sql in [
            "SELECT count(*), min(n), max(n), sum(n), count(DISTINCT text) FROM {}",
            "SELECT text, count(*), avg(n) FROM {} WHERE n % 7 < 3 GROUP BY text ORDER BY text",
            "SELECT n, text FROM {} ORDER BY n DESC LIMIT 25",
            "SELECT n FROM {} WHERE n BETWEEN 395 AND 615 ORDER BY n",
            "SELECT a.n FROM {} a JOIN {} b ON a.n = b.n + 1 ORDER BY a.n LIMIT 5",
            "SELECT n, sum(n) OVER (PARTITION BY text ORDER BY n) FROM {} ORDER BY n LIMIT 40",
            "SELECT * FROM {} WHERE n > 100000",
        ] {
            let sql = sql.replace("{}", table);
            let (ours, theirs) = (rows(&ours, &sql).await, rows(&theirs, &sql).await);
            assert_eq!(ours, theirs, "{sql}");
        }
    }
    assert!(
        rows(&ours, "SELECT count(*) AS n FROM csv")
            .await
            .contains("1100")
    );

    // Each reads the objects that the other writes.
    for (writer, reader, target) in [(&ours, &theirs, "ours"), (&theirs, &ours, "theirs")] {
        let copy =
            format!("COPY (SELECT * FROM csv) TO 's3://demo/copy-{target}/' STORED AS PARQUET");
        rows(writer, &copy).await;
        let read = format!("s3://demo/copy-{target}/");
        let copied = reader.read_parquet(read, ParquetReadOptions::new());
        assert_eq!(
            copied.await.unwrap().count().await.unwrap(),
            1100,
            "{target}"
        );
    }
    // The bytes are those of the same objects.
    let keys: Vec<_> = amazon
        .list(None)
        .map_ok(|object| object.location)
        .try_collect()
        .await
        .unwrap();
    assert!(keys.len() > 24, "{keys:?}");
    for key in keys {
        let theirs = amazon.get(&key).await.unwrap().bytes().await.unwrap();
        let ours = s3.get(format!("s3://demo/{key}")).await.unwrap();
        assert_eq!(ours.bytes().unwrap(), theirs, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_no_path_fails_amazon_s3_and_fails_ours_if_wanted() {
    let server = S3Server::start(MemoryStore::new()).await.unwrap();
    let s3 = S3::builder().store(server.sdk_store()).build().unwrap();
    s3.create_bucket("demo").await.unwrap();
    s3.put("s3://demo/marked/a.csv", "n\n1\n2\n").await.unwrap();
    s3.put("s3://demo/marked//b.csv", "n\n3\n").await.unwrap();
    let tables = S3Tables::new(&s3).unwrap();
    let theirs = SessionContext::new();
    theirs.register_object_store(&"s3://demo".parse().unwrap(), Arc::new(amazon(&server)));
    let sum = |session: SessionContext| async move {
        let csv = CsvReadOptions::new();
        session.register_csv("t", "s3://demo/marked/", csv).await?;
        let found = session
            .sql("SELECT sum(n) AS n FROM t")
            .await?
            .collect()
            .await?;
        Ok::<_, datafusion::error::DataFusionError>(pretty_format_batches(&found)?.to_string())
    };
    assert!(sum(theirs).await.is_err());
    let skipped = sum(tables.session().unwrap()).await.unwrap();
    assert!(skipped.contains("| 3 |"), "{skipped}");
    let strict = tables.with_unlistable_keys(UnlistableKeys::Error);
    let error = sum(strict.session().unwrap()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("cannot represent the key as a path"),
        "{error}"
    );
}

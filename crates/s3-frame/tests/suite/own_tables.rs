//! DataFusion's own tables over our stores: patterns, and line breaks in quotes.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use datafusion::datasource::file_format::csv::CsvFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::physical_plan::ExecutionPlanProperties;
use datafusion::prelude::{CsvReadOptions, DataFrame, SessionConfig, SessionContext};
use s3_frame::tables::S3Tables;

use crate::setup::{column, texts, with_objects};

/// Returns the values of the column `n`.
async fn numbers(query: DataFrame) -> datafusion::error::Result<Vec<Option<String>>> {
    Ok(column(&query.collect().await?, "n"))
}

#[tokio::test]
async fn a_glob_finds_objects_and_a_star_in_a_location_does_not() {
    let (s3, _) = with_objects(&[
        ("in/1.csv", b"n\n1\n"),
        ("in/2.csv", b"n\n2\n"),
        ("in/3.txt", b"n\n100\n"),
        ("in/more/4.csv", b"n\n1000\n"),
    ])
    .await;
    let session = S3Tables::new(&s3).unwrap().session().unwrap();
    for (glob, expected) in [
        ("*.csv", &["1", "2"][..]),
        ("?.txt", &["100"]),
        ("[2-3].*", &["2", "100"]),
    ] {
        let url = ListingTableUrl::parse("s3://b/in/").unwrap();
        let url = url.with_glob(glob).unwrap();
        let format = CsvFormat::default().with_has_header(true);
        let options = ListingOptions::new(Arc::new(format)).with_file_extension("");
        let config = ListingTableConfig::new(url).with_listing_options(options);
        let config = config.infer_schema(&session.state()).await.unwrap();
        let table = ListingTable::try_new(config).unwrap();
        let query = session.read_table(Arc::new(table)).unwrap();
        let query = query.sort_by(vec![datafusion::prelude::col("n")]).unwrap();
        assert_eq!(numbers(query).await.unwrap(), texts(expected), "{glob}");
    }
    let create = "CREATE EXTERNAL TABLE starred (n INT) STORED AS CSV LOCATION 's3://b/in/*.csv' \
                  OPTIONS ('format.has_header' 'true')";
    session.sql(create).await.unwrap().collect().await.unwrap();
    let starred = session.sql("SELECT n FROM starred").await.unwrap();
    assert_eq!(numbers(starred).await.unwrap(), []);
}

/// DataFusion keeps listings in the runtime of a session.
#[tokio::test]
async fn datafusions_own_tables_list_once_in_a_session() {
    let (s3, _) = with_objects(&[("in/1.csv", b"n\n1\n")]).await;
    let tables = S3Tables::new(&s3).unwrap();
    let [first, second] = [(); 2].map(|()| tables.session().unwrap());
    let create = "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 's3://b/in/' \
                  OPTIONS ('format.has_header' 'true')";
    let sum = async |session: &SessionContext| {
        let query = session.sql("SELECT sum(n) AS n FROM t").await.unwrap();
        numbers(query).await.unwrap()
    };
    first.sql(create).await.unwrap().collect().await.unwrap();
    assert_eq!(sum(&first).await, texts(&["1"]));
    s3.put("s3://b/in/2.csv", "n\n2\n").await.unwrap();
    assert_eq!(sum(&first).await, texts(&["1"]));
    second.sql(create).await.unwrap().collect().await.unwrap();
    assert_eq!(sum(&second).await, texts(&["3"]));
}

/// Texts of many lines: a cut at any line break but one in a hundred is inside a row.
#[tokio::test]
async fn csv_with_line_breaks_in_quotes_is_not_cut_inside_a_row() {
    const ROWS: i64 = 200;
    let mut csv = "n,text\n".to_owned();
    for row in 0..ROWS {
        writeln!(csv, "{row},\"{}\"", "a line\n".repeat(100)).unwrap();
    }
    let (s3, frames) = with_objects(&[("in/0.csv", csv.as_bytes())]).await;
    let tables = S3Tables::new(&s3).unwrap();
    // DataFusion cuts objects of 10 MiB or more among its partitions.
    let config = SessionConfig::new()
        .with_target_partitions(4)
        .with_repartition_file_min_size(1);
    let runtime = tables.session().unwrap().runtime_env();
    let session = SessionContext::new_with_config_rt(config, runtime);
    let schema = Schema::new(vec![
        Field::new("n", DataType::Int64, true),
        Field::new("text", DataType::Utf8, true),
    ]);
    for (newlines, partitions) in [(true, 1), (false, 4)] {
        let options = CsvReadOptions::new()
            .schema(&schema)
            .newlines_in_values(newlines);
        let name = format!("newlines_{newlines}");
        let registered = session.register_csv(&name, "s3://b/in/", options);
        registered.await.unwrap();
        let scan = session.table(&name).await.unwrap();
        let plan = scan.create_physical_plan().await.unwrap();
        let count = plan.output_partitioning().partition_count();
        assert_eq!(count, partitions, "{name}");
    }
    let ours = tables.csv(frames.read_csv(["s3://b/in/*"])).await.unwrap();
    session.register_table("ours", ours).unwrap();
    let text = "a line\n".repeat(100);
    let sum = |table| format!("SELECT sum(n) AS n FROM {table} WHERE text = '{text}'");
    for table in ["ours", "newlines_true"] {
        let query = session.sql(&sum(table)).await.unwrap();
        let expected = (ROWS * (ROWS - 1) / 2).to_string();
        assert_eq!(
            numbers(query).await.unwrap(),
            texts(&[&expected]),
            "{table}"
        );
    }
    // Without the option the query fails.
    let query = session.sql(&sum("newlines_false")).await.unwrap();
    numbers(query).await.unwrap_err();
}

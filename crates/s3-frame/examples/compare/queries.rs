//! Queries of DataFusion: a table is made of the objects in a directory, and one query reads it.

use std::sync::Arc;

use arrow_cast::pretty::pretty_format_batches;
use datafusion::prelude::{CsvReadOptions, ParquetReadOptions, SessionConfig, SessionContext};
use s3_frame::Frames;
use s3_frame::tables::S3Tables;

use crate::Result;
use crate::client::{Client, s3};
use crate::cost::{Clock, Cost};
use crate::data::{BUCKET, directory};
use crate::row::Row;

/// Makes the table of a row, and queries it. Returns the cost of both, and the rows as text.
pub(crate) async fn run(
    row: Row,
    client: Client,
    endpoint: &str,
    partitions: Option<usize>,
) -> Result<(Cost, String)> {
    let clock = Clock::start()?;
    let session = match client {
        Client::Ours => with_our_table(row, endpoint, partitions).await?,
        Client::OursStore => {
            let tables = S3Tables::new(&s3(endpoint)?)?;
            with_own_table(row, with_partitions(&tables.session()?, partitions)).await?
        }
        Client::AmazonS3 => {
            let session = SessionContext::new();
            let store = client.store(endpoint, BUCKET)?;
            session.register_object_store(&format!("s3://{BUCKET}").parse()?, store);
            with_own_table(row, with_partitions(&session, partitions)).await?
        }
    };
    let found = session.sql(sql(row)?).await?.collect().await?;
    let cost = clock.stop()?;
    Ok((cost, pretty_format_batches(&found)?.to_string()))
}

/// Returns the same session with this number of partitions.
fn with_partitions(session: &SessionContext, partitions: Option<usize>) -> SessionContext {
    let Some(count) = partitions else {
        return session.clone();
    };
    let config = SessionConfig::new().with_target_partitions(count);
    SessionContext::new_with_config_rt(config, session.runtime_env())
}

async fn with_our_table(
    row: Row,
    endpoint: &str,
    partitions: Option<usize>,
) -> Result<SessionContext> {
    let s3 = s3(endpoint)?;
    let (frames, tables) = (Frames::new(&s3), S3Tables::new(&s3)?);
    let session = with_partitions(&tables.session()?, partitions);
    let pattern = [format!("{}*", directory(row))];
    let table = match row {
        Row::QueryCsv => tables.csv(frames.read_csv(pattern)).await?,
        _ => tables.parquet(frames.read_parquet(pattern)).await?,
    };
    session.register_table("data", Arc::clone(&table))?;
    Ok(session)
}

/// DataFusion's own table, over the store that the session has for the bucket.
async fn with_own_table(row: Row, session: SessionContext) -> Result<SessionContext> {
    let directory = directory(row);
    if row == Row::QueryCsv {
        let options = CsvReadOptions::new().file_extension(".part");
        session.register_csv("data", directory, options).await?;
    } else {
        let options = ParquetReadOptions::new();
        session.register_parquet("data", directory, options).await?;
    }
    Ok(session)
}

fn sql(row: Row) -> Result<&'static str> {
    match row {
        Row::QueryCsv | Row::QueryParquet => Ok(
            "SELECT k, count(*) AS rows, sum(v1 % 1000) AS a, max(v5) AS b FROM data GROUP BY k ORDER BY k",
        ),
        Row::QueryColumn => Ok("SELECT count(*) AS rows, sum(v7 % 1000) AS v7 FROM data"),
        _ => Err(format!("{row} is not a query").into()),
    }
}

//! The rows of a query, for a request that writes them.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::prelude::DataFrame;
use futures_util::{Stream, TryStreamExt};

use crate::{Error, Result};

/// Runs a query and returns its columns and rows. They are in an order only if the query has one.
///
/// # Errors
///
/// `Query` if the query cannot be planned.
pub async fn rows(
    query: DataFrame,
) -> Result<(SchemaRef, impl Stream<Item = Result<RecordBatch>> + Send)> {
    let rows = query.execute_stream().await?;
    Ok((rows.schema(), rows.map_err(Error::from)))
}

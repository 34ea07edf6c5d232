//! Runs a DataFusion query and returns its rows as a stream, for a request that writes them.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::prelude::DataFrame;
use futures_util::{Stream, TryStreamExt};

use crate::{Error, Result};

/// Runs a query and returns its columns and rows. The rows are ordered only if the query orders them.
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

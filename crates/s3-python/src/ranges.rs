//! Downloads several byte ranges of each of several objects in one call.

use bytes::Bytes;
use futures_util::future::try_join_all;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use s3_client::Error;
use s3_core::S3Url;
use s3_transfer::{CallOptions, GetItem, Transfer};
use tokio::time::Instant;

/// The bytes of each range of each object, for Python a list of lists of `bytes`.
pub(crate) struct Pieces(pub(crate) Vec<Vec<Bytes>>);

impl<'py> IntoPyObject<'py> for Pieces {
    type Target = PyList;
    type Output = Bound<'py, PyList>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = |pieces: Vec<Bytes>| {
            PyList::new(py, pieces.iter().map(|piece| PyBytes::new(py, piece)))
        };
        let lists = self.0.into_iter().map(list).collect::<PyResult<Vec<_>>>()?;
        PyList::new(py, lists)
    }
}

/// Downloads the ranges of all objects in parallel.
pub(crate) async fn get_ranges(
    transfer: Transfer,
    objects: Vec<(String, Vec<(u64, u64)>)>,
    gap: u64,
) -> Result<Vec<Vec<Bytes>>, Error> {
    let call = CallOptions::default().with_began(Instant::now());
    let reads = objects.into_iter().map(|(url, ranges)| {
        let (transfer, call) = (&transfer, &call);
        async move {
            let item = GetItem::new(S3Url::parse(&url)?);
            let ranges: Vec<_> = ranges.into_iter().map(|(start, end)| start..end).collect();
            let read = transfer.get_ranges(item, &ranges, gap, call).await;
            read.map_err(Error::from)
        }
    });
    try_join_all(reads).await
}

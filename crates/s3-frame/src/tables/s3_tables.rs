//! [`S3Tables`]: creates DataFusion tables and sessions that read S3 objects with a client.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use datafusion::catalog::TableProvider;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use s3_client::S3;
use s3_object_store::UnlistableKeys;
use s3_transfer::WorkerPool;

use super::S3Registry;
use super::csv::CsvTable;
use super::listing::ListingTable;
use super::parquet::ParquetTable;
use crate::threads::Threads;
use crate::{ReadCsv, ReadParquet, Result};

/// Maximum number of threads. 8: more than the network of one process needs.
const MOST_THREADS: usize = 8;

/// Creates tables of objects. Clone is a reference count.
///
/// Requests run on separate threads, one per processor, at most 8, so that a query that keeps the threads of the caller
/// busy does not stall them.
#[derive(Clone, Debug)]
pub struct S3Tables {
    s3: S3,
    pool: Arc<WorkerPool>,
    registry: Arc<S3Registry>,
}

impl S3Tables {
    /// Returns a handle that shares the connections, limits, root and encryption of the client.
    ///
    /// # Errors
    ///
    /// If the threads cannot be started.
    pub fn new(s3: &S3) -> io::Result<Self> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let threads = NonZeroUsize::new(threads.min(MOST_THREADS)).unwrap_or(NonZeroUsize::MIN);
        let mut registry = S3Registry::new(s3.transfer().clone())?;
        if let Some(encryption) = s3.encryption() {
            registry = registry.with_encryption(encryption.clone());
        }
        Ok(Self {
            s3: s3.clone(),
            pool: Arc::new(WorkerPool::start(threads, "s3-frame")?),
            registry: Arc::new(registry),
        })
    }

    /// Sets how DataFusion's own tables handle keys that are not object_store paths, such as `a//b`; `Skip` by default.
    /// The tables of `csv`, `parquet` and `listing` read every key.
    #[must_use]
    pub fn with_unlistable_keys(mut self, policy: UnlistableKeys) -> Self {
        self.registry = Arc::new(self.registry.with_unlistable_keys(policy));
        self
    }

    /// Returns the registry of stores, for a session that the caller creates.
    #[must_use]
    pub fn registry(&self) -> Arc<S3Registry> {
        Arc::clone(&self.registry)
    }

    /// Returns a session in which `s3://` URLs are read with this client.
    ///
    /// # Errors
    ///
    /// If DataFusion cannot create its runtime.
    pub fn session(&self) -> Result<SessionContext> {
        session(self.registry())
    }

    /// Returns a session in which DataFusion's own tables pin each object to the first version that the session reads:
    /// a query fails if an object was replaced later. Create one for each query.
    ///
    /// # Errors
    ///
    /// If DataFusion cannot create its runtime.
    pub fn pinned_session(&self) -> Result<SessionContext> {
        session(Arc::new(self.registry.pinned()))
    }

    /// Lists CSV objects, infers their types, and returns them as a table.
    ///
    /// # Errors
    ///
    /// As [`ReadCsv::open`].
    pub async fn csv(&self, read: ReadCsv) -> Result<Arc<dyn TableProvider>> {
        Ok(Arc::new(CsvTable::new(
            read.scan().await?,
            Arc::clone(&self.pool),
        )))
    }

    /// Lists Parquet objects, reads the metadata of the first, and returns them as a table.
    ///
    /// # Errors
    ///
    /// As [`ReadParquet::open`].
    pub async fn parquet(&self, read: ReadParquet) -> Result<Arc<dyn TableProvider>> {
        let scan = read.scan(Threads::Own(Arc::clone(&self.pool))).await?;
        Ok(Arc::new(ParquetTable::new(scan)))
    }

    /// Returns the objects under these prefixes as a table with the schema of
    /// [`listing_schema`](crate::listing_schema). Each query lists them again.
    pub fn listing(
        &self,
        prefixes: impl IntoIterator<Item: Into<String>>,
    ) -> Arc<dyn TableProvider> {
        let prefixes = prefixes.into_iter().map(Into::into).collect();
        Arc::new(ListingTable::new(
            self.s3.clone(),
            prefixes,
            Arc::clone(&self.pool),
        ))
    }
}

fn session(registry: Arc<S3Registry>) -> Result<SessionContext> {
    let runtime = RuntimeEnvBuilder::new().with_object_store_registry(registry);
    let runtime = runtime.build_arc()?;
    Ok(SessionContext::new_with_config_rt(
        SessionConfig::new(),
        runtime,
    ))
}

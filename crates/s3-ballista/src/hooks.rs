//! Registers the S3 stores with Ballista's client, scheduler and executors.

use std::sync::Arc;

use ballista::prelude::SessionContextExt;
use ballista_core::extension::SessionConfigExt;
use ballista_core::utils::default_session_builder;
use ballista_executor::executor_process::ExecutorProcessConfig;
use ballista_scheduler::config::SchedulerConfig;
use datafusion::error::Result;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use s3_frame::tables::S3Registry;

/// Returns a session whose queries run on the cluster of the scheduler at `url`, such as `df://127.0.0.1:50050`.
///
/// # Errors
///
/// If the URL is not one, or DataFusion cannot make its runtime. The scheduler is not asked yet: one that is not there
/// fails the first query.
pub async fn session(url: &str, registry: Arc<S3Registry>) -> Result<SessionContext> {
    let state = state(SessionConfig::new_with_ballista(), registry)?;
    SessionContext::remote_with_state(url, state).await
}

/// Returns the configuration of a scheduler that reads `s3://` URLs.
#[must_use]
pub fn scheduler(config: SchedulerConfig, registry: Arc<S3Registry>) -> SchedulerConfig {
    SchedulerConfig {
        override_session_builder: Some(Arc::new(move |session| {
            state(session, Arc::clone(&registry))
        })),
        ..config
    }
}

/// Returns the configuration of an executor that reads and writes `s3://` URLs.
///
/// What a query spills goes to `work_dir`, as it does without this hook.
#[must_use]
pub fn executor(config: ExecutorProcessConfig, registry: Arc<S3Registry>) -> ExecutorProcessConfig {
    let work_dir = config.work_dir.clone();
    ExecutorProcessConfig {
        override_runtime_producer: Some(Arc::new(move |_| {
            let mut builder = builder(Arc::clone(&registry));
            if let Some(work_dir) = &work_dir {
                builder = builder.with_temp_file_path(work_dir);
            }
            builder.build_arc()
        })),
        ..config
    }
}

/// Returns the state that Ballista makes by default, with our registry.
fn state(config: SessionConfig, registry: Arc<S3Registry>) -> Result<SessionState> {
    let runtime: Arc<RuntimeEnv> = builder(registry).build_arc()?;
    let state = default_session_builder(config)?;
    Ok(SessionStateBuilder::new_from_existing(state)
        .with_runtime_env(runtime)
        .build())
}

fn builder(registry: Arc<S3Registry>) -> RuntimeEnvBuilder {
    RuntimeEnvBuilder::new().with_object_store_registry(registry)
}

//! The scheduler and executor processes.

use std::fs;
use std::net::TcpListener;
use std::sync::Arc;

use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::{create_scheduler, start_grpc_service_with_listener};
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use s3_ballista::S3Registry;
use s3_client::S3;

use crate::Result;

/// An executor that has not sent a heartbeat for this number of seconds is dead. Ballista's default is 180.
const DEAD_AFTER: u64 = 5;

/// Serves until it is killed. Prints its port.
pub(crate) async fn scheduler() -> Result {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    let config = SchedulerConfig {
        external_host: "127.0.0.1".to_owned(),
        bind_port: port,
        executor_timeout_seconds: DEAD_AFTER,
        expire_dead_executor_interval_seconds: 1,
        no_executors_grace_period_seconds: DEAD_AFTER,
        ..SchedulerConfig::default()
    };
    let config = s3_ballista::scheduler(config, registry()?);
    config.validate()?;
    let cluster = BallistaCluster::new_from_config(&config).await?;
    let scheduler =
        create_scheduler::<LogicalPlanNode, PhysicalPlanNode>(cluster, Arc::new(config)).await?;
    println!("{port}");
    Ok(start_grpc_service_with_listener(listener, scheduler).await?)
}

/// Runs tasks until it is killed.
pub(crate) async fn executor(scheduler: &str, directory: &str) -> Result {
    fs::create_dir_all(directory)?;
    let config = ExecutorProcessConfig {
        external_host: Some("127.0.0.1".to_owned()),
        port: free_port()?,
        grpc_port: free_port()?,
        scheduler_host: "127.0.0.1".to_owned(),
        scheduler_port: scheduler.parse()?,
        scheduler_connect_timeout_seconds: 20,
        vcores: 2,
        work_dir: Some(directory.to_owned()),
        executor_heartbeat_interval_seconds: 1,
        ..ExecutorProcessConfig::default()
    };
    let config = s3_ballista::executor(config, registry()?);
    Ok(start_executor_process(Arc::new(config)).await?)
}

/// A registry over a client of this process, with the endpoint and the credentials of its environment.
fn registry() -> Result<Arc<S3Registry>> {
    let s3 = S3::builder().build()?;
    Ok(Arc::new(S3Registry::new(s3.transfer().clone())?))
}

/// Ballista wants to know its ports before it binds them.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

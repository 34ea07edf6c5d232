//! [`Cluster`]: the processes of a cluster.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use datafusion::prelude::SessionContext;
use s3_ballista::S3Registry;
use s3_client::S3;
use s3_testkit::S3Server;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::Result;

/// A scheduler and its executors. Dropping it kills them.
pub(crate) struct Cluster {
    port: u16,
    scheduler: Child,
    executors: Vec<Child>,
    directory: TempDir,
}

impl Cluster {
    pub(crate) async fn start(server: &S3Server, executors: usize) -> Result<Self> {
        let directory = TempDir::new()?;
        let mut scheduler = spawn(server, &["scheduler"], Stdio::piped())?;
        let output = scheduler
            .stdout
            .take()
            .ok_or("the scheduler has no output")?;
        let mut lines = BufReader::new(output).lines();
        let line = timeout(Duration::from_secs(20), lines.next_line()).await??;
        let port = line.ok_or("the scheduler ended")?.parse()?;
        let mut cluster = Self {
            port,
            scheduler,
            executors: Vec::new(),
            directory,
        };
        for _ in 0..executors {
            cluster.start_executor(server)?;
        }
        println!("A scheduler listens on port {port}; executors: {executors}");
        Ok(cluster)
    }

    /// Starts one more executor.
    pub(crate) fn start_executor(&mut self, server: &S3Server) -> Result {
        let work = self.work_dir(self.executors.len());
        let arguments = ["executor", &self.port.to_string(), path(&work)?];
        let executor = spawn(server, &arguments, Stdio::inherit())?;
        self.executors.push(executor);
        Ok(())
    }

    /// Returns a session of DataFusion that runs its queries here.
    pub(crate) async fn session(&self, s3: &S3) -> Result<SessionContext> {
        let registry = Arc::new(S3Registry::new(s3.transfer().clone())?);
        let url = format!("df://127.0.0.1:{}", self.port);
        Ok(s3_ballista::session(&url, registry).await?)
    }

    /// Returns how many executors have written shuffle files.
    pub(crate) fn busy_executors(&self) -> usize {
        let has_files = |number| {
            std::fs::read_dir(self.work_dir(number)).is_ok_and(|mut files| files.next().is_some())
        };
        let numbers = 0..self.executors.len();
        numbers.filter(|number| has_files(*number)).count()
    }

    /// Kills the first executor, as the system does when memory runs out.
    pub(crate) async fn kill_the_first_executor(&mut self) -> Result {
        let executor = self.executors.first_mut().ok_or("no executor runs")?;
        executor.kill().await?;
        Ok(())
    }

    pub(crate) async fn stop(mut self) {
        for child in self.executors.iter_mut().chain([&mut self.scheduler]) {
            let _ = child.kill().await;
        }
    }

    fn work_dir(&self, number: usize) -> PathBuf {
        self.directory.path().join(format!("executor-{number}"))
    }
}

fn path(path: &Path) -> Result<&str> {
    Ok(path.to_str().ok_or("the temporary directory is no UTF-8")?)
}

/// Starts this program in another role. What it needs to reach the server is in its environment.
fn spawn(server: &S3Server, arguments: &[&str], output: Stdio) -> Result<Child> {
    let child = Command::new(env::current_exe()?)
        .args(arguments)
        .env("AWS_ENDPOINT_URL", server.endpoint())
        .env("AWS_ACCESS_KEY_ID", server.access_key())
        .env("AWS_SECRET_ACCESS_KEY", server.secret_key())
        .env("AWS_REGION", server.region())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdout(output)
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}

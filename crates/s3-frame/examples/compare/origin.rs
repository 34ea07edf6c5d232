//! [`Origin`]: the benchmark server as a process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Result;
use crate::row::Regime;

/// A running `s3-bench origin`. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Origin {
    process: Child,
    endpoint: String,
}

impl Origin {
    /// Starts the server on a core, and waits until it listens.
    pub(crate) fn start(program: &Path, regime: Regime, core: usize) -> Result<Self> {
        let mut command = Command::new(program);
        command
            .args(["origin", "--with-parent", "--core", &core.to_string()])
            .args(regime.flags())
            .stdout(Stdio::piped());
        let started = command.spawn();
        let mut process =
            started.map_err(|error| format!("start {}: {error}", program.display()))?;
        let out = process.stdout.take().ok_or("the server has no output")?;
        let mut this = Self {
            process,
            endpoint: String::new(),
        };
        BufReader::new(out).read_line(&mut this.endpoint)?;
        this.endpoint.truncate(this.endpoint.trim_end().len());
        match this.endpoint.is_empty() {
            true => Err("the server did not start".into()),
            false => Ok(this),
        }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        // Fails if it has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

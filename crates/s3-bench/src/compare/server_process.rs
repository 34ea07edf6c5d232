//! Starts the benchmark server as a child process and reads its counters and CPU time.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::failure::Outcome;

/// A running benchmark server. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
    endpoint: String,
}

impl ServerProcess {
    /// Starts this program as `s3-bench origin` and waits until it is ready.
    pub(crate) fn start(flags: &[&str], core: Option<usize>) -> Outcome<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["origin", "--with-parent"]);
        command.args(flags).stdout(Stdio::piped());
        if let Some(core) = core {
            command.args(["--core", &core.to_string()]);
        }
        let mut child = command.spawn()?;
        let out = child.stdout.take().ok_or("the server has no output")?;
        let mut line = String::new();
        let read = BufReader::new(out).read_line(&mut line);
        let mut this = Self {
            child,
            endpoint: line.trim().to_owned(),
        };
        read?;
        if this.endpoint.is_empty() {
            return Err(format!("the server did not start: {}", this.child.wait()?).into());
        }
        Ok(this)
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns and resets its counters.
    pub(crate) fn take_counters(&self) -> Outcome<Value> {
        let host = self.endpoint.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host)?;
        stream.write_all(b"GET /_reset HTTP/1.1\r\nConnection: close\r\n\r\n")?;
        let mut response = String::new();
        stream.read_to_string(&mut response)?;
        let body = response.split("\r\n\r\n").nth(1).unwrap_or_default();
        Ok(serde_json::from_str(body)?)
    }

    /// Its CPU time so far, in seconds, with the resolution of the kernel: 10 ms.
    pub(crate) fn cpu(&self) -> Outcome<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        Ok(seconds(&stat).ok_or("the server's CPU time is not available")?)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Fails if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The CPU time in `/proc/PID/stat`: fields 14 and 15, user and system time. Fields are counted after the name, which
/// may contain spaces and parentheses.
fn seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_after_any_name() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0";
        assert_eq!(seconds(stat), Some(2.0));
        assert_eq!(seconds("7 (a) S 1"), None);
    }
}

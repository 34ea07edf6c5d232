//! [`CrashChild`]: starts a client in a child process that a test can kill.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use s3_testkit::S3Server;

/// A process that makes one call; killed when dropped.
#[derive(Debug)]
pub struct CrashChild(Child);

impl CrashChild {
    /// Starts `program`, which makes `call` against `server` with its files in `directory`. First runs `limits`,
    /// commands of the shell such as `umask 0`.
    ///
    /// # Panics
    ///
    /// If there is no shell.
    #[must_use]
    pub fn start(
        program: &str,
        limits: &str,
        call: &str,
        server: &S3Server,
        directory: &Path,
    ) -> Self {
        let script = format!("{limits}\nexec \"$0\" \"$@\"");
        let child = Command::new("sh")
            .args(["-c", &script, program, call, &server.endpoint()])
            .args([server.access_key(), server.secret_key()])
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        Self(child.expect("a shell"))
    }

    /// Returns the line that the child prints after its call.
    ///
    /// # Panics
    ///
    /// If the child prints nothing.
    pub async fn says(&mut self) -> String {
        let out = self.0.stdout.take().expect("asked once");
        let read = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(out).read_line(&mut line).map(|_| line)
        });
        let line = read.await.expect("no panic").expect("a pipe can be read");
        line.trim_end().to_owned()
    }

    /// Sends SIGKILL.
    ///
    /// # Panics
    ///
    /// If the child has ended already.
    pub fn kill(&mut self) {
        self.0.kill().expect("it lives");
        self.0.wait().expect("it is a child of this process");
    }

    /// Closes the child's input and waits until it exits.
    ///
    /// # Panics
    ///
    /// If the child fails.
    pub async fn finish(mut self) {
        drop(self.0.stdin.take());
        let ended = tokio::task::spawn_blocking(move || self.0.wait());
        let ended = ended.await.expect("no panic");
        let status = ended.expect("it is a child of this process");
        assert!(status.success(), "{status}");
    }
}

impl Drop for CrashChild {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

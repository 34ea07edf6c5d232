//! A client in a process of its own, from outside.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use s3_testkit::S3Server;

/// A process that makes one call; killed when dropped.
#[derive(Debug)]
pub struct Victim(Child);

impl Victim {
    /// Starts `program`, which makes `call` against `server` with its files in `directory`, after the commands `limits` of
    /// the shell, such as `umask 0`.
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

    /// Waits until it says how its call ended.
    ///
    /// # Panics
    ///
    /// If it says nothing.
    pub async fn says(&mut self) -> String {
        let out = self.0.stdout.take().expect("asked once");
        let read = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(out).read_line(&mut line).map(|_| line)
        });
        let line = read.await.expect("no panic").expect("a pipe can be read");
        line.trim_end().to_owned()
    }

    /// Kills it, without a chance to tidy up.
    ///
    /// # Panics
    ///
    /// If it is gone already.
    pub fn kill(&mut self) {
        self.0.kill().expect("it lives");
        self.0.wait().expect("it is a child of this process");
    }

    /// Lets it go, and waits until it has.
    ///
    /// # Panics
    ///
    /// If it fails at its end.
    pub async fn finish(mut self) {
        drop(self.0.stdin.take());
        let ended = tokio::task::spawn_blocking(move || self.0.wait());
        let ended = ended.await.expect("no panic");
        let status = ended.expect("it is a child of this process");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

//! [`Stop`]: ends a command early, after Ctrl-C, SIGTERM or a closed output.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit_code::{INTERRUPTED, TERMINATED};

/// Ends a command early, with an exit code. Clone is a reference count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    token: CancellationToken,
    code: Arc<AtomicU8>,
}

impl Stop {
    /// Ends the command with an exit code; the first code wins.
    pub(crate) fn trigger(&self, code: u8) {
        let _ = self
            .code
            .compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire);
        self.token.cancel();
    }

    /// Waits until the command has to end.
    pub(crate) async fn triggered(&self) {
        self.token.cancelled().await;
    }

    /// Returns the exit code if the command was ended early.
    pub(crate) fn code(&self) -> Option<u8> {
        match self.code.load(Ordering::Acquire) {
            0 => None,
            code => Some(code),
        }
    }

    /// Listens for signals: the first ends the command cleanly, the second ends the process.
    pub(crate) fn listen(&self) -> std::io::Result<()> {
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        tokio::spawn(self.clone().wait(interrupt, terminate));
        Ok(())
    }

    async fn wait(self, mut interrupt: Signal, mut terminate: Signal) {
        loop {
            let code = tokio::select! {
                _ = interrupt.recv() => INTERRUPTED,
                _ = terminate.recv() => TERMINATED,
            };
            if self.code().is_some() {
                process::exit(code.into());
            }
            self.trigger(code);
        }
    }
}

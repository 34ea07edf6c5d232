//! [`IdlePool`]: the idle connections of one runtime to one origin, for reuse by later requests.

use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::connect::Addresses;
use super::connection::Connection;

/// Maximum time that a connection is idle. 20 s: S3 closes idle connections after about 20 seconds, and a request that
/// is sent at the same time is lost.
const MOST_IDLE: Duration = Duration::from_secs(20);

/// Maximum number of idle connections: as many as small requests use at once (see docs/TUNING.md).
const MOST_KEPT: usize = 256;

/// Stack of idle connections. The one that was used last is used first, so that surplus ones age and are closed.
#[derive(Default)]
pub(super) struct IdlePool {
    /// Oldest first.
    idle: Mutex<Vec<Idle>>,
    pub(super) addresses: tokio::sync::Mutex<Option<Addresses>>,
    /// Number of connects, which distributes them over the addresses.
    pub(super) turn: AtomicUsize,
}

struct Idle {
    conn: Box<Connection>,
    since: Instant,
}

impl IdlePool {
    /// Takes the connection that was used last and can still be used.
    pub(super) fn check_out(&self) -> Option<Box<Connection>> {
        loop {
            let mut idle = self.lock();
            let youngest = idle.pop()?;
            if youngest.since.elapsed() >= MOST_IDLE {
                // All others are older. They are closed without the lock.
                let aged = std::mem::take(&mut *idle);
                drop(idle);
                drop(aged);
                return None;
            }
            drop(idle);
            let mut conn = youngest.conn;
            if conn.is_quiet() {
                return Some(conn);
            }
        }
    }

    /// Returns a connection to the pool after its last response was read to the end.
    pub(super) fn check_in(&self, mut conn: Box<Connection>) {
        conn.rest();
        let since = Instant::now();
        let mut idle = self.lock();
        let aged = take_aged(&mut idle, since);
        if idle.len() < MOST_KEPT {
            idle.push(Idle { conn, since });
        }
        drop(idle);
        drop(aged);
    }

    /// Closes connections that were idle for too long; returns whether none is left.
    pub(super) fn close_aged(&self) -> bool {
        let mut idle = self.lock();
        let aged = take_aged(&mut idle, Instant::now());
        let empty = idle.is_empty();
        drop(idle);
        drop(aged);
        empty
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn idle(&self) -> usize {
        self.lock().len()
    }
}

/// Splits off the connections that were idle for too long.
fn take_aged(idle: &mut Vec<Idle>, now: Instant) -> Vec<Idle> {
    let is_aged = |idle: &Idle| now.saturating_duration_since(idle.since) >= MOST_IDLE;
    if !idle.first().is_some_and(is_aged) {
        return Vec::new();
    }
    let young = idle.partition_point(is_aged);
    idle.drain(..young).collect()
}

//! Virtual time for tests over real sockets: [`in_virtual_time`] advances tokio's paused clock while sockets are idle.
//!
//! tokio's paused clock jumps to the next timer whenever its runtime is idle, even if bytes are still on their way
//! through the kernel, so with sockets timeouts would fire too early. Here the clock is advanced explicitly. It stops
//! while the server's sockets are active, and advances in steps when they have been idle for a moment of real time. So
//! time is exact to one step, a minute of idleness takes some hundredths of a second, and everything between client and
//! server is real: TCP, resets, refused connections.

use std::future::Future;
use std::pin::pin;
use std::thread;
use std::time::Duration;

use s3_testkit::S3Server;
use tokio::task::yield_now;
use tokio::time::sleep;

/// A step is this fraction of the idle time before it. Other threads, which are not observed, finish their work before
/// much virtual time has passed, even on a busy machine.
const PART: u32 = 8;

/// Minimum step.
const SHORTEST: Duration = Duration::from_millis(2);

/// Maximum step, by which a timer may fire late.
const LONGEST: Duration = Duration::from_millis(500);

/// Number of times the runtime must find its sockets idle before a step.
const LOOKS: u32 = 4;

/// Real time before a step, for the kernel and for threads that read and write files.
const REAL: Duration = Duration::from_micros(100);

/// Runs `work` and drives the clock, which must be paused, on a runtime of one thread that `server` runs on too.
///
/// # Panics
///
/// If the clock is not paused.
pub async fn in_virtual_time<T>(server: &S3Server, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    tokio::select! {
        biased;
        done = work.as_mut() => done,
        never = drive(server) => match never {},
    }
}

async fn drive(server: &S3Server) -> std::convert::Infallible {
    let mut silence = Duration::ZERO;
    let mut seen = server.activity();
    loop {
        let mut looks = 0;
        while looks < LOOKS {
            // The runtime polls its sockets before it resumes this task.
            yield_now().await;
            let now = server.activity();
            looks += 1;
            if now != seen {
                (seen, looks, silence) = (now, 0, Duration::ZERO);
            } else if looks == LOOKS / 2 {
                thread::sleep(REAL);
            }
        }
        let step = (silence / PART).clamp(SHORTEST, LONGEST);
        // Unlike `advance`, a sleep waits in real time for work on the blocking pool.
        sleep(step).await;
        silence += step;
    }
}

#[cfg(test)]
mod tests {
    use s3_core::{MemoryStore, S3Url, StoreExt};
    use s3_testkit::{FaultAction, FaultMatch};
    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_stops_while_sockets_are_active_and_advances_while_they_are_idle() {
        let memory = MemoryStore::with_buckets(["bkt"]);
        let server = S3Server::start(memory).await.unwrap();
        let client = server.sdk_store();
        let url = S3Url::parse("s3://bkt/k").unwrap();
        let work = async {
            let start = Instant::now();
            let bytes = vec![7; 4 << 20];
            client.put_bytes(url.clone(), bytes).await.unwrap();
            assert_eq!(client.get_bytes(url.clone()).await.unwrap().len(), 4 << 20);
            let moving = start.elapsed();

            let minutes = Duration::from_secs(600);
            server
                .faults()
                .set(FaultMatch::any().on(FaultAction::stall(minutes)));
            client.get_bytes(url.clone()).await.unwrap();
            (moving, start.elapsed() - minutes)
        };
        let real = std::time::Instant::now();
        let (moving, more) = in_virtual_time(&server, work).await;
        assert!(moving < Duration::from_secs(2), "{moving:?}");
        assert!(more < Duration::from_secs(3), "{more:?}");
        assert!(real.elapsed() < Duration::from_secs(20));
    }

    #[tokio::test(start_paused = true)]
    async fn time_stands_still_while_the_blocking_pool_works() {
        let server = S3Server::start(MemoryStore::new()).await.unwrap();
        let work = async {
            let start = Instant::now();
            let work = tokio::task::spawn_blocking(|| thread::sleep(Duration::from_millis(300)));
            work.await.unwrap();
            start.elapsed()
        };
        let passed = in_virtual_time(&server, work).await;
        assert!(passed < Duration::from_secs(1), "{passed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn timeouts_fire_when_they_are_due() {
        let server = S3Server::start(MemoryStore::new()).await.unwrap();
        let start = Instant::now();
        let limit = Duration::from_secs(30);
        let waited = in_virtual_time(&server, timeout(limit, std::future::pending::<()>())).await;
        assert!(waited.is_err());
        let late = start.elapsed() - limit;
        assert!(late <= LONGEST * 2, "{late:?}");
    }
}

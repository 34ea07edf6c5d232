//! Virtual time over real sockets.
//!
//! tokio's paused clock jumps to the next timer whenever its runtime has nothing to do, and bytes that are still on
//! their way through the kernel are nothing to it: with sockets, timeouts fire too early. Here the clock is driven by
//! hand instead. It stops while anything happens on the server's sockets, and advances in steps when all has been quiet
//! for a moment of real time. So time is as exact as a step, a minute's silence takes some hundredths of a second, and
//! everything between client and server is real: TCP, resets, refused connections.

use std::future::Future;
use std::pin::pin;
use std::thread;
use std::time::Duration;

use s3_testkit::S3Server;
use tokio::task::yield_now;
use tokio::time::sleep;

/// A step is this part of the silence before it. Other threads, which are not seen from here, finish their work before
/// much time has passed, also on a busy machine.
const PART: u32 = 8;

/// The shortest step.
const SHORTEST: Duration = Duration::from_millis(2);

/// The longest step: how late any timer may fire.
const LONGEST: Duration = Duration::from_millis(500);

/// How often the runtime looks at its sockets and finds nothing before a step.
const LOOKS: u32 = 4;

/// How much real time passes before a step: the kernel's, and that of threads that read and write files.
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
            // The runtime looks at its sockets before it comes back here.
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
    async fn time_stands_still_while_bytes_move_and_goes_on_while_they_do_not() {
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

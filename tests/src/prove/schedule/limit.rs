//! Property `schedule`: random interleavings on the concurrency limiter, with cancelled waiters and throttling.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use s3_core::Retryability;
use s3_transfer::Concurrency;
use s3_transfer::schedule_cases::Controller;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::explorer::Explorer;
use crate::prove::Figures;

/// Counts an attempt as in flight until it is dropped.
struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    fn begin(now: &Arc<AtomicUsize>, most: usize) -> Result<Self, String> {
        let count = now.fetch_add(1, Ordering::Relaxed) + 1;
        let in_flight = Self(Arc::clone(now));
        if count > most {
            return Err(format!(
                "{count} attempts are in flight, {most} are allowed"
            ));
        }
        Ok(in_flight)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) async fn case(mut random: Rng) -> Result<Figures, String> {
    let max = random.usize(1..=5);
    let concurrency = if random.bool() {
        Concurrency::Fixed(max)
    } else {
        let start = random.usize(1..=max);
        Concurrency::Adaptive { start, max }
    };
    let controller = Controller::new(concurrency);
    let now = Arc::new(AtomicUsize::new(0));
    let mut explorer = Explorer::new(random.fork());
    for _ in 0..random.usize(2..=8) {
        explorer.add(attempts(
            controller.clone(),
            Arc::clone(&now),
            max,
            random.fork(),
        ));
    }
    let figures = explorer.run().await?;
    all_are_back(&controller)?;
    Ok(figures)
}

async fn attempts(
    controller: Controller,
    now: Arc<AtomicUsize>,
    most: usize,
    mut random: Rng,
) -> Result<(), String> {
    for _ in 0..random.usize(1..=4) {
        let permit = match random.u8(0..4) {
            0 => match controller.try_acquire() {
                Some(permit) => permit,
                None => continue,
            },
            _ => controller.acquire().await,
        };
        let in_flight = InFlight::begin(&now, most)?;
        for _ in 0..random.usize(0..3) {
            yield_now().await;
        }
        if random.u8(0..4) == 0 {
            sleep(Duration::from_millis(random.u64(1..400))).await;
        }
        drop(in_flight);
        let after = None;
        match random.u8(0..6) {
            0 => drop(permit),
            1 => permit.report(Some(Retryability::Throttled { after }), 0),
            2 => permit.report(Some(Retryability::Transient), 0),
            _ => permit.report(None, random.u64(0..1 << 20)),
        }
    }
    Ok(())
}

/// Checks that all permits of the current level are available after every attempt has ended.
fn all_are_back(controller: &Controller) -> Result<(), String> {
    let level = controller.limit();
    let permits: Vec<_> = std::iter::from_fn(|| controller.try_acquire()).collect();
    if permits.len() == level {
        return Ok(());
    }
    Err(format!(
        "{} permits are available at a level of {level}",
        permits.len()
    ))
}

//! [`Cost`]: wall time, CPU time and memory of a measurement.

use std::fs;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::Result;

/// The cost of a measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// User and system time of all threads of the process.
    pub(crate) cpu: Duration,
    /// The most memory of the process so far.
    pub(crate) peak_mib: u64,
}

/// A running measurement.
#[derive(Debug)]
pub(crate) struct Clock {
    began: Instant,
    cpu: Duration,
}

impl Clock {
    pub(crate) fn start() -> Result<Self> {
        Ok(Self {
            cpu: cpu()?,
            began: Instant::now(),
        })
    }

    pub(crate) fn stop(self) -> Result<Cost> {
        Ok(Cost {
            wall: self.began.elapsed(),
            cpu: cpu()?.saturating_sub(self.cpu),
            peak_mib: peak_mib()?,
        })
    }
}

fn cpu() -> Result<Duration> {
    Ok(clock_gettime(ClockId::ProcessCPUTime).try_into()?)
}

fn peak_mib() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB"));
    let kib: u64 = kib
        .ok_or("the kernel does not tell VmHWM")?
        .trim()
        .parse()?;
    Ok(kib >> 10)
}

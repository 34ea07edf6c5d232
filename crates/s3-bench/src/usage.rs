//! [`Usage`]: measures CPU time and peak memory of this process.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::failure::Outcome;

/// User and system time of all threads, and peak memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    pub(crate) peak_kib: u64,
}

impl Usage {
    /// Returns the usage of this process since it started.
    pub(crate) fn so_far() -> Outcome<Self> {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let status = fs::read_to_string("/proc/self/status")?;
        Ok(Self {
            cpu: Duration::try_from(cpu)?,
            peak_kib: peak(&status).ok_or("the kernel does not tell VmHWM")?,
        })
    }
}

fn peak(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_increases_time_and_memory() {
        let before = Usage::so_far().unwrap();
        let block = vec![1_u8; 64 << 20];
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        assert_eq!(sum, 64 << 20);
        let after = Usage::so_far().unwrap();
        assert!(after.cpu > before.cpu);
        assert!(after.peak_kib >= before.peak_kib.max(64 << 10), "{after:?}");
    }
}

//! Pins the process to one core with `sched_setaffinity`, before it starts threads.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::failure::Outcome;

/// Pins this process, and all threads that it starts later, to a core. Runtimes then see a machine with one core.
pub(crate) fn stay_on(core: usize) -> Outcome {
    if core >= CpuSet::MAX_CPU {
        return Err(format!("there is no core {core}").into());
    }
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).map_err(|error| format!("pin to core {core}: {error}"))?;
    Ok(())
}

/// Returns the first and the last core that this process may use: one for a client, one for its server. `None` if it
/// may use only one.
pub(crate) fn pair() -> Outcome<Option<(usize, usize)>> {
    let cores = sched_getaffinity(None)?;
    let allowed: Vec<_> = (0..CpuSet::MAX_CPU)
        .filter(|core| cores.is_set(*core))
        .collect();
    Ok(match allowed[..] {
        [first, .., last] => Some((first, last)),
        _ => None,
    })
}

//! Adaptive concurrency by hill climbing: doubles the concurrency level while that raises the goodput.
//!
//! Neither latency nor bandwidth alone determines the right level. Small objects over a link with high latency need
//! hundreds of concurrent requests, large parts fill a link with a few dozen, and without latency sixteen keep a client
//! busy. In all cases goodput grows with the level up to a knee and hardly beyond it. So the level doubles while a
//! doubling raises the goodput by at least a fifth. When two rounds in a row raise it by less, the level returns to the
//! knee. A doubling is tried again after 8 to 64 rounds.
//!
//! On a link with high latency the climb starts with a jump. The least CPU time of an attempt is known. As long as all
//! attempts in flight need only a small share of the CPU time that is available while one of them runs, none waits for
//! a core.
//!
//! A saturated worker pool thread ends the climb at once.
//!
//! The climb overshoots: the first responses at a new level arrive before its queue has filled. The last round at the
//! top is measured with a full queue and gives the knee: its goodput divided by the goodput of one attempt without a
//! queue.
//!
//! Goodput is computed by Little's law from the successful attempts of a round: level × score ÷ time in flight. An
//! attempt scores 1 plus 1 per 256 KiB. Completions per second would converge to the same number, but responses arrive
//! in bursts, and a round that ends within a burst would be off by half.

use std::sync::LazyLock;
use std::time::Duration;

use super::thread_load::LoadPeriod;
use crate::sync::Instant;

/// Minimum gain in goodput that justifies a doubling. Below the knee a doubling gains a factor of 2.0, beyond it 1.0;
/// single rounds are off by up to a fifth.
const MIN_GAIN: f64 = 1.2;
/// Number of rounds in a row without that gain that end the climb.
const MISSES_TO_STOP: u32 = 2;
/// Bytes that score as much as one attempt. 256 KiB: about as many bytes as a core moves in the time of one small
/// request (7 to 60 µs per request, 0.3 s per GiB).
const BYTES_PER_POINT: f64 = 262_144.0;
/// Minimum duration of a round. In a shorter one, other programs on the machine distort the measurement.
const MIN_ROUND: Duration = Duration::from_millis(10);
/// Minimum number of responses of a round, for very low levels.
const MIN_RESPONSES: u32 = 8;
/// Rounds until the next level is tried again. Doubles with each try that gains too little, up to `MAX_PROBE_ROUNDS`.
/// Three rounds out of 8 to 64 at twice the level cost nothing measurable.
const PROBE_ROUNDS: u32 = 8;
const MAX_PROBE_ROUNDS: u32 = 64;
/// Headroom above the knee. A round may be off by a fifth, so the level is a quarter higher.
const HEADROOM: f64 = 1.25;
/// Lower bound of computed levels: lower ones gain nothing.
const MIN_LEVEL: usize = 16;
/// Maximum level at the start of a batch, even if the last batch ended higher: two doublings below 256, and as many
/// large parts as one core can use.
const MAX_START: usize = 64;
/// The weight of a new round in the known goodput.
const NEW_ROUND_WEIGHT: f64 = 0.3;
/// Minimum CPU time of a request: s3-wire alone needs 7 µs, the layers above it as much (docs/TUNING.md).
const CPU_PER_REQUEST: Duration = Duration::from_micros(10);
/// Minimum CPU time of 256 KiB: 0.16 s per GiB, half the time of a bare read loop.
const CPU_PER_POINT: Duration = Duration::from_micros(40);
/// A round is bound by latency, not CPU, if its attempts take this many times the CPU time of a whole level.
const LATENCY_BOUND_RATIO: f64 = 8.0;
/// The jump at the start of a climb uses this share of the cores' capacity. It is so low that attempts may cost eight
/// times the least CPU time. A core can work on about a hundred large parts over a fast link, so they do not jump, and
/// on a thousand small objects.
const JUMP_SHARE: f64 = 0.125;

/// The number of cores. Read once: the system call opens files.
static CORES: LazyLock<f64> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64));

/// The goodput measured so far, and the phase of the search for the level.
#[derive(Debug, Default)]
pub(super) struct Goodput {
    phase: ClimbPhase,
    round: Round,
    /// Number of attempts that one core can work on in the duration of one attempt; `None` until measured.
    fitting: Option<f64>,
}

/// Change of the level after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LevelChange {
    Keep,
    Set(usize),
}

#[derive(Debug)]
enum ClimbPhase {
    /// Each level is compared with the best lower one.
    Climbing {
        best: f64,
        /// The highest goodput of one attempt.
        each: f64,
        misses: u32,
    },
    /// The maximum level is reached, and its first round raised the goodput.
    AtMax { each: f64 },
    /// A doubling gains too little. It is tried again after `probe` rounds.
    Holding {
        goodput: f64,
        probe: u32,
        probe_rounds: u32,
    },
    /// A doubling is tried after holding. Its first round is ignored, because its queue has not filled.
    Probing {
        below: f64,
        from: usize,
        rounds: u32,
        probe_rounds: u32,
    },
}

impl Default for ClimbPhase {
    fn default() -> Self {
        Self::Climbing {
            best: 0.0,
            each: 0.0,
            misses: 0,
        }
    }
}

/// The successful attempts of a round: those that were started in it, and so at its level.
#[derive(Debug)]
struct Round {
    load: LoadPeriod,
    began: Option<Instant>,
    responses: u32,
    score: f64,
    time: Duration,
    /// The sum of each attempt's least CPU time divided by its duration. It gives a harmonic mean, which hardly depends
    /// on the few attempts that a pause of the machine delays.
    cpu_shares: f64,
}

impl Goodput {
    /// Restarts the climb after an idle time, because the next workload may differ. Returns the level to start with.
    pub(super) fn restart(&mut self, level: usize, now: Instant) -> usize {
        self.round = Round::new(now);
        if matches!(self.phase, ClimbPhase::Climbing { .. }) {
            return level;
        }
        self.phase = ClimbPhase::default();
        self.fitting = None;
        level.min(MAX_START)
    }

    /// Records a successful attempt that ends now, while the level is in full use.
    pub(super) fn record(
        &mut self,
        level: usize,
        max: usize,
        issued: Instant,
        bytes: u64,
    ) -> LevelChange {
        let now = Instant::now();
        let began = *self.round.began.get_or_insert(issued);
        if issued < began {
            return LevelChange::Keep;
        }
        self.round.add(now.saturating_duration_since(issued), bytes);
        // Half a level is enough: the other half was in flight before the last change.
        let enough = u32::try_from(level / 2)
            .unwrap_or(u32::MAX)
            .max(MIN_RESPONSES);
        if self.round.responses < enough || now.saturating_duration_since(began) < MIN_ROUND {
            return LevelChange::Keep;
        }
        let time = self.round.time.as_secs_f64().max(1e-9);
        let goodput = level as f64 * self.round.score / time;
        let fitting = f64::from(self.round.responses) / self.round.cpu_shares.max(1e-9);
        let capacity = self.update_fitting(level, fitting) * *CORES;
        let mut max = max.min((capacity as usize).max(MIN_LEVEL));
        // A saturated thread needs half an attempt's duration for half a level of attempts.
        let mean_time = self.round.time / self.round.responses;
        if self.round.load.is_saturated(mean_time.mul_f64(0.4)) {
            max = max.min(level);
        }
        let jump = ((capacity * JUMP_SHARE) as usize).min(max);
        self.round = Round::new(now);
        if level >= 2 * max {
            self.phase = hold(goodput, PROBE_ROUNDS);
            return LevelChange::Set(max);
        }
        let climbing = matches!(self.phase, ClimbPhase::Climbing { .. });
        match self.judge(level, max, goodput) {
            LevelChange::Set(higher) if climbing && higher > level => {
                LevelChange::Set(higher.max(jump))
            }
            change => change,
        }
    }

    /// Returns how many attempts one core can work on in the duration of one attempt; more would wait for a core.
    ///
    /// The duration is measured at the lowest level. At higher levels it is mostly queueing, unless it is far longer.
    fn update_fitting(&mut self, level: usize, fitting: f64) -> f64 {
        let known = match self.fitting {
            Some(known) if fitting < LATENCY_BOUND_RATIO * level as f64 => known.min(fitting),
            _ => fitting,
        };
        self.fitting = Some(known);
        known
    }

    fn judge(&mut self, level: usize, max: usize, goodput: f64) -> LevelChange {
        let change;
        (self.phase, change) = match self.phase {
            ClimbPhase::Climbing { best, each, .. } if goodput >= best * MIN_GAIN => {
                climb(level, max, goodput, each)
            }
            ClimbPhase::Climbing { best, each, misses } if misses + 1 < MISSES_TO_STOP => {
                let misses = misses + 1;
                (
                    ClimbPhase::Climbing { best, each, misses },
                    LevelChange::Keep,
                )
            }
            ClimbPhase::Climbing { each, .. } => {
                let back = knee(goodput, each).min(level / 2).max(1);
                (hold(goodput, PROBE_ROUNDS), LevelChange::Set(back))
            }
            ClimbPhase::AtMax { each } => {
                let knee = knee(goodput, each);
                let level = if knee <= level / 2 { knee } else { level };
                (hold(goodput, PROBE_ROUNDS), LevelChange::Set(level))
            }
            ClimbPhase::Holding {
                goodput: known,
                probe,
                probe_rounds,
            } => {
                let known = known + NEW_ROUND_WEIGHT * (goodput - known);
                match probe.checked_sub(1) {
                    None if level < max => {
                        probing(known, level, 0, probe_rounds, double(level, max))
                    }
                    left => {
                        let probe = left.unwrap_or_default();
                        let phase = ClimbPhase::Holding {
                            goodput: known,
                            probe,
                            probe_rounds,
                        };
                        (phase, LevelChange::Keep)
                    }
                }
            }
            ClimbPhase::Probing {
                below,
                from,
                rounds: 0,
                probe_rounds,
            } => probing(below, from, 1, probe_rounds, LevelChange::Keep),
            ClimbPhase::Probing { below, from, .. } if goodput >= below * MIN_GAIN => {
                climb(level, max, goodput, below / from as f64)
            }
            ClimbPhase::Probing {
                below,
                from,
                probe_rounds,
                ..
            } => (
                hold(below, (probe_rounds * 2).min(MAX_PROBE_ROUNDS)),
                LevelChange::Set(from),
            ),
        };
        change
    }
}

fn double(level: usize, max: usize) -> LevelChange {
    LevelChange::Set(level.saturating_mul(2).min(max))
}

fn probing(
    below: f64,
    from: usize,
    rounds: u32,
    probe_rounds: u32,
    change: LevelChange,
) -> (ClimbPhase, LevelChange) {
    let phase = ClimbPhase::Probing {
        below,
        from,
        rounds,
        probe_rounds,
    };
    (phase, change)
}

/// Goes to the next level, because this one raised the goodput.
fn climb(level: usize, max: usize, goodput: f64, each: f64) -> (ClimbPhase, LevelChange) {
    let each = each.max(goodput / level as f64);
    if level >= max {
        return (ClimbPhase::AtMax { each }, LevelChange::Keep);
    }
    let phase = ClimbPhase::Climbing {
        best: goodput,
        each,
        misses: 0,
    };
    (phase, double(level, max))
}

/// Returns the lowest level that reaches this goodput, with headroom.
fn knee(goodput: f64, each: f64) -> usize {
    ((goodput / each.max(1e-9) * HEADROOM).ceil() as usize).max(MIN_LEVEL)
}

fn hold(goodput: f64, probe_rounds: u32) -> ClimbPhase {
    ClimbPhase::Holding {
        goodput,
        probe: probe_rounds,
        probe_rounds,
    }
}

impl Default for Round {
    fn default() -> Self {
        Self {
            load: LoadPeriod::begin(),
            began: None,
            responses: 0,
            score: 0.0,
            time: Duration::ZERO,
            cpu_shares: 0.0,
        }
    }
}

impl Round {
    /// Returns a round that begins now. Samples this thread: the first responses arrive in a burst, which saturates the
    /// threads.
    fn new(now: Instant) -> Self {
        let round = Self {
            began: Some(now),
            ..Self::default()
        };
        round.load.sample();
        round
    }

    fn add(&mut self, time: Duration, bytes: u64) {
        self.load.sample();
        self.responses += 1;
        let points = bytes as f64 / BYTES_PER_POINT;
        self.score += 1.0 + points;
        self.time += time;
        let cpu = CPU_PER_REQUEST + CPU_PER_POINT.mul_f64(points);
        self.cpu_shares += (cpu.as_secs_f64() / time.as_secs_f64().max(1e-9)).min(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_pause_of_the_machine_does_not_look_like_latency() {
        let mut goodput = Goodput::default();
        let issued = Instant::now();
        tokio::time::advance(Duration::from_millis(1)).await;
        for _ in 0..16 {
            goodput.record(40, 256, issued, 0);
        }
        tokio::time::advance(Duration::from_millis(100)).await;
        for _ in 0..4 {
            goodput.record(40, 256, issued, 0);
        }
        // Most took a hundred times their CPU time; the mean is two thousand times.
        let fitting = goodput.fitting.expect("a round has ended");
        assert!((100.0..150.0).contains(&fitting), "{fitting}");
    }
}

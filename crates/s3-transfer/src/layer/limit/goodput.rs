//! How many attempts at once pay: a climb by doubling, judged by what gets done.
//!
//! Neither a latency nor a bandwidth tells the right level by itself: small objects over a long line want hundreds of
//! requests at once, large parts fill a line with a few dozen, and a client without any latency is busy with sixteen.
//! What they have in common is that more at once pays until it does not. So the level doubles while a doubling brings
//! at least a fifth more goodput; when two rounds in a row say that it does not, it goes back to the knee, and a doubling
//! is tried again now and then.
//!
//! Where the line is long, the climb begins with a leap: what an attempt costs a core is known, and while all of them
//! together cost a small share of the time that one takes, none of them queues for a core.
//!
//! A thread of transfers that is on a core all the time ends the climb at once: it is the limit itself.
//!
//! The climb is quick and believes too much: the first answers at a new level come before its queue has filled. The last
//! round at the top does not, and with it the knee is known: what gets done in all, divided by what one attempt gets done
//! while nobody queues.
//!
//! Goodput is what the successful attempts of a round have moved, by Little's law: level × score ÷ time under way,
//! where an attempt scores one and its bytes. Completions per second would say the same over a long time, but answers
//! come in bursts, and a round that ends within a burst would be off by half.

use std::sync::LazyLock;
use std::time::Duration;

use super::busy::Watch;
use crate::sync::Instant;

/// A doubling that brings less than this times the goodput does not pay. A level below the knee brings 2.0 and one
/// beyond it 1.0; single rounds are off by up to a fifth.
const PAYS: f64 = 1.2;
/// So many rounds in a row have to say that a doubling does not pay.
const MISSES: u32 = 2;
/// So many bytes count as much as one attempt. 256 KiB: about what a core moves in the time of one small request
/// (7 to 60 µs per request, 0.3 s per GiB).
const BYTES: f64 = 262_144.0;
/// The shortest round. Below this, other programs on the machine decide.
const SHORTEST: Duration = Duration::from_millis(10);
/// The least answers of a round, for levels of next to nothing.
const FEWEST: u32 = 8;
/// After so many rounds the next level is tried again, and after twice as many each time that it does not pay, up to
/// `RAREST`. Three rounds out of 8 to 64 at twice the level cost nothing that can be measured.
const PROBE: u32 = 8;
const RAREST: u32 = 64;
/// So much more than the knee is held, for answers that vary; a quarter is what noise of a fifth asks for.
const ROOM: f64 = 1.25;
/// There is nothing to be gained by fewer than these.
const LOW: usize = 16;
/// A batch begins with at most so many, whatever the one before has found: two doublings from 256, and what a core can
/// use of large parts.
const AFRESH: usize = 64;
/// How much of the known goodput a new round replaces.
const WEIGHT: f64 = 0.3;
/// The least that a core works for one request: 7 µs over the wire alone, and as much above it (docs/TUNING.md).
const REQUEST: Duration = Duration::from_micros(10);
/// The least that a core works for 256 KiB: 0.16 s per GiB, half of what a bare loop takes to read them.
const BYTES_COST: Duration = Duration::from_micros(40);
/// A round whose attempts take so many times the work of a whole level waits for the line, not for a core.
const FAR: f64 = 8.0;
/// A climb leaps to where this share of what fits into the time of one attempt is under way: far enough below the
/// cores' limit that the work of an attempt may be eight times the least. Large parts over a fast line fit some
/// hundred times, and get no leap from it; small objects fit a thousand times.
const LEAP: f64 = 0.125;

/// How many cores there are. Asked once: the answer takes the opening of files.
static CORES: LazyLock<f64> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64));

/// What is known about the level.
#[derive(Debug, Default)]
pub(super) struct Goodput {
    phase: Phase,
    round: Round,
    /// How many attempts fit into the time that one takes, by the work that each is at least; `None` until known.
    fitting: Option<f64>,
}

/// What to do after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Stay,
    Level(usize),
}

#[derive(Debug)]
enum Phase {
    /// Each level is held against the best of those below it.
    Climbing {
        best: f64,
        /// The most that one attempt gets done.
        each: f64,
        misses: u32,
    },
    /// The highest level is reached, and paid at first sight.
    AtTop { each: f64 },
    /// A doubling does not pay. In `probe` rounds it is tried again.
    Holding {
        goodput: f64,
        probe: u32,
        patience: u32,
    },
    /// A doubling is tried after a while of holding. Its first round is not judged: it ends with the queue not filled.
    Probing {
        below: f64,
        from: usize,
        rounds: u32,
        patience: u32,
    },
}

impl Default for Phase {
    fn default() -> Self {
        Self::Climbing {
            best: 0.0,
            each: 0.0,
            misses: 0,
        }
    }
}

/// The successful attempts of a round: those that were issued in it, and so at its level.
#[derive(Debug)]
struct Round {
    watch: Watch,
    began: Option<Instant>,
    answers: u32,
    score: f64,
    time: Duration,
    /// How many times each of them would have fitted into its time, by what a core works for it at least: the sum of the
    /// inverses. Their harmonic mean hardly sees the few that a pause of the machine made long.
    shares: f64,
}

impl Goodput {
    /// Something begins after a time of nothing: what was learnt may be about other work. Returns the level to begin
    /// with.
    pub(super) fn awake(&mut self, level: usize, now: Instant) -> usize {
        self.round = Round::new(now);
        if matches!(self.phase, Phase::Climbing { .. }) {
            return level;
        }
        self.phase = Phase::default();
        self.fitting = None;
        level.min(AFRESH)
    }

    /// Notes a successful attempt that ends now, at a level that is in use.
    pub(super) fn note(&mut self, level: usize, max: usize, issued: Instant, bytes: u64) -> Next {
        let now = Instant::now();
        let began = *self.round.began.get_or_insert(issued);
        if issued < began {
            return Next::Stay;
        }
        self.round.watch.pass();
        self.round.answers += 1;
        let weight = bytes as f64 / BYTES;
        self.round.score += 1.0 + weight;
        let took = now.saturating_duration_since(issued);
        self.round.time += took;
        let work = REQUEST + BYTES_COST.mul_f64(weight);
        self.round.shares += (work.as_secs_f64() / took.as_secs_f64().max(1e-9)).min(1.0);
        // Half a level will do: the other half is on its way since before the last change.
        let enough = u32::try_from(level / 2).unwrap_or(u32::MAX).max(FEWEST);
        if self.round.answers < enough || now.saturating_duration_since(began) < SHORTEST {
            return Next::Stay;
        }
        let time = self.round.time.as_secs_f64().max(1e-9);
        let goodput = level as f64 * self.round.score / time;
        let fitting = f64::from(self.round.answers) / self.round.shares.max(1e-9);
        let fitting = self.fit(level, fitting);
        let max = max.min(((fitting * *CORES) as usize).max(LOW));
        // A busy thread takes half the time of an attempt for half a level of them.
        let one = self.round.time / self.round.answers;
        let max = if self.round.watch.is_busy(one.mul_f64(0.4)) {
            max.min(level)
        } else {
            max
        };
        let leap = ((fitting * *CORES * LEAP) as usize).min(max);
        self.round = Round::new(now);
        if level >= 2 * max {
            self.phase = hold(goodput, PROBE);
            return Next::Level(max);
        }
        let climbing = matches!(self.phase, Phase::Climbing { .. });
        match self.judge(level, max, goodput) {
            Next::Level(higher) if climbing && higher > level => Next::Level(higher.max(leap)),
            next => next,
        }
    }

    /// Returns how many attempts fit into the time of one: more only queue for the cores.
    ///
    /// The time of one is known at the lowest level; at higher ones it is mostly the queue, unless it is far more.
    fn fit(&mut self, level: usize, fitting: f64) -> f64 {
        let known = match self.fitting {
            Some(known) if fitting < FAR * level as f64 => known.min(fitting),
            _ => fitting,
        };
        self.fitting = Some(known);
        known
    }

    fn judge(&mut self, level: usize, max: usize, goodput: f64) -> Next {
        let next;
        (self.phase, next) = match self.phase {
            Phase::Climbing { best, each, .. } if goodput >= best * PAYS => {
                climb(level, max, goodput, each)
            }
            Phase::Climbing { best, each, misses } if misses + 1 < MISSES => {
                let misses = misses + 1;
                (Phase::Climbing { best, each, misses }, Next::Stay)
            }
            Phase::Climbing { each, .. } => {
                let back = knee(goodput, each).min(level / 2).max(1);
                (hold(goodput, PROBE), Next::Level(back))
            }
            Phase::AtTop { each } => {
                let knee = knee(goodput, each);
                let level = if knee <= level / 2 { knee } else { level };
                (hold(goodput, PROBE), Next::Level(level))
            }
            Phase::Holding {
                goodput: known,
                probe,
                patience,
            } => {
                let known = known + WEIGHT * (goodput - known);
                match probe.checked_sub(1) {
                    None if level < max => probing(known, level, 0, patience, double(level, max)),
                    left => {
                        let probe = left.unwrap_or_default();
                        let phase = Phase::Holding {
                            goodput: known,
                            probe,
                            patience,
                        };
                        (phase, Next::Stay)
                    }
                }
            }
            Phase::Probing {
                below,
                from,
                rounds: 0,
                patience,
            } => probing(below, from, 1, patience, Next::Stay),
            Phase::Probing { below, from, .. } if goodput >= below * PAYS => {
                climb(level, max, goodput, below / from as f64)
            }
            Phase::Probing {
                below,
                from,
                patience,
                ..
            } => (hold(below, (patience * 2).min(RAREST)), Next::Level(from)),
        };
        next
    }
}

fn double(level: usize, max: usize) -> Next {
    Next::Level(level.saturating_mul(2).min(max))
}

fn probing(below: f64, from: usize, rounds: u32, patience: u32, next: Next) -> (Phase, Next) {
    let phase = Phase::Probing {
        below,
        from,
        rounds,
        patience,
    };
    (phase, next)
}

/// A level has paid: the next one is tried.
fn climb(level: usize, max: usize, goodput: f64, each: f64) -> (Phase, Next) {
    let each = each.max(goodput / level as f64);
    if level >= max {
        return (Phase::AtTop { each }, Next::Stay);
    }
    let phase = Phase::Climbing {
        best: goodput,
        each,
        misses: 0,
    };
    (phase, double(level, max))
}

/// Returns the level that gets so much done, with some room.
fn knee(goodput: f64, each: f64) -> usize {
    ((goodput / each.max(1e-9) * ROOM).ceil() as usize).max(LOW)
}

fn hold(goodput: f64, patience: u32) -> Phase {
    Phase::Holding {
        goodput,
        probe: patience,
        patience,
    }
}

impl Default for Round {
    fn default() -> Self {
        Self {
            watch: Watch::begin(),
            began: None,
            answers: 0,
            score: 0.0,
            time: Duration::ZERO,
            shares: 0.0,
        }
    }
}

impl Round {
    /// Begins now. Its first answers come in a burst, in which every thread is busy, so this thread is watched before.
    fn new(now: Instant) -> Self {
        let round = Self {
            began: Some(now),
            ..Self::default()
        };
        round.watch.pass();
        round
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_few_that_a_pause_made_long_do_not_make_the_line_long() {
        let mut goodput = Goodput::default();
        let issued = Instant::now();
        tokio::time::advance(Duration::from_millis(1)).await;
        for _ in 0..16 {
            goodput.note(40, 256, issued, 0);
        }
        tokio::time::advance(Duration::from_millis(100)).await;
        for _ in 0..4 {
            goodput.note(40, 256, issued, 0);
        }
        // Most took the time of a hundred times their work; on the average all took two thousand times theirs.
        let fitting = goodput.fitting.expect("a round has ended");
        assert!((100.0..150.0).contains(&fitting), "{fitting}");
    }
}

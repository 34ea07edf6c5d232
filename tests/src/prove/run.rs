//! Runs the cases of a property on several threads, and reports the failure with the lowest seed.

use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use tokio::runtime::{Builder, Runtime};

use super::{Figures, Property};

/// The cases to run, and the number of threads.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seeds, one case each.
    pub seeds: Range<u64>,
    /// The number of threads.
    pub threads: usize,
}

/// The case that failed, with the lowest seed if several did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The property's name.
    pub property: &'static str,
    /// The seed that reproduces the case.
    pub seed: u64,
    /// The error text of the case, or the message of its panic.
    pub text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            property,
            seed,
            text,
        } = self;
        writeln!(f, "{property}, seed {seed}: {text}")?;
        write!(
            f,
            "again: cargo xtask prove {property} --seed {seed} --cases 1"
        )
    }
}

/// Runs the cases of a plan and returns their counters, including the number of cases.
///
/// # Errors
///
/// The first failure ends the run: no further case is started.
pub fn run(property: &Property, plan: &Plan) -> Result<Figures, Failure> {
    let next = AtomicU64::new(plan.seeds.start);
    let stop = AtomicBool::new(false);
    let all = Mutex::new((Figures::default(), None::<Failure>));
    let work = || {
        let runtime = paused();
        let mut figures = Figures::default();
        let mut failure = None;
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= plan.seeds.end {
                break;
            }
            match one(property, &runtime, seed) {
                Ok(counted) => {
                    figures.count("cases", 1);
                    figures.add(&counted);
                }
                Err(text) => {
                    stop.store(true, Ordering::Relaxed);
                    let property = property.name;
                    failure = Some(Failure {
                        property,
                        seed,
                        text,
                    });
                }
            }
        }
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        all.0.add(&figures);
        all.1 = [all.1.take(), failure]
            .into_iter()
            .flatten()
            .min_by_key(|failure| failure.seed);
    };
    thread::scope(|scope| {
        for _ in 1..plan.threads {
            scope.spawn(work);
        }
        work();
    });
    let (figures, failure) = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    match failure {
        Some(failure) => Err(failure),
        None => Ok(figures),
    }
}

fn paused() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without sockets needs nothing of the system")
}

fn one(property: &Property, runtime: &Runtime, seed: u64) -> Result<Figures, String> {
    catch_unwind(AssertUnwindSafe(|| (property.case)(runtime, seed)))
        .unwrap_or_else(|panic| Err(format!("it panicked: {}", said(&*panic))))
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(case: fn(&Runtime, u64) -> Result<Figures, String>) -> Property {
        Property {
            name: "test",
            about: "",
            quick: 0,
            full: 0,
            case,
        }
    }

    #[test]
    fn every_seed_is_run_once() {
        let sum = property(|_, seed| {
            let mut figures = Figures::default();
            figures.count("sum", seed);
            Ok(figures)
        });
        let plan = Plan {
            seeds: 5..105,
            threads: 3,
        };
        let figures = run(&sum, &plan).unwrap();
        assert_eq!((figures.of("cases"), figures.of("sum")), (100, 5450));
    }

    #[test]
    fn a_failure_and_a_panic_name_their_seed() {
        let plan = Plan {
            seeds: 0..50,
            threads: 1,
        };
        let odd = property(|_, seed| match seed {
            7 => Err("odd".to_owned()),
            _ => Ok(Figures::default()),
        });
        let failure = run(&odd, &plan).unwrap_err();
        assert_eq!((failure.seed, &*failure.text), (7, "odd"));
        let panics = property(|_, seed| {
            assert!(seed != 9, "nine");
            Ok(Figures::default())
        });
        let failure = run(&panics, &plan).unwrap_err();
        assert_eq!((failure.seed, &*failure.text), (9, "it panicked: nine"));
    }
}

//! [`Faults`]: the fault plan of a running server or store: selects the fault of each request and counts delivered
//! ones.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::random::Occurrences;
use super::{FaultAction, FaultPlan, FaultRule};
use crate::Call;

/// The number of faults that took effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivered {
    /// Per rule of the plan, in order.
    pub rules: Vec<u64>,
    /// Of the random part of the plan.
    pub random: u64,
    /// Per action, by its [name](FaultAction::name).
    pub actions: BTreeMap<&'static str, u64>,
}

impl Delivered {
    /// Returns the number of delivered faults.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.rules.iter().sum::<u64>() + self.random
    }
}

/// The faults of a running server or store; the plan can be changed at any time. Clone is a reference count.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<PlanState>>);

#[derive(Default)]
struct PlanState {
    plan: FaultPlan,
    /// The number of requests that each rule has matched.
    matched: Vec<u32>,
    delivered: Delivered,
    occurrences: Occurrences,
    /// The time when the plan was set; `None` before the first plan.
    started: Option<Instant>,
    /// The number of the plan, so that a late delivery is not counted for the next plan.
    generation: u64,
}

impl Faults {
    /// Starts a plan.
    #[must_use]
    pub fn new(plan: FaultPlan) -> Self {
        let faults = Self::default();
        faults.set(plan);
        faults
    }

    /// Replaces the plan and resets the counts.
    pub fn set(&self, plan: impl Into<FaultPlan>) {
        let plan = plan.into();
        let rules = plan.rules.len();
        let mut state = self.state();
        let generation = state.generation + 1;
        *state = PlanState {
            plan,
            matched: vec![0; rules],
            delivered: Delivered {
                rules: vec![0; rules],
                ..Delivered::default()
            },
            started: Some(Instant::now()),
            occurrences: Occurrences::default(),
            generation,
        };
    }

    /// Removes all faults and resets the counts.
    pub fn clear(&self) {
        self.set(FaultPlan::none());
    }

    /// Appends a rule; keeps the counts.
    pub fn add(&self, rule: FaultRule) {
        let mut state = self.state();
        state.plan.rules.push(rule);
        state.matched.push(0);
        state.delivered.rules.push(0);
    }

    /// Returns the counts of delivered faults.
    #[must_use]
    pub fn delivered(&self) -> Delivered {
        self.state().delivered.clone()
    }

    /// Returns the fault for a request. The caller applies it and then counts it.
    pub(crate) fn decide(&self, call: &Call) -> Option<Fault> {
        let mut state = self.state();
        let (rule, action) = state.first_rule(call).or_else(|| state.draw(call))?;
        let generation = state.generation;
        drop(state);
        let name = action.name();
        Some(Fault {
            action,
            counter: DeliveryCounter {
                faults: self.clone(),
                rule,
                name,
                generation,
            },
        })
    }

    fn state(&self) -> MutexGuard<'_, PlanState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PlanState {
    fn first_rule(&mut self, call: &Call) -> Option<(Option<usize>, FaultAction)> {
        let age = self
            .started
            .map_or(Duration::ZERO, |started| started.elapsed());
        for (index, rule) in self.plan.rules.iter().enumerate() {
            let due = rule.during.as_ref().is_none_or(|time| time.contains(&age));
            if !due || !rule.matcher.matches(call) || is_spent(rule, self.matched[index]) {
                continue;
            }
            self.matched[index] += 1;
            if self.matched[index] > rule.skip {
                return Some((Some(index), rule.action.clone()));
            }
        }
        None
    }

    fn draw(&mut self, call: &Call) -> Option<(Option<usize>, FaultAction)> {
        let random = self.plan.random.as_ref()?;
        Some((None, self.occurrences.draw(random, call)?))
    }
}

fn is_spent(rule: &FaultRule, matched: u32) -> bool {
    rule.times
        .is_some_and(|times| matched >= rule.skip.saturating_add(times))
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Faults")
            .field("plan", &state.plan)
            .field("delivered", &state.delivered)
            .finish()
    }
}

/// A fault to apply to a request.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) action: FaultAction,
    pub(crate) counter: DeliveryCounter,
}

/// Counts a fault once it has taken effect.
#[derive(Debug)]
pub(crate) struct DeliveryCounter {
    faults: Faults,
    rule: Option<usize>,
    name: &'static str,
    generation: u64,
}

impl DeliveryCounter {
    pub(crate) fn count(self) {
        let mut state = self.faults.state();
        if state.generation != self.generation {
            return;
        }
        *state.delivered.actions.entry(self.name).or_default() += 1;
        match self.rule {
            Some(rule) => state.delivered.rules[rule] += 1,
            None => state.delivered.random += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FaultMatch;

    fn get(key: &str) -> Call {
        Call::new("GET", Some("b"), Some(key), &[])
    }

    #[test]
    fn the_first_match_applies_and_loses_one_use() {
        let faults = Faults::new(FaultPlan::new([
            FaultMatch::any()
                .with_key("k")
                .on(FaultAction::Drop)
                .skip(1)
                .times(1),
            FaultMatch::method("GET")
                .on(FaultAction::ChangedETag)
                .times(2),
        ]));
        let mut decided = Vec::new();
        for _ in 0..5 {
            decided.push(faults.decide(&get("k")).map(|fault| {
                fault.counter.count();
                fault.action
            }));
        }
        assert_eq!(
            decided,
            [
                Some(FaultAction::ChangedETag),
                Some(FaultAction::Drop),
                Some(FaultAction::ChangedETag),
                None,
                None
            ]
        );
        assert_eq!(
            faults.delivered(),
            Delivered {
                rules: vec![1, 2],
                random: 0,
                actions: BTreeMap::from([("changed etag", 2), ("drop", 1)]),
            }
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_rule_with_a_time_window_matches_and_counts_only_within_it() {
        let seconds = Duration::from_secs;
        let outage = FaultMatch::any()
            .on(FaultAction::Drop)
            .times(1)
            .during(seconds(2)..seconds(4));
        let faults = Faults::new(outage.into());
        let mut hits = Vec::new();
        for _ in 0..6 {
            hits.push(faults.decide(&get("k")).is_some());
            tokio::time::advance(seconds(1)).await;
        }
        assert_eq!(hits, [false, false, true, false, false, false]);
        faults.set(
            FaultMatch::any()
                .on(FaultAction::Drop)
                .during(seconds(1)..seconds(9)),
        );
        assert!(faults.decide(&get("k")).is_none());
        tokio::time::advance(seconds(8)).await;
        assert!(faults.decide(&get("k")).is_some());
        tokio::time::advance(seconds(1)).await;
        assert!(faults.decide(&get("k")).is_none());
    }

    #[test]
    fn a_late_delivery_is_not_counted_for_the_next_plan() {
        let faults = Faults::new(FaultMatch::any().on(FaultAction::Drop).into());
        let late = faults.decide(&get("k")).unwrap();
        faults.set(FaultMatch::any().on(FaultAction::ChangedETag));
        late.counter.count();
        assert_eq!(faults.delivered().total(), 0);
    }
}

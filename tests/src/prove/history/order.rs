//! Linearizability check: searches for one order of the calls on a key that explains their results.

use std::collections::HashSet;

use super::record::{Action, Call, CallOutcome, Value};

/// One effect that a call may have had on its key, and when.
#[derive(Clone, Copy, Debug)]
struct Step {
    effect: Effect,
    begun: u64,
    /// If `None`, the step may not have happened.
    ended: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
enum Effect {
    Set(Option<Value>),
    Create(Value),
    /// A create of this value found an object with another value.
    AlreadyThere(Value),
    /// A read returned this value; `None` for a missing object.
    Found(Option<Value>),
}

impl Effect {
    /// Returns the value of the key after the step; the outer `None` if the step is impossible with the value `now`.
    fn after(self, now: Option<Value>) -> Option<Option<Value>> {
        match self {
            Self::Set(value) => Some(value),
            Self::Create(value) => now.is_none().then_some(Some(value)),
            Self::AlreadyThere(own) => now.is_some_and(|value| value != own).then_some(now),
            Self::Found(found) => (found == now).then_some(now),
        }
    }
}

/// Returns whether the calls are linearizable. All are on one key, which does not exist at first.
///
/// `repeats` returns how often a call has taken effect beyond the first time. Panics for more than 64 steps.
pub(super) fn explains(calls: &[Call], repeats: impl Fn(&Call) -> usize) -> bool {
    let steps: Vec<Step> = calls
        .iter()
        .flat_map(|call| steps_of(call, repeats(call)))
        .collect();
    assert!(steps.len() <= 64, "a case has few calls on a key");
    search(&steps, 0, None, &mut HashSet::new())
}

fn steps_of(call: &Call, repeats: usize) -> Vec<Step> {
    let step = |effect, ended| Step {
        effect,
        begun: call.begun,
        ended,
    };
    let effect = match call.action {
        Action::Write(value) => Effect::Set(Some(value)),
        Action::Delete => Effect::Set(None),
        Action::Create(value) => Effect::Create(value),
        Action::Read => match call.outcome {
            CallOutcome::Found(found) => {
                return vec![step(Effect::Found(found), Some(call.ended))];
            }
            _ => return Vec::new(),
        },
    };
    let mut steps = match (call.outcome, call.action) {
        (CallOutcome::AlreadyThere, Action::Create(value)) => {
            vec![step(Effect::AlreadyThere(value), Some(call.ended))]
        }
        (CallOutcome::Failed, _) => vec![step(effect, None)],
        _ => vec![step(effect, Some(call.ended))],
    };
    steps.extend((0..repeats).map(|_| step(effect, None)));
    steps
}

/// Tries every possible next step, recursively, until all steps that must have happened are taken.
fn search(
    steps: &[Step],
    taken: u64,
    now: Option<Value>,
    seen: &mut HashSet<(u64, Option<Value>)>,
) -> bool {
    let left = || (0..steps.len()).filter(|index| taken & 1 << index == 0);
    let Some(first_end) = left().filter_map(|index| steps[index].ended).min() else {
        return true;
    };
    if !seen.insert((taken, now)) {
        return false;
    }
    left()
        .filter(|index| steps[*index].begun < first_end)
        .any(|index| match steps[index].effect.after(now) {
            Some(after) => search(steps, taken | 1 << index, after, seen),
            None => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(action: Action, begun: u64, ended: u64, outcome: CallOutcome) -> Call {
        Call {
            key: 0,
            action,
            begun,
            ended,
            outcome,
        }
    }

    fn explained(calls: &[Call]) -> bool {
        explains(calls, |_| 0)
    }

    use Action::{Create, Delete, Read, Write};
    use CallOutcome::{AlreadyThere, Done, Failed, Found};

    #[test]
    fn sequential_calls_are_explained_exactly() {
        let write = call(Write(1), 0, 1, Done);
        assert!(explained(&[write, call(Read, 2, 3, Found(Some(1)))]));
        assert!(!explained(&[write, call(Read, 2, 3, Found(None))]));
        assert!(!explained(&[write, call(Create(2), 2, 3, Done)]));
        assert!(explained(&[write, call(Create(2), 2, 3, AlreadyThere)]));
        assert!(!explained(&[call(Create(2), 2, 3, AlreadyThere)]));
        let gone = [write, call(Delete, 2, 3, Done), call(Create(2), 4, 5, Done)];
        assert!(explained(&gone));
    }

    #[test]
    fn of_two_concurrent_creates_one_succeeds() {
        let both =
            |one, other| explained(&[call(Create(1), 0, 5, one), call(Create(2), 1, 4, other)]);
        assert!(both(Done, AlreadyThere) && both(AlreadyThere, Done));
        assert!(!both(Done, Done) && !both(AlreadyThere, AlreadyThere));
    }

    #[test]
    fn a_failed_call_may_have_taken_effect_but_not_before_it_began() {
        for found in [None, Some(1)] {
            let read = call(Read, 2, 3, Found(found));
            assert!(explained(&[call(Write(1), 0, 1, Failed), read]));
        }
        let early = call(Read, 0, 1, Found(Some(1)));
        assert!(!explained(&[early, call(Write(1), 2, 3, Failed)]));
    }

    #[test]
    fn a_write_that_is_repeated_may_undo_another_once_but_not_before_it_began() {
        let calls = [
            call(Write(1), 0, 9, Done),
            call(Read, 1, 2, Found(Some(1))),
            call(Write(2), 3, 4, Done),
            call(Read, 5, 6, Found(Some(2))),
            call(Read, 10, 11, Found(Some(1))),
        ];
        assert!(!explained(&calls));
        let repeats = |call: &Call| usize::from(call.action == Write(1));
        assert!(explains(&calls, repeats));
        let twice = [
            calls.as_slice(),
            &[
                call(Write(2), 12, 13, Done),
                call(Read, 14, 15, Found(Some(1))),
            ],
        ]
        .concat();
        assert!(!explains(&twice, repeats));
        let early = [call(Read, 0, 1, Found(Some(1))), call(Write(1), 2, 3, Done)];
        assert!(!explains(&early, repeats));
    }
}

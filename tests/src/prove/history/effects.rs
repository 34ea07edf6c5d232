//! Compares the results of calls with the effects in the store.

use super::record::{Action, Call, CallOutcome, Change, Record, Value};

/// Counts of the creates of a case.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdict {
    /// Creates that took effect, and whose objects others replaced before the client could look.
    pub(super) overtaken: u64,
}

/// Compares every response to a create with the log of changes.
///
/// # Errors
///
/// The first false response.
pub(super) fn check(record: &Record, strict: bool) -> Result<Verdict, String> {
    let mut verdict = Verdict::default();
    for call in &record.calls {
        let Action::Create(value) = call.action else {
            continue;
        };
        let effects = effects(record, value);
        match call.outcome {
            CallOutcome::Done if effects == 0 => {
                return Err(format!("a false \"written\": {call:?}"));
            }
            CallOutcome::AlreadyThere if effects > 0 => {
                if strict || !another_was_there(record, call, value) {
                    return Err(format!("a false \"already there\": {call:?}"));
                }
                verdict.overtaken += 1;
            }
            _ if effects > 1 => {
                if strict {
                    return Err(format!("a create took effect {effects} times: {call:?}"));
                }
                verdict.overtaken += 1;
            }
            _ => {}
        }
    }
    Ok(verdict)
}

/// Returns how often a value was written.
pub(super) fn effects(record: &Record, value: Value) -> usize {
    let changes = record.changes.iter();
    changes.filter(|change| change.value == Some(value)).count()
}

/// Returns whether a client that looked after its last attempt can have found another object than its own.
///
/// Its own, when the call ended, must have come with a request that it did not wait for any more; and another one must
/// have been there at some time during the call.
fn another_was_there(record: &Record, call: &Call, own: Value) -> bool {
    let on_key = |change: &&Change| change.key == call.key && change.at < call.ended;
    let mut changes: Vec<&Change> = record.changes.iter().filter(on_key).collect();
    changes.sort_by_key(|change| change.at);
    if let Some(last) = changes.last()
        && last.value == Some(own)
        && !last.stray
    {
        return false;
    }
    let before = changes.iter().rev().find(|change| change.at < call.begun);
    let during = changes.iter().filter(|change| change.at >= call.begun);
    before
        .into_iter()
        .chain(during)
        .any(|change| change.value.is_some_and(|value| value != own))
}

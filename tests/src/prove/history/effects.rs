//! Checks the reported results of creates against the store's log of changes.

use super::record::{Action, Call, CallOutcome, Change, Record, Value};

/// Counters of the creates of a case.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CreateCounts {
    /// Creates that took effect, but whose object was replaced before the client could check it.
    pub(super) overtaken: u64,
}

/// Compares the result of every create with the log of changes.
///
/// # Errors
///
/// A text that names the first call with a false result.
pub(super) fn check(record: &Record, strict: bool) -> Result<CreateCounts, String> {
    let mut counts = CreateCounts::default();
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
                counts.overtaken += 1;
            }
            _ if effects > 1 => {
                if strict {
                    return Err(format!("a create took effect {effects} times: {call:?}"));
                }
                counts.overtaken += 1;
            }
            _ => {}
        }
    }
    Ok(counts)
}

/// Returns how often a value was written.
pub(super) fn effects(record: &Record, value: Value) -> usize {
    let changes = record.changes.iter();
    changes.filter(|change| change.value == Some(value)).count()
}

/// Returns whether a client that checked after its last attempt can have found an object other than its own.
///
/// Another object must have existed at some time during the call. If the object at the end of the call was its own, a
/// stray request must have written it.
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

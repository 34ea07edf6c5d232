//! Property `history`: runs racing clients over a faulty store and checks the recorded results.

use std::time::Duration;

use fastrand::Rng;
use futures_util::future::try_join_all;
use s3_core::{Limits, MemoryStore, Operation, SharedStore};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultRule, FaultStore};
use s3_transfer::{Concurrency, Transfer, TransferConfig};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

use super::actor::{Turn, act};
use super::effects::{check, effects};
use super::network::{Network, RecordingStore};
use super::order::explains;
use super::record::{Action, Call, CallOutcome, Notes, Record, Value};
use crate::prove::Figures;

/// Part size in bytes: a value has one or a few parts.
const PART: usize = 16;

/// Longer than any call, since the number of attempts is limited.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

/// Runs the case of a seed.
pub(in crate::prove) fn case(runtime: &Runtime, seed: u64) -> Result<Figures, String> {
    let mut random = Rng::with_seed(seed);
    // Half of the cases have only creates and reads, so every result must be exact.
    let strict = random.bool();
    let keys = random.usize(1..=2);
    let actors = random.usize(2..=4);
    // In a quarter of the cases, all write the same bytes, so that only the write tokens differ.
    let same = (random.u8(0..4) == 0).then(|| PART * random.usize(1..=3));
    let mut values = 0;
    let turns = (0..actors)
        .map(|_| turns(keys, strict, same, &mut values, &mut random))
        .collect();
    runtime.block_on(async {
        let played = timeout(FOR_EVER, play(turns, same.map(|_| 0), &mut random));
        let (record, mut figures) = played
            .await
            .map_err(|_| "a call does not come to an end".to_owned())??;
        judge(&record, strict, &mut figures)?;
        if same.is_some() {
            figures.count("of equal bytes", 1);
        }
        Ok(figures)
    })
}

fn turns(
    keys: usize,
    strict: bool,
    same: Option<usize>,
    values: &mut u32,
    random: &mut Rng,
) -> Vec<Turn> {
    let count = random.usize(1..=4);
    let turn = |_| {
        *values += 1;
        let action = match random.u8(0..10) {
            0..=2 => Action::Read,
            3 | 4 if !strict => Action::Write(*values),
            5 if !strict => Action::Delete,
            _ => Action::Create(*values),
        };
        Turn {
            after: Duration::from_millis(random.u64(0..400)),
            key: random.usize(0..keys),
            action,
            // Values of up to two parts are uploaded with one request, larger ones in parts.
            len: same.unwrap_or_else(|| PART * random.usize(1..=3) - random.usize(0..4)),
            same: same.map(|_| 0),
        }
    };
    (0..count).map(turn).collect()
}

async fn play(
    turns: Vec<Vec<Turn>>,
    same: Option<Value>,
    random: &mut Rng,
) -> Result<(Record, Figures), String> {
    let notes = Notes::default();
    let mut limits = Limits::default();
    limits.min_part_size = 1;
    let memory = MemoryStore::with_buckets(["b"]).with_limits(limits);
    let recording = RecordingStore {
        memory: memory.clone(),
        notes: notes.clone(),
    };
    let store = FaultStore::new(recording, faults(random));
    let faults = store.faults().clone();
    let store = Network::new(store, random.fork());
    let shared = SharedStore::new(store.clone());
    let actors = turns.into_iter().map(|turns| {
        let transfer = Transfer::new(shared.clone(), config(random.u64(..)));
        act(transfer, turns, notes.clone())
    });
    try_join_all(actors).await?;
    // First stray requests arrive, then reads without faults record the final state.
    sleep(Duration::from_secs(3600)).await;
    faults.set(FaultPlan::none());
    let looks = (0..2).map(|key| Turn {
        after: Duration::ZERO,
        key,
        action: Action::Read,
        len: 0,
        same,
    });
    let transfer = Transfer::new(shared, config(0));
    act(transfer, looks.collect(), notes.clone()).await?;
    // An upload whose CreateMultipartUpload response was lost has no known ID.
    let nameless = memory.operations().get(Operation::CreateUpload) - store.begun();
    if memory.unfinished_uploads() as u64 > nameless {
        return Err("an unfinished upload is left on the server".to_owned());
    }
    let mut figures = Figures::default();
    figures.count("stray requests", store.stray());
    Ok((notes.read(), figures))
}

/// Returns faults for object requests. Lost responses are the most frequent.
fn faults(random: &mut Rng) -> FaultPlan {
    let hit = [0.0, 0.2, 0.5, 0.7][random.usize(0..4)];
    let seconds = Duration::from_secs;
    let actions = [
        FaultAction::LoseReply,
        FaultAction::LoseReply,
        FaultAction::LoseReply,
        FaultAction::LoseReply,
        FaultAction::Reset.after_commit(),
        FaultAction::parked_reply(),
        FaultAction::stall(seconds(5)).after_commit(),
        FaultAction::status(500, "InternalError").after_commit(),
        FaultAction::status(503, "SlowDown").after_commit(),
        FaultAction::Drop,
        FaultAction::Reset,
        FaultAction::CutRequest { after: 1 },
        FaultAction::stall(seconds(5)),
        FaultAction::stall_after(1),
        FaultAction::truncate_half(),
        FaultAction::body_error_after(1),
        FaultAction::slow_loris(seconds(1)),
        FaultAction::ShiftedRange,
        FaultAction::WholeObject,
        FaultAction::status(503, "SlowDown"),
        FaultAction::slow_down(seconds(1)),
        FaultAction::status(500, "InternalError"),
        FaultAction::conditional_conflict(),
    ];
    let mut plan = FaultPlan::random(random.u64(..), hit, actions);
    if hit > 0.0 {
        for _ in 0..random.usize(0..4) {
            plan = plan.with(aimed(random));
        }
    }
    plan
}

/// Returns a rule for a fault that is not injected into aborts, because an upload would be left.
fn aimed(random: &mut Rng) -> FaultRule {
    let minutes = Duration::from_secs(150);
    let action = match random.u8(0..8) {
        0 => FaultAction::request_timeout(),
        1 => FaultAction::skewed(),
        2 => FaultAction::expired_token(),
        3 => FaultAction::status(403, "AccessDenied"),
        4 => FaultAction::error_inside("InternalError"),
        5 => FaultAction::white_space(minutes),
        6 => FaultAction::white_space_then(minutes, "InternalError"),
        // A changed ETag does not identify the writer.
        _ => FaultAction::ChangedETag,
    };
    const OPERATIONS: [&str; 5] = [
        "PutObject",
        "HeadObject",
        "GetObject",
        "UploadPart",
        "CompleteMultipartUpload",
    ];
    FaultMatch::operation(OPERATIONS[random.usize(0..OPERATIONS.len())])
        .on(action)
        .skip(random.u32(0..4))
        .times(random.u32(1..4))
}

fn config(seed: u64) -> TransferConfig {
    let mut config = TransferConfig::default();
    config.part_size = PART as u64;
    config.single_put_up_to = 2 * PART as u64;
    config.concurrency = Concurrency::Fixed(4);
    config.max_attempts = 12;
    config.backoff_cap = Duration::from_millis(400);
    config.seed = Some(seed);
    config
}

fn judge(record: &Record, strict: bool, figures: &mut Figures) -> Result<(), String> {
    let verdict = check(record, strict).map_err(|what| shown(&what, record))?;
    figures.count("superseded", verdict.overtaken);
    for call in &record.calls {
        let name = match (call.action, call.outcome) {
            (_, CallOutcome::Failed) => "without a result",
            (Action::Create(_), CallOutcome::AlreadyThere) => "already there",
            (Action::Create(_), _) => "created",
            (Action::Read, _) => "reads",
            _ => "writes and deletes",
        };
        figures.count(name, 1);
    }
    for key in 0..2 {
        let calls = record.calls.iter().filter(|call| call.key == key);
        let calls: Vec<Call> = calls.copied().collect();
        if !explains(&calls, |call| repeats(record, call)) {
            return Err(shown("no order of the calls explains the results", record));
        }
    }
    Ok(())
}

/// Returns how often a call took effect beyond what its result says.
fn repeats(record: &Record, call: &Call) -> usize {
    match (call.action, call.outcome) {
        (Action::Create(value), CallOutcome::AlreadyThere) => effects(record, value),
        (Action::Write(value) | Action::Create(value), _) => {
            effects(record, value).saturating_sub(1)
        }
        // Deletes have no value, so every delete during the call may be its own.
        (Action::Delete, _) => {
            let within = |change: &&super::record::Change| {
                change.key == call.key
                    && change.value.is_none()
                    && (call.begun..call.ended).contains(&change.at)
            };
            record
                .changes
                .iter()
                .filter(within)
                .count()
                .saturating_sub(1)
        }
        (Action::Read, _) => 0,
    }
}

fn shown(what: &str, record: &Record) -> String {
    let mut text = what.to_owned();
    for call in &record.calls {
        text += &format!("\n  {call:?}");
    }
    for change in &record.changes {
        text += &format!("\n  {change:?}");
    }
    text
}

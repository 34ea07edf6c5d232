//! One client of a history: makes its calls one after another and records their results.

use std::time::Duration;

use s3_core::{ErrorKind, Payload, PutMode};
use s3_transfer::{CallOptions, Destination, GetItem, ObjectData, PutItem, PutOutcome, Transfer};
use tokio::time::sleep;

use super::record::{
    Action, Call, CallOutcome, Notes, Value, attributes_of, bytes_of, url_of, value_in, value_of,
};

/// A call to make: delay, key, and length of the value of a write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) after: Duration,
    pub(super) key: usize,
    pub(super) action: Action,
    pub(super) len: usize,
    /// The value whose bytes are written, if not the call's own value.
    pub(super) same: Option<Value>,
}

/// Makes all calls and records them.
pub(super) async fn act(transfer: Transfer, turns: Vec<Turn>, notes: Notes) -> Result<(), String> {
    for turn in turns {
        sleep(turn.after).await;
        let begun = notes.tick();
        let outcome = make(&transfer, turn).await?;
        let ended = notes.tick();
        let Turn { key, action, .. } = turn;
        notes.called(Call {
            key,
            action,
            begun,
            ended,
            outcome,
        });
    }
    Ok(())
}

async fn make(transfer: &Transfer, turn: Turn) -> Result<CallOutcome, String> {
    let (url, options) = (url_of(turn.key), CallOptions::default());
    match turn.action {
        Action::Write(value) | Action::Create(value) => {
            let mode = match turn.action {
                Action::Create(_) => PutMode::IfAbsent,
                _ => PutMode::Overwrite,
            };
            let bytes = bytes_of(turn.same.unwrap_or(value), turn.len);
            let item = PutItem::new(url, Payload::from(bytes).into())
                .with_mode(mode)
                .with_attributes(attributes_of(value));
            Ok(match transfer.put(item, &options).await {
                Ok(PutOutcome::Written(_)) => CallOutcome::Done,
                Ok(_) => CallOutcome::AlreadyThere,
                Err(_) => CallOutcome::Failed,
            })
        }
        Action::Delete => {
            let deleted = transfer.delete_many(vec![url], &options).await;
            let all = deleted.iter().all(Result::is_ok);
            Ok(if all {
                CallOutcome::Done
            } else {
                CallOutcome::Failed
            })
        }
        Action::Read => match transfer
            .get(GetItem::new(url), Destination::Memory, &options)
            .await
        {
            Ok(fetched) => {
                let ObjectData::Memory(bytes) = fetched.data else {
                    return Err("memory was asked for".to_owned());
                };
                let value = value_in(&fetched.meta.attributes).ok_or("an object has no value")?;
                if value_of(&bytes) != Some(turn.same.unwrap_or(value)) {
                    return Err("two objects are mixed in one read".to_owned());
                }
                Ok(CallOutcome::Found(Some(value)))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(CallOutcome::Found(None)),
            Err(_) => Ok(CallOutcome::Failed),
        },
    }
}

//! One client of a history: what it does, one call after the other, and what it is told.

use std::time::Duration;

use s3_client::s3_transfer::{
    CallOptions, Destination, GetItem, Landed, PutItem, PutOutcome, Transfer,
};
use s3_core::{ErrorKind, Payload, PutMode};
use tokio::time::sleep;

use super::record::{Action, Answer, Call, Notes, bytes_of, url_of, value_of};

/// A call to make: after a while, on a key, with so many bytes if it writes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) after: Duration,
    pub(super) key: usize,
    pub(super) action: Action,
    pub(super) len: usize,
}

/// Makes all calls and notes them.
pub(super) async fn act(transfer: Transfer, turns: Vec<Turn>, notes: Notes) -> Result<(), String> {
    for turn in turns {
        sleep(turn.after).await;
        let begun = notes.tick();
        let answer = make(&transfer, turn).await?;
        let ended = notes.tick();
        let Turn { key, action, .. } = turn;
        notes.called(Call {
            key,
            action,
            begun,
            ended,
            answer,
        });
    }
    Ok(())
}

async fn make(transfer: &Transfer, turn: Turn) -> Result<Answer, String> {
    let (url, options) = (url_of(turn.key), CallOptions::default());
    match turn.action {
        Action::Write(value) | Action::Create(value) => {
            let mode = match turn.action {
                Action::Create(_) => PutMode::IfAbsent,
                _ => PutMode::Overwrite,
            };
            let payload = Payload::from(bytes_of(value, turn.len));
            let item = PutItem::new(url, payload.into()).with_mode(mode);
            Ok(match transfer.put(item, &options).await {
                Ok(PutOutcome::Written(_)) => Answer::Done,
                Ok(_) => Answer::AlreadyThere,
                Err(_) => Answer::Failed,
            })
        }
        Action::Delete => {
            let deleted = transfer.delete_many(vec![url], &options).await;
            let all = deleted.iter().all(Result::is_ok);
            Ok(if all { Answer::Done } else { Answer::Failed })
        }
        Action::Read => match transfer
            .get(GetItem::new(url), Destination::Memory, &options)
            .await
        {
            Ok(fetched) => {
                let Landed::Memory(bytes) = fetched.data else {
                    return Err("memory was asked for".to_owned());
                };
                let value = value_of(&bytes).ok_or("two objects are mixed in one read")?;
                Ok(Answer::Found(Some(value)))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Answer::Found(None)),
            Err(_) => Ok(Answer::Failed),
        },
    }
}

//! Property `history`: results of racing writes are true although responses are lost and requests fail or arrive late.
//!
//! Several clients write, create and read the same few keys.
//!
//! Each case records a history, that is when each call began and ended and what it returned, and two judges look at
//! it:
//!
//! * [`order`] searches for one order of all calls on a key that respects real time and explains every response, as for a
//!   register with writes, reads, deletes and put-if-absent (the algorithm of Wing and Gong, with the states that were
//!   seen remembered, as Lowe does it);
//! * [`effects`] compares with the log of what the store really did: "written" for a create that never took effect is
//!   false, and so is "already there" for one that did.
//!
//! S3 does not promise that a write takes effect only once: a plain write whose reply is lost is sent again, and may
//! undo what came in between; a request that nobody waits for any more may arrive when its call has ended. The order may
//! therefore use each repetition that the store has seen, once, at any time after the call that made it has begun.
//!
//! A create whose reply is lost, and whose object is replaced or deleted by others before the client can look, is
//! reported as "already there", or made once more: nothing that S3 keeps tells otherwise. These are counted as
//! `overtaken`. They need a plain write or a delete on the same key; half of the cases have none, and there they must
//! not occur.

mod actor;
mod case;
mod effects;
mod network;
mod order;
mod record;

pub(super) use case::case;

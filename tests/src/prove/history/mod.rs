//! Property `history`: racing writes report correct results although responses are lost and requests arrive late.
//!
//! Several clients write, create and read the same few keys. Each case records a history: when each call began and
//! ended, and its result. Two checks follow:
//!
//! * [`order`] checks linearizability: it searches for one order of all calls on a key that respects real time and
//!   explains every response. The key is a register with writes, reads, deletes and put-if-absent. The algorithm is
//!   that of Wing and Gong, with Lowe's cache of states;
//! * [`effects`] compares the results of creates with the store's log of changes: "written" is false for a create that
//!   never took effect, and "already there" for one that did.
//!
//! S3 does not promise that a write takes effect only once. A plain write whose reply is lost is sent again, and may
//! undo a write in between. A request may also arrive after its call has ended. The order may therefore use each
//! repetition that the store has seen once, at any time after its call began.
//!
//! If the reply to a create is lost, and others replace or delete the object before the client can check, the create is
//! reported as "already there" or repeated: S3 keeps nothing that would tell. Such creates are counted as `superseded`.
//! They need a plain write or a delete on the same key. Half of the cases have neither, and there they must not occur.

mod actor;
mod case;
mod effects;
mod network;
mod order;
mod record;

pub(super) use case::case;

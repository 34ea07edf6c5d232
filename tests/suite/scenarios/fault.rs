//! Faults of the scenarios: where each is injected, which error it means, and how long it takes.
//!
//! The table is written from S3, HTTP, `docs/ERRORS.md` and `docs/SEMANTICS.md`, not from the client.

use std::time::Duration;

use s3_core::ErrorKind;
use s3_core::ErrorKind as K;
use s3_testkit::{FaultAction, FaultAction as A, ListFault, Position};

use super::client_mode::ClientMode;
use super::operation::{Operation, Target};

/// The effect of a fault on its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The attempt fails with one of these, and another one may succeed.
    Passes(&'static [ErrorKind]),
    /// The response cannot be understood: another attempt may help, and a third is not made.
    Misleads,
    /// Another attempt cannot help.
    Rejects(ErrorKind),
    /// The response names the problem; the next attempt corrects it, once.
    Corrects(ErrorKind),
    /// The request succeeds nevertheless.
    Harmless,
    /// The attempt fails, but it has brought bytes that are kept: however often, the next one needs fewer.
    Advances(&'static [ErrorKind]),
    /// The object seems to be another one in the middle of a read, which starts over once.
    Changes,
    /// A page contradicts the others: the result is right, or the contradiction is an error.
    Contradicts,
    /// A page leaves keys out and nothing shows it: the result is the one of the server.
    Hides,
    /// Bytes have changed and nothing shows it: the result has the received bytes.
    Spoils,
}

/// The time that a delivery takes, in addition to the wait before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cost {
    Nothing,
    /// The attempt is ended by the stall rule.
    Stall,
    /// This number of seconds, by an action or a request of the server.
    Seconds(u64),
}

/// The phase in which a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Phase {
    BeforeRequest,
    RequestBody,
    AfterCommit,
    Head,
    BodyStart,
    BodyMiddle,
    BodyEnd,
}

/// One kind of fault, at one place of one request.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) phase: Phase,
    pub(super) action: FaultAction,
    pub(super) effect: Effect,
    pub(super) cost: Cost,
}

const LOST: &[K] = &[K::Network];
const SILENT: &[K] = &[K::Timeout];
const INTERRUPTED: &[K] = &[K::Network, K::Server, K::Integrity];

impl Fault {
    /// Whether it needs a page before it.
    pub(super) fn contradicts(&self) -> bool {
        self.effect == Effect::Contradicts
    }
}

/// Returns every fault that can happen to a request of an operation; in another mode than `Plain`, those whose meaning
/// may be another one.
pub(super) fn faults(operation: Operation, target: Target, mode: ClientMode) -> Vec<Fault> {
    let mut table = Table {
        rows: Vec::new(),
        phase: Phase::BeforeRequest,
    };
    match mode {
        ClientMode::Plain => {}
        ClientMode::Checksums => {
            table.with_checksums(operation, target);
            return table.rows;
        }
        ClientMode::VirtualHosts => {
            table.at_virtual_hosts(target);
            return table.rows;
        }
    }
    table.before_request(operation, target);
    if target.sends() {
        table.phase = Phase::RequestBody;
        for (name, after) in [("cut at once", 0), ("cut", 100)] {
            let cut = A::CutRequest { after };
            table.row(name, cut, Effect::Passes(LOST), Cost::Nothing);
        }
    }
    if target.writes() {
        table.after_commit();
    }
    table.head(operation, target);
    if target == Target::Get {
        table.data(operation);
    }
    if target.responds_in_xml() {
        table.document(target);
    }
    if operation.lists() {
        table.listing();
    }
    table.rows
}

struct Table {
    rows: Vec<Fault>,
    phase: Phase,
}

impl Table {
    fn row(&mut self, name: &'static str, action: A, effect: Effect, cost: Cost) {
        self.rows.push(Fault {
            name,
            phase: self.phase,
            action,
            effect,
            cost,
        });
    }

    fn before_request(&mut self, operation: Operation, target: Target) {
        self.row("drop", A::Drop, Effect::Passes(LOST), Cost::Nothing);
        self.row("reset", A::Reset, Effect::Passes(LOST), Cost::Nothing);
        self.row(
            "stall",
            stall(None, None),
            Effect::Passes(SILENT),
            Cost::Stall,
        );
        self.row(
            "wait",
            stall(None, Some(5)),
            Effect::Harmless,
            Cost::Seconds(5),
        );
        let slow = |wait| A::slow_down(Duration::from_secs(wait));
        let throttled = Effect::Passes(&[K::Throttled]);
        self.row("503 in 3 s", slow(3), throttled, Cost::Seconds(3));
        let some = ["403", CONFLICT, "500", "501", "503"];
        for (name, status, code) in STATUSES {
            // Where another operation has met all of them, one of each effect does.
            if operation.resembles_another() && !some.contains(name) {
                continue;
            }
            // A response to HEAD has no code, only a status.
            let code_is_seen = target != Target::Head;
            let effect = match meaning(*status, code_is_seen.then_some(code)) {
                // The response has the time, and the next request uses it.
                Effect::Rejects(kind) if *name == SKEW && code_is_seen => Effect::Corrects(kind),
                // The upload is lost, and is to be created again.
                Effect::Passes(_) if *name == CONFLICT && target == Target::Complete => {
                    Effect::Rejects(K::Conflict)
                }
                effect => effect,
            };
            self.row(name, A::status(*status, code), effect, Cost::Nothing);
        }
        // Before a conditional upload, this response only means that the object is missing.
        let missing = match target {
            Target::Head => Effect::Rejects(K::NotFound),
            _ => Effect::Rejects(K::NoSuchBucket),
        };
        self.row(
            "404",
            A::status(404, "NoSuchBucket"),
            missing,
            Cost::Nothing,
        );
        if target.writes() || target == Target::List {
            let failed = Effect::Passes(&[K::Server]);
            let inside = A::error_inside("InternalError");
            self.row("200 with an error", inside, failed, Cost::Nothing);
        }
    }

    fn after_commit(&mut self) {
        self.phase = Phase::AfterCommit;
        self.row(
            "lost reply",
            A::LoseReply,
            Effect::Passes(LOST),
            Cost::Nothing,
        );
        let reset = A::Reset.after_commit();
        self.row("reset", reset, Effect::Passes(LOST), Cost::Nothing);
        self.row(
            "parked",
            A::parked_reply(),
            Effect::Passes(SILENT),
            Cost::Stall,
        );
        let wait = stall(None, Some(5)).after_commit();
        self.row("wait", wait, Effect::Harmless, Cost::Seconds(5));
        let failed = A::status(500, "InternalError").after_commit();
        self.row("500", failed, Effect::Passes(&[K::Server]), Cost::Nothing);
        let slow = A::status(503, "SlowDown").after_commit();
        self.row("503", slow, Effect::Passes(&[K::Throttled]), Cost::Nothing);
    }

    fn head(&mut self, operation: Operation, target: Target) {
        self.phase = Phase::Head;
        let drip = |bytes, millis| A::Trickle {
            bytes,
            every: Duration::from_millis(millis),
            at: None,
        };
        self.row("drip", drip(256, 100), Effect::Harmless, Cost::Seconds(15));
        // No byte of a head is of use before its end: it takes longer than a stall may.
        self.row(
            "slow loris",
            drip(1, 3000),
            Effect::Passes(SILENT),
            Cost::Stall,
        );
        self.row("idle close", A::CloseIdle, Effect::Harmless, Cost::Nothing);
        match target {
            Target::Get => {
                let mismatch = Effect::Passes(&[K::Integrity]);
                if operation != Operation::GetRecursive {
                    self.row("wrong range", A::ShiftedRange, mismatch, Cost::Nothing);
                    self.row(
                        "ignored range",
                        A::WholeObject,
                        Effect::Harmless,
                        Cost::Nothing,
                    );
                    let name = "content-range";
                    let bare = A::Header { name, value: None };
                    self.row("missing range", bare, Effect::Misleads, Cost::Nothing);
                }
                let effect = match operation.reads_in_parts() {
                    true => Effect::Changes,
                    false => Effect::Harmless,
                };
                self.row("changed tag", A::ChangedETag, effect, Cost::Nothing);
                for (name, by) in [("longer", 10), ("shorter", -10)] {
                    let lie = A::Announce { by };
                    self.row(name, lie, Effect::Advances(INTERRUPTED), Cost::Nothing);
                }
            }
            Target::Head if operation == Operation::PutPartsOnce => {}
            Target::Put | Target::Head => {
                self.row(
                    "changed tag",
                    A::ChangedETag,
                    Effect::Harmless,
                    Cost::Nothing,
                );
            }
            Target::Part => {
                // The completion names a tag that the server does not know.
                let rejected = Effect::Rejects(K::InvalidInput);
                self.row("changed tag", A::ChangedETag, rejected, Cost::Nothing);
            }
            // Their responses have no body.
            Target::DeleteOne | Target::SetTags | Target::Restore => {}
            _ => {
                let lie = A::Announce { by: 10 };
                self.row("longer", lie, Effect::Passes(INTERRUPTED), Cost::Nothing);
                // The missing bytes may be only the end of a document whose content is complete.
                let lie = A::Announce { by: -10 };
                self.row("shorter", lie, Effect::Advances(INTERRUPTED), Cost::Nothing);
            }
        }
    }

    fn data(&mut self, operation: Operation) {
        let unit = operation.unit();
        let (start, middle, end) = (
            Position::Byte(0),
            Position::Byte(unit / 2),
            Position::Byte(unit - 1),
        );
        for (phase, at, lost, silent) in [
            (
                Phase::BodyStart,
                start,
                Effect::Passes(LOST),
                Effect::Passes(SILENT),
            ),
            (
                Phase::BodyMiddle,
                middle,
                Effect::Advances(LOST),
                Effect::Advances(SILENT),
            ),
            (
                Phase::BodyEnd,
                end,
                Effect::Advances(LOST),
                Effect::Advances(SILENT),
            ),
        ] {
            self.phase = phase;
            self.row("cut", A::TruncateBody { at }, lost, Cost::Nothing);
            self.row("reset", A::BodyError { at }, lost, Cost::Nothing);
            self.row("stall", stall(Some(at), None), silent, Cost::Stall);
            self.row(
                "wait",
                stall(Some(at), Some(5)),
                Effect::Harmless,
                Cost::Seconds(5),
            );
        }
        // Nothing but a checksum can tell.
        self.flips(operation, Effect::Spoils);
        // Slow progress is no stall, however long all of it takes.
        self.phase = Phase::BodyStart;
        let bytes = usize::try_from(unit / 16).unwrap_or(1);
        let every = Duration::from_secs(12);
        let at = Some(start);
        let drip = A::Trickle { bytes, every, at };
        self.row("drip", drip, Effect::Harmless, Cost::Seconds(17 * 12));
    }

    fn flips(&mut self, operation: Operation, effect: Effect) {
        let last = operation.unit() - 1;
        for (phase, at) in [
            (Phase::BodyStart, Position::Byte(0)),
            (Phase::BodyMiddle, Position::Half),
            (Phase::BodyEnd, Position::Byte(last)),
        ] {
            self.phase = phase;
            self.row("flip", A::FlipByte { at }, effect, Cost::Nothing);
        }
    }

    /// Responses have checksums of whole objects, and writes send checksums.
    fn with_checksums(&mut self, operation: Operation, target: Target) {
        if target == Target::Get {
            let is_whole = !operation.reads_in_parts() && operation != Operation::GetRange;
            let effect = match is_whole {
                true => Effect::Passes(&[K::Integrity]),
                false => Effect::Spoils,
            };
            self.flips(operation, effect);
            // The checksum is that of all attempts together.
            self.phase = Phase::BodyMiddle;
            let at = Position::Byte(operation.unit() / 2);
            let cut = A::TruncateBody { at };
            self.row("cut", cut, Effect::Advances(LOST), Cost::Nothing);
        }
        self.phase = Phase::BeforeRequest;
        self.row("drop", A::Drop, Effect::Passes(LOST), Cost::Nothing);
        if target.sends() {
            self.phase = Phase::RequestBody;
            let cut = A::CutRequest { after: 100 };
            self.row("cut", cut, Effect::Passes(LOST), Cost::Nothing);
        }
        if target.writes() {
            self.phase = Phase::AfterCommit;
            let lost = A::LoseReply;
            self.row("lost reply", lost, Effect::Passes(LOST), Cost::Nothing);
        }
    }

    /// Faults that depend on the host: those of connections and signatures.
    fn at_virtual_hosts(&mut self, target: Target) {
        self.row("reset", A::Reset, Effect::Passes(LOST), Cost::Nothing);
        let silent = Effect::Passes(SILENT);
        self.row("stall", stall(None, None), silent, Cost::Stall);
        let throttled = Effect::Passes(&[K::Throttled]);
        let slow = A::status(503, "SlowDown");
        self.row("503", slow, throttled, Cost::Nothing);
        if target != Target::Head {
            let corrected = Effect::Corrects(K::AccessDenied);
            self.row(SKEW, A::skewed(), corrected, Cost::Nothing);
        }
        let nowhere = Effect::Rejects(K::Config);
        self.row("301", A::redirect_to_nowhere(), nowhere, Cost::Nothing);
        self.phase = Phase::Head;
        self.row("idle close", A::CloseIdle, Effect::Harmless, Cost::Nothing);
        if target.writes() {
            self.phase = Phase::AfterCommit;
            let lost = A::LoseReply;
            self.row("lost reply", lost, Effect::Passes(LOST), Cost::Nothing);
        }
    }

    fn document(&mut self, target: Target) {
        let half = Position::Half;
        // No document begins so; the text after its declaration may be read, too.
        self.phase = Phase::BodyStart;
        let at = Position::Byte(0);
        let mismatch = match target {
            Target::List => Effect::Advances(&[K::Server, K::Integrity]),
            _ => Effect::Misleads,
        };
        self.row("flip", A::FlipByte { at }, mismatch, Cost::Nothing);
        for (phase, at) in [
            (Phase::BodyStart, Position::Byte(0)),
            (Phase::BodyMiddle, half),
        ] {
            self.phase = phase;
            self.row(
                "cut",
                A::TruncateBody { at },
                Effect::Passes(INTERRUPTED),
                Cost::Nothing,
            );
            self.row(
                "reset",
                A::BodyError { at },
                Effect::Passes(LOST),
                Cost::Nothing,
            );
            self.row(
                "stall",
                stall(Some(at), None),
                Effect::Passes(SILENT),
                Cost::Stall,
            );
            self.row(
                "wait",
                stall(Some(at), Some(5)),
                Effect::Harmless,
                Cost::Seconds(5),
            );
        }
        if matches!(target, Target::Complete | Target::Copy) {
            self.phase = Phase::BodyStart;
            let minutes = Duration::from_secs(150);
            let white = A::white_space(minutes);
            self.row("white space", white, Effect::Harmless, Cost::Seconds(165));
            let white = A::white_space_then(minutes, "InternalError");
            let failed = Effect::Passes(&[K::Server]);
            self.row("white space, error", white, failed, Cost::Seconds(165));
        }
    }

    fn listing(&mut self) {
        self.phase = Phase::BodyStart;
        for (name, lie, effect) in [
            ("ends early", ListFault::Ends, Effect::Hides),
            ("no token", ListFault::NoToken, Effect::Misleads),
            ("same token", ListFault::RepeatsToken, Effect::Contradicts),
            ("same page", ListFault::RepeatsPage, Effect::Contradicts),
            ("missing page", ListFault::SkipsPage, Effect::Hides),
            ("overlap", ListFault::Overlaps, Effect::Contradicts),
        ] {
            self.row(name, A::List(lie), effect, Cost::Nothing);
        }
    }
}

const SKEW: &str = "403 skew";
const CONFLICT: &str = "409 conflict";

const STATUSES: &[(&str, u16, &str)] = &[
    ("400 RequestTimeout", 400, "RequestTimeout"),
    ("400 expired", 400, "ExpiredToken"),
    ("400 unknown", 400, "SomethingOdd"),
    ("301", 301, "PermanentRedirect"),
    ("403", 403, "AccessDenied"),
    (SKEW, 403, "RequestTimeTooSkewed"),
    ("408", 408, "SomethingOdd"),
    (CONFLICT, 409, "ConditionalRequestConflict"),
    ("409 aborted", 409, "OperationAborted"),
    ("429", 429, "TooManyRequests"),
    ("500", 500, "InternalError"),
    ("501", 501, "NotImplemented"),
    ("502", 502, "BadGateway"),
    ("503", 503, "SlowDown"),
    ("504", 504, "GatewayTimeout"),
];

/// The class that `docs/ERRORS.md` gives to a response.
fn meaning(status: u16, code: Option<&str>) -> Effect {
    match (status, code) {
        (_, Some("RequestTimeout")) | (408, _) => Effect::Passes(&[K::Timeout]),
        (_, Some("ExpiredToken")) | (403, _) => Effect::Rejects(K::AccessDenied),
        (301, _) => Effect::Rejects(K::Config),
        (409, _) => Effect::Passes(&[K::Conflict]),
        (429 | 503, _) => Effect::Passes(&[K::Throttled]),
        (501, _) => Effect::Rejects(K::Unsupported),
        (500.., _) => Effect::Passes(&[K::Server]),
        _ => Effect::Rejects(K::InvalidInput),
    }
}

fn stall(at: Option<Position>, seconds: Option<u64>) -> FaultAction {
    FaultAction::Stall {
        at,
        wait: seconds.map(Duration::from_secs),
    }
}

//! Expected outcome and time limit of a scenario.
//!
//! 1. A transient fault is survived as long as an attempt is left: four are configured, so three faults are not too
//!    many, and one that stays is an error of its kind. Bytes that are kept count as a new beginning.
//! 2. An error response of this kind is an error at once, with the first one, unless it says how to do better: that is tried once.
//! 3. A write whose response is lost has one true outcome: if a later response comes, the call has succeeded.
//! 4. An attempt ends at the latest one and a quarter stall limits after it has moved bytes, plus the time that the
//!    request is allowed for its work on the server. Waits between four attempts are at most 50, 100 and 200 ms.
//! 5. A listing whose pages contradict each other is right or an error, never wrong.
//! 6. A flipped bit is noticed where a checksum covers the whole requested range, and the attempt is made again;
//!    elsewhere the result has the received bytes, and no other error.

use std::time::Duration;

use s3_core::ErrorKind;

use super::fault::{Cost, Effect, Fault, Phase};
use super::operation::{Operation, Seen, Target};

/// The attempts without progress that are configured.
pub(super) const ATTEMPTS: u32 = 4;

/// One and a quarter of the default stall limit of 20 s.
const STALL: Duration = Duration::from_secs(25);

/// Room for steps of the clock, and for time that the fault does not cost.
const SLACK: Duration = Duration::from_secs(15);

/// How often a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    Once,
    Thrice,
    ForEver,
}

impl Times {
    /// Returns the numbers of times that say something about an effect.
    pub(super) fn that_matter(effect: Effect) -> &'static [Self] {
        match effect {
            Effect::Rejects(_) | Effect::Harmless | Effect::Spoils | Effect::Misleads => {
                &[Self::Once, Self::ForEver]
            }
            _ => &[Self::Once, Self::Thrice, Self::ForEver],
        }
    }

    pub(super) fn limit(self) -> Option<u32> {
        match self {
            Self::Once => Some(1),
            Self::Thrice => Some(3),
            Self::ForEver => None,
        }
    }
}

/// Allowed outcomes of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    right: bool,
    fewer: bool,
    spoilt: bool,
    kinds: &'static [ErrorKind],
}

impl Expected {
    const RIGHT: Self = Self {
        right: true,
        fewer: false,
        spoilt: false,
        kinds: &[],
    };
    const SPOILT: Self = Self {
        right: false,
        spoilt: true,
        ..Self::RIGHT
    };

    fn error(kinds: &'static [ErrorKind]) -> Self {
        Self {
            right: false,
            kinds,
            ..Self::RIGHT
        }
    }

    fn right_or(kinds: &'static [ErrorKind]) -> Self {
        Self {
            kinds,
            ..Self::RIGHT
        }
    }

    /// Returns the problem of an outcome.
    pub(super) fn judge(&self, outcome: Result<&Seen, ErrorKind>) -> Option<String> {
        let holds = match &outcome {
            Ok(Seen::Right) => self.right,
            Ok(Seen::Fewer) => self.fewer,
            Ok(Seen::Spoilt) => self.spoilt,
            Ok(Seen::Wrong(_)) => false,
            Err(kind) => self.kinds.contains(kind),
        };
        (!holds).then(|| format!("{outcome:?} where {self:?} was expected"))
    }
}

pub(super) fn expected(
    operation: Operation,
    target: Target,
    fault: &Fault,
    times: Times,
    skip: u32,
) -> Expected {
    match (fault.effect, times) {
        (Effect::Harmless, _) => Expected::RIGHT,
        (Effect::Spoils, _) => Expected::SPOILT,
        (Effect::Passes(_), Times::Once | Times::Thrice) => Expected::RIGHT,
        // The status of the second response says that the upload is gone, even if its body breaks;
        // then the object itself is asked for.
        (Effect::Passes(kinds), Times::ForEver)
            if target == Target::Complete && fault.phase >= Phase::Head =>
        {
            Expected::right_or(kinds)
        }
        (Effect::Passes(kinds), Times::ForEver) => Expected::error(kinds),
        // The status of the second response says that there is something already: the first copy.
        (Effect::Misleads, Times::ForEver)
            if target == Target::Complete || operation == Operation::CopyOnce =>
        {
            Expected::right_or(MISUNDERSTOOD)
        }
        (Effect::Misleads, Times::ForEver) => Expected::error(MISUNDERSTOOD),
        (Effect::Misleads, _) => Expected::RIGHT,
        (Effect::Corrects(_), Times::Once) => Expected::RIGHT,
        // Each input of a call over many may do better once.
        (Effect::Corrects(kind), Times::Thrice) => Expected::right_or(one(kind)),
        (Effect::Corrects(kind), Times::ForEver) => Expected::error(one(kind)),
        (Effect::Advances(_), Times::Once | Times::Thrice) => Expected::RIGHT,
        // A part whose last bytes the fault does not reach is whole in the end.
        (Effect::Advances(kinds), Times::ForEver) => Expected::right_or(kinds),
        // The question whether the object is there, before a conditional upload. Who may not ask finds out in the end.
        (Effect::Rejects(ErrorKind::NotFound | ErrorKind::AccessDenied), _)
            if (operation, target) == (Operation::PutPartsOnce, Target::Head) =>
        {
            Expected::RIGHT
        }
        // The token of a later page belongs to the form that it was asked for in. Which of the requests of a recursive
        // listing has a token is up to the listing.
        (Effect::Rejects(ErrorKind::Unsupported), _) if target == Target::List && skip > 0 => {
            Expected {
                right: operation == Operation::ListRecursive,
                ..Expected::error(one(ErrorKind::Unsupported))
            }
        }
        // A server without batches of deletes is asked to delete one by one, and one without version 2 of the listing for
        // version 1: with requests that the fault does not meet.
        (Effect::Rejects(ErrorKind::Unsupported), _)
            if matches!(target, Target::List | Target::Delete) =>
        {
            Expected::RIGHT
        }
        // An endpoint that rejects the request for a checksum is asked again without it, once for all requests.
        (Effect::Rejects(ErrorKind::Unsupported), Times::Once) if target == Target::Get => {
            Expected::RIGHT
        }
        (Effect::Rejects(kind), _) => {
            // A listing also asks where it does not need the result.
            let speculates = operation == Operation::ListRecursive && target == Target::List;
            Expected {
                right: speculates && times != Times::ForEver,
                ..Expected::error(one(kind))
            }
        }
        (Effect::Changes, Times::Once) => Expected::RIGHT,
        (Effect::Changes, _) => Expected::right_or(&[ErrorKind::ChangedDuringRead]),
        (Effect::Contradicts, _) => Expected::right_or(&[ErrorKind::Integrity]),
        (Effect::Hides, _) => Expected {
            fewer: true,
            ..Expected::right_or(&[ErrorKind::Integrity])
        },
    }
}

/// The kinds of a response that cannot be understood.
const MISUNDERSTOOD: &[ErrorKind] = &[ErrorKind::Protocol, ErrorKind::Server, ErrorKind::Integrity];

/// How often a fault is met at least: a client that gets over it by asking again meets it as often as it is there.
pub(super) fn least_delivered(target: Target, fault: &Fault, times: Times) -> u64 {
    match (fault.effect, times) {
        // The status of the second response is enough.
        (Effect::Passes(_), Times::Thrice)
            if target == Target::Complete && fault.phase >= Phase::Head =>
        {
            2
        }
        (Effect::Passes(_), Times::Thrice) => 3,
        _ => 1,
    }
}

/// How much virtual time a scenario may take.
pub(super) fn bound(operation: Operation, target: Target, fault: &Fault, times: Times) -> Duration {
    let hit = match fault.cost {
        Cost::Nothing => Duration::ZERO,
        Cost::Stall => STALL + allowance(target),
        Cost::Seconds(seconds) => Duration::from_secs(seconds),
    };
    let backoff = Duration::from_millis(200);
    let attempts = match (times, fault.effect) {
        (Times::Once, _) => 1,
        (Times::Thrice, _) => 3,
        (Times::ForEver, Effect::Rejects(_) | Effect::Corrects(_)) => 1,
        (Times::ForEver, Effect::Misleads) => 2 * operation.in_a_row(target),
        (Times::ForEver, Effect::Harmless | Effect::Hides | Effect::Spoils) => {
            operation.in_a_row(target)
        }
        (Times::ForEver, _) => ATTEMPTS * operation.in_a_row(target),
    };
    (hit + backoff) * attempts + SLACK
}

/// Returns how long the server may take for a request without moving a byte: minutes for a completion, by S3's
/// documentation, and the time of 5 GiB for a copy.
fn allowance(target: Target) -> Duration {
    match target {
        Target::Complete => Duration::from_secs(180 * 5 / 4),
        Target::Copy => Duration::from_secs(640 * 5 / 4),
        _ => Duration::ZERO,
    }
}

/// How many uploads may be left: the server has begun them, and the response was lost.
pub(super) fn orphans(target: Target, fault: &Fault, delivered: u64) -> u64 {
    let untold = fault.phase >= Phase::AfterCommit
        && matches!(fault.effect, Effect::Passes(_) | Effect::Misleads);
    match target == Target::Create && untold {
        true => delivered,
        false => 0,
    }
}

/// Whether the server cannot notice that its client has gone: it does not read the rest of the request.
pub(super) fn is_blind(target: Target, fault: &Fault) -> bool {
    target.sends() && fault.phase == Phase::BeforeRequest && fault.cost == Cost::Stall
}

fn one(kind: ErrorKind) -> &'static [ErrorKind] {
    use ErrorKind as K;
    match kind {
        K::AccessDenied => &[K::AccessDenied],
        K::Config => &[K::Config],
        K::Conflict => &[K::Conflict],
        K::InvalidInput => &[K::InvalidInput],
        K::NoSuchBucket => &[K::NoSuchBucket],
        K::NotFound => &[K::NotFound],
        K::Unsupported => &[K::Unsupported],
        _ => &[],
    }
}

//! Random transient faults: every kind of fault that retries must hide, wherever it can occur.
//!
//! Excluded are permanent faults, which no retry fixes (403 for an expired token or a missing permission), and
//! undetectable ones: flipped bits in bodies without a checksum, and listings that omit or repeat pages. The scenarios
//! of the test suite cover those.

use std::time::Duration;

use fastrand::Rng;
use s3_testkit::{FaultAction as A, FaultMatch, FaultPlan, FaultRule, ListFault, Position};

/// Maximum number of rules besides the faults that any request can get.
const RULES: usize = 6;

/// Requests whose response is a document or empty, and may be an error although its status is 200.
const WRITES_AND_LISTS: &[&str] = &["PutObject", "CopyObject", "DeleteObjects", "ListObjectsV2"];

/// Requests that may conflict with another write of their key and are retried. Not CompleteMultipartUpload: its upload
/// is lost.
const WRITES: &[&str] = &["PutObject"];

fn met_another_write() -> A {
    A::status(409, "ConditionalRequestConflict")
}

/// Requests that s3-wire sends, which takes the time from an error response.
const DIRECT: &[&str] = &["GetObject", "PutObject", "ListObjectsV2"];

/// Requests whose response contains a continuation token.
const PAGES: &[&str] = &["ListObjectsV2"];

/// A page that is truncated but has no token.
const NO_TOKEN: A = A::List(ListFault::NoToken);

/// Requests whose response may be a part of an object.
const PARTS: &[&str] = &["GetObject"];

/// A part without `Content-Range`.
const NO_RANGE: A = A::Header {
    name: "content-range",
    value: None,
};

/// Requests whose error response has a code: that of a HEAD has none.
const WITH_CODE: &[&str] = &[
    "GetObject",
    "PutObject",
    "CopyObject",
    "DeleteObjects",
    "ListObjectsV2",
];

/// Returns faults for a store in memory, where virtual time is free.
pub(super) fn in_memory(seed: u64, hit: f64) -> FaultPlan {
    let mut actions = anywhere();
    actions.extend([
        A::slow_down(Duration::from_secs(3)),
        A::stall(Duration::from_secs(5)),
        A::stall(Duration::from_secs(3600)),
        A::stall(Duration::from_secs(5)).after_commit(),
        A::parked_reply(),
        A::stall_after(0),
        A::stall_after(1),
        A::Stall {
            at: Some(Position::Half),
            wait: None,
        },
        A::Stall {
            at: Some(Position::Half),
            wait: Some(Duration::from_secs(5)),
        },
        A::slow_loris(Duration::from_secs(1)),
    ]);
    let minutes = Duration::from_secs(150);
    with_rules(seed, hit, actions, |random| {
        let (operations, action) = match random.u8(0..7) {
            6 => (WRITES, met_another_write()),
            5 => return (PAGES, NO_TOKEN, 1),
            0 => (WITH_CODE, A::request_timeout()),
            1 => (WITH_CODE, A::error_inside("InternalError")),
            2 => (WITH_CODE, A::error_inside("SlowDown")),
            3 => (&["CopyObject"][..], A::white_space(minutes)),
            _ => (
                &["CopyObject"][..],
                A::white_space_then(minutes, "InternalError"),
            ),
        };
        (operations, action, random.u32(1..4))
    })
}

/// Weight of the faults that need a connection, for a server: they are more than half of the drawn faults, so that two
/// thousand sequences, fifty of them over HTTP, contain each of them. The closing of an idle connection occurred ten
/// times; with a lower weight two or three times, and once not at all.
const WIRE: usize = 6;

/// Returns faults for a server, where time is real.
pub(super) fn over_http(seed: u64, hit: f64) -> FaultPlan {
    let (short, moment) = (Duration::from_millis(2), Duration::from_millis(20));
    let wire = [
        A::stall(short),
        A::stall(short).after_commit(),
        A::Trickle {
            bytes: 100,
            every: short,
            at: None,
        },
        A::Trickle {
            bytes: 2,
            every: short,
            at: Some(Position::Byte(0)),
        },
        A::Announce { by: 1 },
        A::Announce { by: -1 },
        A::CloseIdle,
    ];
    let mut actions = anywhere();
    for _ in 0..WIRE {
        actions.extend_from_slice(&wire);
    }
    let white = |code: Option<&str>| A::WhiteSpace {
        wait: moment,
        every: short,
        code: code.map(str::to_owned),
    };
    with_rules(seed, hit, actions, |random| match random.u8(0..9) {
        8 => (WRITES, met_another_write(), random.u32(1..4)),
        7 => (PARTS, NO_RANGE, 1),
        6 => (PAGES, NO_TOKEN, 1),
        0 => (WITH_CODE, A::request_timeout(), random.u32(1..4)),
        1 => (WRITES_AND_LISTS, A::error_inside("InternalError"), 2),
        2 => (WRITES_AND_LISTS, A::error_inside("SlowDown"), 2),
        3 => (&["CopyObject"], white(None), 2),
        4 => (&["CopyObject"], white(Some("InternalError")), 2),
        // A client that is rejected again although its time is corrected gives up.
        _ => (DIRECT, A::skewed(), 1),
    })
}

/// Returns the faults that any request can get and recover from.
fn anywhere() -> Vec<A> {
    let status = |(status, code): &(u16, &str)| A::status(*status, code);
    let mut actions: Vec<A> = STATUSES.iter().map(status).collect();
    actions.extend([
        A::slow_down(Duration::ZERO),
        A::Drop,
        A::Reset,
        A::CutRequest { after: 0 },
        A::CutRequest { after: 3 },
        A::LoseReply,
        A::Reset.after_commit(),
        A::status(500, "InternalError").after_commit(),
        A::status(503, "SlowDown").after_commit(),
        A::truncate_after(0),
        A::truncate_after(1),
        A::truncate_half(),
        A::body_error_after(0),
        A::body_error_after(1),
        A::BodyError { at: Position::Half },
        A::ShiftedRange,
        A::WholeObject,
        A::ChangedETag,
    ]);
    actions
}

const STATUSES: &[(u16, &str)] = &[
    (408, "RequestTimeout"),
    (409, "OperationAborted"),
    (429, "TooManyRequests"),
    (500, "InternalError"),
    (502, "BadGateway"),
    (503, "SlowDown"),
    (504, "GatewayTimeout"),
];

type Drawn = (&'static [&'static str], A, u32);

fn with_rules(seed: u64, hit: f64, actions: Vec<A>, draw: impl Fn(&mut Rng) -> Drawn) -> FaultPlan {
    let mut plan = FaultPlan::random(seed, hit, actions);
    if hit == 0.0 {
        return plan;
    }
    let mut random = Rng::with_seed(seed ^ 0x5EED);
    let (mut skewed, mut misled) = (false, false);
    for _ in 0..random.usize(0..=RULES) {
        let (operations, action, times) = draw(&mut random);
        // Once per client, because it remembers the corrected time.
        if action == A::skewed() && std::mem::replace(&mut skewed, true) {
            continue;
        }
        // Only one of these: a response that is not understood is requested once more, and a second rule could hit that
        // request.
        if [NO_TOKEN, NO_RANGE].contains(&action) && std::mem::replace(&mut misled, true) {
            continue;
        }
        let operation = operations[random.usize(0..operations.len())];
        let matcher = FaultMatch::operation(operation);
        let rule = FaultRule::new(matcher, action).times(times);
        plan = plan.with(rule.skip(random.u32(0..4)));
    }
    plan
}

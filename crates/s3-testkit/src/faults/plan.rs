//! Which requests go wrong, how and how often.

use std::ops::Range;
use std::time::Duration;

use super::{FaultAction, FaultMatch};

/// What happens to some of the requests that match.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultRule {
    /// Which requests.
    pub matcher: FaultMatch,
    /// What happens to them.
    pub action: FaultAction,
    /// How many requests it happens to; all when `None`.
    pub times: Option<u32>,
    /// How many requests that match are left alone first.
    pub skip: u32,
    /// From when to when it happens, counted from the start of the plan; always when `None`.
    pub during: Option<Range<Duration>>,
}

impl FaultRule {
    /// Does `action` to every request that matches.
    #[must_use]
    pub fn new(matcher: FaultMatch, action: FaultAction) -> Self {
        Self {
            matcher,
            action,
            times: None,
            skip: 0,
            during: None,
        }
    }

    /// Answers `503 SlowDown` so many times in a row.
    #[must_use]
    pub fn burst_503(matcher: FaultMatch, count: u32) -> Self {
        Self::new(matcher, FaultAction::status(503, "SlowDown")).times(count)
    }

    /// Answers so many times in a row with this status and code, and with `Retry-After` if it is given.
    #[must_use]
    pub fn burst(
        matcher: FaultMatch,
        (status, code): (u16, &str),
        retry_after: Option<Duration>,
        count: u32,
    ) -> Self {
        let answer = FaultAction::Status {
            status,
            code: code.to_owned(),
            retry_after,
        };
        Self::new(matcher, answer).times(count)
    }

    /// Lets it happen only within a time, counted from the start of the plan: `30..60` seconds, or an outage.
    ///
    /// Requests outside of it are not counted as matches.
    #[must_use]
    pub fn during(mut self, time: Range<Duration>) -> Self {
        self.during = Some(time);
        self
    }

    /// Limits how often it happens.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Leaves so many requests alone first.
    #[must_use]
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }
}

/// Which requests go wrong: an ordered list of rules, of which the first that matches and has uses left decides.
///
/// A plan is run over HTTP by [`S3Server`](crate::S3Server) and on any store by [`FaultStore`](crate::FaultStore),
/// with the same meaning as far as there is one. Everything is deterministic.
///
/// # Examples
///
/// ```
/// use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultRule};
///
/// let plan = FaultPlan::new([
///     FaultRule::burst_503(FaultMatch::method("GET").with_query("list-type=2"), 3),
///     FaultMatch::operation("GetObject").with_key("a/b").on(FaultAction::truncate_half()).times(1),
///     FaultMatch::operation("UploadPart").with_query("partNumber=2").on(FaultAction::Drop).skip(1),
/// ]);
/// assert_eq!(plan.rules.len(), 3);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FaultPlan {
    /// The rules, in order.
    pub rules: Vec<FaultRule>,
    /// What may happen to a request that no rule decides.
    pub random: Option<RandomFaults>,
}

/// Faults that are drawn from a seed.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomFaults {
    pub(crate) seed: u64,
    pub(crate) probability: f64,
    pub(crate) actions: Vec<FaultAction>,
}

impl FaultPlan {
    /// Returns the plan in which nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Returns the plan of these rules.
    #[must_use]
    pub fn new(rules: impl IntoIterator<Item = FaultRule>) -> Self {
        Self {
            rules: rules.into_iter().collect(),
            random: None,
        }
    }

    /// Returns the plan that does one of `actions`, each as likely as the other, to a request with `probability`.
    ///
    /// What happens to a request follows from the seed, from what it asks for (upload ids and signatures aside)
    /// and from how often the same was asked for before: the same on every run, whatever the order of arrival.
    ///
    /// # Panics
    ///
    /// If the probability is not between 0 and 1.
    #[must_use]
    pub fn random(
        seed: u64,
        probability: f64,
        actions: impl IntoIterator<Item = FaultAction>,
    ) -> Self {
        assert!(
            (0.0..=1.0).contains(&probability),
            "probability {probability} is not between 0 and 1"
        );
        let actions = actions.into_iter().collect();
        Self {
            rules: Vec::new(),
            random: Some(RandomFaults {
                seed,
                probability,
                actions,
            }),
        }
    }

    /// Adds a rule behind the others.
    #[must_use]
    pub fn with(mut self, rule: FaultRule) -> Self {
        self.rules.push(rule);
        self
    }
}

impl From<FaultRule> for FaultPlan {
    fn from(rule: FaultRule) -> Self {
        Self::new([rule])
    }
}

//! [`FaultPlan`] and [`FaultRule`]: which requests get which fault, how often and when.

use std::ops::Range;
use std::time::Duration;

use super::{FaultAction, FaultMatch};

/// A fault for some of the matching requests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultRule {
    /// The matching requests.
    pub matcher: FaultMatch,
    /// The action.
    pub action: FaultAction,
    /// The number of times the rule applies; unlimited if `None`.
    pub times: Option<u32>,
    /// The number of matching requests to skip first.
    pub skip: u32,
    /// The time window, relative to the start of the plan; always if `None`.
    pub during: Option<Range<Duration>>,
}

impl FaultRule {
    /// Applies `action` to every matching request.
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

    /// Responds `503 SlowDown`, `count` times in a row.
    #[must_use]
    pub fn burst_503(matcher: FaultMatch, count: u32) -> Self {
        Self::new(matcher, FaultAction::status(503, "SlowDown")).times(count)
    }

    /// Responds with this status, code and `Retry-After`, `count` times in a row.
    #[must_use]
    pub fn burst(
        matcher: FaultMatch,
        (status, code): (u16, &str),
        retry_after: Option<Duration>,
        count: u32,
    ) -> Self {
        let response = FaultAction::Status {
            status,
            code: code.to_owned(),
            retry_after,
        };
        Self::new(matcher, response).times(count)
    }

    /// Limits the rule to a time window, relative to the start of the plan, such as an outage.
    ///
    /// Requests outside of the window do not count as matches.
    #[must_use]
    pub fn during(mut self, time: Range<Duration>) -> Self {
        self.during = Some(time);
        self
    }

    /// Limits how often the rule applies.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Skips the first matching requests.
    #[must_use]
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }
}

/// An ordered list of fault rules. The first rule that matches and has uses left applies.
///
/// [`S3Server`](crate::S3Server) applies a plan over HTTP and [`FaultStore`](crate::FaultStore) on any store. Everything
/// is deterministic.
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
    /// Random faults for requests to which no rule applies.
    pub random: Option<RandomFaults>,
}

/// Random faults from a seed.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomFaults {
    pub(crate) seed: u64,
    pub(crate) probability: f64,
    pub(crate) actions: Vec<FaultAction>,
}

impl FaultPlan {
    /// Returns the plan without faults.
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

    /// Returns the plan that applies one of `actions`, all equally likely, to a request with `probability`.
    ///
    /// The fault of a request depends on the seed, on the request (without upload ids and signatures) and on how often the
    /// same request was sent before. It is the same in every run, whatever the order of arrival.
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

    /// Appends a rule.
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

//! [`FaultMatch`]: condition on requests for a fault rule.

use crate::{Call, FaultAction, FaultRule};

/// Condition on requests for a fault rule. A field that is `None` matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultMatch {
    /// The HTTP method, such as `GET`.
    pub method: Option<String>,
    /// The bucket.
    pub bucket: Option<String>,
    /// The decoded key.
    pub key: Option<String>,
    /// A part of the decoded query, such as `list-type=2` or `partNumber=3`.
    pub query_contains: Option<String>,
    /// The operation's name, such as `UploadPart`.
    pub operation: Option<String>,
}

impl FaultMatch {
    /// Matches every request.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Matches the requests with this HTTP method.
    #[must_use]
    pub fn method(method: &str) -> Self {
        Self {
            method: Some(method.to_owned()),
            ..Self::default()
        }
    }

    /// Matches the requests for this operation, such as `GetObject` or `CompleteMultipartUpload`.
    #[must_use]
    pub fn operation(operation: &str) -> Self {
        Self {
            operation: Some(operation.to_owned()),
            ..Self::default()
        }
    }

    /// Matches this bucket only.
    #[must_use]
    pub fn with_bucket(mut self, bucket: &str) -> Self {
        self.bucket = Some(bucket.to_owned());
        self
    }

    /// Matches this key only.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Matches only requests whose decoded query contains this text.
    #[must_use]
    pub fn with_query(mut self, part: &str) -> Self {
        self.query_contains = Some(part.to_owned());
        self
    }

    /// Returns the rule that applies `action` to every matching request.
    #[must_use]
    pub fn on(self, action: FaultAction) -> FaultRule {
        FaultRule::new(self, action)
    }

    /// Returns whether a request matches.
    #[must_use]
    pub fn matches(&self, call: &Call) -> bool {
        let holds = |want: &Option<String>, have: Option<&str>| {
            want.as_deref().is_none_or(|want| have == Some(want))
        };
        holds(&self.method, Some(&call.method))
            && holds(&self.operation, Some(call.operation))
            && holds(&self.bucket, call.bucket.as_deref())
            && holds(&self.key, call.key.as_deref())
            && self
                .query_contains
                .as_deref()
                .is_none_or(|part| call.query_string().contains(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_that_is_set_must_match() {
        let list = Call::new(
            "GET",
            Some("b"),
            None,
            &[("list-type", "2"), ("prefix", "a/")],
        );
        assert!(FaultMatch::any().matches(&list));
        assert!(
            FaultMatch::method("GET")
                .with_query("list-type=2")
                .matches(&list)
        );
        assert!(
            FaultMatch::operation("ListObjectsV2")
                .with_bucket("b")
                .matches(&list)
        );
        assert!(!FaultMatch::method("GET").with_key("a/").matches(&list));
        assert!(!FaultMatch::method("PUT").matches(&list));
    }
}

//! [`RunPath`]: the flow name and run id at the end of the prefix of a Metaflow run.

use crate::parse::{ParseError, quote};

/// The name of a flow and the id of a run: the last two segments of the run's prefix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunPath {
    flow: String,
    run: String,
}

impl RunPath {
    /// Returns the path of a run.
    ///
    /// # Errors
    ///
    /// [`ParseError::Run`] for a name that is empty, `.` or `..`, or contains a slash or a control character.
    pub fn new(flow: impl Into<String>, run: impl Into<String>) -> Result<Self, ParseError> {
        let (flow, run) = (flow.into(), run.into());
        for name in [&flow, &run] {
            if matches!(name.as_str(), "" | "." | "..")
                || name.contains(|letter: char| letter == '/' || letter.is_control())
            {
                return Err(ParseError::Run { input: quote(name) });
            }
        }
        Ok(Self { flow, run })
    }

    /// Returns the name of the flow.
    #[must_use]
    pub fn flow(&self) -> &str {
        &self.flow
    }

    /// Returns the id of the run.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_change_the_path_are_rejected() {
        for bad in ["", ".", "..", "a/b", "a\nb"] {
            assert!(RunPath::new(bad, "1").is_err(), "{bad:?}");
            assert!(RunPath::new("Flow", bad).is_err(), "{bad:?}");
        }
        assert!(RunPath::new("Flow", "1234").is_ok());
    }
}

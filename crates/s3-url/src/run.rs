//! Where a run of a flow keeps its data.

use crate::parse::{ParseError, quote};

/// A flow's name and a run's id: the last two parts of a run's prefix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunPath {
    flow: String,
    run: String,
}

impl RunPath {
    /// Names a run.
    ///
    /// # Errors
    ///
    /// [`ParseError::Run`] for a name that is empty, `.` or `..`, or holds a slash or a control character.
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

    /// Returns the flow's name.
    #[must_use]
    pub fn flow(&self) -> &str {
        &self.flow
    }

    /// Returns the run's id.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_change_the_path_are_refused() {
        for bad in ["", ".", "..", "a/b", "a\nb"] {
            assert!(RunPath::new(bad, "1").is_err(), "{bad:?}");
            assert!(RunPath::new("Flow", bad).is_err(), "{bad:?}");
        }
        assert!(RunPath::new("Flow", "1234").is_ok());
    }
}
